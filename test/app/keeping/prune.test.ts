import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createReadChunks } from '../../../activities/read-chunks.ts';
import { findUser } from '../../../src/app/find-user.ts';
import type { PruneRequest } from '../../../src/app/keeping/prune.ts';
import { prune } from '../../../src/app/keeping/prune.ts';
import { openReceipts } from '../../../src/app/receipts.ts';
import { DAY_MS, PARTS } from '../../../src/config/settings.ts';
import { parseKey } from '../../../src/domain/parse-options.ts';
import { readDeliveryRecord } from '../../../src/store/delivery-record.ts';
import { contentKey } from '../../../src/store/layout.ts';
import { tryKey } from '../../../src/store/once/keys.ts';
import { readPruned } from '../../../src/store/pruned.ts';
import { failureOf, stageContent } from '../../support/delivery-fixture.ts';
import { TestHouse } from './house.ts';

let at: TestHouse;
beforeEach(async () => {
  at = await TestHouse.make();
});
afterEach(() => at.remove());

const MONTH = Object.fromEntries(PARTS.map((part) => [part, 30 * DAY_MS]));
const NOW = { retainMs: MONTH, force: false, dryRun: false, onceMs: 0, nowMs: Date.now() + 31 * DAY_MS };
const pruned = (change: Partial<PruneRequest> = {}) => prune(at.house, { ...NOW, ...change });
const inStore = async (): Promise<string[]> => (await readdir(join(at.staged.storeFolder, at.staged.sha256))).sort();
const chunks = (): string => `chunks-${parseKey(at.staged.parse)}`;

describe('of a file that is delivered and old', () => {
  test('all parts go, and receipts, users and its numbers stay', async () => {
    await at.deliver();
    const reportDir = await at.report();
    const path = await at.drop((await at.staged.store.get(contentKey(at.staged.sha256)))!);
    const result = await pruned();
    expect(result).toMatchObject({ dryRun: false, kept: [] });
    for (const part of PARTS) expect(result.parts[part]).toMatchObject({ files: 1, bytes: expect.any(Number) });
    expect(result.bytes).toBe(PARTS.reduce((sum, part) => sum + result.parts[part].bytes, 0));
    expect(result.files).toEqual([
      {
        file: 'alerts.csv',
        sha256: at.staged.sha256,
        parts: Object.fromEntries(PARTS.map((part) => [part, result.parts[part].bytes])),
      },
    ]);
    expect(await inStore()).toEqual(['file.json', 'pruned.json', 'test']);
    expect([path, reportDir].map((one) => existsSync(one))).toEqual([false, false]);
    expect(await readPruned(at.staged.store, at.staged.sha256)).toMatchObject({
      ...{ why: 'retention', parts: ['chunks', 'content'] },
      counts: { test: { rows: 11, alerts: 10, delivered: 10, invalid: 1, pending: 0 } },
    });
    const found = await findUser({
      at: { home: at.staged.root, store: undefined },
      userId: 'user-7',
      limit: 9,
      say: () => undefined,
    });
    expect(found).toMatchObject({ alerts: [{ outcome: 'delivered', line: 7 }], unsearched: [] });
    expect((await pruned()).files).toEqual([]);
  });

  test('a dry run says the same, and removes nothing', async () => {
    await at.deliver();
    await at.report();
    await at.drop((await at.staged.store.get(contentKey(at.staged.sha256)))!);
    const there = async () =>
      (await readdir(at.staged.root, { recursive: true })).filter((name) => !name.includes('/names'));
    const before = await there();
    const said = await pruned({ dryRun: true });
    expect(await there()).toEqual(before);
    expect(await pruned()).toEqual({ ...said, dryRun: false });
  });

  test('only the parts go that are named, at their own age', async () => {
    await at.deliver();
    const { files } = await pruned({ retainMs: { content: 30 * DAY_MS, chunks: 60 * DAY_MS } });
    expect(files.map(({ parts }) => Object.keys(parts))).toEqual([['content']]);
    expect(await inStore()).toEqual([chunks(), 'file.json', 'pruned.json', 'test']);
  });

  test('its last answer counts, not only when it was read', async () => {
    await at.deliver();
    expect(await pruned({ nowMs: Date.now() + 29 * DAY_MS })).toMatchObject({ files: [], kept: [] });
  });
});

