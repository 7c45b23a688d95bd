/**
 * Sends one batch: the alerts of a stretch of a chunk that no receipt has settled. Idempotent: whatever is repeated, lost or run twice,
 * the receipts decide what is sent. Fails retryably while alerts are left that this batch must settle itself.
 */
import type { Outcome } from '../src/domain/alert.ts';
import type { SendAlertsInput, SendAlertsResult } from '../src/domain/contracts.ts';
import { Fault } from '../src/domain/failure.ts';
import { rangeScope } from '../src/domain/ledger/journal.ts';
import { wasDeliveredIn } from '../src/domain/ledger/outcomes.ts';
import type { RowPlan } from '../src/domain/ledger/plan.ts';
import { neverSent, planRow } from '../src/domain/ledger/plan.ts';
import { failpoint } from '../src/failpoint.ts';
import type { ChunkRow } from '../src/store/chunks.ts';
import type { StopContext } from './failures.ts';
import { earlierFileFailure, stopFailure, transientFailure, unsettledFailure } from './failures.ts';
import { opener, openRow } from './open-rows.ts';
import type { OpenRow, RowOutcomes } from './row-outcomes.ts';
import type { SendAttempt, SendDependencies } from './send-activity.ts';
import { attemptRows, dueInMs, giveUpLate, isThrottledForGood, suppress, withAttempt } from './send-activity.ts';
import type { StopReason } from './stop-reason.ts';
import { isStop } from './stop-reason.ts';
import type { UnsentRow } from './unsent-row.ts';
import { isOpen, isPoorProbe, isRisky } from './unsent-row.ts';

/** An alert that has failed this often while others got through is stubborn: sendAlert takes it over. */
const STUBBORN_AFTER = 3;
/** So is one that was twice not answered: it rests for long, and the batch need not. */
const STUBBORN_AFTER_UNANSWERED = 2;

interface Plan {
  /** No receipt mentions them. */
  readonly fresh: ChunkRow[];
  /** It is their time again. */
  readonly triedBefore: OpenRow[];
  /** Failed so lately that it is not their time yet. */
  readonly resting: OpenRow[];
  readonly ended: Record<Outcome, number>;
  /** Of the delivered ones, those that this round did not deliver itself. */
  deliveredBefore: number;
  /** An earlier file has delivered the same to the same user. */
  duplicates: number;
  /** They wait for rows of earlier files. */
  elsewhere: number;
  readonly stubborn: number[];
  /** To be written down as unconfirmed. */
  readonly unconfirmed: { readonly line: number; readonly attempts: number }[];
  unproven: number;
  waiting: number;
  /** When the last of the waiting may be settled. */
  settleAtMs: number;
}

export function createSendAlerts(dependencies: SendDependencies) {
  return function sendAlerts(input: SendAlertsInput): Promise<SendAlertsResult> {
    const choose = (chunk: readonly ChunkRow[]) => {
      const rows = chunk.slice(input.from, input.to);
      const [first, last] = [rows[0], rows.at(-1)];
      if (first === undefined || last === undefined) throw new Error(`chunk ${input.chunk} has no alert ${input.from}`);
      return { scope: rangeScope(first.line, last.line), rows };
    };
    return withAttempt(dependencies, input, input.closing, choose, (attempt) =>
      sendBatch(dependencies, attempt, input),
    );
  };
}

