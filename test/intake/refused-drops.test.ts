/** Where files end of which nothing was sent. */
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Scene, Watched } from './support.ts';
import { csv, drop, filesIn, newScene, removeScene, until, watchScene } from './support.ts';

let scene: Scene;
let watched: Watched | undefined;
beforeEach(() => {
  scene = newScene();
});
afterEach(async () => {
  await watched?.watcher.close();
  removeScene(scene);
});

const rejected = (): string[] => filesIn(join(scene.inbox, 'rejected'));
const processed = (): string[] => filesIn(join(scene.inbox, 'processed'));
const now = (): Date => new Date('2025-01-31T23:59:59.123Z');

test('a refused file is put into rejected under its name, a delivered one stays in processed', async () => {
  watched = watchScene(scene, { now, isRefused: async ({ fileName }) => fileName.startsWith('bad') });
  drop(scene, 'bad.csv', 'nonsense');
  drop(scene, 'good.csv', csv('ann'));
  await until(
    () => rejected().length === 1 && processed().length === 1 && processed()[0]!.endsWith('good.csv'),
    () => `${rejected()} ${processed()}`,
  );
  expect(rejected()).toEqual(['20250131T235959.123Z-bad.csv']);
  expect(processed()).toEqual(['20250131T235959.123Z-good.csv']);
  expect(readFileSync(join(scene.inbox, 'rejected', rejected()[0]!), 'utf8')).toBe('nonsense');
  expect(watched.log.lines.filter(({ event }) => event === 'file_rejected')).toMatchObject([{ file: 'bad.csv' }]);
});

test('it never replaces one of that name', async () => {
  watched = watchScene(scene, { now, isRefused: async () => true });
  drop(scene, 'bad.csv', 'first');
  await until(
    () => rejected().length === 1,
    () => `${rejected()}`,
  );
  drop(scene, 'bad.csv', 'second');
  await until(
    () => rejected().length === 2,
    () => `${rejected()}`,
  );
  const contents = rejected().map((name) => readFileSync(join(scene.inbox, 'rejected', name), 'utf8'));
  expect(contents.sort()).toEqual(['first', 'second']);
});

test('whoever cannot be asked says nothing about a file, and a link leads nowhere', async () => {
  const elsewhere = join(scene.root, 'elsewhere');
  mkdirSync(elsewhere);
  symlinkSync(elsewhere, join(scene.inbox, 'rejected'));
  const isRefused = async ({ fileName }: { readonly fileName: string }): Promise<boolean> => {
    if (fileName === 'unknown.csv') throw new Error('no answer');
    return true;
  };
  watched = watchScene(scene, { isRefused });
  drop(scene, 'unknown.csv', csv('ann'));
  drop(scene, 'bad.csv', 'nonsense');
  const { log } = watched;
  await until(
    () => log.lines.some(({ event }) => event === 'file_left') && processed().length === 2,
    () => JSON.stringify(log.lines),
  );
  expect(filesIn(elsewhere)).toEqual([]);
});
