/** The store in a folder and in a bucket: both keep one contract. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openStore } from '../../src/store/open-store.ts';
import { S3Reports } from '../../src/store/s3/s3-reports.ts';
import { S3Store } from '../../src/store/s3/s3-store.ts';
import { S3Users } from '../../src/store/s3/s3-users.ts';
import type { RequestFault } from '../support/memory-bucket.ts';
import { MemoryBucket } from '../support/memory-bucket.ts';
import { storeContract } from './contracts/store.ts';

let root: string;
let homes = 0;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'wds-contract-'));
});
afterAll(() => rm(root, { recursive: true }));

describe('a store in a folder', () => {
  storeContract(() => openStore({ home: join(root, `${++homes}`), store: undefined }));
});

describe('a store in a bucket', () => {
  storeContract(async () => {
    const bucket = new MemoryBucket();
    const store = new S3Store(bucket);
    return {
      store,
      users: new S3Users(store),
      reports: new S3Reports({ bucket, store, drafts: join(root, 'drafts') }),
    };
  });

  test.each<[string, RequestFault]>([
    ['was done, though its answer was lost', 'after'],
    ['was not done', 'before'],
  ])('a creation that %s is known for what it is', async (_, first) => {
    const bucket = new MemoryBucket();
    const store = new S3Store(bucket);
    let puts = 0;
    bucket.fault = (request) => (request === 'put' && ++puts === 1 ? first : undefined);
    expect(await store.create('a/1', 'same text')).toBe(true);
    expect(await store.create('a/1', 'same text')).toBe(false);
    expect(puts).toBe(first === 'after' ? 2 : 3);
  });
});
