/**
 * NDJSON → rows: one JSON value a line. A bad line is an invalid row and nothing more, for the next line end is always found. A line over
 * the limit is `row_too_large`, whatever its length, without being held in memory.
 */
import { isUtf8 } from 'node:buffer';
import type { ReadCursor } from '../domain/contracts.ts';
import type { ParseOptions } from '../domain/parse-options.ts';
import { handOut, MAX_DEPTH, parseJson, readableMembers, toAlert } from './json-row.ts';
import { isJsonSpace, JsonScanner } from './json-scanner.ts';
import type { RowReader, RowSink } from './row-reader.ts';
import { CR, LF, lastLineEnd, looksLikeWindows1252, trimLineEnd } from './text.ts';

const KEPT_OF_LONG_LINE_BYTES = 2048;
/** With NULs it pads the end of files. */
const CTRL_Z = 0x1a;

export class NdjsonReader implements RowReader {
  readonly #options: ParseOptions;
  readonly #sink: RowSink;
  readonly #rowLimit: number;
  readonly #scanner = new JsonScanner();
  readonly paused = false;
  #line: number;
  #rows = 0;
  #stopped = false;
  /** Beginning of a line over the limit whose end has not come yet. */
  #longLine: Buffer | undefined;

  constructor(options: ParseOptions, cursor: ReadCursor | null, rowLimit: number, sink: RowSink) {
    this.#options = options;
    this.#sink = sink;
    this.#rowLimit = rowLimit;
    this.#line = cursor?.nextLine ?? 1;
  }

  get stopped(): boolean {
    return this.#stopped;
  }
  get nextLine(): number {
    return this.#line;
  }
  get rows(): number {
    return this.#rows;
  }

  read(bytes: Buffer, final: boolean): number {
    // A CR at the very end may be half of a CRLF.
    const searched = !final && bytes[bytes.length - 1] === CR ? bytes.length - 1 : bytes.length;
    const allUtf8 = isUtf8(bytes.subarray(0, final ? bytes.length : lastLineEnd(bytes)));
    const hasCr = bytes.includes(CR);
    let start = 0;
    while (start < bytes.length) {
      let end = lineEnd(bytes, start, searched, hasCr);
      if (end === -1) {
        if (!final) break;
        end = bytes.length;
      }
      if (!this.#lineOf(bytes, start, end, allUtf8)) return start;
      this.#line++;
      start = end;
    }
    if (!final) return this.#dropLongRest(bytes, start, searched);
    this.#endLongLine();
    return start;
  }

  /** False: this is the row after the last one wanted. */
  #lineOf(bytes: Buffer, start: number, end: number, allUtf8: boolean): boolean {
    const textEnd = trimLineEnd(bytes, start, end);
    if (this.#endLongLine()) return true;
    let first = start;
    while (first < textEnd && isJsonSpace(bytes[first])) first++;
    if (first === textEnd || this.#isPadding(bytes.subarray(first, textEnd))) return true;
    if (this.#rows >= this.#rowLimit) {
      this.#stopped = true;
      return false;
    }
    this.#rows++;
    const row = bytes.subarray(first, textEnd);
    if (row.length > this.#options.maxRecordBytes) this.#sink.invalid(this.#line, 'row_too_large', row);
    else if (!allUtf8 && !isUtf8(row)) this.#notUtf8(row);
    else this.#row(row);
    return true;
  }

  /** By the rules of before it was a bad row. */
  #isPadding(line: Buffer): boolean {
    const [first] = line;
    if (this.#options.rules === undefined || (first !== 0 && first !== CTRL_Z)) return false;
    return line.every((byte) => byte === 0 || byte === CTRL_Z || isJsonSpace(byte));
  }

  #notUtf8(row: Buffer): void {
    if (looksLikeWindows1252(row)) this.#sink.note(this.#line, 'windows_1252');
    this.#sink.invalid(this.#line, 'invalid_utf8', row);
  }

  #row(row: Buffer): void {
    if (isDeep(row, this.#scanner)) {
      this.#sink.invalid(this.#line, 'too_deep', row);
      return;
    }
    const text = row.toString('utf8');
    const value = parseJson(text);
    const result = value === undefined ? 'bad_json' : toAlert(value, text, this.#options);
    if (typeof result !== 'string') {
      handOut(this.#line, result, this.#sink);
      return;
    }
    if (value === undefined && parseJson(text.replace(/,\s*$/, '')) !== undefined) {
      this.#sink.note(this.#line, 'comma_behind_object');
    }
    const fields = result === 'bad_json' ? {} : readableMembers(value, text, this.#options);
    this.#sink.invalid(this.#line, result, row, fields);
  }

  #endLongLine(): boolean {
    if (this.#longLine === undefined) return false;
    this.#rows++;
    this.#sink.invalid(this.#line, 'row_too_large', this.#longLine);
    this.#longLine = undefined;
    return true;
  }

  /** Keeps the beginning of an unfinished line over the limit; lets go of the rest as it comes, and of white space before a row. */
  #dropLongRest(bytes: Buffer, start: number, searched: number): number {
    if (this.#longLine !== undefined) return searched;
    let first = start;
    while (first < searched && isJsonSpace(bytes[first])) first++;
    if (searched - first <= this.#options.maxRecordBytes) return first;
    if (this.#rows >= this.#rowLimit) {
      this.#stopped = true;
      return first;
    }
    this.#longLine = Buffer.from(bytes.subarray(first, first + KEPT_OF_LONG_LINE_BYTES));
    return searched;
  }
}

/** Offset behind the line end; −1: none before `searched`. */
function lineEnd(bytes: Buffer, start: number, searched: number, hasCr: boolean): number {
  if (!hasCr) return bytes.indexOf(LF, start) + 1 || -1;
  for (let at = start; at < searched; at++) {
    const byte = bytes[at];
    if (byte === LF) return at + 1;
    if (byte === CR) return bytes[at + 1] === LF ? at + 2 : at + 1;
  }
  return -1;
}

/** Rows hold one bracket as a rule; only those with more are scanned. */
function isDeep(row: Buffer, scanner: JsonScanner): boolean {
  if (row.indexOf('{', 1) === -1 && row.indexOf('[', 1) === -1) return false;
  scanner.reset();
  scanner.endOf(row, 0);
  return scanner.deepest > MAX_DEPTH;
}
