/** What a version in which installations had no identity has left in Temporal: it goes on, and nobody else's home answers for it. */

import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import type { FileWorkflowInput } from '../../src/domain/contracts.ts';
import type { FileSummary } from '../../src/domain/counts.ts';
import { DEFAULT_RETRY_POLICY } from '../../src/domain/endpoint.ts';
import { decide, newGovernor } from '../../src/domain/governor/governor.ts';
import {
  alertsTaskQueue,
  FAILURE,
  FILE_WORKFLOW,
  filesTaskQueue,
  fileWorkflowId,
  GOVERNOR_WORKFLOW,
  governorWorkflowId,
  installationIn,
} from '../../src/domain/names.ts';
import { DEFAULT_PARSE_OPTIONS } from '../../src/domain/parse-options.ts';
import { stageForSending } from '../../src/intake/stage.ts';
import { settleDeliveryRecord } from '../../src/store/delivery-record.ts';
import { FolderStore } from '../../src/store/folder-store.ts';
import { queryGovernor } from '../../src/temporal/governor-client.ts';
import { setTaskQueueLimit } from '../../src/temporal/task-queue-limit.ts';
import { taskQueueLimit } from '../../src/temporal/task-queue-state.ts';
import { alerts, asCsv } from './support/alert-files.ts';
import { test } from './support/e2e-test.ts';
import { Site } from './support/site.ts';
import { EACH_ONCE } from './support/test-receiver.ts';
import { until } from './support/waiting.ts';

/** As that version began a delivery: nothing of it says whose it is. */
async function beginDelivery(site: Site, content: string): Promise<string> {
  const store = new FolderStore(join(site.home, 'store'));
  await mkdir(site.home, { recursive: true });
  const path = await site.write('alerts.csv', content);
  const kind = { format: 'csv', gzip: false } as const;
  const { sha256 } = await stageForSending(store, path, { ...kind, name: 'alerts.csv', maxExpandedBytes: 1 << 30 });
  expect(sha256).toBe(createHash('sha256').update(content).digest('hex'));
  const of = { sha256, endpoint: 'crm', fileName: 'alerts.csv' };
  const workflowId = fileWorkflowId(sha256, 'crm');
  const parse = { ...DEFAULT_PARSE_OPTIONS, format: 'csv' } as const;
  await settleDeliveryRecord(store, { ...of, workflowId, parse, firstSubmittedAt: new Date().toISOString() });
  const delivery = {
    ...{ batchSize: 100, parallelChunks: 4, requestTimeoutMs: 15_000, retry: DEFAULT_RETRY_POLICY },
    ...{ maxStubborn: 100, maxHistoryEvents: 8_000 },
  };
  const input = { ...of, parse, delivery, reopenUnconfirmed: false, searchAttributes: false };
  await site.client.workflow.start(FILE_WORKFLOW, {
    ...{ workflowId, taskQueue: filesTaskQueue(undefined), workflowTaskTimeout: '3s' },
    args: [input as FileWorkflowInput],
  });
  return workflowId;
}

describe('a delivery that an earlier version began', () => {
  test('is delivered, by the home that knows it: another one leaves it alone and says so', async ({ site }) => {
    const receiver = await site.receive();
    const input = alerts(300);
    const workflowId = await beginDelivery(site, asCsv(input));
    const other = await Site.open();
    try {
      other.setEnv({ TEMPORAL_NAMESPACE: site.namespace });
      await other.configure(receiver.url, { name: 'erp' });
      await other.worker('files');
      const handle = site.client.workflow.getHandle(workflowId);
      await until('it is refused', async () => {
        const [activity] = (await handle.describe()).raw.pendingActivities ?? [];
        const failure = activity?.lastFailure;
        return (
          failure?.applicationFailureInfo?.type === FAILURE.otherInstallation &&
          failure.message?.includes('it belongs to another home')
        );
      });
      await site.worker();
      const sent = await site.send(await site.write('alerts.csv', asCsv(input)));
      expect(sent).toMatchObject({ code: 0, result: { delivered: 300 } });
      expect(((await handle.result()) as FileSummary).delivered).toBe(300);
      expect(await receiver.verdict(input)).toEqual(EACH_ONCE);
    } finally {
      await other.close();
    }
  });
});

describe('the governor of an earlier version', () => {
  test('belongs to the first who asks, and moves to its queue with all that it knows', async ({ site }) => {
    const receiver = await site.receive([], { rate: 200 });
    const config = { rate: 200, batchSize: 100 } as const;
    const order = { type: 'override', override: { type: 'set-rate', rate: 50 } } as const;
    const { state } = decide(newGovernor(config, Date.now()), order, Date.now());
    const workflowId = governorWorkflowId('crm');
    const { client } = site;
    await client.workflow.start(GOVERNOR_WORKFLOW, {
      ...{ workflowId, taskQueue: filesTaskQueue(undefined) },
      args: [{ endpoint: 'crm', config, waitMs: 0, state }],
    });
    await setTaskQueueLimit(client, alertsTaskQueue('crm', undefined), 1, 'as it left it');
    await site.worker();
    const installation = await site.installation();
    const moved = await until('it has moved', async () => {
      const run = await client.workflow.getHandle(workflowId).describe();
      return run.taskQueue === filesTaskQueue(installation) && run;
    });
    expect(installationIn(moved.memo)).toBe(installation);
    const view = await until('its view', () => queryGovernor(client, 'crm').catch(() => undefined));
    expect(view).toMatchObject({ ordered: 50, configured: 200 });
    expect(await taskQueueLimit(client, alertsTaskQueue('crm', undefined))).toBeNull();

    const input = alerts(100);
    expect(await site.send(await site.write('alerts.csv', asCsv(input)))).toMatchObject({ code: 0 });
    expect(await receiver.verdict(input)).toEqual(EACH_ONCE);
    await until('its limit is set there', async () => {
      return (await taskQueueLimit(client, alertsTaskQueue('crm', installation))) !== null;
    });
    const other = await Site.open();
    try {
      other.setEnv({ TEMPORAL_NAMESPACE: site.namespace });
      await other.configure(receiver.url);
      expect((await other.wds('worker')).stderr).toContain(`belongs to installation ${installation}`);
    } finally {
      await other.close();
    }
  });
});
