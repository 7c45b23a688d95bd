/** What an attempt at a batch has to do, decided from receipts alone. Pure. */

import type { Outcome } from './alert.ts';
import type { AmbiguousPolicy } from './endpoint.ts';
import type { RowState } from './receipts.ts';
import { outcomeInRound } from './receipts.ts';

/** A row that is not on the socket this long after its intent was written is not sent by that attempt any more. */
export const LONGEST_WAY_TO_SOCKET_MS = 3_000;
/** Past its deadline, an answer has this long to be written down. */
const SETTLE_MARGIN_MS = 1_000;

export interface PlanOptions {
  readonly round: string;
  readonly reopenUnconfirmed: boolean;
  readonly ambiguous: AmbiguousPolicy;
  readonly requestTimeoutMs: number;
  /** Last visit: open refusals are tried once more. */
  readonly closing: boolean;
  readonly nowMs: number;
}

export type RowPlan =
  | { readonly kind: 'ended'; readonly outcome: Outcome }
  /** sendAlert owns it. */
  | { readonly kind: 'handed_over' }
  /** To be sent now. `triedAtMs`: when it was last heard of, in any round; 0: never. `refused`: with 401/403/404/410, in this round. */
  | {
      readonly kind: 'send';
      readonly attempts: number;
      readonly firstFailureMs: number | undefined;
      readonly triedAtMs: number;
      readonly refused: boolean;
    }
  /** Its request was sent, its answer is lost, and the policy is `hold`. */
  | { readonly kind: 'unconfirmed'; readonly attempts: number }
  /** Not before `atMs`: its answer may still come in. */
  | { readonly kind: 'wait'; readonly atMs: number }
  /** Refused, perhaps by the endpoint's fault: for the last visit. */
  | { readonly kind: 'unproven' };

export function planRow(state: RowState | undefined, options: PlanOptions): RowPlan {
  const outcome = outcomeInRound(state, options.round, options.reopenUnconfirmed);
  if (outcome !== undefined) return { kind: 'ended', outcome };
  if (state === undefined)
    return { kind: 'send', attempts: 0, firstFailureMs: undefined, triedAtMs: 0, refused: false };
  if (state.movedTo !== '') return { kind: 'ended', outcome: state.outcome ?? 'undelivered' };
  const sameRound = state.round === options.round;
  if (state.handedOverRound === options.round) return { kind: 'handed_over' };
  const attempts = sameRound ? state.attempts : 0;
  if (state.openIntentMs !== undefined) {
    const longestMs = LONGEST_WAY_TO_SOCKET_MS + options.requestTimeoutMs + SETTLE_MARGIN_MS;
    const atMs = state.openIntentMs + longestMs;
    // A clock that was ahead when the intent was written must not hold the row for ever.
    if (options.nowMs < atMs) return { kind: 'wait', atMs: Math.min(atMs, options.nowMs + longestMs) };
    if (options.ambiguous === 'hold' && (sameRound || !options.reopenUnconfirmed))
      return { kind: 'unconfirmed', attempts };
  }
  if (sameRound && state.refusalOpen && !options.closing) return { kind: 'unproven' };
  const firstFailureMs = sameRound ? state.firstFailureMs : undefined;
  return { kind: 'send', attempts, firstFailureMs, triedAtMs: state.atMs, refused: sameRound && state.refusalOpen };
}
