/**
 * Who may send a row, and until when. The whole guarantee rests on two rules, both here.
 *
 * Order: all attempts at the rows of a chunk, whoever makes them, take their epochs from one counter. An attempt announces rows, *then* looks
 * for higher epochs, then sends. So either a newcomer reads the announcement, or the older attempt sees the newcomer and stops.
 */
import type { JournalHeader } from './journal.ts';
import { touches } from './journal.ts';

/** A row's first byte is written this long after its confirmation was begun, at most. */
export const CONFIRMATION_VALID_MS = 1_000;
/** Past its deadline, an answer has this long to be written down. */
const SETTLE_MARGIN_MS = 1_000;

/**
 * Whether the newer attempt takes the row from the older one. An attempt of a round that is over takes nothing: it sends nothing either. A
 * stubborn alert that was handed over in this round is its own sendAlert's, also when the batch comes again.
 */
export function supersedes(newer: JournalHeader, older: JournalHeader, line: number): boolean {
  if (newer.epoch <= older.epoch || newer.round < older.round || !touches(newer.scope, line)) return false;
  const isItsBatch = newer.scope.owner === 'batch' && older.scope.owner === 'alert';
  return !(isItsBatch && newer.round === older.round);
}

/**
 * The one place that decides whether a request may begin: its row was announced and found to be ours by a look that was begun at
 * `confirmedMs`. Both times are of this process's monotonic clock, which no change of the time of day moves.
 */
export function mayBegin(confirmedMs: number, nowMs: number): boolean {
  return nowMs - confirmedMs <= CONFIRMATION_VALID_MS;
}

/**
 * From when on a request that a superseded attempt had open can no longer be answered: its confirmation was begun before the next attempt
 * was there (`fencedMs`), its first byte was written within CONFIRMATION_VALID_MS of that, and it has its deadline.
 */
export function unanswerableFromMs(fencedMs: number, requestTimeoutMs: number): number {
  return fencedMs + longestAnswerMs(requestTimeoutMs);
}

export const longestAnswerMs = (requestTimeoutMs: number): number =>
  CONFIRMATION_VALID_MS + requestTimeoutMs + SETTLE_MARGIN_MS;
