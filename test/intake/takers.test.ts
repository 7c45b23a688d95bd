// @slow: watchers, with their settle times
/** A file that several endpoints get: through when all have taken it, and whoever has is not asked again. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Taker } from '../../src/intake/takers.ts';
import { offer } from '../../src/intake/takers.ts';
import type { Watcher } from '../../src/intake/watch-options.ts';
import { watchInbox } from '../../src/intake/watcher.ts';
import type { Scene } from './support.ts';
import { csv, drop, filesIn, newScene, rememberingLogger, removeScene, until } from './support.ts';

let scene: Scene;
let watcher: Watcher | undefined;
beforeEach(() => {
  scene = newScene();
});
afterEach(async () => {
  await watcher?.close();
  removeScene(scene);
});

test('one that fails keeps no other from taking it, and is asked again alone', async () => {
  const asked: string[] = [];
  let works = false;
  const takers: Taker[] = ['crm', 'sms', 'erp'].map((endpoint) => ({
    endpoint,
    submit: async () => {
      asked.push(endpoint);
      if (endpoint === 'sms' && !works) throw new Error('not now');
      return 'started';
    },
  }));
  const taken = new Map();
  const submission = { staged: {}, priority: 'normal', fileName: 'a.csv' } as never;
  await expect(offer(takers, submission, taken)).rejects.toThrow('to sms: not now');
  works = true;
  await offer(takers, submission, taken);
  expect(asked).toEqual(['crm', 'sms', 'erp', 'sms']);
  expect(taken.size).toBe(3);
});

test('a dropped file is moved to processed once all have taken it, and each is told of once', async () => {
  const log = rememberingLogger();
  const asked: string[] = [];
  let failures = 2;
  const taker = (endpoint: string, mayFail: boolean): Taker => ({
    endpoint,
    submit: async () => {
      asked.push(endpoint);
      if (mayFail && failures-- > 0) throw new Error('Temporal is away');
      return endpoint === 'crm' ? 'already_delivered' : 'started';
    },
  });
  const { inbox, store } = scene;
  const settle = { seenMs: 50, unseenMs: 500 };
  watcher = watchInbox(
    { inbox, store, maxExpandedBytes: 1 << 20, log, settle, writersAreLocal: true, scanIntervalMs: 200 },
    [taker('crm', false), taker('sms', true)],
  );
  drop(scene, 'a.csv', csv('ann'));
  await until(
    () => asked.length >= 2,
    () => `${asked}`,
  );
  expect(filesIn(`${inbox}/processed`)).toEqual([]);
  const told = () => log.lines.filter(({ event }) => event === 'file_started' || event === 'file_already_delivered');
  // The log hears of it a moment after the file was moved.
  await until(
    () => filesIn(`${inbox}/processed`).length === 1 && told().length >= 2,
    () => `${asked}`,
  );
  expect(asked).toEqual(['crm', 'sms', 'sms', 'sms']);
  expect(told().map(({ event, endpoint, file }) => [event, endpoint, file])).toEqual([
    ['file_already_delivered', 'crm', 'a.csv'],
    ['file_started', 'sms', 'a.csv'],
  ]);
  expect(log.lines.find(({ event }) => event === 'submit_failing')?.reason).toBe('to sms: Temporal is away');
});
