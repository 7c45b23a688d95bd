// @slow: polls, once a second
import { mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FolderEvents } from '../../src/intake/folder-events.ts';
import { FolderPolls } from '../../src/intake/folder-polls.ts';
import { isOnSharedFileSystem } from '../../src/intake/open-writers.ts';
import type { Scene } from './support.ts';
import { csv, drop, newScene, removeScene, until, watchScene } from './support.ts';

let scene: Scene;
let told: (string | undefined)[];
let listening: { close(): void } | undefined;
beforeEach(() => {
  scene = newScene();
  told = [];
});
afterEach(() => {
  listening?.close();
  removeScene(scene);
});
const tell = (_what: string, name: string | undefined): void => {
  told.push(name);
};

describe('events', () => {
  async function listen(): Promise<FolderEvents> {
    const events = new FolderEvents(scene.inbox, tell, () => undefined);
    listening = events;
    await events.ensure();
    return events;
  }

  test('come from a folder that was removed and made again, with the same inode number too', async () => {
    const events = await listen();
    const { ino } = statSync(scene.inbox);
    rmSync(scene.inbox, { recursive: true });
    await until(
      () => told.includes(undefined),
      () => 'it is not told that the folder is gone',
    );
    // Some file systems give the number again at once, some never do.
    let inoNow = 0;
    for (let tries = 0; tries < 200 && inoNow !== ino; tries++) {
      rmSync(scene.inbox, { recursive: true, force: true });
      mkdirSync(scene.inbox);
      inoNow = statSync(scene.inbox).ino;
    }
    await events.ensure();
    told = [];
    drop(scene, 'a.csv', csv('ann'));
    await until(
      () => told.includes('a.csv'),
      () => `${told.join()} (inode ${inoNow === ino ? 'the same' : 'another one'})`,
    );
  });

  test('come from a folder that another one was moved into the place of', async () => {
    const events = await listen();
    renameSync(scene.inbox, `${scene.inbox}-old`);
    mkdirSync(scene.inbox);
    await until(
      () => told.includes(undefined),
      () => told.join(),
    );
    await events.ensure();
    told = [];
    drop(scene, 'a.csv', csv('ann'));
    await until(
      () => told.includes('a.csv'),
      () => told.join(),
    );
  });
});

describe('polling', () => {
  async function listen(): Promise<FolderPolls> {
    const polls = new FolderPolls(scene.inbox, tell);
    listening = polls;
    await polls.ensure();
    return polls;
  }

  test('tells within about a second that something came or went, and nothing else', async () => {
    drop(scene, 'before.csv', csv('ann'));
    await listen();
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    expect(told).toEqual([]);
    drop(scene, 'a.csv', csv('ann'));
    await until(
      () => told.length > 0,
      () => 'nothing',
      2_500,
    );
    expect(told).toEqual([undefined]);
    told = [];
    rmSync(join(scene.inbox, 'a.csv'));
    await until(
      () => told.length > 0,
      () => 'nothing',
      2_500,
    );
  });

  test('sees the folder that is at the path, when the first one was removed', async () => {
    await listen();
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    rmSync(scene.inbox, { recursive: true });
    await until(
      () => told.length > 0,
      () => 'nothing',
      2_500,
    );
    mkdirSync(scene.inbox);
    await until(
      () => told.length > 1,
      () => 'nothing',
      2_500,
    );
    told = [];
    writeFileSync(join(scene.inbox, 'a.csv'), csv('ann'));
    await until(
      () => told.length > 0,
      () => 'nothing',
      2_500,
    );
  });

  test('begins when the folder is there, also where it went before the first look', async () => {
    const polls = await listen();
    rmSync(scene.inbox, { recursive: true });
    await new Promise((resolve) => setTimeout(resolve, 300));
    mkdirSync(scene.inbox);
    await polls.ensure();
    await new Promise((resolve) => setTimeout(resolve, 300));
    told = [];
    drop(scene, 'a.csv', csv('ann'));
    await until(
      () => told.length > 0,
      () => 'nothing',
      2_500,
    );
  });

  test('is what a watcher does that is told to: it takes a file long before the next scan', async () => {
    const { watcher, submissions, log } = watchScene(scene, { watch: 'poll', scanIntervalMs: 60_000 });
    listening = { close: () => void watcher.close() };
    await watcher.ready;
    const droppedMs = performance.now();
    drop(scene, 'a.csv', csv('ann'));
    await until(
      () => submissions.length === 1,
      () => JSON.stringify(log.lines),
      5_000,
    );
    expect(performance.now() - droppedMs).toBeLessThan(4_000);
    await watcher.close();
  });
});

test('a local folder is not taken for a network mount, nor one that is not there', async () => {
  expect([await isOnSharedFileSystem(scene.root), await isOnSharedFileSystem('/nowhere/at/all')]).toEqual([
    false,
    false,
  ]);
});
