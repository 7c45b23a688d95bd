/**
 * What is left in Temporal's history of real deliveries and of the governor: little, and nothing about anybody. Once for each release
 * they are kept, for test/workflows/replay.test.ts, in a folder of test/histories that has the version of package.json:
 *
 *     RECORD_HISTORIES=1 npx vitest run --project served test/e2e/histories.test.ts
 *
 * What was recorded once is never overwritten: workflows that a release has begun must replay in every later one.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { describe, expect } from 'vitest';
import type { GovernorConfig, LeaseAnswer, LeaseRequest } from '../../src/domain/governor/contract.ts';
import { decide, newGovernor } from '../../src/domain/governor/governor.ts';
import {
  filesTaskQueue,
  GOVERNOR_WORKFLOW,
  governorWorkflowId,
  installationIn,
  LEASE_UPDATE,
} from '../../src/domain/names.ts';
import { VERSION } from '../../src/version.ts';
import { replay } from '../workflows/replaying.ts';
import type { TestAlert } from './support/alert-files.ts';
import { alerts, asCsv } from './support/alert-files.ts';
import { test } from './support/e2e-test.ts';
import type { Site } from './support/site.ts';
import { countOf, eventsOf, historyOf, readableText, runsOf } from './support/temporal-service.ts';
import { EACH_ONCE } from './support/test-receiver.ts';

const FOLDER = `test/histories/${VERSION}`;

/** Replays a run, and keeps its history where that was asked for: without where, and on what machine, it was recorded. */
async function check(site: Site, name: string, workflowId: string, runId: string): Promise<void> {
  const history = await historyOf(site, workflowId, runId);
  await replay(history, workflowId);
  if (process.env.RECORD_HISTORIES !== '1') return;
  const text = JSON.stringify(history, (key, value: unknown) => {
    if (key === 'stackTrace') return '';
    return key === 'identity' || (key === 'name' && /^\d+@/.test(String(value))) ? 'recorded' : value;
  });
  await mkdir(FOLDER, { recursive: true });
  await writeFile(`${FOLDER}/${name}.json`, `${text}\n`, { flag: 'wx' });
}

/** No user, no message: each row of the input is looked for, as it would stand in a payload. */
function expectNobodyIn(text: string, input: readonly TestAlert[]): void {
  const inJson = (value: string): string => JSON.stringify(value).slice(1, -1);
  const found = input.filter((row) => text.includes(inJson(row.userId)) || text.includes(inJson(row.alertMessage)));
  expect(found).toEqual([]);
}

const sendFile = async (site: Site, input: readonly TestAlert[]) =>
  site.send(await site.write('alerts.csv', asCsv(input)));

