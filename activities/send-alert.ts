/**
 * One stubborn alert, retried by Temporal under its own policy and visible in the Web UI by itself: what other systems put into a
 * dead-letter queue. Its attempts are counted in its receipts, so that throttling and a dead endpoint use none of them up.
 */
import type { Outcome } from '../src/domain/alert.ts';
import { OUTCOMES } from '../src/domain/alert.ts';
import type { SendAlertInput, SendAlertResult } from '../src/domain/contracts.ts';
import { linesScope } from '../src/domain/ledger/journal.ts';
import { planRow } from '../src/domain/ledger/plan.ts';
import type { ChunkRow } from '../src/store/chunks.ts';
import { stopFailure, transientFailure, unsettledFailure } from './failures.ts';
import { openRow } from './open-rows.ts';
import type { SendAttempt, SendDependencies } from './send-activity.ts';
import { asOwn, attemptRows, dueInMs, giveUpLate, isThrottledForGood, suppress, withAttempt } from './send-activity.ts';
import { isStop } from './stop-reason.ts';

export function createSendAlert(dependencies: SendDependencies) {
  return function sendAlert(input: SendAlertInput): Promise<SendAlertResult> {
    const choose = (rows: readonly ChunkRow[]) => ({
      scope: linesScope('alert', [input.line]),
      rows: rows.filter(({ line }) => line === input.line),
    });
    return withAttempt(dependencies, input, true, choose, async (attempt) => {
      const [row] = attempt.rows;
      if (row === undefined) throw new Error(`line ${input.line} is not in chunk ${input.chunk}`);
      return { outcome: await sendOne(dependencies, attempt, input, row) };
    });
  };
}

async function sendOne(
  dependencies: SendDependencies,
  attempt: SendAttempt,
  input: SendAlertInput,
  row: ChunkRow,
): Promise<Outcome> {
  const { ledger, plan } = attempt;
  const { clock } = dependencies;
  const decision = planRow(asOwn(ledger.states.get(input.line)), plan);
  if (decision.kind === 'ended') return decision.outcome;
  if (decision.kind === 'wait') throw unsettledFailure(1, decision.atMs - plan.nowMs);
  if (decision.kind === 'unconfirmed') {
    ledger.record('c', input.line, undefined, decision.attempts, 'not answered');
    attempt.session.figures.ended('unconfirmed');
    await ledger.sync();
    return 'unconfirmed';
  }
  if (decision.kind !== 'send') throw new Error(`line ${input.line}: ${decision.kind} is not for sendAlert`);
  if (attempt.isSuppressed(row)) {
    const outcome = suppress(attempt, input.line, decision);
    await ledger.sync();
    return outcome;
  }
  const open = openRow(attempt, row, decision);
  const { standing } = attempt;
  const context = {
    endpoint: input.endpoint,
    left: 1,
    attempt: dependencies.scope().attempt,
    retry: plan.retry,
    random: dependencies.random(),
    onlyRisky: decision.unknown > 0,
  };
  if (standing.kind !== 'late' && decision.dueMs > plan.nowMs)
    throw transientFailure(context, decision.dueMs - plan.nowMs);
  const { outcomes, end } = await attemptRows(dependencies, attempt, standing.kind === 'late' ? [] : [open]);
  if (standing.kind === 'late') giveUpLate(outcomes, [open], standing.text);
  const isThrottled = end.kind === 'throttled' || open.restUntilMs !== undefined;
  if (isThrottled && isThrottledForGood(attempt.session) && !open.ended) outcomes.giveUpOn([open]);
  await ledger.sync();
  dependencies.onDelivered?.(input, outcomes.counts.delivered);
  const outcome = OUTCOMES.find((candidate) => outcomes.counts[candidate] > 0);
  if (outcome !== undefined) return outcome;
  throw isStop(end) ? stopFailure(end, context) : transientFailure(context, dueInMs([open], attempt, clock.wallMs()));
}
