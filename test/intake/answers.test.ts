// @slow: watchers, with their settle times
/** What uploaders find in the inbox: refused files with the reason, and a result for each file. */
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { FileAnswer } from '../../src/intake/answers.ts';
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

/** Without what is being written. */
const answers = (folder: string): string[] =>
  filesIn(join(scene.inbox, folder)).filter((name) => !name.startsWith('.'));
const rejected = (): string[] => answers('rejected');
const processed = (): string[] => filesIn(join(scene.inbox, 'processed'));
const FINE: FileAnswer = { refusal: undefined, result: { state: 'completed', delivered: 1 } };
const REFUSED: FileAnswer = { refusal: 'No header was found.', result: { state: 'refused' } };
const now = (): Date => new Date('2025-01-31T23:59:59.123Z');

test('a refused file is put into rejected under its name, a delivered one stays in processed', async () => {
  watched = watchScene(scene, { now, answerOf: async ({ fileName }) => (fileName.startsWith('bad') ? REFUSED : FINE) });
  drop(scene, 'bad.csv', 'nonsense');
  drop(scene, 'good.csv', csv('ann'));
  await until(
    () => rejected().length === 2 && processed().length === 1 && processed()[0]!.endsWith('good.csv'),
    () => `${rejected()} ${processed()}`,
  );
  expect(rejected()).toEqual(['bad.csv', 'bad.csv.reason.txt']);
  expect(readFileSync(join(scene.inbox, 'rejected', 'bad.csv.reason.txt'), 'utf8')).toBe('No header was found.\n');
  expect(answers('results')).toEqual([]);
  expect(processed()).toEqual(['20250131T235959.123Z-good.csv']);
  expect(readFileSync(join(scene.inbox, 'rejected', rejected()[0]!), 'utf8')).toBe('nonsense');
  expect(watched.log.lines.filter(({ event }) => event === 'file_rejected')).toMatchObject([{ file: 'bad.csv' }]);
});

test('it never replaces one of that name', async () => {
  watched = watchScene(scene, { now, answerOf: async () => REFUSED });
  drop(scene, 'bad.csv', 'first');
  await until(
    () => rejected().length === 2,
    () => `${rejected()}`,
  );
  drop(scene, 'bad.csv', 'second');
  await until(
    () => rejected().length === 4,
    () => `${rejected()}`,
  );
  expect(rejected()).toEqual(['2-bad.csv', '2-bad.csv.reason.txt', 'bad.csv', 'bad.csv.reason.txt']);
  const contents = ['bad.csv', '2-bad.csv'].map((name) => readFileSync(join(scene.inbox, 'rejected', name), 'utf8'));
  expect(contents.sort()).toEqual(['first', 'second']);
});

test('with results each file leaves one, whatever became of it; the newest of a name stays', async () => {
  let sent = 0;
  watched = watchScene(scene, {
    results: true,
    answerOf: async ({ fileName }) =>
      fileName === 'bad.csv' ? REFUSED : { refusal: undefined, result: { state: 'completed', delivered: ++sent } },
  });
  const results = (): string[] => answers('results');
  const delivered = (name: string): unknown => {
    const text = results().includes(name) ? readFileSync(join(scene.inbox, 'results', name), 'utf8') : '{}';
    return (JSON.parse(text) as { readonly delivered?: number }).delivered;
  };
  drop(scene, 'bad.csv', 'nonsense');
  drop(scene, 'good.csv', csv('ann'));
  await until(
    () => results().length === 2,
    () => `${results()}`,
  );
  expect(results()).toEqual(['bad.csv.json', 'good.csv.json']);
  drop(scene, 'good.csv', csv('ann', 'bob'));
  await until(
    () => delivered('good.csv.json') === 2,
    () => `${delivered('good.csv.json')}`,
  );
  expect(results()).toEqual(['bad.csv.json', 'good.csv.json']);
});

test('a name that is as long as can be has its answers under a shorter one', async () => {
  const name = `${'x'.repeat(251)}.csv`;
  watched = watchScene(scene, { results: true, answerOf: async () => REFUSED });
  drop(scene, name, 'nonsense');
  await until(
    () => rejected().length === 2 && answers('results').length === 1,
    () => `${rejected()}`,
  );
  expect(rejected().every((each) => Buffer.byteLength(each) <= 255)).toBe(true);
  expect(rejected()).toContain(name);
});

test('whoever cannot be asked says nothing about a file, and a link leads nowhere', async () => {
  const elsewhere = join(scene.root, 'elsewhere');
  mkdirSync(elsewhere);
  symlinkSync(elsewhere, join(scene.inbox, 'rejected'));
  const answerOf = async ({ fileName }: { readonly fileName: string }): Promise<FileAnswer> => {
    if (fileName === 'unknown.csv') throw new Error('no answer');
    return REFUSED;
  };
  watched = watchScene(scene, { answerOf });
  drop(scene, 'unknown.csv', csv('ann'));
  drop(scene, 'bad.csv', 'nonsense');
  const { log } = watched;
  await until(
    () => log.lines.some(({ event }) => event === 'file_left') && processed().length === 2,
    () => JSON.stringify(log.lines),
  );
  expect(filesIn(elsewhere)).toEqual([]);
});
