/** What an inbox in a bucket keeps, as `prune` and `forget` see to it. */
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BucketOriginals } from '../../../src/app/keeping/bucket-originals.ts';
import { forget, planForget } from '../../../src/app/keeping/forget.ts';
import { removeForgotten } from '../../../src/app/keeping/forgotten.ts';
import type { House } from '../../../src/app/keeping/house.ts';
import { prune } from '../../../src/app/keeping/prune.ts';
import { contentKey } from '../../../src/store/layout.ts';
import { MemoryBucket } from '../../support/memory-bucket.ts';
import { TestHouse } from './house.ts';

let at: TestHouse;
let bucket: MemoryBucket;
let house: House;
beforeEach(async () => {
  at = await TestHouse.make();
  bucket = new MemoryBucket();
  house = { ...at.house, inboxes: [new BucketOriginals(async () => bucket)] };
  await at.deliver();
});
afterEach(() => at.remove());

const dropped = async (): Promise<Buffer> => (await at.house.store.get(contentKey(at.staged.sha256)))!;
/** As the watcher names it. */
const place = async (name: string, content: Buffer | string): Promise<string> => {
  const start = createHash('sha256').update(content).digest('hex').slice(0, 8);
  const key = `processed/20300101T000000.000Z-${start}-${name}`;
  await bucket.put(key, content);
  return key;
};
const keys = (): string[] => [...bucket.texts().keys()].sort();
const pruned = (nowMs: number) =>
  prune(house, { retainMs: { original: 1_000 }, onceMs: 0, force: false, dryRun: false, nowMs });

test('what is old is pruned, once nothing can be retried any more; what is unknown stays', async () => {
  const original = await place('alerts.csv', await dropped());
  const unknown = await place('other.csv', 'x');
  await bucket.put('rejected/bad.csv', 'bad');
  await bucket.put('rejected/bad.csv.reason.txt', 'why');
  await bucket.put('waiting.csv', 'not taken yet');
  expect((await pruned(Date.now())).files).toEqual([]);
  const { files, kept } = await pruned(Date.now() + 5_000);
  expect(files.map(({ file }) => file).sort()).toEqual(['alerts.csv', 'bad.csv', 'bad.csv.reason.txt']);
  expect(kept).toMatchObject([{ file: 'other.csv' }]);
  expect(keys()).toEqual([unknown, 'waiting.csv']);
  expect(keys()).not.toContain(original);
});

test('what names a user who is forgotten goes, with its reason, and hardly anything else is read', async () => {
  const content = await dropped();
  await place('alerts.csv', content);
  const sameSize = await place('b.csv', Buffer.alloc(content.length, 'x'));
  await bucket.put('rejected/alerts.csv', content);
  await bucket.put('rejected/alerts.csv.reason.txt', 'why');
  const read: string[] = [];
  bucket.fault = (kind, key) => {
    if (kind === 'get') read.push(key);
    return undefined;
  };
  const plan = await planForget(house, 'user-7');
  await forget(house, plan, { userId: 'user-7', nowMs: Date.now() + 5, reports: { byteOrderMark: false } });
  expect(keys()).toEqual([sameSize]);
  expect(read).not.toContain(sameSize);
});

test('a watcher on another host removes what was put away before the user was forgotten', async () => {
  const plan = await planForget(house, 'user-7');
  const key = await place('alerts.csv', await dropped());
  const options = { userId: 'user-7', nowMs: Date.now() + 5, reports: { byteOrderMark: false } };
  await forget({ ...house, inboxes: [] }, plan, options);
  expect(keys()).toEqual([key]);
  await removeForgotten(house, new Set());
  expect(keys()).toEqual([]);
});
