/**
 * What a journal says, line by line. Pure: text in, words out.
 *
 * A journal belongs to one attempt of one round and is only ever appended to. One line an event:
 *
 *   h 2 <round> <atMs> <scope> <parseKey> <boot>          header: which round, which rows, by which numbering, on which machine's run
 *   i <atMs> <line>[,<line>…]                             intent: these rows are about to be sent
 *   <kind> <line> <status|-> <attempts> <atMs> [reason]   what became of one of them
 *   l <step>:<count>,… <second>:<count>,…                 how it was answered (answer-figures.ts): about no row; before `z`
 *   z                                                     closed: nothing is open, nothing follows
 *
 * A torn last line (power loss, kill in mid-write) is ignored. Journals of before rounds were numbers say `h 1 <run ID> <atMs>`.
 */
import type { Outcome } from '../alert.ts';

/**
 * `d` delivered · `r` rejected · `u` undelivered · `c` unconfirmed · `n` suppressed (not to be sent): outcomes.
 * `t` passing failure, an attempt used up · `a` the same with the answer unknown · `f` refusal that may be the endpoint's fault ·
 * `p` pending again, nothing used up (throttled, never sent) · `x` pending again, the last attempt given back (the endpoint was ill) ·
 * `s` handed over to sendAlert · `m` taken over by a row of a later file, which mends this one or says the same (named in the reason) ·
 * `o` taken over from a row of an earlier file (named in the reason), with so many unknown outcomes (in the place of attempts) ·
 * `w` waits for a row of an earlier file that says the same (named in the reason), until that one is delivered, or an `o` names it.
 */
export type ResultKind = 'd' | 'r' | 'u' | 'c' | 'n' | 't' | 'a' | 'f' | 'p' | 'x' | 's' | 'm' | 'o' | 'w';

/** Reason of a `d`: an earlier file has delivered the same message to the same user, and this row is a duplicate of the one named. */
export const SAME_AS = 'same as ';

export const OUTCOME_OF_KIND = {
  d: 'delivered',
  r: 'rejected',
  u: 'undelivered',
  c: 'unconfirmed',
  n: 'suppressed',
} as const satisfies Partial<Record<ResultKind, Outcome>>;

/** Who an attempt is: a batch of a file, one stubborn alert, or a later file that takes rows over. */
export type Owner = 'batch' | 'alert' | 'takeover';

/** The rows that an attempt may touch. */
export interface Scope {
  readonly owner: Owner;
  /** Ranges of lines, both ends included, in order. */
  readonly ranges: readonly (readonly [number, number])[];
}

export interface JournalHeader {
  readonly epoch: number;
  /** From 1; below: of before rounds were numbers. */
  readonly round: number;
  /** When it was begun, by the writer's time of day. */
  readonly atMs: number;
  readonly scope: Scope;
  /** The parse options that its line numbers belong to; undefined: of before journals named them. */
  readonly parseKey?: string;
  /** Which run of which machine wrote it; undefined: no power loss can hide anything, each intent is on the disk before it is sent. */
  readonly boot?: string;
}

export interface ParsedJournal extends JournalHeader {
  /** It ended in good order: all that it says is here. */
  readonly closed: boolean;
  readonly lines: readonly string[];
}

/** UTF-16 code units: room for 200 of an answer's body, and for words of our own before them. */
const MAX_REASON_LENGTH = 300;
const OWNER_LETTERS = { batch: 'b', alert: 'a', takeover: 't' } as const;
const CLOSED = 'z';
export const CLOSED_LINE = `${CLOSED}\n`;
const NO_BOOT = '-';
/** All rows of a chunk. */
const EVERYTHING: Scope = { owner: 'batch', ranges: [[0, Number.MAX_SAFE_INTEGER]] };

/** The rows from `first` to `last`. */
export const rangeScope = (first: number, last: number): Scope => ({ owner: 'batch', ranges: [[first, last]] });
export const linesScope = (owner: Owner, lines: readonly number[]): Scope => ({
  owner,
  ranges: lines.map((line) => [line, line] as const),
});

