/** What an attempt has to do with a row, decided from its receipts alone. Pure. */
import type { Outcome } from '../alert.ts';
import { backoffMs } from '../backoff.ts';
import type { AmbiguousPolicy, RetryPolicy } from '../endpoint.ts';
import { WAITS } from '../waits.ts';
import { longestAnswerMs, unanswerableFromMs } from './fence.ts';
import { outcomeInRound, outcomeOfMoved } from './outcomes.ts';
import type { RowState } from './row-state.ts';

export interface PlanOptions {
  readonly round: number;
  /**
   * Rows that are `unconfirmed` are opened again, for one more request: the operator asked for it, and this is the first round that was begun for
   * it. (There are others where a run lost its round, or was reset.) undefined: nobody asked.
   */
  readonly reopenedFrom: number | undefined;
  readonly ambiguous: AmbiguousPolicy;
  readonly maximumUnanswered: number;
  readonly requestTimeoutMs: number;
  readonly retry: RetryPolicy;
  /** Last visit: open refusals are tried once more. */
  readonly closing: boolean;
  readonly nowMs: number;
  /** When the endpoint last delivered anything, as far as is known; 0: never. */
  readonly lastSuccessMs: number;
}

export interface RowToSend {
  readonly kind: 'send';
  /** Counted ones of this round. */
  readonly attempts: number;
  readonly firstFailureMs: number | undefined;
  /** When it was last heard of, in any round; 0: never. */
  readonly triedAtMs: number;
  /** With 401/403/404/410, in this round. */
  readonly refused: boolean;
  /** Requests whose outcome is unknown, and how many there may be at most. */
  readonly unknown: number;
  readonly unknownLimit: number;
  /** Not to be sent before; 0: now. */
  readonly dueMs: number;
}

export type RowPlan =
  | RowToSend
  | { readonly kind: 'ended'; readonly outcome: Outcome }
  /** sendAlert owns it. */
  | { readonly kind: 'handed_over' }
  /** The receiver may have accepted it, and it must not be sent again. */
  | { readonly kind: 'unconfirmed'; readonly attempts: number }
  /** Not before `atMs`: its answer may still come in. */
  | { readonly kind: 'wait'; readonly atMs: number }
  /** Refused, perhaps by the endpoint's fault: for the last visit. */
  | { readonly kind: 'unproven' }
  /** An earlier file, whose row says the same, comes first. */
  | { readonly kind: 'elsewhere' };

export function planRow(state: RowState | undefined, options: PlanOptions): RowPlan {
  const { round, nowMs, requestTimeoutMs } = options;
  const reopens = isReopened(state, options);
  const outcome = outcomeInRound(state, round, reopens);
  if (outcome !== undefined) return { kind: 'ended', outcome };
  if (state === undefined) return neverSent(options);
  if (state.movedTo !== '') return { kind: 'ended', outcome: outcomeOfMoved(state) };
  if (state.waitsFor !== '') return { kind: 'elsewhere' };
  if (state.handedOverRound === round) return { kind: 'handed_over' };
  const sameRound = state.round === round;
  const attempts = sameRound ? state.attempts : 0;
  if (state.openFencedMs !== undefined) {
    const atMs = unanswerableFromMs(state.openFencedMs, requestTimeoutMs);
    // A clock that was ahead must not hold the row for ever.
    if (nowMs < atMs) return { kind: 'wait', atMs: Math.min(atMs, nowMs + longestAnswerMs(requestTimeoutMs)) };
  }
  const limit = unknownLimit(sameRound ? state.unknownBefore : state.unknown, reopens, options);
  if (state.unknown >= limit) return { kind: 'unconfirmed', attempts };
  const refused = sameRound && state.refusalOpen;
  if (refused && !options.closing) return { kind: 'unproven' };
  return {
    kind: 'send',
    attempts,
    firstFailureMs: sameRound ? state.firstFailureMs : undefined,
    triedAtMs: state.atMs,
    refused,
    unknown: state.unknown,
    unknownLimit: limit,
    dueMs: sameRound && !refused && state.atMs <= nowMs ? dueMs({ ...state, triedAtMs: state.atMs }, options) : 0,
  };
}

/** What to do with a row that no receipt mentions. */
export const neverSent = (options: PlanOptions): RowToSend => ({
  kind: 'send',
  attempts: 0,
  firstFailureMs: undefined,
  triedAtMs: 0,
  refused: false,
  unknown: 0,
  unknownLimit: unknownLimit(0, false, options),
  dueMs: 0,
});

/** Whoever asks for unconfirmed alerts again asks for one more request each: not for one in each round that is begun for it. */
function isReopened(state: RowState | undefined, { round, reopenedFrom }: PlanOptions): boolean {
  if (reopenedFrom === undefined) return false;
  return state === undefined || state.askedRound < reopenedFrom || state.askedRound === round;
}

/** Under `hold` the first unknown outcome is the last. */
function unknownLimit(
  before: number,
  reopens: boolean,
  { ambiguous, maximumUnanswered }: Pick<PlanOptions, 'ambiguous' | 'maximumUnanswered'>,
): number {
  const limit = ambiguous === 'hold' ? 1 : maximumUnanswered;
  return reopens ? Math.max(limit, before + 1) : limit;
}

/**
 * When an alert that failed may be sent again. One that the receiver may have accepted twice already rests for long, but not if the endpoint
 * has delivered others since: then its silence was this alert's, or is over.
 */
export function dueMs(
  row: { readonly attempts: number; readonly unknown: number; readonly triedAtMs: number },
  { retry, lastSuccessMs }: Pick<PlanOptions, 'retry' | 'lastSuccessMs'>,
): number {
  if (row.attempts === 0) return 0;
  const backoff = row.triedAtMs + backoffMs(retry, { failures: row.attempts, random: 0 });
  if (row.unknown < 2 || lastSuccessMs > row.triedAtMs) return backoff;
  const { second, longest } = WAITS.unansweredAlertMs;
  const restMs = Math.min(second * 10 ** (row.unknown - 2), longest);
  return Math.max(backoff, row.triedAtMs + restMs);
}
