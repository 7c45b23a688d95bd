// @slow: starts an S3 service, and builds it where it was never built
/** The store and the ledger against a real S3 service, and with a network and a service that fail. */
import { beforeAll, describe, expect, test } from 'vitest';
import type { Clock } from '../../../src/clock.ts';
import { systemClock } from '../../../src/clock.ts';
import type { Ledgers } from '../../../src/store/ledger.ts';
import { ObjectLedgers } from '../../../src/store/object-ledger.ts';
import type { OpenedStore } from '../../../src/store/open-store.ts';
import { openStore } from '../../../src/store/open-store.ts';
import { beginRound, requireRound } from '../../../src/store/rounds.ts';
import type { Bucket } from '../../../src/store/s3/bucket.ts';
import { openBucket } from '../../../src/store/s3/s3-bucket.ts';
import { BucketObjects, S3Store } from '../../../src/store/s3/s3-store.ts';
import { useFaultyGateway } from '../../support/faulty-gateway.ts';
import type { FaultyProxy, WireFault } from '../../support/faulty-proxy.ts';
import { BUCKET, HAS_GATEWAY } from '../../support/versitygw.ts';
import { attempt, ledgerContract, newChunk } from '../contracts/ledger.ts';
import { storeContract } from '../contracts/store.ts';

const s3 = useFaultyGateway();
let prefixes = 0;

const placeAt = (endpoint: string) => ({
  ...{ bucket: BUCKET, prefix: `p${++prefixes}/of wds`, endpoint, region: 'us-east-1', pathStyle: true },
});
const open = (endpoint: string): Promise<OpenedStore> => openStore({ home: s3.home, store: placeAt(endpoint) });

/** Waits are short, so that many faults fit into a test. */
const hurried: Clock = { ...systemClock, after: (ms, callback) => systemClock.after(ms / 50, callback) };
const ledgersOn = (bucket: Bucket): Ledgers =>
  new ObjectLedgers({ objects: new BucketObjects(bucket), clock: hurried });

describe.skipIf(!HAS_GATEWAY)('a store in versitygw', () => {
  storeContract(() => open(s3.gateway.endpoint));
});

test.skipIf(!HAS_GATEWAY)(
  'what may be removed of a file is listed with its size and age, and goes, and nothing else',
  async () => {
    const { store, parts } = await open(s3.gateway.endpoint);
    const [sha256, other] = ['a'.repeat(64), 'b'.repeat(64)];
    for (const key of ['content', 'file.json', 'chunks-x/0001.json', 'chunks-x/0001.alerts', 'crm/000001/ledger']) {
      await store.put(`${sha256}/${key}`, '12345');
    }
    await store.put(`${other}/content`, '1');
    for (const key of ['report.json', '000001/begun', '000001/report.html']) {
      await store.put(`reports/a.csv-aaaaaaaa-crm/${key}`, key.endsWith('begun') ? '' : '{"number":1}');
    }
    const listed = [];
    for await (const { sha256: hash, parts: sizes } of parts.files()) {
      listed.push([hash[0], ...(sizes ?? []).map(({ part, bytes }) => `${part} ${bytes}`).sort()]);
    }
    expect(listed).toEqual([
      ['a', 'chunks 10', 'content 5', 'reports 24'],
      ['b', 'content 1'],
    ]);
    const found = await parts.of(sha256, [{ fileName: 'a.csv', endpoint: 'crm' }]);
    expect(found).toMatchObject([
      { part: 'content', bytes: 5 },
      { part: 'chunks', bytes: 10 },
      { part: 'reports', bytes: 24 },
    ]);
    for (const { changedMs } of found) expect(Math.abs(Date.now() - changedMs)).toBeLessThan(60_000);
    for (const part of found) await part.remove();
    expect(await parts.of(sha256, [{ fileName: 'a.csv', endpoint: 'crm' }])).toEqual([]);
    expect(await store.list(sha256)).toEqual(['crm', 'file.json']);
    expect(await store.list('reports/a.csv-aaaaaaaa-crm')).toEqual(['000001']);
  },
);

describe.skipIf(!HAS_GATEWAY)('a ledger in versitygw', () => {
  let ledgers: Ledgers;
  beforeAll(async () => {
    ledgers = ledgersOn(await openBucket(placeAt(s3.gateway.endpoint)));
  });
  ledgerContract(() => ledgers, 10);
});

