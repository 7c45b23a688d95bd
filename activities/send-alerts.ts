/**
 * Sends one batch: the alerts of a stretch of a chunk that no receipt has settled. Idempotent: whatever is repeated, lost or run twice,
 * the receipts decide what is sent. Fails retryably while alerts are left that this batch must settle itself.
 */

import { backoffMs } from '../src/domain/backoff.ts';
import type { RowPlan } from '../src/domain/batch-plan.ts';
import { planRow } from '../src/domain/batch-plan.ts';
import type { SendAlertsInput, SendAlertsResult } from '../src/domain/contracts.ts';
import type { RowState } from '../src/domain/receipts.ts';
import type { EndpointSession } from '../src/endpoint/endpoint-session.ts';
import { failpoint } from '../src/failpoint.ts';
import type { ChunkRow } from '../src/store/chunks.ts';
import { readChunk } from '../src/store/chunks.ts';
import { chunkEpochs, Ledger, readStates, rowEpochs } from '../src/store/receipts.ts';
import type { StopReason } from './batch.ts';
import { isStop } from './batch.ts';
import type { StopContext } from './failures.ts';
import { stopFailure, storeFailure, transientFailure, unknownEndpointFailure, unsettledFailure } from './failures.ts';
import type { OpenRow, RowOutcomes } from './row-outcomes.ts';
import type { SendDependencies } from './send-activity.ts';
import { attemptRows, lastDeliveryMs, openRow } from './send-activity.ts';

/** An alert that has failed this often while others got through is stubborn: sendAlert takes it over. */
const STUBBORN_AFTER = 3;

interface Plan {
  readonly open: OpenRow[];
  /** Failed so lately that it is not their time yet. */
  readonly resting: OpenRow[];
  readonly ended: { delivered: number; rejected: number; undelivered: number; unconfirmed: number };
  readonly stubborn: number[];
  /** To be written down as unconfirmed. */
  readonly unconfirmed: { readonly line: number; readonly attempts: number }[];
  unproven: number;
  waiting: number;
  /** When the last of the waiting may be settled. */
  settleAtMs: number;
}

export function createSendAlerts(dependencies: SendDependencies) {
  return async function sendAlerts(input: SendAlertsInput): Promise<SendAlertsResult> {
    const session = dependencies.session(input.endpoint);
    if (session === undefined) throw unknownEndpointFailure(input.endpoint);
    try {
      return await sendBatch(dependencies, session, input);
    } catch (error) {
      throw storeFailure(error, dependencies.scope().attempt);
    }
  };
}

async function sendBatch(
  dependencies: SendDependencies,
  session: EndpointSession,
  input: SendAlertsInput,
): Promise<SendAlertsResult> {
  const { store, nowMs } = dependencies;
  const rows = (await readChunk(store, input)).slice(input.from, input.to);
  const ledger = await Ledger.open(store, chunkEpochs(input), input.round, nowMs);
  try {
    const plan = planBatch(session, input, rows, await takeBackRows(dependencies, input), nowMs());
    for (const row of plan.unconfirmed) {
      ledger.record('c', row.line, undefined, row.attempts, nowMs(), 'the answer was lost');
    }
    const { outcomes, end } = await attemptRows(dependencies, session, ledger, plan.open, input);
    const left = [...plan.open, ...plan.resting].filter((row) => !row.ended);
    const context: StopContext = {
      endpoint: input.endpoint,
      left: left.length,
      attempt: dependencies.scope().attempt,
      retry: input.retry,
      random: dependencies.random(),
    };
    const endpointLost = isStop(end) && endpointLostForGood(end, plan.open, input, nowMs());
    if (isStop(end)) {
      if (!endpointLost) throw stopFailure(end, context);
      outcomes.giveUpOn(left);
    }
    const room = Math.max(0, input.maxHandover - plan.stubborn.length);
    plan.stubborn.push(...handOver(ledger, outcomes, room, nowMs()));
    await ledger.sync();
    if (plan.stubborn.length > 0) failpoint('sending.handed-over');
    const { counts } = outcomes;
    const again = [...outcomes.again, ...plan.resting].filter((row) => !row.ended);
    if (end.kind === 'done') {
      if (again.length > 0) throw transientFailure(context, Math.max(...again.map((row) => row.attempts)));
      if (input.closing && plan.waiting > 0) throw unsettledFailure(plan.waiting, plan.settleAtMs - nowMs());
      failpoint('sending.settled');
    }
    return {
      delivered: plan.ended.delivered + counts.delivered,
      rejected: plan.ended.rejected + counts.rejected,
      undelivered: plan.ended.undelivered + counts.undelivered,
      unconfirmed: plan.ended.unconfirmed + plan.unconfirmed.length + counts.unconfirmed,
      stubborn: plan.stubborn,
      unsettled: plan.unproven + plan.waiting + outcomes.unproven,
      endpointLost,
      turnOver: end.kind === 'turn_over',
    };
  } finally {
    await ledger.close();
  }
}

