/** The ledger in a folder and in a bucket: both keep one contract. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Clock } from '../../src/clock.ts';
import { systemClock } from '../../src/clock.ts';
import { FolderLedgers } from '../../src/store/folder-ledger.ts';
import { FolderStore } from '../../src/store/folder-store.ts';
import type { Ledgers } from '../../src/store/ledger.ts';
import { ObjectLedgers } from '../../src/store/object-ledger.ts';
import { BucketObjects } from '../../src/store/s3/s3-store.ts';
import type { RequestFault } from '../support/memory-bucket.ts';
import { MemoryBucket } from '../support/memory-bucket.ts';
import { attempt, ledgerContract, newChunk } from './contracts/ledger.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'wds-contract-'));
});
afterAll(() => rm(root, { recursive: true }));

/** Waiting costs no time. */
let waitedMs = 0;
const hurried: Clock = {
  ...systemClock,
  now: () => systemClock.now() + waitedMs,
  after: (delayMs, callback) => {
    waitedMs += delayMs;
    return systemClock.after(0, callback);
  },
};
const ledgersIn = (bucket: MemoryBucket): Ledgers =>
  new ObjectLedgers({ objects: new BucketObjects(bucket), clock: hurried });
const folder = (): Ledgers => new FolderLedgers({ store: new FolderStore(root), clock: systemClock, boot: 'run' });
const forms: [string, () => Ledgers][] = [
  ['a folder', folder],
  ['a bucket', () => ledgersIn(new MemoryBucket())],
];

describe.each(forms)('a ledger in %s', (_, create) => {
  ledgerContract(create, 60);
});

describe('a ledger in an object store whose requests fail', () => {
  test.each<[string, (turn: number) => RequestFault]>([
    ['before they do anything', (turn) => (turn % 3 === 0 ? 'before' : undefined)],
    ['and were done all the same', (turn) => (turn % 2 === 0 ? 'after' : undefined)],
  ])('%s, says what is true, and no two versions are equal', async (_, faultAt) => {
    const bucket = new MemoryBucket();
    const ledgers = ledgersIn(bucket);
    const of = newChunk();
    let turn = 0;
    bucket.fault = (request) => (request === 'put' ? faultAt(++turn) : undefined);
    for (let line = 1; line <= 8; line++) {
      const ledger = await ledgers.open(of, attempt(1));
      expect(await ledger.announce([line])).toBeDefined();
      ledger.record('d', line, 200, 1);
      await ledger.close();
    }
    const states = await ledgers.read(of);
    for (let line = 1; line <= 8; line++) expect(states.get(line)).toMatchObject({ outcome: 'delivered', unknown: 0 });
    expect(bucket.equalVersions).toEqual([]);
  });

  test.each<[string, RequestFault]>([
    ['not done', 'before'],
    ['done', 'after'],
  ])('for seconds, whatever they ask, is waited for where the first write was %s', async (_, first) => {
    const bucket = new MemoryBucket();
    const ledgers = ledgersIn(bucket);
    const of = newChunk();
    let failing = 6;
    bucket.fault = () => (failing-- > 0 ? 'before' : undefined);
    const ledger = await ledgers.open(of, attempt(1));
    let puts = 0;
    failing = 6;
    bucket.fault = (request) => {
      if (request === 'put' && ++puts === 1) return first;
      return failing-- > 0 ? 'before' : undefined;
    };
    expect(await ledger.announce([5])).toBeDefined();
    expect(puts).toBe(first === 'after' ? 1 : 2);
    ledger.record('d', 5, 200, 1);
    await ledger.close();
    expect((await ledgers.read(of)).get(5)).toMatchObject({ outcome: 'delivered', unknown: 0 });
  });

  test('all the time is a fault of the store, and what was answered is written when it works again', async () => {
    const bucket = new MemoryBucket();
    const ledgers = ledgersIn(bucket);
    const of = newChunk();
    const ledger = await ledgers.open(of, attempt(1));
    await ledger.announce([5]);
    bucket.fault = (request) => (request === 'put' ? 'before' : undefined);
    ledger.record('d', 5, 200, 1);
    await expect(ledger.sync()).rejects.toMatchObject({ code: 'store' });
    bucket.fault = () => undefined;
    await ledger.close();
    expect((await ledgers.read(of)).get(5)?.outcome).toBe('delivered');
  });

  test('after an announcement that was not heard of keeps the answers of an attempt that was superseded', async () => {
    const bucket = new MemoryBucket();
    const ledgers = ledgersIn(bucket);
    const of = newChunk();
    const old = await ledgers.open(of, attempt(1));
    await old.announce([1]);
    let isLost = false;
    bucket.fault = (request) => {
      if (request !== 'put') return isLost ? 'before' : undefined;
      isLost = true;
      return 'after';
    };
    await expect(old.announce(Array.from({ length: 64 }, (_, index) => 1_000_000 + index))).rejects.toThrow();
    bucket.fault = () => undefined;
    const newer = await ledgers.open(of, attempt(1));
    old.record('d', 1, 200, 1);
    await old.close();
    await newer.close();
    expect((await ledgers.read(of)).get(1)?.outcome).toBe('delivered');
  });

  test('takes one request for a wave', async () => {
    const bucket = new MemoryBucket();
    const ledger = await ledgersIn(bucket).open(newChunk(), attempt(1));
    const before = bucket.requests;
    for (let line = 1; line <= 9; line++) {
      await ledger.announce([line]);
      ledger.record('d', line, 200, 1);
    }
    expect(bucket.requests - before).toBe(9);
    await ledger.close();
  });
});
