import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createReadChunks } from '../../../activities/read-chunks.ts';
import { findUser } from '../../../src/app/find-user.ts';
import { forget, planForget } from '../../../src/app/keeping/forget.ts';
import { parseKey } from '../../../src/domain/parse-options.ts';
import { readChunk, readRejects, readWholeWindow } from '../../../src/store/chunks.ts';
import { contentKey, oldSeenKey, usersKey, windowKey } from '../../../src/store/layout.ts';
import { OriginFinder } from '../../../src/store/origins.ts';
import { writeRefusal } from '../../../src/store/refusals.ts';
import { readSeen } from '../../../src/store/saved-users.ts';
import {
  batchInput,
  csvRecords,
  MovableClock,
  nextRound,
  ScriptedReceiver,
  stageContent,
  TestWorker,
} from '../../support/delivery-fixture.ts';
import { TestHouse } from './house.ts';

let at: TestHouse;
beforeEach(async () => {
  at = await TestHouse.make(',nobody\nuser-7,twice\n"user-7",\nsomebody-else,\n');
});
afterEach(() => at.remove());

const erase = async (userId: string): Promise<number> => {
  const plan = await planForget(at.house, userId);
  await forget(at.house, plan, { userId, nowMs: Date.now(), reports: { byteOrderMark: false } });
  return plan.files.length;
};
const find = async (userId: string) =>
  (await findUser({ at: { home: at.staged.root, store: undefined }, userId, limit: 9, say: () => undefined })).alerts;
const ref = () => ({ sha256: at.staged.sha256, parseKey: parseKey(at.staged.parse), window: 1 });

async function all<Item>(source: AsyncIterable<Item>): Promise<Item[]> {
  const items: Item[] = [];
  for await (const item of source) items.push(item);
  return items;
}

/** Names of all files below the root that hold the text. */
async function filesWith(text: string): Promise<string[]> {
  const names = await readdir(at.staged.root, { recursive: true, withFileTypes: true });
  const found: string[] = [];
  for (const entry of names.filter((one) => one.isFile())) {
    const path = join(entry.parentPath, entry.name);
    if (new RegExp(`(?<!\\w)${text}(?!\\w)`).test(await readFile(path, 'latin1'))) found.push(entry.name);
  }
  return found.sort();
}

describe('a user who is forgotten', () => {
  test('is in no file of the home or the inbox any more, and all others are, with their rows and reports', async () => {
    await at.deliver();
    const reportDir = await at.report();
    const content = (await at.staged.store.get(contentKey(at.staged.sha256)))!;
    const original = await at.drop(content);
    const other = await at.drop('userId,alertMessage\nsomebody,hi\n', '20300101T000000.000Z-b.csv');
    expect((await filesWith('user-7')).length).toBeGreaterThanOrEqual(6);
    expect(await erase('user-7')).toBe(1);
    expect(await filesWith('user-7')).toEqual([]);
    expect(await filesWith('hello 7')).toEqual([]);
    expect([original, other].map((path) => existsSync(path))).toEqual([false, true]);
    expect([await find('user-7'), (await find('user-8')).length]).toEqual([[], 1]);

    const rows = (await Promise.all([1, 2, 3].map((chunk) => readChunk(at.staged.store, { ...ref(), chunk })))).flat();
    expect(rows.map(({ line }) => line)).toEqual(at.staged.lines);
    expect(rows.map(({ body }) => (JSON.parse(body) as { userId: string }).userId)).toEqual(
      at.staged.lines.map((line) => (line === 7 ? '' : `user-${line}`)),
    );
    const rejects = await all(readRejects(at.staged.store, ref()));
    expect(rejects.map(({ line, userId }) => [line, userId])).toEqual([
      [12, undefined],
      [13, ''],
      [14, undefined],
      [15, 'somebody-else'],
    ]);
    await all(readSeen(at.staged.store, ref()));
    expect(await readWholeWindow(at.staged.store, ref())).toBeDefined();
    const receipts = await csvRecords(join(reportDir, 'receipts.csv'));
    expect(receipts.map(({ userId, outcome }) => [userId, outcome])).toEqual(
      at.staged.lines.map((line) => [line === 7 ? '' : `user-${line}`, 'delivered']),
    );
    expect(await erase('user-7')).toBe(0);
  });

  test('is not alerted by the same bytes, nor by a retry, whether he was before or not; the others are', async () => {
    await at.deliver(5, 6, 8);
    await at.settle('r', [5]);
    await at.settle('c', [8]);
    const content = (await at.staged.store.get(contentKey(at.staged.sha256)))!;
    for (const user of ['user-5', 'user-7', 'user-8']) await erase(user);
    const receiver = await ScriptedReceiver.start();
    const worker = new TestWorker({ url: receiver.url, store: at.staged.store, clock: new MovableClock() });
    try {
      const send = async (round: number) => {
        const results = [];
        for (const chunk of [1, 2, 3]) {
          const input = batchInput(at.staged, { chunk, round, reopenUnconfirmed: true, closing: true });
          results.push(await worker.sendAlerts(input));
        }
        return results;
      };
      const results = await send(await nextRound(at.staged.store, at.staged.sha256));
      expect(receiver.alerted).toEqual(['user-6']);
      expect(results.map(({ suppressed = 0 }) => suppressed)).toEqual([1, 0, 0]);
      // As when Temporal has forgotten it, and its rows were pruned.
      await at.staged.store.put(contentKey(at.staged.sha256), content);
      await at.staged.store.delete(`${at.staged.sha256}/chunks-${parseKey(at.staged.parse)}`);
      const { readChunks } = createReadChunks({
        store: at.staged.store,
        heartbeat: () => undefined,
        cancellation: () => undefined,
      });
      await readChunks({
        sha256: at.staged.sha256,
        parse: at.staged.parse,
        window: 1,
        cursor: null,
        windowRows: 500_000,
      });
      await send(await nextRound(at.staged.store, at.staged.sha256));
      expect(receiver.alerted).toEqual(['user-6']);
    } finally {
      await worker.kill();
      await receiver.close();
    }
  });

  test('whose row was delivered is not alerted by a row that mends it', async () => {
    await at.deliver();
    await erase('user-7');
    const finder = new OriginFinder(at.staged.store, 'test');
    const row = { line: 2, origin: `${at.staged.sha256}:7`, body: '{"userId":"user-7","alertMessage":"again"}' };
    expect(await finder.standIn(row.origin, row)).toMatchObject({ chunk: { chunk: 2 }, row: { line: 7 } });
  });

  test('of whom only a refused file tells, or a row that was no alert, is erased there', async () => {
    const refused = await stageContent(at.staged.store, at.staged.parse, 'who,what\nuser-99,hi\n').catch(
      () => undefined,
    );
    expect(refused).toBeUndefined();
    await writeRefusal(at.staged.store, at.staged.sha256, 'other', { code: 'x', message: 'line 3: somebody-else, hi' });
    expect(await erase('somebody-else')).toBe(1);
    expect(await erase('user-99')).toBe(1);
    expect([await filesWith('somebody-else'), await filesWith('user-99')]).toEqual([[], []]);
  });

  test('is not one whose name only begins like it', async () => {
    await at.deliver();
    expect(await erase('user')).toBe(0);
    expect(await erase('user-1')).toBe(0);
    expect((await find('user-11')).length).toBe(1);
  });
});

