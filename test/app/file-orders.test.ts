import { expect, test } from 'vitest';
import { cancelDelivery } from '../../src/app/file-orders.ts';
import { DEFAULT_PARSE_OPTIONS } from '../../src/domain/parse-options.ts';
import type { DeliveryRecord } from '../../src/store/delivery-record.ts';
import type { Installation } from '../../src/temporal/installation.ts';

const SHA256 = 'ab'.repeat(32);
const WORKFLOW_ID = `file-${SHA256}-crm`;

test('a cancelled file whose end takes long is told as it stands: no second report is written beside that of the worker', async () => {
  const read: string[] = [];
  const handle = {
    describe: async () => ({ workflowId: WORKFLOW_ID, status: { name: 'RUNNING' }, startTime: new Date(0) }),
    query: () => Promise.reject(new Error('nobody answers')),
  };
  const connection = { withDeadline: (_: number, ask: () => unknown) => ask() };
  const installation = {
    deliveries: { cancel: async () => true, follow: async () => ({ kind: 'stopped_waiting' }) },
    temporal: { client: { connection, workflow: { getHandle: () => ({ ...handle, client: { connection } }) } } },
    store: {
      list: async () => [],
      get: async (key: string) => void read.push(key),
    },
  } as unknown as Installation;
  const record = {
    ...{ sha256: SHA256, endpoint: 'crm', fileName: 'alerts.csv', workflowId: WORKFLOW_ID },
    ...{ parse: { ...DEFAULT_PARSE_OPTIONS, format: 'csv' }, firstSubmittedAt: new Date(0).toISOString() },
  } as unknown as DeliveryRecord;
  const status = await cancelDelivery(installation, record, AbortSignal.abort());
  expect(status).toMatchObject({ sha256: SHA256, state: 'running' });
  expect(read).toEqual([]);
});
