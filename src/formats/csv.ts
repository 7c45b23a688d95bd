/**
 * CSV → rows, by csv-parse, strictly: RFC 4180, no relaxed quotes. A row that is wrong by itself is invalid; a fault that hides where
 * records end (a quote not closed, text behind a closing quote) refuses the file, for it may swallow any number of users.
 *
 * Each piece is parsed from the start of a record by a parser of its own, so that there is no state between pieces but a cursor: what a
 * later window sees is what this one would have seen. A row is handed out when the next one is known, for that may be the rest of it; until
 * then it counts as not read, and comes again. Positions are taken from the bytes: csv-parse's own (`info: true`) cost more than half of its
 * speed, and count a CRLF within quotes as two lines.
 */
import { isUtf8 } from 'node:buffer';
import type { ReadCursor } from '../domain/contracts.ts';
import type { ParseOptions } from '../domain/parse-options.ts';
import type { CsvColumns } from './csv-header.ts';
import { LongRecord, refuseIfSwallowed } from './csv-long-record.ts';
import { RecordParser, refusalOf, STRAY_QUOTE, TOO_LONG } from './csv-records.ts';
import type { CutRecord } from './csv-rows.ts';
import { handOut, isBlankRow, markBroken } from './csv-rows.ts';
import { findStart } from './csv-start.ts';
import type { RowReader, RowSink } from './row-reader.ts';
import { CR, countLineEnds, LF, lastLineEnd, lineEndBefore } from './text.ts';

/** Read in one turn of the event loop where rows have stray quotes; the second where that holds no two of them. */
const CAREFUL_BYTES = [8 * 1024, 16 * 1024];
/** Blank lines between two parts of a broken row, at most: a few, as paragraphs have. */
const MAX_GAP_BYTES = 64;

export class CsvReader implements RowReader {
  readonly #options: ParseOptions;
  readonly #sink: RowSink;
  readonly #rowLimit: number;
  #columns: CsvColumns | undefined;
  /** Named by a line above the header. */
  #separator: string | undefined;
  #rows = 0;
  #stopped = false;
  #paused = false;
  #bytes: Buffer = Buffer.alloc(0);
  /** Behind the last record that was cut out. */
  #at = 0;
  #line: number;
  /** The last record, whose next one is not known yet. */
  #held: CutRecord | undefined;
  #long: LongRecord | undefined;
  #allUtf8 = true;

  constructor(options: ParseOptions, cursor: ReadCursor | null, rowLimit: number, sink: RowSink) {
    this.#options = options;
    this.#sink = sink;
    this.#rowLimit = rowLimit;
    this.#columns = cursor?.columns;
    this.#line = cursor?.nextLine ?? 1;
  }

  get stopped(): boolean {
    return this.#stopped;
  }
  get paused(): boolean {
    return this.#paused;
  }
  get nextLine(): number {
    return this.#line;
  }
  get rows(): number {
    return this.#rows;
  }
  get columns(): CsvColumns | undefined {
    return this.#columns;
  }

