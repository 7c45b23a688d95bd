import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FolderStore } from '../../src/store/folder-store.ts';
import { chunkEpochs, Ledger, readStates, rowEpochs } from '../../src/store/receipts.ts';

const OF = { sha256: 'abc', endpoint: 'crm', chunk: 3 };
let root: string;
let store: FolderStore;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'wds-receipts-'));
  store = new FolderStore(root);
});
afterEach(() => rm(root, { recursive: true }));

const open = (round = 'r1', atMs = 1_000) => Ledger.open(store, chunkEpochs(OF), round, () => atMs);
const openRow = (line: number, round = 'r1', atMs = 1_000) =>
  Ledger.open(store, rowEpochs(OF, line), round, () => atMs);
const states = () => readStates(store, OF);
const textOf = (epoch: number) => readFile(join(root, `abc/crm/000003.${epoch}`), 'utf8');

describe('the fence', () => {
  test('each attempt gets an epoch of its own, also when many begin at once', async () => {
    const ledgers = await Promise.all(Array.from({ length: 12 }, () => open()));
    expect(ledgers.filter((ledger) => !ledger.superseded())).toHaveLength(1);
    expect(await store.list('abc/crm')).toHaveLength(12);
    await Promise.all(ledgers.map((ledger) => ledger.close()));
  });

  test('either the newcomer sees the intent, or the old attempt sees the newcomer before it sends', async () => {
    const old = await open();
    old.intend([5], 1_100);
    expect(old.superseded()).toBe(false);
    const newcomer = await open('r1', 2_000);
    expect((await states()).get(5)?.openIntentMs).toBe(1_100);
    old.intend([6], 2_100);
    expect(old.superseded()).toBe(true);
    expect(newcomer.superseded()).toBe(false);
    await Promise.all([old.close(), newcomer.close()]);
  });

  test('an intent by a clock that was ahead is as old as the attempt that came next, at most', async () => {
    const old = await open('r1', 9e12);
    old.intend([5], 9e12);
    await old.close();
    const newcomer = await open('r1', 5_000);
    expect((await states()).get(5)?.openIntentMs).toBe(5_000);
    await newcomer.close();
  });
});

describe('a ledger', () => {
  test('writes results in the order of the calls, with the next intent or when it is told to', async () => {
    const ledger = await open();
    ledger.intend([1, 2], 1_001);
    ledger.record('d', 1, 200, 1, 1_002);
    expect(await textOf(1)).toBe('h 1 r1 1000\ni 1001 1,2\n');
    ledger.intend([3], 1_003);
    ledger.record('t', 2, 500, 1, 1_004, 'HTTP 500');
    ledger.writeResults();
    ledger.record('p', 3, undefined, 0, 1_005);
    await ledger.close();
    await ledger.close();
    expect(await textOf(1)).toBe(
      'h 1 r1 1000\ni 1001 1,2\nd 1 200 1 1002\ni 1003 3\nt 2 500 1 1004 HTTP 500\np 3 - 0 1005\n',
    );
  });

  test('a journal that broke off in mid-line costs its last line only, and the next attempt goes on', async () => {
    const ledger = await open();
    ledger.intend([1, 2], 1_001);
    ledger.record('d', 1, 200, 1, 1_002);
    await ledger.close();
    await appendFile(join(root, 'abc/crm/000003.1'), 'd 2 200 1');
    const next = await open();
    expect((await states()).get(1)?.outcome).toBe('delivered');
    expect((await states()).get(2)).toMatchObject({ outcome: undefined, openIntentMs: 1_000 });
    await next.close();
  });

  test('an epoch without a whole header is passed over', async () => {
    await store.put('abc/crm/000003.1', 'h 1 r');
    const ledger = await open();
    ledger.record('d', 1, 200, 1, 1_002);
    await ledger.close();
    expect((await states()).get(1)?.outcome).toBe('delivered');
  });
});

describe('alerts that were handed over', () => {
  test('are known by their own journals, after those of the chunk in the same round', async () => {
    const chunk = await open();
    chunk.record('t', 5, 500, 3, 1_001);
    chunk.record('s', 5, 500, 3, 1_001);
    await chunk.close();
    const row = await openRow(5);
    row.intend([5], 1_002);
    row.record('u', 5, 500, 10, 1_003);
    await row.close();
    expect((await states()).get(5)).toMatchObject({ outcome: 'undelivered', attempts: 10, handedOverRound: 'r1' });
  });

  test('and taken back in the next round are known by what that round says', async () => {
    for (const [round, kind] of [
      ['r1', 'u'],
      ['r2', 't'],
    ] as const) {
      const chunk = await open(round);
      if (round === 'r2') chunk.record('t', 5, 502, 1, 2_000);
      else chunk.record('s', 5, 500, 3, 1_001);
      await chunk.close();
      const row = await openRow(5, round);
      if (kind === 'u') row.record('u', 5, 500, 10, 1_003);
      await row.close();
    }
    expect((await states()).get(5)).toMatchObject({ outcome: undefined, attempts: 1, status: 502, round: 'r2' });
  });
});
