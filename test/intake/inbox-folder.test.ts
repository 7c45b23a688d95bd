import { unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { InboxFolder } from '../../src/intake/inbox-folder.ts';
import { speaker } from '../../src/intake/log.ts';
import type { Scene } from './support.ts';
import { csv, drop, newScene, rememberingLogger, removeScene } from './support.ts';

let scene: Scene;
let nowMs = 0;
beforeEach(() => {
  scene = newScene();
  nowMs = 0;
});
afterEach(() => removeScene(scene));

function inboxFolder(): InboxFolder {
  const context = { times: { seenMs: 500, unseenMs: 10_000 }, writersAreLocal: true, nowMs: () => nowMs };
  return new InboxFolder(scene.inbox, 'normal', context, speaker(rememberingLogger(), undefined));
}

test('complete files are handed out oldest first, each once, and only while they are still listed', async () => {
  const folder = inboxFolder();
  for (const [index, name] of ['c', 'a', 'd', 'b'].entries()) {
    utimesSync(drop(scene, `${name}.csv`, csv(name)), 1_000 + index, 1_000 + index);
  }
  await folder.list();
  await folder.lookAtDue();
  nowMs = 500;
  await folder.findComplete();
  expect(folder.takeComplete('small')?.name).toBe('c.csv');
  unlinkSync(join(scene.inbox, 'a.csv'));
  await folder.list();
  expect([1, 2, 3].map(() => folder.takeComplete('small')?.name)).toEqual(['d.csv', 'b.csv', undefined]);
});

test('a file is looked at again when it is due, or when something happened to it', async () => {
  const folder = inboxFolder();
  const path = drop(scene, 'a.csv', csv('ann'));
  await folder.list();
  expect(folder.nextDueMs()).toBe(0);
  expect((await folder.lookAtDue()).map(({ name }) => name)).toEqual(['a.csv']);
  expect(folder.nextDueMs()).toBe(500);
  nowMs = 300;
  expect(await folder.lookAtDue()).toEqual([]);
  writeFileSync(path, csv('ann', 'bob'));
  folder.tell('change', 'a.csv');
  expect((await folder.lookAtDue()).map(({ dueMs }) => dueMs)).toEqual([2_300]);
});

test('an event on a complete file puts it back to settling', async () => {
  const folder = inboxFolder();
  drop(scene, 'a.csv', csv('ann'));
  await folder.list();
  await folder.lookAtDue();
  nowMs = 500;
  await folder.findComplete();
  expect(folder.files.get('a.csv')?.complete).toBe(true);
  folder.tell('change', 'a.csv');
  await folder.lookAtDue();
  expect(folder.takeComplete('small')).toBeUndefined();
});
