/** Events that do not say how a row fares: whose it is, and what it waits for. They come to the same in whatever order journals are read. Pure. */
import type { JournalEvent, JournalHeader } from './journal.ts';
import { hasName, withName, withoutName } from './row-names.ts';

export interface RowWords {
  /** Requests that the receiver may have accepted without wds knowing, over all rounds, those included that are open now. */
  unknown: number;
  /** Of these, those of the rows of earlier files that this one mends. */
  inherited: number;
  /** The last round in which sendAlert took the alert over; NO_ROUND if none has. */
  handedOverRound: number;
  /** `<sha256>:<line>` of the row that took this one's place; '' if none has. Then it is never sent from here again. */
  movedTo: string;
  /** Names of rows of earlier files (row-names.ts): those whose places this one has taken, … */
  tookFrom: string;
  /** … and those that are to be settled before this one may be sent. */
  waitsFor: string;
  /** The highest epoch that says how the row fares, and of those that say who has taken its place. */
  epoch: number;
  movedEpoch: number;
}

/** True: it is such an event, and is taken in. */
export function takeWord(
  state: RowWords,
  { epoch, round }: JournalHeader,
  event: Exclude<JournalEvent, { kind: 'i' }>,
): boolean {
  const { kind, attempts, reason } = event;
  switch (kind) {
    case 'm':
      // Of such words the last one holds, unless the row was sent from here since.
      if (epoch < Math.max(state.epoch, state.movedEpoch)) return true;
      state.movedEpoch = epoch;
      state.movedTo = reason.slice(reason.lastIndexOf(' ') + 1);
      return true;
    case 'o':
      // Written again by whoever was interrupted.
      state.unknown += Math.max(0, attempts - state.inherited);
      state.inherited = Math.max(state.inherited, attempts);
      state.tookFrom = withName(state.tookFrom, reason);
      state.waitsFor = withoutName(state.waitsFor, reason);
      return true;
    case 'w':
      // Whoever wrote it may have been stopped since: what was taken over meanwhile is waited for no more.
      if (!hasName(state.tookFrom, reason)) state.waitsFor = withName(state.waitsFor, reason);
      return true;
    case 's':
      state.handedOverRound = Math.max(state.handedOverRound, round);
      return true;
    default:
      return false;
  }
}
