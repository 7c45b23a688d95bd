/**
 * One stubborn alert, retried by Temporal under its own policy and visible in the Web UI by itself: what other systems put into a
 * dead-letter queue. Its attempts are counted in its receipts, so that throttling and a dead endpoint use none of them up.
 */
import type { Outcome } from '../src/domain/alert.ts';
import { OUTCOMES } from '../src/domain/alert.ts';
import { planRow } from '../src/domain/batch-plan.ts';
import type { SendAlertInput, SendAlertResult } from '../src/domain/contracts.ts';
import type { EndpointSession } from '../src/endpoint/endpoint-session.ts';
import { readChunk } from '../src/store/chunks.ts';
import { Ledger, readStates, rowEpochs } from '../src/store/receipts.ts';
import { isStop } from './batch.ts';
import { stopFailure, storeFailure, transientFailure, unknownEndpointFailure, unsettledFailure } from './failures.ts';
import type { SendDependencies } from './send-activity.ts';
import { attemptRows, lastDeliveryMs, openRow } from './send-activity.ts';

export function createSendAlert(dependencies: SendDependencies) {
  return async function sendAlert(input: SendAlertInput): Promise<SendAlertResult> {
    const session = dependencies.session(input.endpoint);
    if (session === undefined) throw unknownEndpointFailure(input.endpoint);
    try {
      return { outcome: await sendOne(dependencies, session, input) };
    } catch (error) {
      throw storeFailure(error, dependencies.scope().attempt);
    }
  };
}

async function sendOne(
  dependencies: SendDependencies,
  session: EndpointSession,
  input: SendAlertInput,
): Promise<Outcome> {
  const { store, nowMs } = dependencies;
  const row = (await readChunk(store, input)).find((candidate) => candidate.line === input.line);
  if (row === undefined) throw new Error(`line ${input.line} is not in chunk ${input.chunk}`);
  const ledger = await Ledger.open(store, rowEpochs(input, input.line), input.round, nowMs);
  try {
    const { ambiguous, timeoutMs } = session.endpoint;
    const states = await readStates(store, input);
    const state = states.get(input.line);
    // From its hand-over on, the alert is this activity's: the plan is made as if it had not been handed over.
    const decision = planRow(state && { ...state, handedOverRound: '' }, {
      ...input,
      ambiguous,
      requestTimeoutMs: timeoutMs,
      closing: true,
      nowMs: nowMs(),
    });
    if (decision.kind === 'ended') return decision.outcome;
    if (decision.kind === 'wait') throw unsettledFailure(1, decision.atMs - nowMs());
    if (decision.kind === 'unconfirmed') {
      ledger.record('c', input.line, undefined, decision.attempts, nowMs(), 'the answer was lost');
      await ledger.sync();
      return 'unconfirmed';
    }
    if (decision.kind !== 'send') throw new Error(`line ${input.line}: ${decision.kind} is not for sendAlert`);
    const open = openRow(input, row, decision, lastDeliveryMs(states));
    const { outcomes, end } = await attemptRows(dependencies, session, ledger, [open], { ...input, closing: true });
    await ledger.sync();
    const outcome = OUTCOMES.find((candidate) => outcomes.counts[candidate] > 0);
    if (outcome !== undefined) return outcome;
    const context = {
      endpoint: input.endpoint,
      left: 1,
      attempt: dependencies.scope().attempt,
      retry: input.retry,
      random: dependencies.random(),
    };
    throw isStop(end) ? stopFailure(end, context) : transientFailure(context, open.attempts);
  } finally {
    await ledger.close();
  }
}
