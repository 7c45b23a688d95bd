/** What both sending activities share: their surroundings, and running one attempt at some rows under a journal of its own. */
import type { Clock } from '../src/clock.ts';
import { every } from '../src/clock.ts';
import type { Outcome } from '../src/domain/alert.ts';
import type { SendTarget } from '../src/domain/contracts.ts';
import type { AmbiguousPolicy } from '../src/domain/endpoint.ts';
import type { Scope } from '../src/domain/ledger/journal.ts';
import type { PlanOptions, RowToSend } from '../src/domain/ledger/plan.ts';
import { dueMs } from '../src/domain/ledger/plan.ts';
import type { RowState } from '../src/domain/ledger/row-state.ts';
import { NO_ROUND } from '../src/domain/ledger/row-state.ts';
import type { Standing } from '../src/domain/restraint/schedule.ts';
import { standingOf } from '../src/domain/restraint/schedule.ts';
import { WAITS } from '../src/domain/waits.ts';
import type { EndpointSession } from '../src/endpoint/endpoint-session.ts';
import { requestSpans } from '../src/endpoint/request-spans.ts';
import type { ChunkRow } from '../src/store/chunks.ts';
import { isForgotten, readChunk, userOf } from '../src/store/chunks.ts';
import type { Ledger, Ledgers } from '../src/store/ledger.ts';
import { requireRound } from '../src/store/rounds.ts';
import type { Store } from '../src/store/store.ts';
import { Batch } from './batch.ts';
import { closedFailure, stopFailure, tellingTemporal, unknownEndpointFailure } from './failures.ts';
import { opener, requireColumns } from './open-rows.ts';
import { pulsing } from './pulse.ts';
import type { OpenRow, RowOutcomes } from './row-outcomes.ts';
import type { BatchEnd } from './stop-reason.ts';
import type { UnsentRow } from './unsent-row.ts';
import { isPoorProbe } from './unsent-row.ts';

/** The running activity, as far as wds needs it; the wiring fills it from @temporalio/activity's Context. */
export interface ActivityScope {
  readonly attempt: number;
  readonly cancellationSignal: AbortSignal;
  heartbeat(): void;
}

export interface SendDependencies {
  readonly store: Store;
  readonly ledgers: Ledgers;
  /** Throws unless the store is still the one that this process began with. */
  readonly ownStore: { confirm(): Promise<void> };
  /** undefined: this worker does not know the endpoint. */
  session(endpoint: string): EndpointSession | undefined;
  scope(): ActivityScope;
  /**
   * Who is not to be alerted, as of now, by the worker's own list and by that of the file (undefined: it has none). undefined: nobody. Throws
   * SuppressionListFault where that cannot be told.
   */
  suppressed(file: string | undefined): Promise<((userId: string) => boolean) | undefined>;
  readonly clock: Clock;
  readonly random: () => number;
  /** The activity only waits for answers: others may have its slot. Returns what ends that. */
  readonly lendSlot?: () => () => void;
  /** So many alerts were delivered just now; for figures, and never awaited. */
  readonly onDelivered?: (of: SendTarget, alerts: number) => void;
}

/** One attempt at rows of a chunk: its place in the receipts, and how the rows are to be gone about. */
export interface SendAttempt {
  readonly target: SendTarget;
  readonly session: EndpointSession;
  readonly ledger: Ledger;
  readonly plan: PlanOptions;
  readonly rows: readonly ChunkRow[];
  /** Its user is not to be alerted. */
  readonly isSuppressed: (row: ChunkRow) => boolean;
  /** Whether it may be sent just now, by the file's schedule. */
  readonly standing: Exclude<Standing, { readonly kind: 'closed' }>;
  /** Set by `attemptRows` where requests were left behind: its place in the receipts is theirs until then. */
  drained: Promise<void> | undefined;
}

/** A power loss costs at most the receipts of this long. */
const SYNC_MS = 1_000;

/**
 * Opens the attempt's place in the receipts, lets it work, and closes it in good order. Heartbeats go on all the time: receipts may take long
 * to read. `closing`: what was left unsettled is settled now. `choose`: which of the chunk's rows it is for.
 */
