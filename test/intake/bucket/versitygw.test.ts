// @slow: starts an S3 service, and builds it where it was never built
/** What an inbox asks of a bucket, and its watcher, against a real S3 service, and with a network and a service that fail. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bucketInboxFinding } from '../../../src/app/doctor/bucket.ts';
import { watchBucket } from '../../../src/intake/bucket/bucket-watcher.ts';
import type { Submission } from '../../../src/intake/takers.ts';
import { FolderStore } from '../../../src/store/folder-store.ts';
import type { Bucket } from '../../../src/store/s3/bucket.ts';
import { VersionGone } from '../../../src/store/s3/bucket.ts';
import { openBucket } from '../../../src/store/s3/s3-bucket.ts';
import { useFaultyGateway } from '../../support/faulty-gateway.ts';
import type { WireFault } from '../../support/faulty-proxy.ts';
import { BUCKET, HAS_GATEWAY } from '../../support/versitygw.ts';
import { csv, rememberingLogger, until } from '../support.ts';

const s3 = useFaultyGateway();
let prefixes = 0;

const openAt = (endpoint: string, prefix: string): Promise<Bucket> =>
  openBucket({ bucket: BUCKET, prefix, endpoint, region: 'us-east-1', pathStyle: true });
const newBucket = (): Promise<Bucket> => openAt(s3.gateway.endpoint, `in ${++prefixes}/of + wds`);
const textOf = async (pieces: AsyncIterable<Buffer>): Promise<string> => {
  let text = '';
  for await (const piece of pieces) text += piece.toString();
  return text;
};

describe.skipIf(!HAS_GATEWAY)('a bucket', () => {
  test('lists objects by their true names, page after page, and what lies below as folders', async () => {
    const bucket = await newBucket();
    const odd = ['a b.csv', 'c+d.csv', 'e%20f.csv', 'g&h<i>.csv', 'ünï “q”.csv', "m'n;o=p?q#r.csv"];
    const many = Array.from({ length: 1_050 }, (_, at) => `z${at}.csv`);
    const names = [...odd, ...many];
    while (names.length > 0) await Promise.all(names.splice(0, 100).map((name) => bucket.put(name, name)));
    await bucket.put('urgent/x.csv', 'x');
    const { objects, folders } = await bucket.listObjects('', 10_000);
    expect(objects.map(({ key }) => key).sort()).toEqual([...odd, ...many].sort());
    expect([...folders]).toEqual(['urgent']);
    const one = objects.find(({ key }) => key === 'c+d.csv')!;
    expect(one).toMatchObject({ bytes: 7, etag: (await bucket.head('c+d.csv'))?.etag });
    expect(Math.abs(Date.now() - one.changedMs)).toBeLessThan(600_000);
    expect((await bucket.listObjects('', 10)).objects.length).toBeLessThan(1_001);
    expect(await bucket.list('urgent')).toEqual(['x.csv']);
  }, 120_000);

  test('reads, copies and deletes one version, and no other', async () => {
    const bucket = await newBucket();
    await bucket.put('a b+c.csv', 'first');
    const first = (await bucket.head('a b+c.csv'))!;
    expect(await textOf(bucket.stream('a b+c.csv', 0, first.etag))).toBe('first');
    const copy = await bucket.copyVersion('a b+c.csv', 'processed/ü.csv', first);
    expect(copy).toBe((await bucket.head('processed/ü.csv'))?.etag);

    await bucket.put('a b+c.csv', 'second');
    await expect(textOf(bucket.stream('a b+c.csv', 0, first.etag))).rejects.toBeInstanceOf(VersionGone);
    expect(await bucket.copyVersion('a b+c.csv', 'processed/x.csv', first)).toBeUndefined();
    expect(await bucket.head('processed/x.csv')).toBeUndefined();
    expect(await bucket.deleteVersion('a b+c.csv', first.etag)).toBe(false);
    const second = (await bucket.head('a b+c.csv'))!;
    expect(await bucket.deleteVersion('a b+c.csv', second.etag)).toBe(true);
    expect(await bucket.deleteVersion('a b+c.csv', second.etag)).toBe(true);
    expect(await bucket.head('a b+c.csv')).toBeUndefined();
    await expect(textOf(bucket.stream('a b+c.csv', 0, second.etag))).rejects.toBeInstanceOf(VersionGone);
    expect(await bucket.copyVersion('a b+c.csv', 'processed/x.csv', second)).toBeUndefined();
    await bucket.askToDelete();
  });
});

test.skipIf(!HAS_GATEWAY)('the doctor asks for all rights, writes nothing, and says what is missing', async () => {
  const bucket = await newBucket();
  await bucket.put('a.csv', 'x');
  const place = { bucket: BUCKET, prefix: `in ${prefixes}/of + wds`, region: 'us-east-1', pathStyle: true };
  const finding = await bucketInboxFinding({ ...place, endpoint: s3.gateway.endpoint });
  expect(finding).toMatchObject({ state: 'ok', found: expect.stringContaining('1 object lies in it; may be listed') });
  expect(await bucket.list('')).toEqual(['a.csv']);
  const none = await bucketInboxFinding({ ...place, endpoint: s3.gateway.endpoint, bucket: 'there-is-none' });
  expect(none).toMatchObject({
    check: 'inbox',
    state: 'fault',
    found: expect.stringContaining('NoSuchBucket'),
    next: expect.stringContaining('Make the bucket'),
  });
  s3.proxy.fault = ({ method }) => (method === 'DELETE' ? 'slow_down' : undefined);
  const slow = await bucketInboxFinding({ ...place, endpoint: s3.proxy.endpoint });
  s3.proxy.fault = () => undefined;
  expect(slow).toMatchObject({ state: 'fault', found: expect.stringContaining('cannot delete') });
});

describe.skipIf(!HAS_GATEWAY)('a watcher of a bucket', () => {
  test.each<[string, WireFault[]]>([
    ['where all goes well', []],
    ['503 SlowDown', ['slow_down']],
    ['what was done and is answered with 500', ['error']],
    ['412 of what was done', ['refused']],
    ['connections that are cut, before and after the deed', ['lost', 'cut']],
    ['stale listings', ['stale']],
    ['all of these', ['error', 'lost', 'slow_down', 'refused', 'cut', 'stale']],
  ])(
    '%s: each file is submitted as it is, and put away',
    async (_, faults) => {
      const prefix = `drops ${++prefixes}`;
      const bucket = await openAt(s3.gateway.endpoint, prefix);
      const store = new FolderStore(join(s3.home, prefix));
      const log = rememberingLogger();
      const submissions: Submission[] = [];
      const submit = async (submission: Submission) => {
        submissions.push(submission);
        return 'started' as const;
      };
      const users = Array.from({ length: 6 }, (_, at) => `user ${at} ${'x'.repeat(200_000)}`);
      for (const [at, user] of users.entries()) await bucket.put(`${at}.csv`, csv(user));
      const limits = { maxExpandedBytes: 1 << 30, scanIntervalMs: 100 };
      const watcher = watchBucket({ bucket: await openAt(s3.proxy.endpoint, prefix), store, log, ...limits }, [
        { submit },
      ]);
      await watcher.ready;
      let turn = 0;
      s3.proxy.fault = ({ method }) => {
        const fault = turn++ % 2 === 0 ? faults[((turn / 2) % faults.length) | 0] : undefined;
        // Conditions are on writes, and only what was done can be in the way of what is sent twice.
        return fault === 'refused' && !['PUT', 'DELETE'].includes(method) ? undefined : fault;
      };
      try {
        await until(
          async () => (await bucket.listObjects('', 100)).objects.length === 0,
          () => JSON.stringify(log.lines),
          90_000,
        );
      } finally {
        s3.proxy.fault = () => undefined;
        await watcher.close();
      }
      expect(await bucket.list('processed')).toHaveLength(6);
      expect(await bucket.list('')).toEqual(['processed']);
      const sizes = new Map(submissions.map(({ fileName, staged }) => [fileName, staged.sizeBytes]));
      expect([...sizes].sort()).toEqual(users.map((user, at) => [`${at}.csv`, csv(user).length]));
      const hashes = new Set(submissions.map(({ staged }) => staged.sha256));
      expect(hashes.size).toBe(6);
    },
    120_000,
  );
});