  read(bytes: Buffer, final: boolean): number {
    this.#bytes = bytes;
    this.#at = 0;
    this.#paused = false;
    if (this.#columns === undefined) {
      const start = findStart(bytes, final, { done: 0, line: this.#line, separator: this.#separator }, this.#options);
      this.#at = start.done;
      this.#line = start.line;
      this.#separator = start.separator;
      this.#columns = start.columns;
      if (this.#columns === undefined) return this.#at;
    }
    if (this.#long === undefined) this.#readRecords(final);
    else this.#skipLong(this.#long, final);
    if (final && !this.#paused && this.#held !== undefined) this.#handOut(this.#held);
    return this.#held === undefined ? this.#at : this.#comeAgain(this.#held);
  }

  #comeAgain(held: CutRecord): number {
    this.#held = undefined;
    this.#line = held.line;
    return held.start;
  }

  #readRecords(final: boolean): void {
    const from = this.#at;
    const bytes = this.#bytes.subarray(from);
    this.#allUtf8 = isUtf8(bytes.subarray(0, final ? bytes.length : lastLineEnd(bytes)));
    const parser = this.#parser((fields, end) => this.#take(fields, from + end, false));
    const fault = parser.parse(bytes, final);
    if (this.#stopped) return;
    if (fault?.code === STRAY_QUOTE) this.#readCarefully(final);
    else if (fault !== undefined) this.#unfinished(fault.code, final);
    else if (!final) this.#checkRest();
  }

  #parser(onRecord: (fields: string[], end: number) => void, more = {}): RecordParser {
    const delimiter = this.#columns?.separator ?? ',';
    return new RecordParser(this.#options.maxRecordBytes, onRecord, { delimiter, ...more });
  }

  #take(fields: readonly string[], end: number, stray: boolean): void {
    if (this.#stopped) return;
    this.#skipLineEnds();
    const start = this.#at;
    const line = this.#line;
    this.#line += countLineEnds(this.#bytes, start, end);
    this.#at = end;
    const careful = this.#options.rules !== undefined;
    if (careful && !stray && isBlankRow(fields)) {
      if (this.#held !== undefined && end - this.#held.end > MAX_GAP_BYTES) this.#handOut(this.#held);
      return;
    }
    const held = this.#held;
    const record: CutRecord = {
      fields,
      start,
      end,
      line,
      stray,
      lineEnd: lineEndBefore(this.#bytes, end),
      isPart: false,
    };
    if (held !== undefined) {
      if (careful && start - held.end <= MAX_GAP_BYTES) markBroken(held, record, this.#columns!);
      this.#handOut(held);
    }
    if (this.#rows < this.#rowLimit) this.#held = record;
    else this.#stopAt(start, line);
  }

  #stopAt(start: number, line: number): void {
    this.#stopped = true;
    this.#at = start;
    this.#line = line;
  }

  #skipLineEnds(to = this.#bytes.length): void {
    const bytes = this.#bytes;
    while (this.#at < to) {
      const byte = bytes[this.#at];
      if (byte !== LF && byte !== CR) return;
      this.#at += byte === CR && bytes[this.#at + 1] === LF ? 2 : 1;
      this.#line++;
    }
  }

  #handOut(held: CutRecord): void {
    this.#held = undefined;
    this.#rows++;
    handOut(held, this.#bytes, this.#columns!, this.#allUtf8, this.#options, this.#sink);
  }

  /** From a record with a stray quote on: little by little, for such rows cost some 50 µs each quote. */
  #readCarefully(final: boolean): void {
    let records = 0;
    for (const size of CAREFUL_BYTES) {
      const part = this.#bytes.subarray(this.#at, this.#at + size);
      const isRest = this.#at + part.length === this.#bytes.length;
      records += this.#readWithStrayQuotes(part, final && isRest);
      if (isRest || this.#stopped || this.#long !== undefined) return;
      // The last one comes again: with it alone nothing would ever be done.
      if (records >= 2) break;
    }
    this.#paused = true;
    if (records >= 2) return;
    this.#skipLineEnds();
    if (!this.#isLaterWindows() && records === 0) this.#beginLong(final);
  }

  /**
   * To csv-parse a stray quote is text, in either mode. Told to skip such records it hands out the good ones, and names faults that hide
   * where a record ends; relaxed it hands out all of them, and so their ends. What only the latter hands out is a bad row. Returns the number
   * of records.
   */
  #readWithStrayQuotes(bytes: Buffer, final: boolean): number {
    const start = this.#at;
    const good = new Map<number, string[]>();
    const strict = this.#parser((fields, end) => good.set(end, fields), {
      skip_records_with_error: true,
      on_skip: (error?: { code: string }): undefined => {
        if (error?.code !== STRAY_QUOTE) throw error;
      },
    });
    const fault = strict.parse(bytes, final);
    // The end of the last field before the fault: the record that ends next is the faulty one.
    const faultBehind = fault === undefined ? Number.POSITIVE_INFINITY : strict.info.bytes;
    let records = 0;
    const take = (fields: string[], end: number): void => {
      if (end > faultBehind) return;
      records++;
      this.#take(good.get(end) ?? fields, start + end, !good.has(end));
    };
    const relaxedFault = this.#parser(take, { relax_quotes: true }).parse(bytes, final);
    const unfinished = fault ?? relaxedFault;
    if (this.#stopped) return records;
    if (unfinished !== undefined) this.#unfinished(unfinished.code, final);
    else if (!final && start + bytes.length === this.#bytes.length) this.#checkRest();
    return records;
  }

  /** A record does not end as it should. Throws FileRefusal unless it is only too long, or a later window's. */
  #unfinished(code: string, final: boolean): void {
    this.#skipLineEnds();
    if (this.#isLaterWindows()) return;
    if (code !== TOO_LONG) throw refusalOf(code, this.#line);
    this.#beginLong(final);
  }

  /** What comes is no rest of the row before, and the row after the last one wanted. */
  #isLaterWindows(): boolean {
    if (this.#held !== undefined) this.#handOut(this.#held);
    this.#stopped = this.#rows >= this.#rowLimit;
    return this.#stopped;
  }

  /** What is left is one unfinished record, or a few bytes that csv-parse looks ahead. */
  #checkRest(): void {
    const bytes = this.#bytes;
    let start = this.#at;
    while (bytes[start] === LF || bytes[start] === CR) start++;
    // Perhaps half of a CRLF.
    if (start === bytes.length && bytes[start - 1] === CR) start--;
    if (start - (this.#held?.end ?? this.#at) > MAX_GAP_BYTES) {
      if (this.#held !== undefined) this.#handOut(this.#held);
      this.#skipLineEnds(start);
    }
    // A line end behind the record is not part of it.
    if (bytes.length - start <= this.#options.maxRecordBytes + 2) return;
    this.#skipLineEnds(start);
    if (!this.#isLaterWindows()) this.#beginLong(false);
  }

  #beginLong(final: boolean): void {
    this.#long = new LongRecord(this.#line, this.#columns?.separator ?? ',');
    this.#skipLong(this.#long, final);
  }

  #skipLong(long: LongRecord, final: boolean): void {
    const { ended, done } = long.feed(this.#bytes, this.#at, final);
    this.#at = done;
    this.#line = long.line + long.lines;
    if (!ended) return;
    this.#long = undefined;
    // What follows is read in the next turn.
    this.#paused = done < this.#bytes.length;
    if (long.isPadding) return;
    refuseIfSwallowed(long.kept, long.line, this.#columns!);
    this.#rows++;
    // One within the limit has stray quotes.
    const reason = long.sizeBytes > this.#options.maxRecordBytes ? 'row_too_large' : 'bad_csv';
    this.#sink.invalid(long.line, reason, long.kept);
  }
}
