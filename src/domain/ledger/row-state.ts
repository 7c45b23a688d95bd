/**
 * What is known of each alert of a chunk: the fold of all its journals, lowest epoch first. Pure.
 *
 * A journal is taken in as a whole, so that an answer that came late settles the request of its own attempt, whatever later attempts wrote
 * meanwhile. What a row went through is known by its highest epoch; two facts hold in whatever order journals are read: delivered is for
 * ever, and each request whose outcome is unknown is counted.
 */
import type { Outcome } from '../alert.ts';
import { supersedes } from './fence.ts';
import type { JournalEvent, JournalHeader, ParsedJournal } from './journal.ts';
import { OUTCOME_OF_KIND, parseEvent, SAME_AS, touches } from './journal.ts';
import type { RowWords } from './row-words.ts';
import { takeWord } from './row-words.ts';

export interface RowState extends RowWords {
  /** Set when the alert has ended; `delivered` for ever, the others for the round named. */
  outcome: Outcome | undefined;
  outcomeRound: number;
  /** The last round that touched the row, its counted attempts in it, and when it first failed in it (undefined: it has not). */
  round: number;
  attempts: number;
  firstFailureMs: number | undefined;
  /** The last event: HTTP status, where there was an answer, time, and a word on why. */
  status: number | undefined;
  atMs: number;
  reason: string;
  /** Of the requests with an unknown outcome, how many there were before `round`. */
  unknownBefore: number;
  /** When the attempt that has a request open was fenced off; Infinity: it still sends. undefined: none is open. */
  openFencedMs: number | undefined;
  /** Refused with 401/403/404/410, and nothing has shown yet that the endpoint is well. */
  refusalOpen: boolean;
  /** The last round in which a request was announced; NO_ROUND if none was. */
  askedRound: number;
  /** The row of an earlier file that has delivered the same message to the same user; '' if this is no duplicate. */
  duplicateOf: string;
  /** Accepted twice, by answers that came late; or sent again, or given up, after an attempt whose last second a power loss may have taken. */
  maybeTwice: boolean;
}

export const NO_ROUND = Number.MIN_SAFE_INTEGER;

/** Lower than any, and a number in JSON. */
const NO_EPOCH = Number.MIN_SAFE_INTEGER;

export const freshState = (): RowState => ({
  outcome: undefined,
  outcomeRound: NO_ROUND,
  round: NO_ROUND,
  attempts: 0,
  firstFailureMs: undefined,
  status: undefined,
  atMs: 0,
  reason: '',
  unknown: 0,
  unknownBefore: 0,
  inherited: 0,
  openFencedMs: undefined,
  refusalOpen: false,
  askedRound: NO_ROUND,
  handedOverRound: NO_ROUND,
  movedTo: '',
  tookFrom: '',
  waitsFor: '',
  duplicateOf: '',
  maybeTwice: false,
  epoch: NO_EPOCH,
  movedEpoch: NO_EPOCH,
});

export type RowStates = Map<number, RowState>;

export interface FoldOptions {
  /** What earlier journals came to, those that were folded into a base. */
  readonly states?: RowStates;
  /** This run of this machine: what a journal of another run had not synced is lost. */
  readonly boot?: string;
}

/** Folds journals, lowest epoch first. What comes out may be folded on; `settled` makes it fit to decide by. */
export function foldJournals(journals: readonly ParsedJournal[], options: FoldOptions = {}): RowStates {
  const states: RowStates = options.states ?? new Map();
  const hiding: JournalHeader[] = [];
  journals.forEach((journal, index) => {
    const open = takeIn(states, journal, hiding);
    for (const [line, atMs] of open) {
      leaveOpen(stateOf(states, line), journal, atMs, fencer(journals, index, line)?.atMs ?? Number.POSITIVE_INFINITY);
    }
    if (!journal.closed && journal.boot !== undefined && journal.boot !== options.boot) hiding.push(journal);
  });
  return states;
}

function stateOf(states: RowStates, line: number): RowState {
  let state = states.get(line);
  if (state === undefined) {
    state = freshState();
    states.set(line, state);
  }
  return state;
}

/** Returns the requests that this journal leaves open: line, and time of the intent. */
function takeIn(states: RowStates, journal: ParsedJournal, hiding: readonly JournalHeader[]): Map<number, number> {
  const open = new Map<number, number>();
  for (const text of journal.lines) {
    const event = parseEvent(text);
    if (event === undefined) continue;
    if (event.kind !== 'i') takeResult(stateOf(states, event.line), journal, event, open, hiding);
    else for (const line of event.lines) takeIntent(stateOf(states, line), journal, line, event.atMs, open, hiding);
  }
  return open;
}

/** Whether nothing newer is known of the row. The first word of a round counts anew. */
function isNews(state: RowState, { epoch, round }: JournalHeader): boolean {
  if (epoch < state.epoch) return false;
  state.epoch = epoch;
  // Who took the row over before was overtaken.
  if (epoch > state.movedEpoch) state.movedTo = '';
  if (state.round !== round) {
    state.round = round;
    state.attempts = 0;
    state.firstFailureMs = undefined;
    state.refusalOpen = false;
    state.unknownBefore = state.unknown;
  }
  return true;
}

