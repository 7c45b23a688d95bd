import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { settleEndpointName } from '../../src/store/endpoint-names.ts';
import { FolderStore } from '../../src/store/folder-store.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'wds-names-'));
});
afterEach(() => rm(root, { recursive: true }));

test('of endpoint names that differ only in case a store takes the first: on some disks their receipts are the same files', async () => {
  const store = new FolderStore(root);
  await settleEndpointName(store, 'CRM');
  await settleEndpointName(store, 'CRM');
  await settleEndpointName(store, 'crm-2');
  await expect(settleEndpointName(store, 'crm')).rejects.toMatchObject({
    code: 'config',
    message: expect.stringContaining('differs from it only in case'),
    nextStep: expect.stringContaining('CRM'),
  });
});

test('of several that come at the same moment one is taken', async () => {
  const names = ['crm', 'Crm', 'CRM', 'cRm'];
  const ends = await Promise.allSettled(names.map((name) => settleEndpointName(new FolderStore(root), name)));
  expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
});
