/**
 * How many workers can one endpoint have? Each asks the endpoint's governor for its share every 5.25 s, by an Update of one workflow. Here WORKERS of them ask
 * a real governor, each when it is told to, for a minute: how long does an answer take, how many come too late to be of use, and what does it cost?
 *
 *     node dist/bench/leases.js [WORKERS=100]
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { RENEW_MS } from '../src/domain/governor/contract.ts';
import { GOVERNOR_WORKFLOW, governorWorkflowId, installationIn } from '../src/domain/names.ts';
import { GovernorClient } from '../src/temporal/governor-client.ts';
import { startUp } from './running-up.ts';

const workers = Number(process.argv[2] ?? '100');
const MEASURED_MS = 60_000;
/** Everybody has its share by then. */
const SETTLED_MS = 15_000;

const home = await mkdtemp(join(tmpdir(), 'wds-leases-'));
const rate = workers * 10;
const up = await startUp(home, `endpoint: { name: bench, url: 'http://127.0.0.1:9/hook', rate: ${rate} }\n`, {
  WDS_API_PORT: '0',
});

try {
  const { client } = up;
  const governor = await runningGovernor(client);
  const config = { rate, batchSize: 1_000 };
  const asking = new GovernorClient(client, { ...governor, config });

  const answersMs: number[] = [];
  const shares = new Map<number, number>();
  const failures = new Map<string, number>();
  let late = 0;
  const startMs = performance.now();
  const endMs = startMs + SETTLED_MS + MEASURED_MS;
  const renew = async (worker: number): Promise<void> => {
    await sleep((worker * RENEW_MS) / workers);
    for (let askMs = performance.now(); askMs < endMs; askMs = performance.now()) {
      const report = { delivered: 50, sent: 50, elapsedMs: RENEW_MS, latencyMs: 20, ceilingPerSecond: null };
      const request = { workerId: `w${worker}`, demandPerSecond: null, brake: null, badRun: null, ...report };
      const answer = await asking.lease(request).catch((error: Error) => {
        const why = error.message.replace(/ after.*/, '');
        failures.set(why, (failures.get(why) ?? 0) + 1);
        return undefined;
      });
      const tookMs = performance.now() - askMs;
      if (askMs > startMs + SETTLED_MS) {
        if (answer === undefined) late++;
        else answersMs.push(tookMs);
      }
      shares.set(worker, answer?.segments.at(-1)?.ratePerSecond ?? 0);
      // As a worker does that got no answer.
      await sleep(answer?.renewAfterMs ?? 1_000 + 1_000 * Math.random());
    }
  };
  const all = Array.from({ length: workers }, (_, worker) => renew(worker));
  await sleep(SETTLED_MS);
  const before = await up.cpu();
  await Promise.all(all);
  const seconds = (performance.now() - startMs - SETTLED_MS) / 1_000;
  const after = await up.cpu();
  answersMs.sort((a, b) => a - b);
  const at = (share: number): string =>
    (answersMs[Math.floor(share * (answersMs.length - 1))] ?? Number.NaN).toFixed(0);
  const sum = [...shares.values()].reduce((total, share) => total + share, 0);
  console.log(
    `${workers} workers: ${(answersMs.length / seconds).toFixed(1)} leases/s, answered within ${at(0.5)} ms (median), ` +
      `${at(0.99)} (99%), ${at(1)} (slowest); ${late} too late; ${(sum / rate).toFixed(3)} of the rate is lent; ` +
      `cores: wds ${((after.wds - before.wds) / seconds).toFixed(2)}, server ${((after.server - before.server) / seconds).toFixed(2)}`,
  );
  for (const [message, count] of failures) console.log(`  ${count} times from the start: ${message}`);
} finally {
  await up.stop();
  await rm(home, { recursive: true, force: true });
}

/** Of the one endpoint. */
async function runningGovernor(client: Client): Promise<{ readonly endpoint: string; readonly installation: string }> {
  for (;;) {
    for await (const { workflowId, memo } of client.workflow.list({ query: `WorkflowType = "${GOVERNOR_WORKFLOW}"` })) {
      const installation = installationIn(memo);
      if (installation !== undefined)
        return { endpoint: workflowId.slice(governorWorkflowId('').length), installation };
    }
    await sleep(200);
  }
}
