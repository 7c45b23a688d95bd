// @slow: waits whether files are taken
/** A file that provably came by a rename is taken at once; everything else settles. */
import {
  appendFileSync,
  chmodSync,
  closeSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Arrivals, allTold } from '../../src/intake/arrivals.ts';
import type { Scene, Watched } from './support.ts';
import { csv, drop, newScene, removeScene, until, watchScene } from './support.ts';

/** Far longer than the tests wait. */
const SETTLE = { settle: { seenMs: 20_000, unseenMs: 30_000 } };
let scene: Scene;
let watched: Watched | undefined;
beforeEach(() => {
  scene = newScene();
});
afterEach(async () => {
  await watched?.watcher.close();
  watched = undefined;
  removeScene(scene);
});

async function watching(options: Parameters<typeof watchScene>[1] = {}): Promise<Watched> {
  watched = watchScene(scene, { ...SETTLE, ...options });
  await watched.watcher.ready;
  return watched;
}

function outside(name: string, content: string = csv(name)): string {
  const path = join(scene.root, name);
  writeFileSync(path, content);
  return path;
}

const taken = (): string[] => watched!.submissions.map(({ fileName }) => fileName);
const isTaken = (name: string): Promise<void> =>
  until(
    () => taken().includes(name),
    () => `${name} is not taken: ${JSON.stringify(watched!.log.lines)}`,
    5_000,
  );

/** Something else is taken meanwhile, so this had its chance. */
async function isLeft(name: string): Promise<void> {
  await sleep(400);
  renameSync(outside('marker.csv'), join(scene.inbox, 'marker.csv'));
  await isTaken('marker.csv');
  expect(taken()).toEqual(['marker.csv']);
  expect(watched!.watcher.status().pendingFiles, name).toBe(1);
}

describe('a file that is renamed into a watched inbox is taken without settling', () => {
  test('from another folder, also right after it was written', async () => {
    await watching();
    renameSync(outside('a.csv'), join(scene.inbox, 'a.csv'));
    await isTaken('a.csv');
  });

  test('into urgent, and from the name of an upload in the inbox itself', async () => {
    mkdirSync(join(scene.inbox, 'urgent'));
    await watching();
    renameSync(outside('a.csv'), join(scene.inbox, 'urgent', 'a.csv'));
    renameSync(drop(scene, 'b.csv.part', csv('b')), join(scene.inbox, 'b.csv'));
    await Promise.all([isTaken('a.csv'), isTaken('b.csv')]);
  });

  test('over one of the same name that is still settling: the new content', async () => {
    await watching();
    drop(scene, 'a.csv', csv('old'));
    await sleep(100);
    const newer = csv('new', 'newer');
    renameSync(outside('a.csv', newer), join(scene.inbox, 'a.csv'));
    await isTaken('a.csv');
    expect(watched!.submissions[0]?.staged.sizeBytes).toBe(newer.length);
  });

  test('once nobody has it open for writing any more', async () => {
    await watching();
    const writer = openSync(outside('a.csv'), 'a');
    renameSync(join(scene.root, 'a.csv'), join(scene.inbox, 'a.csv'));
    await sleep(600);
    expect(taken()).toEqual([]);
    closeSync(writer);
    await isTaken('a.csv');
  });
});

describe('a file settles that', () => {
  test('was made in the inbox and written to, at once or later', async () => {
    await watching();
    drop(scene, 'a.csv', csv('ann'));
    await isLeft('a.csv');
  });

  test('was copied there with the times and the mode of its original', async () => {
    const original = outside('original.csv');
    utimesSync(original, new Date(0), new Date(0));
    await watching();
    copyFileSync(original, join(scene.inbox, 'a.csv'));
    utimesSync(join(scene.inbox, 'a.csv'), new Date(0), new Date(0));
    chmodSync(join(scene.inbox, 'a.csv'), 0o600);
    await isLeft('a.csv');
  });

  test('was written to after it was renamed there', async () => {
    await watching();
    renameSync(outside('a.csv'), join(scene.inbox, 'a.csv'));
    appendFileSync(join(scene.inbox, 'a.csv'), 'bob,hello\n');
    await isLeft('a.csv');
  });

  test('has another name, by which somebody could write to it unseen', async () => {
    await watching();
    linkSync(outside('a.csv'), join(scene.inbox, 'a.csv'));
    await isLeft('a.csv');
  });

  test('was there at the start, or is found by a scan', async () => {
    renameSync(outside('a.csv'), join(scene.inbox, 'a.csv'));
    await watching();
    await isLeft('a.csv');
  });

  test('is found by a scan alone', async () => {
    await watching({ watch: 'off' });
    renameSync(outside('a.csv'), join(scene.inbox, 'a.csv'));
    await sleep(1_200);
    expect(taken()).toEqual([]);
  });

  test('lies where writers are hidden', async () => {
    await watching({ writersAreLocal: false });
    renameSync(outside('a.csv'), join(scene.inbox, 'a.csv'));
    await sleep(1_200);
    expect(taken()).toEqual([]);
  });

  test('is dated in the future', async () => {
    await watching();
    const future = new Date(Date.now() + 3_600_000);
    utimesSync(outside('a.csv'), future, future);
    renameSync(join(scene.root, 'a.csv'), join(scene.inbox, 'a.csv'));
    await isLeft('a.csv');
  });
});

describe('what the events of a folder tell', () => {
  test('proves nothing before it was listed, nor after events may have been lost', async () => {
    const arrivals = new Arrivals();
    arrivals.tell('rename', 'early.csv');
    expect(arrivals.mayBeWhole('early.csv')).toBe(false);
    arrivals.listed();
    arrivals.tell('rename', 'a.csv');
    expect(arrivals.mayBeWhole('a.csv')).toBe(true);
    for (let event = 0; event < 5_000; event += 1) arrivals.tell('rename', `f${event}.csv`);
    expect(['a.csv', 'f0.csv', 'f4999.csv'].map((name) => arrivals.mayBeWhole(name))).toEqual([false, false, false]);
    await allTold();
    arrivals.listed();
    arrivals.tell('rename', 'b.csv');
    expect(arrivals.mayBeWhole('b.csv')).toBe(true);
  });

  test('is that a file was written to until it is replaced', () => {
    const arrivals = new Arrivals();
    arrivals.listed();
    const told = (...events: ('rename' | 'change')[]): boolean => {
      for (const event of events) arrivals.tell(event, 'a.csv');
      return arrivals.mayBeWhole('a.csv');
    };
    expect([told('rename'), told('change'), told('change'), told('rename')]).toEqual([true, false, false, true]);
  });
});
