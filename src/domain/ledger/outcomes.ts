/** What has become of an alert as far as a round is concerned. Pure. */
import type { Outcome } from '../alert.ts';
import type { RowState, RowStates } from './row-state.ts';

/**
 * What to go by: an alert that the receiver may have accepted never ends as rejected or undelivered, and one of which every request turned out
 * not to have been accepted is not unconfirmed, but undelivered.
 */
export function settled(states: RowStates): RowStates {
  for (const state of states.values()) {
    if (state.outcome === undefined || state.outcome === 'delivered') continue;
    if (state.unknown > 0) state.outcome = 'unconfirmed';
    else if (state.outcome === 'unconfirmed') state.outcome = 'undelivered';
  }
  return states;
}

/** How the alert has ended as far as `round` is concerned: delivered for ever, unconfirmed until it is opened again, others in their round. */
export function outcomeInRound(state: RowState | undefined, round: number, reopens: boolean): Outcome | undefined {
  if (state?.outcome === undefined) return undefined;
  if (state.outcome === 'delivered' || state.outcomeRound === round) return state.outcome;
  return state.outcome === 'unconfirmed' && !reopens ? 'unconfirmed' : undefined;
}

/** How an alert has ended here whose place the row of another file has taken: whoever may have been alerted is not among those who were not. */
export function outcomeOfMoved({ outcome, unknown, openFencedMs }: RowState): Outcome {
  return outcome ?? (unknown > 0 || openFencedMs !== undefined ? 'unconfirmed' : 'undelivered');
}

/** Delivered by an attempt of this very round, and not in an earlier one or as the row of another file. */
export const wasDeliveredIn = (state: RowState | undefined, round: number): boolean =>
  state?.outcome === 'delivered' && state.outcomeRound === round && state.attempts > 0;
