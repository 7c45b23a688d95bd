/**
 * CSV → rows, by csv-parse, strictly: RFC 4180, no relaxed quotes. A row that is wrong by itself is invalid; a fault that hides where
 * records end (a quote not closed, text behind a closing quote, a record over the limit) refuses the file, for it may swallow any
 * number of users.
 *
 * Each piece is parsed from the start of a record by a parser of its own, so that there is no state between pieces but a cursor: what a
 * later window sees is what this one would have seen. Positions are taken from the bytes: csv-parse's own (`info: true`) cost more than
 * half of its speed, and count a CRLF within quotes as two lines.
 */
import { isUtf8 } from 'node:buffer';
import type { CsvError } from 'csv-parse';
import type { ReadCursor } from '../domain/contracts.ts';
import { FileRefusal } from '../domain/failure.ts';
import type { ParseOptions } from '../domain/parse-options.ts';
import { faultOf, originOf } from './alert-rules.ts';
import type { CsvColumns } from './csv-header.ts';
import { findColumns, HEADERLESS_COLUMNS, headerRefusal, readable } from './csv-header.ts';
import { RecordParser, recordTooLarge, refusalOf, STRAY_QUOTE } from './csv-records.ts';
import type { RowReader, RowSink } from './row-reader.ts';
import { CR, countLineEnds, LF, lastLineEnd, trimLineEnd } from './text.ts';

/** Read in one turn of the event loop where rows have stray quotes. */
const CAREFUL_BYTES = 8 * 1024;

export class CsvReader implements RowReader {
  readonly #options: ParseOptions;
  readonly #sink: RowSink;
  readonly #rowLimit: number;
  #columns: CsvColumns | undefined;
  #line: number;
  #rows = 0;
  #stopped = false;
  #paused = false;
  #bytes: Buffer = Buffer.alloc(0);
  /** Bytes of #bytes that are done with. */
  #done = 0;
  #allUtf8 = true;

