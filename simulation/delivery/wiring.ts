/**
 * How wds's parts are put together in one simulated process: the session that sends, and the activities. The counterpart of
 * temporal/workers.ts.
 */
import type { Client } from '@temporalio/client';
import { createBeginRound } from '../../activities/begin-round.ts';
import { createReadChunks } from '../../activities/read-chunks.ts';
import { createSendAlert } from '../../activities/send-alert.ts';
import { createSendAlerts } from '../../activities/send-alerts.ts';
import { createSettleOrigins } from '../../activities/settle-origins.ts';
import { createTakeOverOrigins } from '../../activities/take-over-origins.ts';
import { createWriteReport } from '../../activities/write-report.ts';
import type { Answer, Verdict } from '../../src/domain/answers.ts';
import type { ReadChunksInput } from '../../src/domain/contracts.ts';
import type { AmbiguousPolicy, Endpoint } from '../../src/domain/endpoint.ts';
import { parseKey } from '../../src/domain/parse-options.ts';
import type { EndpointClient } from '../../src/endpoint/endpoint-client.ts';
import { EndpointSession } from '../../src/endpoint/endpoint-session.ts';
import { Pacer } from '../../src/endpoint/pacer.ts';
import { RateLease } from '../../src/endpoint/rate-lease.ts';
import { windowKey } from '../../src/store/layout.ts';
import type { Ledgers } from '../../src/store/ledger.ts';
import type { Store } from '../../src/store/store.ts';
import { runIsOpen } from '../../src/temporal/file-deliveries.ts';
import type { Plan } from './plan.ts';
import type { SimFile } from './sim-files.ts';
import { windowObjects } from './sim-files.ts';
import type { SimProcess } from './sim-process.ts';
import type { ActivityFunction, ActivityScope } from './temporal/worker-host.ts';

export const ENDPOINT = 'hook';
export const REPORTS = 'reports';
export const MAXIMUM_UNANSWERED = 3;
const MAX_PAUSE_MS = 60_000;

/** What a worker process consists of. */
export interface WorkerParts {
  readonly plan: Plan;
  readonly process: SimProcess;
  readonly store: Store;
  readonly ledgers: Ledgers;
}

/** Lends the same rate for ever; brakes for a Retry-After as the real one does. */
class FixedLease extends RateLease {
  readonly #pacer: Pacer;
  readonly #process: SimProcess;

  constructor(pacer: Pacer, process: SimProcess, ratePerSecond: number) {
    const ask = () => Promise.reject(new Error('nobody is asked'));
    super({
      pacer,
      workerId: process.name,
      ask,
      random: () => 0.5,
      onTrouble: () => undefined,
      clock: process,
      maxPauseMs: MAX_PAUSE_MS,
    });
    this.#pacer = pacer;
    this.#process = process;
    pacer.lend([{ fromMs: Number.NEGATIVE_INFINITY, toMs: Number.POSITIVE_INFINITY, ratePerSecond }]);
  }

  override demand(): void {}

  override took(_answer: Answer, verdict: Verdict): void {
    if (verdict.kind !== 'throttled' || verdict.retryAfterMs === undefined) return;
    this.#pacer.restrain({ untilMs: this.#process.now() + verdict.retryAfterMs, capPerSecond: null });
  }
}

export function simSession(
  { plan, process }: WorkerParts,
  client: EndpointClient,
  ambiguous: AmbiguousPolicy,
): EndpointSession {
  const { timeoutMs, maxConnections, ratePerSecond, maximumAttempts, giveUpAfterMs } = plan;
  const retry = { initialIntervalMs: 500, maximumIntervalMs: 8_000, maximumAttempts, giveUpAfterMs };
  const endpoint: Endpoint = {
    ...{ name: ENDPOINT, url: 'http://127.0.0.1/hook', rate: ratePerSecond ?? 'unlimited', burst: 0 },
    ...{ ambiguous, timeoutMs, maxConnections, secrets: [], idempotencyKey: 'quoted', headers: {} },
    ...{ maxRetryAfterMs: MAX_PAUSE_MS, maximumUnanswered: MAXIMUM_UNANSWERED, retry },
  };
  const pacer = new Pacer(0, process);
  const lease = new FixedLease(pacer, process, ratePerSecond ?? Number.POSITIVE_INFINITY);
  return new EndpointSession({ endpoint, client, pacer, lease, clock: process });
}

export function sendActivities(
  { process, store, ledgers }: WorkerParts,
  session: EndpointSession,
): Record<string, ActivityFunction> {
  const dependencies = (scope: ActivityScope) => ({
    ...{ store, ledgers, session: () => session, scope: () => scope, clock: process, random: () => 0.5 },
  });
  return {
    sendAlerts: (input, scope) => createSendAlerts(dependencies(scope))(input),
    sendAlert: (input, scope) => createSendAlert(dependencies(scope))(input),
  };
}

/** `files`: the content of those that were dropped, by SHA-256. */
export function fileActivities(
  { plan, process, store, ledgers }: WorkerParts,
  client: Client,
  files: ReadonlyMap<string, SimFile>,
): Record<string, ActivityFunction> {
  const origins = (scope: ActivityScope) => ({
    ...{ store, ledgers, scope: () => scope, clock: process, requestTimeoutMs: plan.timeoutMs },
  });
  const isOpen = (workflowId: string, runId: string) => runIsOpen(client, workflowId, runId);
  const { readChunks } = createReadChunks({ store, heartbeat: () => undefined, cancellation: () => undefined });
  return {
    readChunks: async (input: ReadChunksInput) => {
      const { sha256, parse, window } = input;
      const file = files.get(sha256);
      if (file !== undefined && !(await store.exists(windowKey(sha256, parseKey(parse), window)))) {
        for (const [path, bytes] of windowObjects(file, parse)) await store.put(path, bytes);
      }
      return readChunks(input);
    },
    beginRound: (input, scope) =>
      createBeginRound({ store, scope: () => scope, clock: process, runIsOpen: isOpen })(input),
    takeOverOrigins: (input, scope) => createTakeOverOrigins(origins(scope))(input),
    settleOrigins: (input, scope) => createSettleOrigins(origins(scope))(input),
    writeReport: (input, scope) =>
      createWriteReport({
        ...{ store, ledgers, clock: process, reportsRoot: REPORTS },
        onReport: () => undefined,
        scope: () => scope,
      })(input),
  };
}