export async function withAttempt<Result>(
  dependencies: SendDependencies,
  input: SendTarget,
  closing: boolean,
  choose: (rows: readonly ChunkRow[]) => { readonly scope: Scope; readonly rows: readonly ChunkRow[] },
  work: (attempt: SendAttempt) => Promise<Result>,
): Promise<Result> {
  const { store, ledgers, clock } = dependencies;
  const session = dependencies.session(input.endpoint);
  if (session === undefined) throw unknownEndpointFailure(input.endpoint);
  const beat = (): void => dependencies.scope().heartbeat();
  const attempt = async (): Promise<Result> => {
    const standing = standingOf(input.schedule, clock.wallMs());
    if (standing.kind === 'closed') throw closedFailure(standing);
    const { scope, rows } = choose(await readChunk(store, input));
    // Whoever was forgotten has left no columns.
    requireColumns(rows.find((row) => !isForgotten(row))?.body, session.endpoint);
    // A journal for each look at a long pause would be one for nothing.
    const { pauseMs } = session;
    if (pauseMs > WAITS.attempt.longestInSlotMs && !isThrottledForGood(session) && standing.kind !== 'late') {
      const { attempt } = dependencies.scope();
      const { name, retry } = session.endpoint;
      const context = { endpoint: name, left: rows.length, attempt, retry, random: dependencies.random() };
      throw stopFailure({ kind: 'throttled', retryAfterMs: pauseMs }, context);
    }
    const suppressed = await dependencies.suppressed(input.suppressFile);
    const isSuppressed = (row: ChunkRow): boolean => isForgotten(row) || suppressed?.(userOf(row)) === true;
    const round = await requireRound(store, input, { round: input.round, runId: input.roundRunId });
    const { endpoint } = session;
    // A change to `hold` applies at once, the other way only to a new round.
    const ambiguous: AmbiguousPolicy = round.ambiguous === 'hold' ? 'hold' : endpoint.ambiguous;
    const { parseKey } = input;
    const durable = ambiguous === 'hold';
    const ledger = await ledgers.open(input, { round: round.round, scope, parseKey, durable });
    let attempt: SendAttempt | undefined;
    try {
      // After the journal was made: it must be in sight whenever something is sent, so it was made in this very store.
      await dependencies.ownStore.confirm();
      const plan: PlanOptions = {
        round: round.round,
        reopenedFrom: input.reopenUnconfirmed ? (round.reopenedFrom ?? round.round) : undefined,
        ambiguous,
        maximumUnanswered: endpoint.maximumUnanswered,
        requestTimeoutMs: endpoint.timeoutMs,
        retry: endpoint.retry,
        closing,
        nowMs: clock.wallMs(),
        lastSuccessMs: Math.max(session.lastSuccessMs, lastDeliveryMs(ledger)),
      };
      attempt = { target: input, session, ledger, plan, rows, isSuppressed, standing, drained: undefined };
      return await work(attempt);
    } finally {
      if (attempt?.drained === undefined) await ledger.close();
      else session.afterwards(attempt.drained.then(() => ledger.close()));
    }
  };
  return tellingTemporal(dependencies.scope().attempt, () => pulsing(clock, beat, attempt));
}

/** A row that would be sent, if its user were not on a suppression list. Who may have been alerted before is not told that he was not. */
export function suppress({ ledger, session }: SendAttempt, line: number, { unknown, attempts }: RowToSend): Outcome {
  const reason =
    unknown > 0 ? 'an earlier request was not answered; now on the suppression list' : 'on the suppression list';
  ledger.record(unknown > 0 ? 'c' : 'n', line, undefined, attempts, reason);
  const outcome = unknown > 0 ? 'unconfirmed' : 'suppressed';
  session.figures.ended(outcome);
  return outcome;
}

/** A receiver that asks for pauses, again and again or for a long one, is not waited for longer than one that is down. */
export const isThrottledForGood = ({ throttledForMs, endpoint }: EndpointSession): boolean =>
  throttledForMs > endpoint.retry.giveUpAfterMs;