  constructor(options: ParseOptions, cursor: ReadCursor | null, rowLimit: number, sink: RowSink) {
    this.#options = options;
    this.#sink = sink;
    this.#rowLimit = rowLimit;
    this.#columns = cursor?.columns ?? (options.header ? undefined : HEADERLESS_COLUMNS);
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
    this.#done = 0;
    this.#paused = false;
    this.#allUtf8 = isUtf8(bytes.subarray(0, final ? bytes.length : lastLineEnd(bytes)));
    const parser = new RecordParser(this.#options.maxRecordBytes, (fields, end) => {
      if (!this.#stopped) this.#record(fields, end);
    });
    const fault = parser.parse(bytes, final);
    if (fault !== undefined && !this.#stopped && !this.#atLimit()) {
      if (fault.code !== STRAY_QUOTE) throw this.#refusal(fault);
      this.#readCarefully(final);
    }
    if (!this.#paused && !this.#stopped) this.#checkRest(final);
    return this.#done;
  }

  #record(fields: string[], end: number): void {
    if (this.#atLimit()) return;
    const bytes = this.#bytes;
    const start = this.#done;
    const line = this.#line;
    const textEnd = trimLineEnd(bytes, start, end);
    if (textEnd - start > this.#options.maxRecordBytes) throw this.#tooLong();
    this.#line += countLineEnds(bytes, start, end);
    this.#done = end;
    if (this.#columns === undefined) {
      // Only white space: not yet the header.
      if (fields.length === 1 && fields[0]?.trim() === '') return;
      this.#columns = findColumns(fields, this.#options, line);
      return;
    }
    this.#rows++;
    const columns = this.#columns;
    const row = (): Buffer => bytes.subarray(start, textEnd);
    if (!this.#allUtf8 && !isUtf8(row())) {
      this.#sink.invalid(line, 'invalid_utf8', row(), readable(fields, columns));
    } else if (fields.length !== columns.count) {
      this.#sink.invalid(line, 'bad_csv', row(), readable(fields, columns));
    } else {
      const userId = fields[columns.userId] ?? '';
      const alertMessage = fields[columns.alertMessage] ?? '';
      const fault = faultOf(userId, alertMessage, this.#options.maxUserIdLength);
      if (fault !== undefined) this.#sink.invalid(line, fault, row(), readable(fields, columns));
      else this.#sink.alert(line, userId, alertMessage, originOf(fields[columns.origin]));
    }
  }

  /** Goes to the start of the next record; true if that is the row after the last one wanted. */
  #atLimit(): boolean {
    const bytes = this.#bytes;
    while (this.#done < bytes.length) {
      const byte = bytes[this.#done];
      if (byte !== LF && byte !== CR) break;
      this.#done += byte === CR && bytes[this.#done + 1] === LF ? 2 : 1;
      this.#line++;
    }
    if (this.#columns !== undefined && this.#rows >= this.#rowLimit) this.#stopped = true;
    return this.#stopped;
  }

  /** From a record with a stray quote on: little by little, for such rows cost some 50 µs each. */
  #readCarefully(final: boolean): void {
    const start = this.#done;
    const part = this.#bytes.subarray(start, start + CAREFUL_BYTES);
    const isRest = start + part.length === this.#bytes.length;
    this.#readWithStrayQuotes(part, final && isRest);
    if (isRest) return;
    if (this.#done === start && !this.#stopped) this.#readWithStrayQuotes(this.#bytes.subarray(start), final);
    else this.#paused = true;
  }

  /**
   * To csv-parse a stray quote is text, in either mode. Told to skip such records it hands out the good ones, and names faults that hide
   * where a record ends; relaxed it hands out all of them, and so their ends. What only the latter hands out is a bad row.
   */
  #readWithStrayQuotes(bytes: Buffer, final: boolean): void {
    const start = this.#done;
    const { maxRecordBytes } = this.#options;
    const good = new Map<number, string[]>();
    const strict = new RecordParser(maxRecordBytes, (fields, end) => good.set(end, fields), {
      skip_records_with_error: true,
      on_skip: (error): undefined => {
        if (error?.code !== STRAY_QUOTE) throw error;
      },
    });
    const fault = strict.parse(bytes, final);
    // The end of the last field before the fault: the record that ends next is the faulty one.
    const faultBehind = strict.info.bytes;
    const relaxed = new RecordParser(
      maxRecordBytes,
      (_, end) => {
        if (this.#stopped || this.#atLimit()) return;
        if (fault !== undefined && end > faultBehind) throw this.#refusal(fault);
        const fields = good.get(end);
        if (fields === undefined) this.#strayRow(start + end);
        else this.#record(fields, start + end);
      },
      { relax_quotes: true },
    );
    const relaxedFault = relaxed.parse(bytes, final);
    const unfinished = fault ?? relaxedFault;
    if (unfinished !== undefined && !this.#stopped && !this.#atLimit()) throw this.#refusal(unfinished);
  }

  #strayRow(end: number): void {
    const start = this.#done;
    const line = this.#line;
    const row = this.#bytes.subarray(start, trimLineEnd(this.#bytes, start, end));
    if (row.length > this.#options.maxRecordBytes) throw this.#tooLong();
    if (this.#columns === undefined) throw headerRefusal('it has a quote within a name', [], this.#options, line);
    this.#line += countLineEnds(this.#bytes, start, end);
    this.#done = end;
    this.#rows++;
    this.#sink.invalid(line, this.#allUtf8 || isUtf8(row) ? 'bad_csv' : 'invalid_utf8', row);
  }

  /** What is left is one unfinished record, or a few bytes that csv-parse looks ahead; at the end of the file nothing. */
  #checkRest(final: boolean): void {
    if (final && this.#columns === undefined) {
      const nextStep = 'Drop a file with at least the line that names the columns.';
      throw new FileRefusal('csv_empty', `The file is empty: it has not even a header line. ${nextStep}`, 1);
    }
    // A line end behind the record is not part of it, nor are blank lines before it.
    const mostBytes = this.#options.maxRecordBytes + 2;
    if (final || this.#bytes.length - this.#done <= mostBytes || this.#atLimit()) return;
    if (this.#bytes.length - this.#done > mostBytes) throw this.#tooLong();
  }

  #tooLong(): FileRefusal {
    return recordTooLarge(this.#line, this.#options.maxRecordBytes);
  }

  #refusal(fault: CsvError): FileRefusal {
    return refusalOf(fault, this.#line, this.#options.maxRecordBytes);
  }
}