describe('it is kept', () => {
  test('while it is under way, forced or not', async () => {
    await at.deliver();
    at.runs.set('w', 'running');
    for (const force of [false, true]) {
      expect(await pruned({ force })).toMatchObject({
        files: [],
        kept: [{ why: 'it is under way', forceable: false }],
      });
    }
  });

  test.each([
    ['undelivered', 'u'],
    ['rejected', 'r'],
    ['unconfirmed', 'c'],
  ] as const)('while an alert of it is %s, with its original and its report, unless forced', async (_outcome, kind) => {
    await at.deliver(3, 4);
    await at.settle(kind, [3]);
    await at.drop((await at.staged.store.get(contentKey(at.staged.sha256)))!);
    const { files, kept } = await pruned();
    expect(files).toEqual([]);
    expect(kept).toMatchObject([
      { why: expect.stringMatching(/^2 alerts were not delivered.*retry/), forceable: true },
    ]);
    expect((await pruned({ force: true })).files.map(({ parts }) => Object.keys(parts).sort())).toEqual([
      ['chunks', 'content', 'original'],
    ]);
  });

  test('while a file under way mends it', async () => {
    await at.deliver();
    const { sha256 } = at.staged;
    const mend = await stageContent(
      at.staged.store,
      at.staged.parse,
      `userId,alertMessage,wdsOrigin\nuser-3,again,${sha256}:3\n`,
    );
    at.runs.set(`file-${mend.sha256}-test`, 'running');
    expect(await pruned({ force: true, only: new Set([sha256]) })).toMatchObject({
      files: [],
      kept: [{ why: 'it is read by alerts.csv, which mends it', forceable: false }],
    });
  });

  test('once a message, with its rows, while later files are compared with them', async () => {
    await at.deliver();
    await at.staged.store.create(tryKey({ sha256: at.staged.sha256, endpoint: 'test' }, 1), '');
    const { files, kept } = await pruned({ onceMs: 40 * DAY_MS });
    expect(files.map(({ parts }) => Object.keys(parts))).toEqual([['content']]);
    expect(kept).toMatchObject([{ why: expect.stringContaining('once a message'), forceable: true }]);
    expect((await pruned({ onceMs: 20 * DAY_MS })).files).toHaveLength(1);
  });

  test('where wds knows nothing of it, unless it was refused', async () => {
    const stranger = await at.drop('not ours', '20300101T000000.000Z-b.csv');
    const refused = await at.drop('x', 'c.csv', 'rejected');
    expect(await pruned({ retainMs: { original: 0 } })).toMatchObject({
      files: [{ file: 'c.csv', sha256: null }],
      kept: [{ file: 'b.csv', why: 'wds knows no delivery of it', forceable: true }],
    });
    expect([stranger, refused].map((path) => existsSync(path))).toEqual([true, false]);
  });
});

describe('afterwards', () => {
  test('rows that are asked for are said to be pruned, and a file that comes again is read as before', async () => {
    await at.deliver();
    const content = (await at.staged.store.get(contentKey(at.staged.sha256)))!;
    await pruned();
    const { store, sha256, parse, windows } = at.staged;
    const record = (await readDeliveryRecord(store, { sha256, endpoint: 'test' }))!;
    await expect(openReceipts(at.house, record)).rejects.toMatchObject({
      code: 'not_found',
      message: expect.stringMatching(/not in the store any more; it was pruned on 20\d\d-/),
    });
    const { readChunks } = createReadChunks({ store, heartbeat: () => undefined, cancellation: () => undefined });
    const input = { sha256, endpoint: 'test', parse, window: 1, cursor: null, windowRows: 500_000 };
    const failure = await failureOf(readChunks(input));
    expect(failure).toMatchObject({
      type: 'ContentMissing',
      message: expect.stringMatching(/pruned on .*drop the file again/),
    });
    await store.put(contentKey(sha256), content);
    expect(await readChunks(input)).toEqual(windows[0]);
  });

  test('a row that mends a pruned one is told which file to drop again', async () => {
    await at.deliver(3);
    await at.settle('u', [3]);
    await pruned({ force: true });
    const { store, sha256, parse } = at.staged;
    const mends = stageContent(store, parse, `userId,alertMessage,wdsOrigin\nuser-3,again,${sha256}:3\n`);
    expect(await failureOf(mends)).toMatchObject({
      message: expect.stringMatching(
        new RegExp(`${sha256.slice(0, 12)}, whose rows it mends, .*pruned.*drop that file again`),
      ),
    });
  });

  test('users of files that an earlier version has read are saved before their rows go', async () => {
    await at.deliver();
    await rm(join(at.staged.storeFolder, 'users'), { recursive: true });
    await pruned();
    const found = await findUser({
      at: { home: at.staged.root, store: undefined },
      userId: 'user-7',
      limit: 9,
      say: () => undefined,
    });
    expect(found).toMatchObject({ alerts: [{ outcome: 'delivered' }], unsearched: [] });
  });
});
