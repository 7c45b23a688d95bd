/** What is promised of a store in a folder (the other tests beside this one) holds of one in a bucket. */
import { existsSync } from 'node:fs';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { hitsOf } from '../../../src/app/find-user.ts';
import { pruneForEver } from '../../../src/app/keeping/auto-prune.ts';
import { forget, planForget } from '../../../src/app/keeping/forget.ts';
import { removeForgotten } from '../../../src/app/keeping/forgotten.ts';
import type { PruneRequest } from '../../../src/app/keeping/prune.ts';
import { prune } from '../../../src/app/keeping/prune.ts';
import type { VerifyResult } from '../../../src/app/keeping/verify/verify.ts';
import { verify } from '../../../src/app/keeping/verify/verify.ts';
import { DAY_MS, PARTS } from '../../../src/config/settings.ts';
import { parseKey } from '../../../src/domain/parse-options.ts';
import { readChunk } from '../../../src/store/chunks.ts';
import { settleInstallationId } from '../../../src/store/installation-identity.ts';
import { alertsKey, contentKey, ledgerPrefix, usersKey, windowKey } from '../../../src/store/layout.ts';
import { readPruned } from '../../../src/store/pruned.ts';
import { MemoryBucket } from '../../support/memory-bucket.ts';
import { OF, TestHouse } from './house.ts';

let bucket: MemoryBucket;
let at: TestHouse;
beforeEach(async () => {
  bucket = new MemoryBucket();
  at = await TestHouse.inBucket(bucket, ',nobody\nuser-7,twice\n"user-7",\n');
  await settleInstallationId(at.house.store);
});
afterEach(() => at.remove());

const MONTH = Object.fromEntries(PARTS.map((part) => [part, 30 * DAY_MS]));
const NOW = { retainMs: MONTH, force: false, dryRun: false, onceMs: 0, nowMs: Date.now() + 31 * DAY_MS };
const pruned = (change: Partial<PruneRequest> = {}) => prune(at.house, { ...NOW, ...change });
const keysOf = (start: string): string[] => [...bucket.texts().keys()].filter((key) => key.startsWith(start)).sort();
const own = (): string[] => keysOf(at.staged.sha256).map((key) => key.slice(65));
const content = async (): Promise<Buffer> => (await at.house.store.get(contentKey(at.staged.sha256)))!;
const ref = () => ({ sha256: at.staged.sha256, parseKey: parseKey(at.staged.parse), window: 1 });
const found = async (userId: string): Promise<number> =>
  (await hitsOf(at.house, await at.house.users.windows(), userId)).length;
const look = (): Promise<VerifyResult> =>
  verify(at.house, { signal: new AbortController().signal, onProgress: () => undefined });
const erase = async (userId: string): Promise<number> => {
  const plan = await planForget(at.house, userId);
  await forget(at.house, plan, { userId, nowMs: Date.now(), reports: { byteOrderMark: false } });
  return plan.files.length;
};
/** Keys of all objects that hold the text. */
const objectsWith = (text: string): string[] =>
  [...bucket.texts()].filter(([, held]) => new RegExp(`(?<!\\w)${text}(?!\\w)`).test(held)).map(([key]) => key);