/** One fault after another; every third request goes well. */
const inTurn = (...faults: WireFault[]): FaultyProxy['fault'] => {
  let turn = 0;
  return () => (turn++ % 3 === 2 ? undefined : faults[turn % faults.length]);
};

describe.skipIf(!HAS_GATEWAY)('where requests fail', () => {
  test.each<[string, WireFault[]]>([
    ['503 SlowDown', ['slow_down']],
    ['500 of what was done', ['error']],
    ['connections that are cut after the deed', ['lost']],
    ['412 of what was done', ['refused']],
    ['all of these', ['error', 'lost', 'slow_down', 'refused', 'cut']],
  ])('%s, receipts say what is true, and what is created once has one creator', async (_, faults) => {
    const bucket = await openBucket(placeAt(s3.proxy.endpoint));
    const ledgers = ledgersOn(bucket);
    const of = newChunk();
    const next = inTurn(...faults);
    s3.proxy.fault = (request) => (request.method === 'PUT' ? next(request) : undefined);
    for (let line = 1; line <= 4; line++) {
      const ledger = await ledgers.open(of, attempt(1));
      expect(await ledger.announce([line])).toBeDefined();
      ledger.record('d', line, 200, 1);
      await ledger.close();
    }
    const store = new S3Store(bucket);
    const won = await Promise.all(Array.from({ length: 4 }, () => store.create('a/1', 'same text')));
    expect(won.filter(Boolean)).toHaveLength(1);
    s3.proxy.fault = () => undefined;
    const states = await ledgers.read(of);
    for (let line = 1; line <= 4; line++) expect(states.get(line)).toMatchObject({ outcome: 'delivered', unknown: 0 });
  });

  test('a newcomer sees what was announced, also where the answer was lost', async () => {
    const ledgers = ledgersOn(await openBucket(placeAt(s3.proxy.endpoint)));
    const of = newChunk();
    const old = await ledgers.open(of, attempt(1));
    s3.proxy.fault = inTurn('lost', 'error');
    expect(await old.announce([5])).toBeDefined();
    const newer = await ledgers.open(of, attempt(1));
    expect(newer.states.get(5)).toMatchObject({ unknown: 1 });
    old.record('d', 5, 200, 1);
    expect(await old.announce([6])).toBeUndefined();
    await old.close();
    s3.proxy.fault = () => undefined;
    expect((await ledgers.read(of)).get(5)).toMatchObject({ outcome: 'delivered', unknown: 0 });
  });

  test('what is read is whole, though answers break off', async () => {
    const bucket = await openBucket(placeAt(s3.proxy.endpoint));
    const content = Buffer.alloc(3_000_000, 'abcdefghijk');
    await bucket.upload('big', [content]);
    const next = inTurn('cut', 'slow_down', 'lost');
    s3.proxy.fault = (request) => (request.method === 'GET' ? next(request) : undefined);
    const pieces: Buffer[] = [];
    for await (const piece of bucket.stream('big', 10)) pieces.push(piece);
    expect(Buffer.concat(pieces).equals(content.subarray(10))).toBe(true);
    expect((await bucket.get('big'))?.bytes.equals(content)).toBe(true);
    expect((await bucket.getRange('big', 5, 25))?.toString()).toBe(content.toString('utf8', 5, 25));
  });

  test('a stale listing lets no older round go on', async () => {
    const store = new S3Store(await openBucket(placeAt(s3.proxy.endpoint)));
    const of = { sha256: 'a'.repeat(64), endpoint: 'crm' };
    const begin = (runId: string) => beginRound(store, of, { runId, begunAt: 'now' });
    await begin('r1');
    await requireRound(store, of, { round: 1, runId: 'r1' });
    s3.proxy.fault = ({ url }) => (url.includes('list-type=') ? 'stale' : undefined);
    expect((await begin('r2')).round).toBe(2);
    await expect(requireRound(store, of, { round: 1, runId: 'r1' })).rejects.toThrow('is over');
    expect((await begin('r3')).round).toBe(3);
  });

  test('says what is wrong where nothing can be mended by trying', async () => {
    const at = placeAt(s3.gateway.endpoint);
    const noBucket = await openBucket({ ...at, bucket: 'there-is-none' });
    await expect(noBucket.get('a')).rejects.toMatchObject({ code: 'store', message: /NoSuchBucket/, nextStep: /Make/ });
    const nobody = await openBucket({ ...at, endpoint: 'http://127.0.0.1:1' });
    await expect(nobody.put('a', 'b')).rejects.toMatchObject({ message: /ECONNREFUSED/, nextStep: /reach/ });
  });
});
