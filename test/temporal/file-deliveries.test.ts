/** Who presses retry, and how many tries at the file come of it. No worker runs: a try ends when the test terminates it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { fileWorkflowId } from '../../src/domain/names.ts';
import { DEFAULT_PARSE_OPTIONS } from '../../src/domain/parse-options.ts';
import type { DeliveryRecord } from '../../src/store/delivery-record.ts';
import { FolderStore } from '../../src/store/folder-store.ts';
import { OwnStore, settleInstallationId } from '../../src/store/installation-identity.ts';
import type { TemporalConnection } from '../../src/temporal/connection.ts';
import { EndpointOwners } from '../../src/temporal/endpoint-owners.ts';
import { FileDeliveries } from '../../src/temporal/file-deliveries.ts';
import { connectToTestServer, uniqueName } from '../support/dev-server.ts';

const DELIVERY = { batchSize: 1, parallelChunks: 1, maxStubborn: 1, maxHistoryEvents: 1_000 };
let connection: TemporalConnection;
let folder: string;
let deliveries: FileDeliveries;
let record: DeliveryRecord;

beforeAll(async () => {
  connection = await connectToTestServer();
  folder = await mkdtemp(join(tmpdir(), 'wds-deliveries-'));
  const store = new FolderStore(folder);
  const installation = await settleInstallationId(store);
  const ownStore = new OwnStore(store, installation, folder);
  const { client } = connection;
  const owners = new EndpointOwners(client, installation, folder);
  deliveries = new FileDeliveries({ client, store, ownStore, owners, searchAttributes: false, sameClock: true });
});
afterAll(async () => {
  await connection.close();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(() => {
  const endpoint = uniqueName();
  const sha256 = 'ab'.repeat(32);
  const parse = { ...DEFAULT_PARSE_OPTIONS, format: 'csv' } as const;
  const workflowId = fileWorkflowId(sha256, endpoint);
  record = { sha256, endpoint, fileName: 'a.csv', workflowId, parse, firstSubmittedAt: '' };
});

const start = async (how: { pressedMs?: number; reopenUnconfirmed?: boolean } = {}) =>
  (await deliveries.start(record, DELIVERY, how)).outcome;
const end = () => connection.client.workflow.getHandle(record.workflowId).terminate();

test('whoever pressed before a try began, which has ended by now, is answered by it; whoever presses later gets another', async () => {
  const pressedMs = Date.now();
  expect(await start()).toBe('started');
  expect(await start({ pressedMs })).toBe('attached');
  await end();
  for (let press = 0; press < 20; press++) expect(await start({ pressedMs })).toBe('attached');
  expect(await start({ pressedMs: Date.now() })).toBe('retried');
  await end();
});

test('whoever asks for unconfirmed alerts, too, is not answered by a try that left them alone', async () => {
  const pressedMs = Date.now();
  await start();
  await end();
  const press = { pressedMs, reopenUnconfirmed: true };
  expect(await start(press)).toBe('retried');
  await end();
  expect(await start(press)).toBe('attached');
  expect(await start({ pressedMs })).toBe('attached');
});

test('a file that comes again is tried again', async () => {
  await start();
  await end();
  expect(await start()).toBe('retried');
  await end();
});
