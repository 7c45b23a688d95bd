/**
 * What a journal says, and what follows from all journals of a chunk. Pure: text in, states out.
 *
 * A journal belongs to one attempt of one round (its header says which) and is only ever appended to. One line an event:
 *
 *   h 1 <round> <atMs>                                    header
 *   i <atMs> <line>[,<line>…]                             intent: these rows are about to be sent
 *   <kind> <line> <status|-> <attempts> <atMs> [reason]   what became of one of them
 *
 * A torn last line (power loss, kill in mid-write) is ignored. Sums and outcomes are computed from these lines alone.
 */
import type { Outcome } from './alert.ts';

/**
 * `d` delivered · `r` rejected · `u` undelivered · `c` unconfirmed: outcomes.
 * `t` passing failure, an attempt used up · `a` the same with the answer unknown · `f` refusal that may be the endpoint's fault ·
 * `p` pending again, nothing used up (throttled, never sent) · `x` pending again, the last attempt given back (the endpoint was ill) ·
 * `s` handed over to sendAlert · `m` taken over by a row of a later file that mends this one (named in the reason).
 */
export type ResultKind = 'd' | 'r' | 'u' | 'c' | 't' | 'a' | 'f' | 'p' | 'x' | 's' | 'm';

export const OUTCOME_OF_KIND = {
  d: 'delivered',
  r: 'rejected',
  u: 'undelivered',
  c: 'unconfirmed',
} as const satisfies Partial<Record<ResultKind, Outcome>>;

/** What is known of one alert. */
export interface RowState {
  /** Set when the alert has ended; `delivered` for ever, the others for the round named. */
  outcome: Outcome | undefined;
  outcomeRound: string;
  /** Counted attempts of the round last seen. */
  attempts: number;
  round: string;
  /** When the row first failed in that round; undefined: it has not. */
  firstFailureMs: number | undefined;
  /** The last event: HTTP status, where there was an answer, time, and a word on why. */
  status: number | undefined;
  atMs: number;
  reason: string;
  /** When the last request without a result was announced; undefined: none is open. */
  openIntentMs: number | undefined;
  /** How often the receiver may have accepted the alert without wds knowing: sent, answer unknown, sent again. */
  unknownAnswers: number;
  /** Refused with 401/403/404/410, and nothing has shown yet that the endpoint is well. */
  refusalOpen: boolean;
  /** The round in which sendAlert took the alert over; '' if none has. */
  handedOverRound: string;
  /** `<sha256>:<line>` of the row that took this one's place; '' if none has. It is never sent from here again. */
  movedTo: string;
}

export interface ParsedJournal {
  readonly round: string;
  /** When it was begun. */
  readonly atMs: number;
  /** When the next writer of the same rows began: what this one announced later was not sent. undefined: there is none. */
  readonly fencedAtMs?: number;
  readonly lines: readonly string[];
}

const MAX_REASON_LENGTH = 120;
const RESULT_KINDS: ReadonlySet<string> = new Set('dructafpxsm');

export const headerLine = (round: string, atMs: number): string => `h 1 ${round} ${atMs}\n`;

export const intentLine = (lines: readonly number[], atMs: number): string => `i ${atMs} ${lines.join(',')}\n`;

/** `reason` is cut and cleaned: it ends in reports and must stay on its line. */
export function resultLine(
  kind: ResultKind,
  line: number,
  status: number | undefined,
  attempts: number,
  atMs: number,
  reason = '',
): string {
  const tail = reason === '' ? '' : ` ${oneLine(reason)}`;
  return `${kind} ${line} ${status ?? '-'} ${attempts} ${atMs}${tail}\n`;
}

function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is being removed
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ').slice(0, MAX_REASON_LENGTH);
}

/** Splits a journal's text; drops a torn last line. undefined: not even its header is whole. */
export function parseJournal(text: string): ParsedJournal | undefined {
  const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n');
  lines.pop();
  const header = lines.shift()?.split(' ');
  if (header?.[0] !== 'h' || header[2] === undefined) return undefined;
  return { round: header[2], atMs: Number(header[3]), lines };
}

const freshState = (): RowState => ({
  outcome: undefined,
  outcomeRound: '',
  attempts: 0,
  round: '',
  firstFailureMs: undefined,
  status: undefined,
  atMs: 0,
  reason: '',
  openIntentMs: undefined,
  unknownAnswers: 0,
  refusalOpen: false,
  handedOverRound: '',
  movedTo: '',
});