test('a file that is under way is named, and so is one that is mended just now', async () => {
  at.runs.set('w', 'running');
  expect((await planForget(at.house, 'user-7')).files).toMatchObject([{ file: 'alerts.csv', busy: 'it is under way' }]);
  at.runs.set('w', 'ended');
  const mend = await stageContent(
    at.staged.store,
    at.staged.parse,
    `userId,alertMessage,wdsOrigin\nuser-3,again,${at.staged.sha256}:3\n`,
  );
  at.runs.set(`file-${mend.sha256}-test`, 'running');
  const { files } = await planForget(at.house, 'user-7');
  expect(files).toMatchObject([{ busy: 'it is read by alerts.csv, which mends it' }]);
});

test('in what a version of before has read, whose hashes are found and made anew, too', async () => {
  await at.deliver();
  const { store } = at.staged;
  const { sha256, parseKey: key } = ref();
  // As 0.1 saved them: beside the chunks, without a header.
  const saved = (await store.get(usersKey(sha256, key, 1)))!;
  const old = saved.subarray(saved.readUInt32LE(4));
  const file = JSON.parse((await store.get(windowKey(sha256, key, 1)))!.toString()) as { seen: object };
  await store.put(oldSeenKey(sha256, key, 1), old);
  await store.put(windowKey(sha256, key, 1), JSON.stringify({ ...file, seen: { users: 10, crc32: crc32(old) } }));
  await store.delete(usersKey(sha256, key, 1));
  expect(await find('user-7')).toHaveLength(1);
  expect((await all(readSeen(store, ref()))).length).toBeGreaterThan(0);
  expect(await erase('user-7')).toBe(1);
  expect([await find('user-7'), (await find('user-8')).length]).toEqual([[], 1]);
  expect(Buffer.concat(await all(readSeen(store, ref())))).toHaveLength(old.length);
});

test('what was broken off between two writes is set right by the next one who is forgotten', async () => {
  await at.deliver();
  const { store } = at.staged;
  const before = (await store.get(windowKey(ref().sha256, ref().parseKey, 1)))!;
  const redacting = `${ref().sha256}/redacting.json`;
  await erase('user-7');
  // The summary of before, as a crash right before it was written would leave it.
  await store.put(windowKey(ref().sha256, ref().parseKey, 1), before);
  await store.put(redacting, JSON.stringify(ref()));
  await expect(readChunk(store, { ...ref(), chunk: 2 })).rejects.toMatchObject({ code: 'store' });
  expect(await erase('user-8')).toBe(1);
  expect((await readChunk(store, { ...ref(), chunk: 2 })).map(({ line }) => line)).toEqual([6, 7, 8, 9]);
  expect([await store.exists(redacting), await store.exists(usersKey(ref().sha256, ref().parseKey, 1))]).toEqual([
    false,
    true,
  ]);
});