/** When an alert of the chunk was last delivered; 0: never. */
function lastDeliveryMs({ states }: Ledger): number {
  let lastMs = 0;
  for (const { outcome, duplicateOf, atMs } of states.values()) {
    if (outcome === 'delivered' && duplicateOf === '') lastMs = Math.max(lastMs, atMs);
  }
  return lastMs;
}

/** An activity's start-to-close timeout, and more. */
const LONGEST_ATTEMPT_MS = 24 * 3_600_000;

/** It is too late for these rows, by the file's schedule: they are given up, with that as the reason. */
export function giveUpLate(outcomes: RowOutcomes, rows: readonly OpenRow[], text: string): void {
  for (const row of rows) row.reason = row.unknown > 0 ? '' : text;
  outcomes.giveUpOn(rows);
}

export interface AttemptedRows {
  readonly outcomes: RowOutcomes;
  readonly end: BatchEnd;
  /** Those that have no outcome. */
  readonly left: readonly UnsentRow[];
  /** Those that were asked and left behind without an answer: it may still come. */
  readonly laggards: readonly OpenRow[];
}

/**
 * Sends the rows; on return their journal is power-loss safe. In a closing attempt refusals are believed even if nothing has proved them.
 * `mostLeft`: requests that may be left behind without an answer.
 */
export async function attemptRows(
  dependencies: SendDependencies,
  attempt: SendAttempt,
  rows: readonly UnsentRow[],
  mostLeft = 0,
): Promise<AttemptedRows> {
  const { session, ledger, plan } = attempt;
  const { clock, random, lendSlot: onlyWaits = () => () => undefined } = dependencies;
  const scope = dependencies.scope();
  const { retry, ambiguous } = plan;
  const open = opener(attempt);
  const { standing } = attempt;
  const closesMs = standing.kind === 'open' ? standing.closesMs : 0;
  const spans = requestSpans(session.endpoint, random);
  const options = { session, ledger, retry, ambiguous, clock, open, random, spans };
  const batch = new Batch({ ...options, mostLeft, onlyWaits, closesMs });
  const onCancel = (): void => batch.stop({ kind: session.stopping ? 'shutdown' : 'cancelled' });
  const stopSyncs = every(clock, SYNC_MS, () => {
    ledger.keepUp().catch((error: unknown) => batch.stop({ kind: 'store', error }));
  });
  const closesInMs = closesMs - clock.wallMs();
  const cancelClosing = closesInMs < LONGEST_ATTEMPT_MS ? clock.after(closesInMs, () => session.wake()) : undefined;
  scope.cancellationSignal.addEventListener('abort', onCancel, { once: true });
  if (scope.cancellationSignal.aborted) onCancel();
  if (!rows.every((row) => isPoorProbe(row, session.health))) session.seesFresh();
  try {
    const end = await batch.run(rows);
    if (plan.closing && end.kind === 'done') batch.outcomes.believeRefusals();
    const { left, laggards, outcomes } = batch;
    if (laggards.length > 0) attempt.drained = batch.drained();
    return { outcomes, end, left, laggards };
  } finally {
    cancelClosing?.();
    if (attempt.drained === undefined) stopSyncs();
    else void attempt.drained.then(stopSyncs);
    scope.cancellationSignal.removeEventListener('abort', onCancel);
  }
}

/** Who rests for long is looked at again: the endpoint may have delivered others meanwhile, and then it need not. */
const LONGEST_REST_MS = 60_000;

/** How long until the first of these rows may be sent again, or is to be looked at. */
export function dueInMs(rows: readonly OpenRow[], { session, plan }: SendAttempt, nowMs: number): number {
  const lastSuccessMs = Math.max(plan.lastSuccessMs, session.lastSuccessMs);
  const due = rows.map((row) => {
    const restMs = Math.max(dueMs(row, { retry: plan.retry, lastSuccessMs }), row.restUntilMs ?? 0) - nowMs;
    return row.unknown > 1 ? Math.min(restMs, LONGEST_REST_MS) : restMs;
  });
  return Math.max(0, Math.min(...due));
}

/** The state of a row whose hand-over is not to be looked at: it is this attempt's. */
export const asOwn = (state: RowState | undefined): RowState | undefined =>
  state && { ...state, handedOverRound: NO_ROUND };
