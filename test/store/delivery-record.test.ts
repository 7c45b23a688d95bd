import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DEFAULT_PARSE_OPTIONS } from '../../src/domain/parse-options.ts';
import type { DeliveryRecord } from '../../src/store/delivery-record.ts';
import {
  deliveriesOf,
  readDeliveryRecord,
  requireInSight,
  settleDeliveryRecord,
  settleOptions,
} from '../../src/store/delivery-record.ts';
import { FolderStore } from '../../src/store/folder-store.ts';

let root: string;
let store: FolderStore;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'wds-record-'));
  store = new FolderStore(root);
});
afterEach(() => rm(root, { recursive: true }));

const record = (changes: Partial<DeliveryRecord> = {}): DeliveryRecord => ({
  sha256: 'abc',
  endpoint: 'crm',
  fileName: 'a.csv',
  workflowId: 'file-abc-crm',
  parse: { ...DEFAULT_PARSE_OPTIONS, format: 'csv' },
  firstSubmittedAt: '2030-01-01T00:00:00.000Z',
  ...changes,
});
const headerless = { ...record().parse, header: false };

test('the first submission is kept, whatever name the file has later', async () => {
  expect(await settleDeliveryRecord(store, record())).toEqual(record());
  expect(await settleDeliveryRecord(store, record({ fileName: 'b.csv' }))).toEqual(record());
  expect(await readDeliveryRecord(store, { sha256: 'abc', endpoint: 'crm' })).toEqual(record());
});

test('other parse options hold while nothing was sent, and not afterwards', async () => {
  await settleDeliveryRecord(store, record());
  expect(await settleDeliveryRecord(store, record({ parse: headerless }))).toMatchObject({ parse: headerless });
  await (await store.createJournal('abc/crm/000001.1'))?.close();
  expect(await settleDeliveryRecord(store, record())).toMatchObject({ parse: headerless });
});

test('once settled, the parse options of a delivery hold for ever, whatever the record said meanwhile', async () => {
  await settleDeliveryRecord(store, record());
  const of = { sha256: 'abc', endpoint: 'crm' };
  const settled = await Promise.all([settleOptions(store, of, record().parse), settleOptions(store, of, headerless)]);
  expect(settled[0]).toEqual(settled[1]);
  const other = settled[0].header ? headerless : record().parse;
  expect(await settleOptions(store, of, other)).toEqual(settled[0]);
  expect(await settleDeliveryRecord(store, record({ parse: other }))).toMatchObject({ parse: settled[0] });
  expect(await readDeliveryRecord(store, of)).toMatchObject({ parse: settled[0] });
});

test('receipts of before options were settled belong to what the record says', async () => {
  await settleDeliveryRecord(store, record({ parse: headerless }));
  await (await store.createJournal('abc/crm/000001.1'))?.close();
  expect(await settleOptions(store, { sha256: 'abc', endpoint: 'crm' }, record().parse)).toEqual(headerless);
});

test('the deliveries of a file are found by endpoint, beside its content and chunks', async () => {
  await store.put('abc/content', 'x');
  await store.put('abc/file.json', '{}');
  await store.put('abc/chunks-csv-1/0001.json', '{}');
  await settleDeliveryRecord(store, record());
  await settleDeliveryRecord(store, record({ endpoint: 'sms' }));
  expect((await deliveriesOf(store, 'abc')).map(({ endpoint }) => endpoint)).toEqual(['crm', 'sms']);
  expect(await deliveriesOf(store, 'none')).toEqual([]);
});

test('a record that was written while the disk was away is missed when it is back', async () => {
  await settleDeliveryRecord(store, record());
  await expect(requireInSight(store, record())).resolves.toBeUndefined();
  const other = new FolderStore(join(root, 'mounted'));
  await expect(requireInSight(other, record())).rejects.toMatchObject({ code: 'store' });
});