export const touches = ({ ranges }: Scope, line: number): boolean =>
  ranges.some(([first, last]) => first <= line && line <= last);

export function headerLine({ round, atMs, scope, parseKey, boot }: Omit<JournalHeader, 'epoch'>): string {
  return `h 2 ${round} ${atMs} ${scopeText(scope)} ${parseKey} ${boot ?? NO_BOOT}\n`;
}

function scopeText({ owner, ranges }: Scope): string {
  const parts = ranges.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`));
  return `${OWNER_LETTERS[owner]}:${parts.join(',')}`;
}

function parseScope(text: string): Scope | undefined {
  const owner = (Object.keys(OWNER_LETTERS) as Owner[]).find((name) => text.startsWith(`${OWNER_LETTERS[name]}:`));
  if (owner === undefined) return undefined;
  const ranges = text
    .slice(2)
    .split(',')
    .map((part) => {
      const [first = '', last = first] = part.split('-');
      return [Number(first), Number(last)] as const;
    });
  return ranges.some(([first, last]) => !(first <= last)) ? undefined : { owner, ranges };
}

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
  const line = text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ').slice(0, MAX_REASON_LENGTH);
  return line.replace(/[\ud800-\udbff]$/, '');
}

/** Splits a journal's text; drops a torn last line. undefined: not even its header is whole. */
export function parseJournal(text: string, epoch: number): ParsedJournal | undefined {
  const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n');
  lines.pop();
  const header = parseHeader(lines.shift() ?? '', epoch);
  if (header === undefined) return undefined;
  const closed = lines.at(-1) === CLOSED;
  if (closed) lines.pop();
  return { ...header, closed, lines };
}

function parseHeader(line: string, epoch: number): JournalHeader | undefined {
  const [letter, version, round = '', atMs = '', scope = '', parseKey = '', boot] = line.split(' ');
  const parsed = parseScope(scope);
  if (letter !== 'h' || version !== '2' || parsed === undefined || boot === undefined) return undefined;
  const header = { epoch, round: Number(round), atMs: Number(atMs), scope: parsed, parseKey };
  return boot === NO_BOOT ? header : { ...header, boot };
}

/**
 * A journal of before rounds were numbers: rounds were run IDs. Its round and epoch are the reader's to set, by the order of all of them.
 * `line`: of a stubborn alert, which had journals of its own.
 */
export function parseOldJournal(text: string, line?: number): (ParsedJournal & { readonly run: string }) | undefined {
  const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n');
  lines.pop();
  const [letter, , run, atMs] = lines.shift()?.split(' ') ?? [];
  if (letter !== 'h' || run === undefined) return undefined;
  const scope = line === undefined ? EVERYTHING : linesScope('alert', [line]);
  return { epoch: 0, round: 0, run, atMs: Number(atMs), scope, closed: false, lines };
}

/** One line of a journal in words; undefined: it is none (a power loss may leave blocks of zeros). */
export type JournalEvent =
  | { readonly kind: 'i'; readonly atMs: number; readonly lines: readonly number[] }
  | {
      readonly kind: ResultKind;
      readonly line: number;
      readonly status: number | undefined;
      readonly attempts: number;
      readonly atMs: number;
      readonly reason: string;
    };

const RESULT_KINDS: ReadonlySet<string> = new Set('drucntafpxsmow');

export function parseEvent(text: string): JournalEvent | undefined {
  const fields = text.split(' ', 5);
  const [kind = '', second = '', third = '', fourth = '', fifth] = fields;
  if (kind === 'i') {
    const lines = third.split(',').map(Number);
    return third === '' || lines.some(Number.isNaN) ? undefined : { kind, atMs: Number(second), lines };
  }
  if (!RESULT_KINDS.has(kind) || fifth === undefined) return undefined;
  const tailAt = fields.join(' ').length;
  return {
    kind: kind as ResultKind,
    line: Number(second),
    status: third === '-' ? undefined : Number(third),
    attempts: Number(fourth),
    atMs: Number(fifth),
    reason: text.slice(tailAt + 1),
  };
}
