// @slow: waits for files to settle
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Entrance } from '../../src/intake/entrance.ts';
import { FirstAsked } from '../../src/intake/first-asked.ts';
import { Uploads } from '../../src/intake/uploads.ts';
import type { Scene, Watched } from './support.ts';
import { csv, drop, newScene, removeScene, until, watchScene } from './support.ts';

let scene: Scene;
let watched: Watched | undefined;
let entrance: Entrance;

beforeEach(async () => {
  scene = newScene();
  entrance = new Entrance(scene.inbox);
  await entrance.enter();
});
afterEach(async () => {
  await watched?.watcher.close();
  await entrance.close();
  removeScene(scene);
});

const asked = (): string[] => readdirSync(join(scene.inbox, '.wds/first'));

async function receive(name: string, text: string) {
  const uploads = new Uploads(entrance, { sidecar: 'off', maxBytes: 1 << 20 });
  return uploads.receive(
    name,
    (async function* () {
      yield Buffer.from(text);
    })(),
  );
}

test('whoever takes the upload knows how many are to be sent first, and the next drop of the same bytes is asked anew', async () => {
  const upload = await receive('few.csv', csv('few'));
  await upload.place({ priority: 'normal', first: 20 });
  await (await receive('all.csv', csv('all'))).place({ priority: 'normal' });
  expect(asked()).toEqual([upload.sha256]);
  const failing = new Set(['few.csv']);
  watched = watchScene(scene, {}, async ({ fileName }) => {
    // The first try does not get through: the wish must be there at the next one.
    if (failing.delete(fileName)) throw new Error('Temporal is away');
    return 'started';
  });
  const { submissions } = watched;
  const firstOf = (name: string) => submissions.filter(({ fileName }) => fileName === name).map(({ first }) => first);
  await until(
    () => firstOf('few.csv').length === 1 && firstOf('all.csv').length === 1,
    () => JSON.stringify(submissions),
  );
  expect([firstOf('few.csv'), firstOf('all.csv')]).toEqual([[20], [undefined]]);
  await until(
    () => asked().length === 0,
    () => String(asked()),
  );
  drop(scene, 'again.csv', csv('few'));
  await until(
    () => firstOf('again.csv').length === 1,
    () => JSON.stringify(submissions),
  );
  expect(firstOf('again.csv')).toEqual([undefined]);
});

test('nobody has asked where there is nothing, or nothing that can be read as a number', async () => {
  const first = new FirstAsked(scene.inbox);
  expect(await first.of('a')).toBeUndefined();
  mkdirSync(join(scene.inbox, '.wds/first'), { recursive: true });
  writeFileSync(join(scene.inbox, '.wds/first/a'), 'x');
  expect(await first.of('a')).toBeUndefined();
  await first.ask('a', 5);
  expect(await first.of('a')).toBe(5);
});