async function sendBatch(
  dependencies: SendDependencies,
  attempt: SendAttempt,
  input: SendAlertsInput,
): Promise<SendAlertsResult> {
  const { ledger } = attempt;
  const { wallMs } = dependencies.clock;
  if (input.knownEpoch !== undefined && ledger.epoch <= input.knownEpoch) throw receiptsAreMissing(input, ledger.epoch);
  const plan = planBatch(attempt);
  for (const { line, attempts } of plan.unconfirmed) ledger.record('c', line, undefined, attempts, 'not answered');
  attempt.session.figures.ended('unconfirmed', plan.unconfirmed.length);
  const unsent: readonly UnsentRow[] = [...plan.fresh, ...plan.triedBefore];
  const room = Math.max(0, input.maxHandover - plan.stubborn.length);
  const late = attempt.standing.kind === 'late' ? attempt.standing.text : undefined;
  const tried = await attemptRows(dependencies, attempt, late === undefined ? unsent : [], room);
  const { outcomes, end, left: attempted, laggards } = tried;
  if (late !== undefined) giveUpLate(outcomes, [...unsent, ...plan.resting].map(opener(attempt)), late);
  const left = [...attempted, ...plan.resting.filter((row) => !row.ended)];
  const context: StopContext = {
    endpoint: input.endpoint,
    left: left.length,
    attempt: dependencies.scope().attempt,
    retry: attempt.plan.retry,
    random: dependencies.random(),
    onlyRisky: left.some(isRisky) && left.every((row) => isPoorProbe(row, attempt.session.health)),
  };
  const endpointLost =
    isStop(end) && endpointLostForGood(end, [...plan.triedBefore, ...attempted], attempt, input, wallMs());
  if (isStop(end)) {
    if (!endpointLost) throw stopFailure(end, context);
    outcomes.giveUpOn(left.map(opener(attempt)));
  }
  if (!isStop(end) && isThrottledForGood(attempt.session)) {
    outcomes.giveUpOn(outcomes.again.filter((row) => row.restUntilMs !== undefined));
  }
  // From here on answers to what was left behind may come in: they are counted by sendAlert.
  const counts = { ...outcomes.counts };
  plan.stubborn.push(...(await handOver(attempt, outcomes, laggards, room, context)));
  // Otherwise it is closed right now, which writes all.
  if (attempt.drained !== undefined) await ledger.sync();
  dependencies.onDelivered?.(input, counts.delivered);
  const leftBehind = new Set(laggards);
  const again = [...outcomes.again, ...plan.resting].filter((row) => !row.ended && !leftBehind.has(row));
  if (end.kind === 'done') {
    if (again.length > 0) throw transientFailure(context, dueInMs(again, attempt, wallMs()));
    if (input.closing && plan.waiting > 0) throw unsettledFailure(plan.waiting, plan.settleAtMs - wallMs());
    if (input.closing && plan.elsewhere > 0) throw earlierFileFailure(plan.elsewhere, context.attempt);
    failpoint('sending.settled');
  }
  return {
    delivered: plan.ended.delivered + counts.delivered,
    rejected: plan.ended.rejected + counts.rejected,
    undelivered: plan.ended.undelivered + counts.undelivered,
    unconfirmed: plan.ended.unconfirmed + plan.unconfirmed.length + counts.unconfirmed,
    ...(plan.ended.suppressed === 0 ? {} : { suppressed: plan.ended.suppressed }),
    stubborn: plan.stubborn,
    unsettled: plan.unproven + plan.waiting + plan.elsewhere + outcomes.unproven,
    endpointLost,
    turnOver: end.kind === 'turn_over',
    deliveredBefore: plan.deliveredBefore,
    epoch: ledger.epoch,
    ...(plan.duplicates === 0 ? {} : { duplicates: plan.duplicates }),
  };
}