function takeIntent(
  state: RowState,
  journal: JournalHeader,
  line: number,
  atMs: number,
  open: Map<number, number>,
  hiding: readonly JournalHeader[],
): void {
  if (open.has(line)) state.unknown++;
  open.set(line, atMs);
  state.askedRound = Math.max(state.askedRound, journal.round);
  if (isNews(state, journal)) {
    // Whatever was open before can no longer be answered, or this one would have waited.
    state.openFencedMs = undefined;
    // The row is under way in this round. (Who opened one that was unconfirmed was asked to: others are not.)
    const isClosed = state.outcome === 'delivered' || state.outcome === 'unconfirmed';
    if (!isClosed && state.outcomeRound !== journal.round) state.outcome = undefined;
  }
  // Also of a row that was delivered: that may be read before this is.
  if (isHidden(line, journal, hiding)) state.maybeTwice = true;
}

/** Whether a power loss may have taken what an earlier attempt did with the row. */
const isHidden = (line: number, { epoch }: JournalHeader, hiding: readonly JournalHeader[]): boolean =>
  hiding.some((earlier) => earlier.epoch < epoch && touches(earlier.scope, line));

function takeResult(
  state: RowState,
  journal: JournalHeader,
  event: Exclude<JournalEvent, { readonly kind: 'i' }>,
  open: Map<number, number>,
  hiding: readonly JournalHeader[],
): void {
  const { kind, line, attempts } = event;
  if (takeWord(state, journal, event)) return;
  const isNew = isNews(state, journal);
  switch (kind) {
    case 'u':
    case 'n':
      // Says nothing about a request that is open, or was.
      if (state.outcome !== 'delivered' && isHidden(line, journal, hiding)) state.maybeTwice = true;
      break;
    case 'c':
      if (open.delete(line)) state.unknown++;
      break;
    case 'a':
      open.delete(line);
      state.unknown++;
      break;
    default:
      if (open.delete(line) && kind === 'd' && state.outcome === 'delivered') state.maybeTwice = true;
  }
  // An answer is more than the word that none is needed.
  if (kind === 'd' && attempts > 0 && state.duplicateOf !== '')
    Object.assign(state, { outcome: undefined, duplicateOf: '' });
  if (state.outcome === 'delivered' || (!isNew && kind !== 'd')) return;
  // It was asked for once more, and not sent: it is as it was.
  if (kind === 'p' && state.outcome === 'unconfirmed') return;
  if (kind === 'd' && attempts === 0 && event.reason.startsWith(SAME_AS)) {
    state.duplicateOf = event.reason.slice(SAME_AS.length);
  }
  state.status = event.status;
  state.attempts = attempts;
  state.atMs = event.atMs;
  state.reason = event.reason;
  state.refusalOpen = kind === 'f';
  if (kind === 't' || kind === 'a' || kind === 'f' || kind === 'x') state.firstFailureMs ??= event.atMs;
  if (kind === 'c') state.openFencedMs = undefined;
  const outcome: Outcome | undefined = OUTCOME_OF_KIND[kind as keyof typeof OUTCOME_OF_KIND];
  if (outcome !== undefined) {
    state.outcome = outcome;
    state.outcomeRound = journal.round;
  } else if (state.outcomeRound !== journal.round) {
    state.outcome = undefined;
  }
}

/** An attempt whose outcome is unknown counts, whatever else is known. */
function leaveOpen(state: RowState, journal: JournalHeader, intentMs: number, fenced: number): void {
  state.unknown++;
  if (state.epoch !== journal.epoch || state.outcome === 'delivered') return;
  state.attempts++;
  state.firstFailureMs ??= intentMs;
  state.atMs = Math.max(state.atMs, intentMs);
  state.openFencedMs = fenced;
}

/** The first attempt that took the row from this one; of several the earliest, for a clock may have been ahead. */
function fencer(journals: readonly ParsedJournal[], index: number, line: number): JournalHeader | undefined {
  const older = journals[index]!;
  let earliest: JournalHeader | undefined;
  for (const newer of journals.slice(index + 1)) {
    if (supersedes(newer, older, line) && newer.atMs < (earliest?.atMs ?? Number.POSITIVE_INFINITY)) earliest = newer;
  }
  return earliest;
}

/**
 * Of the journals that have ended, those that may be folded: none where they are fewer than `least`, for to find out is to read the open ones once
 * more. Not those of attempts that took rows from others that have requests open: only they tell from when on those can no longer be answered.
 * (Attempts at such a row may follow one another for ever: each waits, and is folded.) Those of before, below 0, go in any case.
 */
export function foldable(
  ended: readonly ParsedJournal[],
  journals: readonly ParsedJournal[],
  least: number,
): readonly ParsedJournal[] {
  if (ended.length < least) return [];
  const fencing = fencers(journals);
  const free = ended.filter(({ epoch }) => epoch < 0 || !fencing.has(epoch));
  return free.length < least ? [] : free;
}

function fencers(journals: readonly ParsedJournal[]): ReadonlySet<number> {
  const epochs = new Set<number>();
  journals.forEach((journal, index) => {
    if (journal.closed) return;
    for (const line of takeIn(new Map(), journal, []).keys()) {
      const epoch = fencer(journals, index, line)?.epoch;
      if (epoch !== undefined) epochs.add(epoch);
    }
  });
  return epochs;
}