/** Folds journals, oldest epoch first, into the state of each row that they mention. */
export function foldJournals(
  journals: readonly ParsedJournal[],
  states: Map<number, RowState> = new Map(),
): Map<number, RowState> {
  for (const journal of journals) {
    for (const text of journal.lines) {
      if (text.startsWith('i ')) applyIntent(states, journal, text);
      else applyResult(states, journal.round, text);
    }
  }
  return states;
}

function stateOf(states: Map<number, RowState>, line: number, round: string): RowState {
  let state = states.get(line);
  if (state === undefined) {
    state = freshState();
    states.set(line, state);
  }
  if (state.round !== round) {
    state.round = round;
    state.attempts = 0;
    state.firstFailureMs = undefined;
    state.refusalOpen = false;
  }
  return state;
}

function applyIntent(states: Map<number, RowState>, { round, fencedAtMs }: ParsedJournal, text: string): void {
  const second = text.indexOf(' ', 2);
  // By a clock that was ahead, the intent would seem open for too long.
  const atMs = Math.min(Number(text.slice(2, second)), fencedAtMs ?? Number.POSITIVE_INFINITY);
  for (const word of text.slice(second + 1).split(',')) {
    const state = stateOf(states, Number(word), round);
    if (state.openIntentMs !== undefined || state.outcome === 'delivered') state.unknownAnswers++;
    state.openIntentMs = atMs;
  }
}

function applyResult(states: Map<number, RowState>, round: string, text: string): void {
  const fields = text.split(' ', 5);
  const kind = fields[0] as ResultKind;
  // A power loss may leave blocks of zeros in a journal that was not synced.
  if (!RESULT_KINDS.has(kind) || fields.length < 5) return;
  const state = stateOf(states, Number(fields[1]), round);
  // These are written without an answer to the open request.
  const answered = kind !== 'c' && kind !== 'u' && kind !== 'm';
  if (answered) state.openIntentMs = undefined;
  if (kind === 'm') {
    state.movedTo = text.slice(text.lastIndexOf(' ') + 1);
    return;
  }
  // A late answer of a superseded attempt may still say "delivered"; nothing takes that back.
  if (state.outcome === 'delivered') return;
  // Given up for lost by a later attempt, while the one that had announced it still found out that it was never sent.
  if (kind === 'c' && state.openIntentMs === undefined) return;
  state.status = fields[2] === '-' ? undefined : Number(fields[2]);
  state.attempts = Number(fields[3]);
  state.atMs = Number(fields[4]);
  const tailAt = fields.join(' ').length;
  state.reason = text.length > tailAt ? text.slice(tailAt + 1) : '';
  state.refusalOpen = kind === 'f';
  if (kind === 't' || kind === 'a' || kind === 'f' || kind === 'x') state.firstFailureMs ??= state.atMs;
  if (kind === 'a' || (!answered && state.openIntentMs !== undefined)) state.unknownAnswers++;
  state.openIntentMs = undefined;
  if (kind === 's') state.handedOverRound = round;
  const outcome: Outcome | undefined = OUTCOME_OF_KIND[kind as keyof typeof OUTCOME_OF_KIND];
  if (outcome !== undefined) {
    state.outcome = outcome;
    state.outcomeRound = round;
  } else if (state.outcome !== undefined && state.outcomeRound !== round) {
    state.outcome = undefined;
  }
}

/** Lines that these journals hand over to sendAlert: they have journals of their own. */
export function handedOverLines(journals: readonly ParsedJournal[]): number[] {
  const lines = new Set<number>();
  for (const journal of journals) {
    for (const text of journal.lines) if (text.startsWith('s ')) lines.add(Number(text.split(' ', 2)[1]));
  }
  return [...lines];
}

/**
 * Whether the alert has ended as far as `round` is concerned: delivered for ever; rejected and undelivered within their round;
 * unconfirmed until somebody asks for it to be opened again.
 */
export function outcomeInRound(
  state: RowState | undefined,
  round: string,
  reopenUnconfirmed: boolean,
): Outcome | undefined {
  if (state?.outcome === undefined) return undefined;
  if (state.outcome === 'delivered' || state.outcomeRound === round) return state.outcome;
  return state.outcome === 'unconfirmed' && !reopenUnconfirmed ? 'unconfirmed' : undefined;
}
