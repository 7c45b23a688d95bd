// @slow: waits whether files are taken
/** Sidecars: a file is taken when the one beside it vouches for it, and not before. */
import { createHash } from 'node:crypto';
import { appendFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { SidecarKind } from '../../src/intake/sidecars.ts';
import type { Scene, Watched } from './support.ts';
import { csv, drop, filesIn, newScene, removeScene, until, watchScene } from './support.ts';

let scene: Scene;
let watched: Watched;
beforeEach(() => {
  scene = newScene();
});
afterEach(async () => {
  await watched.watcher.close();
  removeScene(scene);
});

async function watching(sidecar: SidecarKind, options: Parameters<typeof watchScene>[1] = {}): Promise<void> {
  watched = watchScene(scene, { sidecar, ...options });
  await watched.watcher.ready;
}

const taken = (): string[] => watched.submissions.map(({ fileName }) => fileName);
const isTaken = (name: string): Promise<void> =>
  until(
    () => taken().includes(name),
    () => `${taken()} taken; ${JSON.stringify(watched.log.lines)}`,
    8_000,
  );
const isPutAway = (count: number): Promise<void> =>
  until(
    () => filesIn(join(scene.inbox, 'processed')).length === count,
    () => `${filesIn(join(scene.inbox, 'processed'))}`,
  );
const ignored = (): (string | undefined)[] =>
  watched.log.lines.filter(({ event }) => event === 'file_ignored').map(({ reason }) => reason);
const sha256 = (content: string): string => createHash('sha256').update(content).digest('hex');

describe('a .done file', () => {
  test('is waited for, and put away with its file', async () => {
    await watching('done');
    drop(scene, 'a.csv', csv('ann'));
    await sleep(1_200);
    expect(taken()).toEqual([]);
    drop(scene, 'a.csv.done', '');
    await isTaken('a.csv');
    await isPutAway(2);
    expect(filesIn(scene.inbox)).toEqual([]);
    expect(ignored()).toEqual([]);
  });

  test('ends the waiting where writers are hidden, found by scans alone', async () => {
    await watching('done', { writersAreLocal: false, watch: 'off', settle: { seenMs: 20_000, unseenMs: 20_000 } });
    drop(scene, 'a.csv', csv('ann'));
    drop(scene, 'a.csv.done', '');
    await isTaken('a.csv');
  });

  test('that was left over from an earlier file of the name vouches for nothing, and that is said', async () => {
    drop(scene, 'a.csv.done', '');
    await sleep(20);
    drop(scene, 'a.csv', csv('ann'));
    await watching('done');
    await until(
      () => ignored().length > 0,
      () => JSON.stringify(watched.log.lines),
    );
    expect(ignored()).toEqual([expect.stringContaining('older than the file')]);
    await sleep(700);
    expect(taken()).toEqual([]);
    drop(scene, 'a.csv.done', '');
    await isTaken('a.csv');
  });
});

describe('a .sha256 file', () => {
  test('lets the file be taken that it names, as sha256sum writes it', async () => {
    await watching('sha256');
    const content = csv('ann');
    drop(scene, 'a.csv.sha256', `${sha256(content).toUpperCase()}  a.csv\n`);
    drop(scene, 'a.csv', content);
    await isTaken('a.csv');
    await isPutAway(2);
  });

  test('holds a file back that has other content, says so once, and takes it when it is whole', async () => {
    await watching('sha256');
    const whole = csv('ann', 'bob');
    drop(scene, 'a.csv.sha256', sha256(whole));
    const path = drop(scene, 'a.csv', csv('ann'));
    await until(
      () => ignored().length > 0,
      () => JSON.stringify(watched.log.lines),
    );
    await sleep(1_000);
    expect(ignored()).toEqual([expect.stringContaining('does not have the SHA-256')]);
    expect(taken()).toEqual([]);
    appendFileSync(path, 'bob,hello\n');
    await isTaken('a.csv');
    expect(watched.submissions[0]?.staged.sha256).toBe(sha256(whole));
  });

  test('that is none is said; a renamed file waits for it, too', async () => {
    await watching('sha256');
    drop(scene, 'a.csv.sha256', 'soon');
    writeFileSync(join(scene.root, 'a.csv'), csv('ann'));
    renameSync(join(scene.root, 'a.csv'), join(scene.inbox, 'a.csv'));
    await until(
      () => ignored().length > 0,
      () => JSON.stringify(watched.log.lines),
    );
    expect(ignored()).toEqual([expect.stringContaining('64 digits')]);
    drop(scene, 'a.csv.sha256', sha256(csv('ann')));
    await isTaken('a.csv');
  });
});