describe('prune', () => {
  test('takes all parts of what is delivered and old, and leaves receipts, users and numbers', async () => {
    await at.deliver();
    await at.report();
    const original = await at.drop(await content());
    const result = await pruned();
    expect(result.kept).toEqual([]);
    for (const part of PARTS) expect(result.parts[part]).toMatchObject({ files: 1 });
    expect(result.bytes).toBeGreaterThan(500);
    expect(own().filter((key) => /^(?:chunks|content)/.test(key))).toEqual([]);
    expect(own()).toEqual(
      expect.arrayContaining(['pruned.json', 'test/000001/ledger', 'test/000003/ledger', 'test/delivery.json']),
    );
    expect(keysOf('reports/').every((key) => key.endsWith('/begun'))).toBe(true);
    expect(existsSync(original)).toBe(false);
    expect(await readPruned(at.house.store, at.staged.sha256)).toMatchObject({
      ...{ why: 'retention', counts: { test: { alerts: 10, delivered: 10 } } },
    });
    expect(await found('user-7')).toBe(1);
    expect((await pruned()).files).toEqual([]);
    expect(await look()).toMatchObject({ sound: true, findings: [] });
  });

  test('a dry run says the same, and removes nothing', async () => {
    await at.deliver();
    await at.report();
    const before = bucket.texts();
    const said = await pruned({ dryRun: true });
    expect(bucket.texts()).toEqual(before);
    expect(await pruned()).toEqual({ ...said, dryRun: false });
  });

  test('keeps what is under way, and what can be retried, unless that is forced', async () => {
    await at.deliver(3);
    at.runs.set('w', 'running');
    expect(await pruned({ force: true })).toMatchObject({ files: [], kept: [{ why: 'it is under way' }] });
    at.runs.clear();
    expect(await pruned()).toMatchObject({ files: [], kept: [{ why: expect.stringMatching(/^1 alert was not/) }] });
    expect((await pruned({ force: true })).files).toHaveLength(1);
  });

  test('lists the bucket where nothing is old, and asks for no file', async () => {
    await at.deliver();
    await at.report();
    await pruned({ nowMs: Date.now() });
    const before = bucket.requests;
    await pruned({ nowMs: Date.now() });
    // This bucket lists two objects a request.
    expect(bucket.requests - before).toBeLessThan(bucket.texts().size);
  });

  test('that is broken off anywhere is finished by the next one', async () => {
    await at.deliver();
    await at.report();
    const whole = [...bucket.texts()].length;
    let broken = 0;
    for (let after = 0; ; after++) {
      let left = after;
      bucket.fault = (kind) => (kind === 'delete' && left-- <= 0 ? 'before' : undefined);
      const ended = await pruned().then(
        () => true,
        () => false,
      );
      bucket.fault = () => undefined;
      // Half a window is none, and whoever asks is told why.
      expect(own()).toContain('pruned.json');
      if (ended) break;
      broken++;
    }
    expect(broken).toBeGreaterThan(3);
    expect(bucket.texts().size).toBeLessThan(whole);
    expect(own().filter((key) => /^(?:chunks|content)/.test(key))).toEqual([]);
    expect(await look()).toMatchObject({ sound: true });
  });

  test('leaves the number of a report, and whoever writes a later one', async () => {
    await at.deliver();
    await at.report();
    const folder = keysOf('reports/')[0]!.split('/', 2).join('/');
    await bucket.put(`${folder}/000002/begun`, '');
    await bucket.put(`${folder}/000002/delivered.csv`, 'half');
    await pruned({ retainMs: { reports: -1 }, nowMs: Date.now() + 2 });
    expect(keysOf(folder).map((key) => key.slice(folder.length + 1))).toEqual([
      ...['000001/begun', '000002/begun', '000002/delivered.csv'],
    ]);
    expect(await at.report()).toMatch(/000003$/);
  });
});

test('a watcher prunes by itself', async () => {
  await at.deliver();
  const original = await at.drop(await content());
  const closing = new AbortController();
  const lines: string[] = [];
  const logger = pino({ base: null }, { write: (line) => void lines.push(line) });
  const store = { bucket: 'memory', prefix: '', endpoint: undefined, region: undefined, pathStyle: true };
  const settings = { retainMs: { content: 0, original: 0 }, statedDelivery: { onceDays: 0 } as never, store };
  const running = pruneForEver({ house: at.house, settings, logger, signal: closing.signal, firstAfterMs: 10 });
  await vi.waitFor(() => expect(lines.join('')).toContain('"event":"pruned"'), { timeout: 10_000 });
  closing.abort();
  await running;
  expect([existsSync(original), own().includes('content')]).toEqual([false, false]);
});

