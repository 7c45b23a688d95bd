// @slow: waits for files to settle
/** Files under way are bounded: the inbox holds the rest, and neither small nor large ones keep the others waiting. */
import { mkdirSync, renameSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MOST_UNDER_WAY } from '../../src/intake/under-way.ts';
import type { Scene, Watched } from './support.ts';
import { csv, drop, filesIn, newScene, removeScene, until, watchScene } from './support.ts';

const { small: SMALL, large: LARGE } = MOST_UNDER_WAY;
let scene: Scene;
let watched: Watched;
let ends: (() => void)[];

beforeEach(() => {
  scene = newScene();
  ends = [];
  const untilEnded = (): Promise<void> => new Promise((end) => ends.push(end));
  watched = watchScene(scene, { untilEnded });
});
afterEach(async () => {
  await watched.watcher.close();
  removeScene(scene);
});

const started = (): number => watched.submissions.length;
const waiting = (): number => filesIn(scene.inbox).length;
const startedAre = (count: number): Promise<void> =>
  until(
    () => started() === count,
    () => `${started()} started, ${waiting()} in the inbox`,
    30_000,
  );

/** Larger than a small file, whatever is in it. */
function dropLarge(name: string): void {
  truncateSync(drop(scene, name, csv(name)), 2 * 1024 * 1024);
}

test('beyond so many, small files wait in the inbox, and come when others are delivered, the oldest first', async () => {
  await watched.watcher.ready;
  for (let index = 0; index < SMALL + 30; index += 1) drop(scene, `f${index}.csv`, csv(`user${index}`));
  await startedAre(SMALL);
  await sleep(800);
  expect([started(), waiting()]).toEqual([SMALL, 30]);
  for (const end of ends.splice(0, 10)) end();
  await startedAre(SMALL + 10);
  for (const end of ends) end();
  await startedAre(SMALL + 30);
}, 60_000);

test('large files that are under way keep no small one waiting, nor small ones a large one; an urgent one goes before all', async () => {
  await watched.watcher.ready;
  for (let index = 0; index < LARGE + 3; index += 1) dropLarge(`large${index}.csv`);
  await startedAre(LARGE);
  for (let index = 0; index < SMALL + 5; index += 1) drop(scene, `f${index}.csv`, csv(`user${index}`));
  await startedAre(LARGE + SMALL);
  expect(waiting()).toBe(3 + 5);
  ends.shift()?.();
  await startedAre(LARGE + SMALL + 1);
  drop(scene, 'urgent-outside.part', csv('urgent'));
  mkdirSync(join(scene.inbox, 'urgent'));
  renameSync(join(scene.inbox, 'urgent-outside.part'), join(scene.inbox, 'urgent', 'now.csv'));
  await until(
    () => watched.submissions.some(({ priority }) => priority === 'urgent'),
    () => 'the urgent file waits',
  );
}, 60_000);
