/**
 * How wds's parts are put together in one simulated process: the session that sends, and the activities. The counterpart of
 * src/temporal/alerts-worker.ts and src/temporal/files-worker.ts.
 */
import type { Client } from '@temporalio/client';
import { createBeginRound } from '../../activities/begin-round.ts';
import { createLookBack } from '../../activities/look-back.ts';
import { createOwnWork } from '../../activities/own-work.ts';
import { createReadChunks } from '../../activities/read-chunks.ts';
import { createSendAlert } from '../../activities/send-alert.ts';
import { createSendAlerts } from '../../activities/send-alerts.ts';
import { createSettleOrigins } from '../../activities/settle-origins.ts';
import { createTakeOverOrigins } from '../../activities/take-over-origins.ts';
import { createWriteReport } from '../../activities/write-report.ts';
import type { Answer, Verdict } from '../../src/domain/answers.ts';
import type { ReadChunksInput } from '../../src/domain/contracts.ts';
import type { AmbiguousPolicy, Endpoint } from '../../src/domain/endpoint.ts';
import { SuppressionListFault } from '../../src/domain/failure.ts';
import { parseKey } from '../../src/domain/parse-options.ts';
import type { EndpointClient } from '../../src/endpoint/endpoint-client.ts';
import { EndpointSession } from '../../src/endpoint/endpoint-session.ts';
import { Pacer } from '../../src/endpoint/pacer.ts';
import { RateLease } from '../../src/endpoint/rate-lease.ts';
import type { OwnStore } from '../../src/store/installation-identity.ts';
import { windowKey } from '../../src/store/layout.ts';
import type { Ledgers } from '../../src/store/ledger.ts';
import { isRunning, runIsOpen } from '../../src/temporal/file-deliveries.ts';
import type { Plan } from './plan.ts';
import { isWithin } from './plan.ts';
import type { SimFile } from './sim-files.ts';
import { windowObjects } from './sim-files.ts';
import type { SimProcess } from './sim-process.ts';
import { SimReports } from './sim-reports.ts';
import type { SimStore } from './sim-store.ts';
import type { ActivityFunction, ActivityScope } from './temporal/worker-host.ts';

export const ENDPOINT = 'hook';
export const REPORTS = 'reports';
export const MAXIMUM_UNANSWERED = 3;
const MAX_PAUSE_MS = 60_000;

/** A process, with the store as it sees it. */
export interface Computing {
  readonly plan: Plan;
  readonly process: SimProcess;
  readonly store: SimStore;
  readonly ledgers: Ledgers;
  readonly ownStore: OwnStore;
}

/** Lends the same rate for ever; brakes for a Retry-After as the real one does. */
class FixedLease extends RateLease {
  readonly #pacer: Pacer;
  readonly #process: SimProcess;
  #refusals = 0;

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

  /** Every other refusal is, whatever that means here: what becomes of its alert is to be seen. */
  override isStray(): boolean {
    this.#refusals++;
    return this.#refusals % 2 === 0;
  }

  override took(_answer: Answer, verdict: Verdict): void {
    if (verdict.kind !== 'throttled' || verdict.stray || verdict.retryAfterMs === undefined) return;
    this.#pacer.restrain({ untilMs: this.#process.now() + verdict.retryAfterMs, capPerSecond: null });
  }
}

export function simSession(
  { plan, process, ledgers }: Computing,
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
  return new EndpointSession({ endpoint, client, pacer, lease, waves: ledgers.waves, clock: process });
}

export function sendActivities(computing: Computing, session: EndpointSession): Record<string, ActivityFunction> {
  const { plan, process, store, ledgers, ownStore } = computing;
  const dependencies = (scope: ActivityScope) => ({
    ...{ store, ledgers, ownStore, session: () => session, scope: () => scope, clock: process, random: () => 0.5 },
    suppressed: () => suppressedNow(plan, process.scheduler.nowMs),
  });
  return {
    sendAlerts: (input, scope) => owned(computing, scope)(createSendAlerts(dependencies(scope)))(input),
    sendAlert: (input, scope) => owned(computing, scope)(createSendAlert(dependencies(scope)))(input),
  };
}

/** As the list is now, and for as long as whoever asked works by it. */
async function suppressedNow({ listed, listGone }: Plan, nowMs: number) {
  if (isWithin(nowMs, listGone)) throw new SuppressionListFault('suppressed.txt', 'is not there', 'Put it back.');
  return Object.keys(listed).length === 0 ? undefined : (userId: string) => isWithin(nowMs, listed[userId]);
}

/** Activities that leave other installations' work alone. */
const owned = ({ store, ownStore }: Computing, scope: ActivityScope) =>
  createOwnWork({ store, ownStore, scope: () => scope });

/** `files`: the content of those that were dropped, by SHA-256. */
export function fileActivities(
  computing: Computing,
  client: Client,
  files: ReadonlyMap<string, SimFile>,
): Record<string, ActivityFunction> {
  const { plan, process, store, ledgers } = computing;
  const origins = (scope: ActivityScope) => ({
    ...{ store, ledgers, scope: () => scope, clock: process, requestTimeoutMs: plan.timeoutMs },
  });
  const isOpen = (workflowId: string, runId: string) => runIsOpen(client, workflowId, runId);
  const { readChunks } = createReadChunks({ store, heartbeat: () => undefined, cancellation: () => undefined });
  const read = async (input: ReadChunksInput) => {
    const { sha256, parse, window } = input;
    const file = files.get(sha256);
    if (file !== undefined && !(await store.exists(windowKey(sha256, parseKey(parse), window)))) {
      for (const [path, bytes] of windowObjects(file, parse)) await store.put(path, bytes);
    }
    return readChunks(input);
  };
  const report = (scope: ActivityScope) =>
    createWriteReport({
      ...{ store, ledgers, clock: process, reports: new SimReports(REPORTS) },
      onReport: () => undefined,
      scope: () => scope,
    });
  return {
    readChunks: (input, scope) => owned(computing, scope)(read)(input),
    beginRound: (input, scope) =>
      owned(computing, scope)(createBeginRound({ store, scope: () => scope, clock: process, runIsOpen: isOpen }))(
        input,
      ),
    takeOverOrigins: (input, scope) => owned(computing, scope)(createTakeOverOrigins(origins(scope)))(input),
    settleOrigins: (input, scope) => owned(computing, scope)(createSettleOrigins(origins(scope)))(input),
    lookBack: (input, scope) =>
      owned(
        computing,
        scope,
      )(
        createLookBack({
          ...origins(scope),
          readChunks: read,
          isRunning: (workflowId) => isRunning(client, workflowId),
        }),
      )(input),
    writeReport: (input, scope) => owned(computing, scope)(report(scope))(input),
    // Nobody has asked to be notified.
    tellNotice: () => Promise.resolve(),
  };
}