/**
 * Reads all receipts of the chunk. Alerts that an earlier round handed over to sendAlert are the batch's again in this one: a
 * new epoch in each one's own journals stops an attempt of the earlier round that may still be alive.
 */
async function takeBackRows(dependencies: SendDependencies, input: SendAlertsInput): Promise<Map<number, RowState>> {
  const states = await readStates(dependencies.store, input);
  let takenBack = false;
  for (const [line, state] of states) {
    const earlier = state.handedOverRound !== '' && state.handedOverRound !== input.round;
    if (!earlier || state.round === input.round || state.outcome === 'delivered') continue;
    const fence = await Ledger.open(dependencies.store, rowEpochs(input, line), input.round, dependencies.nowMs);
    await fence.close();
    takenBack = true;
  }
  return takenBack ? readStates(dependencies.store, input) : states;
}

function planBatch(
  session: EndpointSession,
  input: SendAlertsInput,
  rows: readonly ChunkRow[],
  states: ReadonlyMap<number, RowState>,
  nowMs: number,
): Plan {
  const plan: Plan = {
    open: [],
    resting: [],
    ended: { delivered: 0, rejected: 0, undelivered: 0, unconfirmed: 0 },
    stubborn: [],
    unconfirmed: [],
    unproven: 0,
    waiting: 0,
    settleAtMs: 0,
  };
  const { ambiguous, timeoutMs } = session.endpoint;
  const options = { ...input, ambiguous, requestTimeoutMs: timeoutMs, nowMs };
  const deliveredMs = lastDeliveryMs(states);
  const sends: [number, OpenRow][] = [];
  for (const row of rows) {
    const state = states.get(row.line);
    const decision = planRow(state, options);
    // Ended by sendAlert, whose own result counts it.
    if (decision.kind === 'ended' && state?.handedOverRound === input.round) continue;
    if (decision.kind !== 'send') place(plan, row.line, decision);
    else if (rests(decision, input, nowMs)) plan.resting.push(openRow(input, row, decision, deliveredMs));
    else sends.push([decision.triedAtMs, openRow(input, row, decision, deliveredMs)]);
  }
  // Those that failed come last: were they the probes of an endpoint that seems ill, nobody else would get a turn.
  plan.open.push(...sends.sort(([a], [b]) => a - b).map(([, row]) => row));
  return plan;
}

/** It has failed in this round, and its backoff is not over. (A time in the future is a clock that was wrong.) */
function rests(
  { attempts, triedAtMs, refused }: RowPlan & { readonly kind: 'send' },
  { retry }: SendAlertsInput,
  nowMs: number,
): boolean {
  if (attempts === 0 || refused || triedAtMs > nowMs) return false;
  return nowMs < triedAtMs + backoffMs(retry, { failures: attempts, random: 0 });
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
    case 'wait':
      plan.waiting++;
      plan.settleAtMs = Math.max(plan.settleAtMs, decision.atMs);
      break;
    case 'unconfirmed':
      plan.unconfirmed.push({ line, attempts: decision.attempts });
      break;
  }
}

/** The endpoint has been down or misconfigured for longer than the policy waits: the rest of the batch is undelivered. */
function endpointLostForGood(
  stop: StopReason,
  open: readonly OpenRow[],
  input: SendAlertsInput,
  nowMs: number,
): boolean {
  if (stop.kind !== 'down' && stop.kind !== 'misconfigured') return false;
  if (input.endpointLost) return true;
  const since = open.map((row) => row.firstFailureMs).filter((value) => value !== undefined);
  return since.length > 0 && nowMs - Math.min(...since) > input.retry.giveUpAfterMs;
}

/** Moves the stubborn ones to sendAlert, up to a number; the line in this journal is the hand-over. */
function handOver(ledger: Ledger, outcomes: RowOutcomes, most: number, nowMs: number): number[] {
  const stubborn = outcomes.again.filter((row) => row.attempts >= STUBBORN_AFTER).slice(0, most);
  for (const row of stubborn) ledger.record('s', row.line, row.status, row.attempts, nowMs, row.reason);
  const moved = new Set(stubborn);
  outcomes.again = outcomes.again.filter((row) => !moved.has(row));
  return stubborn.map((row) => row.line);
}