function planBatch(attempt: SendAttempt): Plan {
  const { ledger, plan: options, rows } = attempt;
  const plan: Plan = {
    fresh: [],
    triedBefore: [],
    resting: [],
    ended: { delivered: 0, rejected: 0, undelivered: 0, unconfirmed: 0, suppressed: 0 },
    deliveredBefore: 0,
    duplicates: 0,
    elsewhere: 0,
    stubborn: [],
    unconfirmed: [],
    unproven: 0,
    waiting: 0,
    settleAtMs: 0,
  };
  for (const row of rows) {
    const state = ledger.states.get(row.line);
    if (state === undefined) {
      if (attempt.isSuppressed(row)) plan.ended[suppress(attempt, row.line, neverSent(options))]++;
      else plan.fresh.push(row);
      continue;
    }
    const decision = planRow(state, options);
    // Ended by sendAlert, whose own result counts it.
    if (decision.kind === 'ended' && state.handedOverRound === options.round) continue;
    if (state.duplicateOf !== '') {
      plan.duplicates++;
      continue;
    }
    if (state.outcome === 'delivered' && !wasDeliveredIn(state, options.round)) plan.deliveredBefore++;
    if (decision.kind !== 'send') place(plan, row.line, decision);
    else if (attempt.isSuppressed(row)) plan.ended[suppress(attempt, row.line, decision)]++;
    else (decision.dueMs > options.nowMs ? plan.resting : plan.triedBefore).push(openRow(attempt, row, decision));
  }
  // The probes of an endpoint that seems ill are taken from the front.
  const { health } = attempt.session;
  const last = (row: OpenRow): number => (health.isSpent(row.id) ? 2 : Math.sign(row.unknown));
  plan.triedBefore.sort((a, b) => last(a) - last(b) || a.triedAtMs - b.triedAtMs);
  return plan;
}

function place(plan: Plan, line: number, decision: Exclude<RowPlan, { readonly kind: 'send' }>): void {
  switch (decision.kind) {
    case 'ended':
      plan.ended[decision.outcome]++;
      break;
    case 'handed_over':
      plan.stubborn.push(line);
      break;
    case 'unproven':
      plan.unproven++;
      break;
    case 'elsewhere':
      plan.elsewhere++;
      break;
    case 'wait':
      plan.waiting++;
      plan.settleAtMs = Math.max(plan.settleAtMs, decision.atMs);
      break;
    case 'unconfirmed':
      plan.unconfirmed.push({ line, attempts: decision.attempts });
      break;
  }
}

/** The endpoint has been down, or refused everything, for longer than the policy waits: the rest of the batch is undelivered. */
function endpointLostForGood(
  stop: StopReason,
  rows: readonly UnsentRow[],
  { plan, session }: SendAttempt,
  input: SendAlertsInput,
  nowMs: number,
): boolean {
  if (stop.kind === 'throttled') return isThrottledForGood(session);
  if (stop.kind !== 'down' && stop.kind !== 'misconfigured') return false;
  if (input.endpointLost) return true;
  const since = rows.map((row) => isOpen(row) && row.firstFailureMs).filter((value) => typeof value === 'number');
  return since.length > 0 && nowMs - Math.min(...since) > plan.retry.giveUpAfterMs;
}

/**
 * Moves the stubborn ones to sendAlert, up to a number, and those that are not answered while others are (sendAlert waits for their answers). It is a change of owner like any other: written where the next owner reads, and then
 * looked at whether it was still this attempt's to give.
 */
async function handOver(
  { ledger }: SendAttempt,
  outcomes: RowOutcomes,
  laggards: readonly OpenRow[],
  most: number,
  context: StopContext,
): Promise<number[]> {
  const failed = outcomes.again.filter(
    (row) => row.attempts >= STUBBORN_AFTER || row.unknown >= STUBBORN_AFTER_UNANSWERED,
  );
  const stubborn = [...laggards, ...failed].slice(0, most);
  if (stubborn.length === 0) return [];
  for (const row of stubborn) ledger.record('s', row.line, row.status, row.attempts, row.reason);
  const lines = stubborn.map((row) => row.line);
  if ((await ledger.confirm(lines)) === undefined) throw stopFailure({ kind: 'superseded' }, context);
  failpoint('sending.handed-over');
  const moved = new Set(stubborn);
  outcomes.again = outcomes.again.filter((row) => !moved.has(row));
  return lines;
}

/** The workflow has seen receipts that are not there: an old copy of the store, or another one in its place. */
function receiptsAreMissing({ chunk, knownEpoch }: SendAlertsInput, epoch: number): Fault {
  return new Fault(
    'store',
    `receipts of chunk ${chunk} are missing: attempt ${knownEpoch} has written there, and this one is number ${epoch}`,
    'Is the store mounted, and is it not an older copy? Nothing is sent until the receipts are back.',
  );
}