describe.concurrent('the history of a delivery', () => {
  test('at full speed has at most 10 events per 1,000 alerts, and names nobody', async ({ site }) => {
    await site.receive();
    await site.worker();
    const input = alerts(10_000);
    const { code, result } = await sendFile(site, input);
    expect(code).toBe(0);
    expect(await site.receiver.verdict(input)).toEqual(EACH_ONCE);
    const history = await historyOf(site, result.workflowId);
    expect(eventsOf(history).length).toBeLessThanOrEqual(100);
    const text = readableText(history);
    expect(text.includes('"delivered":10000')).toBe(true);
    expectNobodyIn(text, input);
    const [run] = await runsOf(site, result.workflowId);
    await check(site, 'plain', result.workflowId, run!.runId);
  });

  test('with failures and stubborn alerts, and of its retry, names nobody either', async ({ site }) => {
    await site.receive(
      [
        ...['--fail-users', '^user-1$=503x4'],
        ...['--fail-users', '^user-42$=422'],
        ...['--fail-users', '^user-77$=500'],
      ],
      { retry: { initialSeconds: 0.1, maximumSeconds: 0.2, maximumAttempts: 6 } },
    );
    await site.worker();
    const input = alerts(300);
    const { code, result } = await sendFile(site, input);
    expect(code).toBe(3);
    expect(result).toMatchObject({ delivered: 298, rejected: 1, undelivered: 1 });
    await site.receiver.control({ failUsers: ['^user-77$=500x2'] });
    expect(await site.retry(result.sha256)).toMatchObject({ code: 0, result: { delivered: 300 } });
    expect(await site.receiver.verdict(input)).toEqual(EACH_ONCE);

    const runs = await runsOf(site, result.workflowId);
    expect(runs.map(({ status }) => status)).toEqual(['COMPLETED', 'FAILED']);
    for (const [at, name] of ['retried', 'failed'].entries()) {
      const { runId } = runs[at]!;
      expectNobodyIn(readableText(await historyOf(site, result.workflowId, runId)), input);
      await check(site, name, result.workflowId, runId);
    }
  });

  test('goes through several runs where it would grow long, with stubborn alerts on their way, and each is alerted once', async ({
    site,
  }) => {
    await site.receive(
      ['--fail-users', '^user-(1|2|3|50|500|1500|2500|4999)$=503x6'],
      { retry: { initialSeconds: 0.1, maximumSeconds: 0.5, maximumAttempts: 10 } },
      { delivery: { maxHistoryEvents: 100, batchSize: 50 } },
    );
    await site.worker();
    const input = alerts(5_000);
    const { code, result } = await sendFile(site, input);
    expect(code).toBe(0);
    expect(result).toMatchObject({ rows: 5_000, alerts: 5_000, delivered: 5_000 });
    expect(await site.receiver.verdict(input)).toEqual(EACH_ONCE);
    expect(await site.report(result, 'receipts.csv')).toHaveLength(5_000);

    const runs = await runsOf(site, result.workflowId);
    expect(runs.length).toBeGreaterThanOrEqual(4);
    expect(runs[0]?.status).toBe('COMPLETED');
    const { memo } = await site.client.workflow.getHandle(result.workflowId).describe();
    expect(installationIn(memo)).toBe(await site.installation());
    const [first, second] = [runs.at(-1)!.runId, runs.at(-2)!.runId];
    const history = await historyOf(site, result.workflowId, first);
    expect(countOf(history, 'EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW')).toBe(1);
    expectNobodyIn(readableText(history), input);
    await check(site, 'continued', result.workflowId, first);
    await check(site, 'resumed', result.workflowId, second);
  });
});

describe.concurrent('the history of a governor', () => {
  test('that learns a rate, lends it and obeys its operator names nobody', async ({ site }) => {
    await site.receive(['--rate', '200'], { rate: 'auto' });
    await site.worker();
    const input = alerts(600);
    const { code } = await sendFile(site, input);
    expect(code).toBe(0);
    for (const order of [['pause'], ['resume'], ['set-rate', 'crm', '50'], ['forget']] as const) {
      const [verb, ...rest] = order;
      expect((await site.wds('endpoint', verb, ...(rest.length === 0 ? ['crm'] : rest))).code).toBe(0);
    }
    const workflowId = governorWorkflowId('crm');
    const [run] = await runsOf(site, workflowId);
    expectNobodyIn(readableText(await historyOf(site, workflowId, run!.runId)), input);
    await check(site, 'governor', workflowId, run!.runId);
  });

  test('begins with what the run before it knew', async ({ site }) => {
    await site.receive();
    await site.worker('files');
    const config: GovernorConfig = { rate: 100, batchSize: 100 };
    const request: LeaseRequest = {
      ...{ workerId: 'w1', demandPerSecond: null, delivered: 90, sent: 100, elapsedMs: 1_000 },
      ...{ brake: { ageMs: 100, pacePerSecond: 99, afterMs: 900 }, badRun: null, latencyMs: 20, ceilingPerSecond: 80 },
    };
    const { state } = decide(newGovernor(config, Date.now()), { type: 'lease', request }, Date.now());
    const workflowId = governorWorkflowId('other');
    const handle = await site.client.workflow.start(GOVERNOR_WORKFLOW, {
      ...{ workflowId, taskQueue: filesTaskQueue(await site.installation()) },
      args: [{ endpoint: 'other', config, waitMs: 0, state }],
    });
    const answer = await handle.executeUpdate<LeaseAnswer, [LeaseRequest]>(LEASE_UPDATE, { args: [request] });
    expect(answer.segments.length).toBeGreaterThan(0);
    expect(Math.max(...answer.segments.map(({ ratePerSecond }) => ratePerSecond))).toBeLessThanOrEqual(80);
    await check(site, 'governor-resumed', workflowId, handle.firstExecutionRunId);
  });
});