describe('forget', () => {
  test('takes the user out of every object, and leaves the others, with their rows and reports', async () => {
    await at.deliver();
    await at.report();
    const original = await at.drop(await content());
    expect(objectsWith('user-7').length).toBeGreaterThanOrEqual(5);
    expect(await erase('user-7')).toBe(1);
    expect([objectsWith('user-7'), objectsWith('hello 7')]).toEqual([[], []]);
    expect([await found('user-7'), await found('user-8'), existsSync(original)]).toEqual([0, 1, false]);
    const rows = await readChunk(at.house.store, { ...ref(), chunk: 2 });
    expect(rows.map(({ line, body }) => [line, (JSON.parse(body) as { userId: string }).userId])).toEqual([
      ...[6, 7, 8, 9].map((line) => [line, line === 7 ? '' : `user-${line}`]),
    ]);
    expect(objectsWith('user-8').some((key) => key.endsWith('/000002/receipts.csv'))).toBe(true);
    expect((await at.house.ledgers.read({ ...OF, sha256: at.staged.sha256, chunk: 2 })).get(7)).toMatchObject({
      outcome: 'delivered',
    });
    expect(await look()).toMatchObject({ sound: true, findings: [] });
    expect(await erase('user-7')).toBe(0);
  });

  test('closes what was not delivered to the user, for good', async () => {
    await at.deliver(7);
    await erase('user-7');
    expect((await at.house.ledgers.read({ ...OF, sha256: at.staged.sha256, chunk: 2 })).get(7)).toMatchObject({
      outcome: 'suppressed',
    });
  });

  test('that is broken off anywhere is finished by the next one', async () => {
    await at.deliver();
    await at.report();
    let broken = 0;
    for (let after = 0; ; after++) {
      let left = after;
      bucket.fault = (kind) => ((kind === 'put' || kind === 'delete') && left-- <= 0 ? 'before' : undefined);
      const ended = await erase('user-7').then(
        () => true,
        () => false,
      );
      bucket.fault = () => undefined;
      if (ended) break;
      broken++;
    }
    expect(broken).toBeGreaterThan(5);
    expect(objectsWith('user-7')).toEqual([]);
    expect(await look()).toMatchObject({ sound: true });
    expect((await readChunk(at.house.store, { ...ref(), chunk: 2 })).map(({ line }) => line)).toEqual([6, 7, 8, 9]);
  });

  test('has those who watch inboxes on other hosts remove what was dropped there before, and nothing else', async () => {
    await at.deliver();
    const bytes = await content();
    const elsewhere = { ...at.house, inboxes: [] };
    const plan = await planForget(elsewhere, 'user-7');
    const there = await at.drop(bytes);
    const other = await at.drop(Buffer.alloc(bytes.length, 'x'), '20300101T000000.000Z-b.csv');
    await forget(elsewhere, plan, { userId: 'user-7', nowMs: Date.now() + 5, reports: { byteOrderMark: false } });
    expect(existsSync(there)).toBe(true);
    const seen = await removeForgotten(at.house, new Set());
    expect([existsSync(there), existsSync(other), seen.size]).toEqual([false, true, 1]);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const again = await at.drop(bytes);
    await removeForgotten(at.house, new Set());
    expect(existsSync(again)).toBe(true);
  });
});

describe('verify', () => {
  beforeEach(async () => {
    await at.deliver(3);
    await at.settle('r', [3]);
    await at.report();
  });
  const receipts = (chunk: number) => `${ledgerPrefix({ ...OF, sha256: at.staged.sha256, chunk })}/ledger`;
  const damage = async (key: string, from: string, to: string): Promise<void> => {
    const text = bucket.texts().get(key)!;
    expect(text).toContain(from);
    await bucket.put(key, Buffer.from(text.replace(from, to), 'latin1'));
  };

  test('finds all as it was written, and says how much that is', async () => {
    expect(await look()).toMatchObject({ ...{ sound: true, files: 1, chunks: 3, receipts: 10, findings: [] } });
  });

  test.each<[string, () => Promise<void>, RegExp]>([
    ['a content', () => damage(contentKey(ref().sha256), 'hello 3', 'hullo 3'), /content: .*SHA-256 differs/],
    [
      'a chunk',
      () => damage(alertsKey(ref().sha256, ref().parseKey, 1), 'hello 3', 'hullo 3'),
      /0001.alerts: chunk 1 is not what was written/,
    ],
    ['rows that are gone', () => bucket.delete(alertsKey(ref().sha256, ref().parseKey, 1)), /alerts: it is missing/],
    ['a window', () => bucket.put(windowKey(ref().sha256, ref().parseKey, 1), '{').then(), /cannot be read/],
    [
      'users',
      async () => {
        const key = usersKey(ref().sha256, ref().parseKey, 1);
        const users = Buffer.from(bucket.texts().get(key)!, 'latin1');
        users[40]! ^= 1;
        await bucket.put(key, users);
      },
      /0001: cannot be read: .*damaged/,
    ],
    ['receipts that are no JSON', () => bucket.put(receipts(2), '{"epoch":1').then(), /000002: cannot be read/],
    ['a journal', () => damage(receipts(2), '"h ', '"x '), /ledger: it does not begin as a journal/],
    [
      'receipts of another line',
      () => damage(receipts(2), 'd 7 200', 'd 99 200'),
      /000002: there are receipts of lines/,
    ],
    [
      'receipts that are lost',
      () => bucket.delete(receipts(3)),
      /test: the report of test counts 9 delivered, and the receipts know of 7/,
    ],
  ])('%s: tells the fault', async (_what, harm, told) => {
    await harm();
    const { sound, findings } = await look();
    expect(sound).toBe(false);
    expect(findings.map(({ where, found: what }) => `${where.split('/').at(-1)}: ${what}`)).toEqual(
      expect.arrayContaining([expect.stringMatching(told)]),
    );
  });
});
