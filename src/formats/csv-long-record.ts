/**
 * Finds the end of a CSV record over the limit, or of a long one with stray quotes, without holding it: of its bytes only the first are kept. By RFC 4180, as csv-parse reads it: a
 * quote opens a field at its very beginning, and in it a quote is written twice.
 */
import type { FileRefusal } from '../domain/failure.ts';
import type { CsvColumns } from './csv-header.ts';
import { refusalOf, swallowedRows } from './csv-records.ts';
import { CR, countLineEnds, LF, trimLineEnd } from './text.ts';

const QUOTE = 0x22;
/** Enough to see what it is, and whether it is several rows. */
const KEPT_BYTES = 64 * 1024;
/** A record as long as this is looked at twice. */
export const SUSPICIOUS_BYTES = KEPT_BYTES;
const FEWEST_SWALLOWED = 10;

type State = 'field start' | 'unquoted' | 'quoted' | 'quote in quoted';

export class LongRecord {
  /** On which it begins. */
  readonly line: number;
  /** Its beginning. */
  kept: Buffer = Buffer.alloc(0);
  readonly #separator: number;
  #state: State = 'field start';
  #lines = 0;
  #sizeBytes = 0;
  /** Nothing but zeros: padding at the end of a file. */
  #isPadding = true;

  constructor(line: number, separator: string) {
    this.line = line;
    this.#separator = separator.charCodeAt(0);
  }

  /** Physical lines of what was fed. */
  get lines(): number {
    return this.#lines;
  }
  get isPadding(): boolean {
    return this.#isPadding;
  }
  /** Without its line end. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /**
   * Takes the bytes from `from` on. `done`: offset behind what was taken; a CR that may be half of a CRLF must come again. Throws FileRefusal where it
   * is no record.
   */
  feed(bytes: Buffer, from: number, final: boolean): { readonly ended: boolean; readonly done: number } {
    const length = !final && bytes[bytes.length - 1] === CR ? bytes.length - 1 : bytes.length;
    const end = this.#endIn(bytes, from, length);
    const done = end === -1 ? length : end;
    if (this.kept.length < KEPT_BYTES) {
      this.kept = Buffer.concat([this.kept, bytes.subarray(from, done)]).subarray(0, KEPT_BYTES);
    }
    this.#isPadding &&= isPadding(bytes, from, done);
    this.#lines += countLineEnds(bytes, from, done);
    this.#sizeBytes += (end === -1 ? done : trimLineEnd(bytes, from, done)) - from;
    if (end === -1 && final && this.#state === 'quoted') throw this.#refusal('CSV_QUOTE_NOT_CLOSED');
    return { ended: end !== -1 || final, done };
  }

  /** −1: it goes on behind `length`. */
  #endIn(bytes: Buffer, from: number, length: number): number {
    for (let at = from; at < length; at++) {
      if (this.#state === 'quoted') {
        const quote = bytes.indexOf(QUOTE, at);
        if (quote === -1 || quote >= length) return -1;
        at = quote;
        this.#state = 'quote in quoted';
        continue;
      }
      const byte = bytes[at];
      if (byte === LF) return at + 1;
      if (byte === CR) return bytes[at + 1] === LF ? at + 2 : at + 1;
      if (byte === this.#separator) this.#state = 'field start';
      else if (byte === QUOTE && this.#state !== 'unquoted') this.#state = 'quoted';
      else if (this.#state === 'quote in quoted') throw this.#refusal('CSV_INVALID_CLOSING_QUOTE');
      else this.#state = 'unquoted';
    }
    return -1;
  }

  #refusal(code: string): FileRefusal {
    return refusalOf(code, this.line);
  }
}

function isPadding(bytes: Buffer, from: number, to: number): boolean {
  for (let at = from; at < to; at++) {
    const byte = bytes[at];
    if (byte !== 0 && byte !== LF && byte !== CR) return false;
  }
  return true;
}

/**
 * Refuses the file where most lines of a long record are rows by themselves: then a quote was not closed, and another one far below only
 * seems to close it, with thousands of users in between.
 */
export function refuseIfSwallowed(record: Buffer, line: number, { count, separator = ',' }: CsvColumns): void {
  if (record.length < KEPT_BYTES) return;
  const lines = record
    .toString('utf8', 0, KEPT_BYTES)
    .split(/\r\n|\r|\n/)
    .slice(1, -1);
  const rows = lines.filter((text) => text.split(separator).length === count);
  if (rows.length >= FEWEST_SWALLOWED && rows.length * 2 > lines.length) throw swallowedRows(line);
}
