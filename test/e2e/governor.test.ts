/** The governor of an endpoint as the workers and the Temporal CLI meet it: the real workflow on the real server. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect } from 'vitest';
import type { LeaseRequest } from '../../src/domain/governor/contract.ts';
import { LEASE_MS } from '../../src/domain/governor/contract.ts';
import type { GovernorView } from '../../src/domain/governor/messages.ts';
import { governorWorkflowId } from '../../src/domain/names.ts';
import { GovernorClient, queryGovernor } from '../../src/temporal/governor-client.ts';
import { alerts, asCsv } from './support/alert-files.ts';
import { test } from './support/e2e-test.ts';
import type { Site } from './support/site.ts';
import { countOf, historyOf, temporalCli } from './support/temporal-service.ts';
import { until } from './support/waiting.ts';

const GOVERNOR = governorWorkflowId('crm');
const RATE = { rate: 50, batchSize: 50 } as const;

const visit = (workerId: string): LeaseRequest => ({
  ...{ workerId, demandPerSecond: null, delivered: 0, sent: 0, elapsedMs: 0 },
  ...{ brake: null, badRun: null, latencyMs: null, ceilingPerSecond: null },
});
/** A process of its own, as far as the governor can tell. */
const processOf = async (site: Site): Promise<GovernorClient> =>
  new GovernorClient(site.client, { endpoint: 'crm', config: RATE, installation: await site.installation() });

const lends = async (client: GovernorClient, workerId: string): Promise<boolean> =>
  (await client.lease(visit(workerId))).segments.length > 0;

/** A question that reaches a worker at a bad moment is put again. */
const viewOf = (site: Site): Promise<GovernorView> =>
  until('a view of the governor', () => queryGovernor(site.client, 'crm').catch(() => undefined));

async function orderByCli(site: Site, name: string, input: string): Promise<string> {
  const args = ['workflow', 'update', 'execute', '--workflow-id', GOVERNOR, '--name', name, '--input', input];
  return temporalCli(site, ...args).catch((error: { stderr?: string }) => String(error.stderr));
}

describe.concurrent('the governor', () => {
  test('that is the first one lends at once; after one that was terminated a new one waits until its leases are over, whoever starts it', async ({
    site,
  }) => {
    await site.worker('files');
    const first = await processOf(site);
    expect(await lends(first, 'a')).toBe(true);
    for (const next of [await processOf(site), first]) {
      await site.client.workflow.getHandle(GOVERNOR).terminate('lost');
      const lostMs = performance.now();
      await until('a governor that answers', () => next.lease(visit('b')).then(Boolean, () => false));
      expect(await viewOf(site)).toMatchObject({ configured: 50 });
      await until('a lease', () => lends(next, 'b'));
      expect(performance.now() - lostMs).toBeGreaterThan(LEASE_MS - 100);
    }
  });

  test('names a pause that the receiver asked for, and until when; resumed, the file goes on long before', async ({
    site,
  }) => {
    let paused = true;
    let asked = 0;
    const server = createServer((request, response) => {
      request.resume().on('end', () => {
        asked++;
        response.writeHead(paused ? 429 : 200, paused ? { 'retry-after': '3000' } : {}).end();
      });
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    try {
      await site.configure(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, { rate: 100 });
      await site.worker();
      const waiting = site.start('send', await site.write('alerts.csv', asCsv(alerts(40))), '-o', 'json');
      const shown = await until('a pause that is shown', async () => {
        const { stdout } = await site.wds('endpoint', 'show', 'crm');
        return /the receiver asked for a pause, 1 worker waits until (\S+)/.exec(stdout)?.[1];
      });
      const leftMs = Date.parse(shown) - Date.now();
      expect(leftMs).toBeGreaterThan(2_800_000);
      expect(leftMs).toBeLessThan(3_010_000);
      expect(asked).toBeLessThanOrEqual(4);
      paused = false;
      await site.wds('endpoint', 'resume', 'crm');
      const { code, stdout } = await waiting.end();
      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ delivered: 40 });
    } finally {
      server.close();
    }
  });

  test('refuses what is no order, says why, and goes on as before', async ({ site }) => {
    await site.worker('files');
    const client = await processOf(site);
    expect(await lends(client, 'a')).toBe(true);
    const before = await viewOf(site);
    expect(before.ratePerSecond).toBeCloseTo(49.5);
    const history = await historyOf(site, GOVERNOR);

    expect(await orderByCli(site, 'override', '{"type":"set-rate","rate":"20"}')).toContain(
      "the order's rate is a number of requests a second (no text) from 0.001 to 1000000, or the word auto or unlimited",
    );
    expect(await orderByCli(site, 'override', '{"type":"slower"}')).toContain(
      "the order's type is one of pause, resume, set-rate, forget",
    );
    expect(await orderByCli(site, 'override', '"pause"')).toContain('an order is an object');
    expect(await orderByCli(site, 'configure', '{"rate":"7/s","batchSize":1}')).toContain('the rate is a number');
    expect(await orderByCli(site, 'lease', '{}')).toContain('workerId is a text');

    // Whoever asked for a lease counts as active for a few seconds only.
    expect(await viewOf(site)).toEqual({ ...before, activeWorkers: expect.any(Number) });
    const after = await historyOf(site, GOVERNOR);
    const updates = 'EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED' as const;
    expect(countOf(after, updates)).toBe(countOf(history, updates));
    expect(countOf(after, 'EVENT_TYPE_WORKFLOW_TASK_FAILED')).toBe(0);
    expect(await orderByCli(site, 'override', '{"type":"set-rate","rate":20}')).toContain('ordered:20');
    expect((await viewOf(site)).ordered).toBe(20);
    expect(await lends(client, 'a')).toBe(true);
  });
});
