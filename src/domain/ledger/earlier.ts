/** Once a message: what the row of an earlier file, with the same message to the same user, means for a row that is not sent yet. Pure. */

import { outcomeInRound } from './outcomes.ts';
import { rowName } from './row-names.ts';
import type { RowState } from './row-state.ts';

/** `delivery.once: message`: nobody is sent the same message again that an earlier file has delivered within this time. */
export interface OnceOptions {
  readonly withinMs: number;
}

/** The same as a round has it. null: the file is sent as a whole, once a file, and counts for later ones. */
export interface OnceRound {
  readonly withinMs: number | null;
}

/**
 * `delivered`: this row is a duplicate · `undecided`: its own file may still send it, if it is being delivered · `ended`: it may be taken
 * over · `gone`: nothing is sent from there any more. What may have reached the user (`unknown`) comes along from any of them.
 */
export type EarlierKind = 'delivered' | 'undecided' | 'ended' | 'gone';

export interface EarlierRow {
  readonly kind: EarlierKind;
  readonly unknown: number;
}

const NOTHING_LEFT: EarlierRow = { kind: 'gone', unknown: 0 };

export interface EarlierQuestion {
  /** The row that asks. */
  readonly self: { readonly sha256: string; readonly line: number };
  /** Of the earlier row's file. */
  readonly newestRound: number;
  /** What was delivered before does not count any more. */
  readonly sinceMs: number;
}

export function judgeEarlier(state: RowState | undefined, { self, newestRound, sinceMs }: EarlierQuestion): EarlierRow {
  if (state === undefined) return { kind: 'undecided', unknown: 0 };
  if (state.outcome === 'delivered') {
    // The row that it is a duplicate of is judged by itself: it says when the user got the message.
    if (state.duplicateOf !== '' || state.atMs < sinceMs) return NOTHING_LEFT;
    return { kind: 'delivered', unknown: 0 };
  }
  const unknown = state.unknown + (state.maybeTwice ? 1 : 0);
  // Whoever took it over may have been stopped before he saw whether it was still his to take: it is done again.
  if (state.movedTo !== '' && state.movedTo === rowName(self, self.line)) return { kind: 'ended', unknown };
  if (state.movedTo !== '') return { kind: 'gone', unknown };
  // A round that opens unconfirmed ones again sends them, too.
  const hasEnded = outcomeInRound(state, newestRound, true) !== undefined && state.openFencedMs === undefined;
  return { kind: hasEnded ? 'ended' : 'undecided', unknown };
}
