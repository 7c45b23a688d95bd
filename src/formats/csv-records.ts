/**
 * csv-parse, fed by hand: bytes → records with the offset of their end, and its faults as refusals. RFC 4180 to the letter, no relaxed
 * quotes: those were seen to merge three users into one message.
 */
import type { CsvError, Options } from 'csv-parse';
import { Parser } from 'csv-parse';
import { FileRefusal } from '../domain/failure.ts';

/** csv-parse's code for a quote within an unquoted field: the row is wrong, and its end is known. */
export const STRAY_QUOTE = 'INVALID_OPENING_QUOTE';

type OnRecord = (fields: string[], end: number) => void;

/** Records are taken where csv-parse pushes them; nothing of it but the parser is used, no stream. */
export class RecordParser extends Parser {
  readonly #onRecord: OnRecord;

  constructor(maxRecordBytes: number, onRecord: OnRecord, options: Options = {}) {
    super({
      relax_quotes: false,
      skip_empty_lines: true,
      relax_column_count: true,
      max_record_size: maxRecordBytes,
      record_delimiter: ['\r\n', '\n', '\r'],
      ...options,
    });
    this.#onRecord = onRecord;
  }

  override push(record: string[] | null): boolean {
    if (record !== null) this.#onRecord(record, this.info.bytes);
    return true;
  }

  /** Returns csv-parse's error, if there is one. Bytes that do not end a record are left alone unless this is the end. */
  parse(bytes: Buffer, final: boolean): CsvError | undefined {
    let fault: CsvError | undefined;
    const done = (error?: Error | null): void => {
      fault ??= (error as CsvError | null | undefined) ?? undefined;
    };
    if (bytes.length === 0) return undefined;
    this._transform(bytes, 'utf8', done);
    if (final && fault === undefined) this._flush(done);
    return fault;
  }
}

export function recordTooLarge(line: number, maxRecordBytes: number): FileRefusal {
  const message =
    `The record that begins on line ${line} is longer than ${maxRecordBytes} bytes; most often a quote is not closed there. ` +
    'Mend the line, or raise the limit `maxRecordBytes`.';
  return new FileRefusal('record_too_large', message, line);
}

/** For faults that hide where a record ends. `line`: where the record begins. */
export function refusalOf(fault: CsvError, line: number, maxRecordBytes: number): FileRefusal {
  const where = `the record that begins on line ${line}`;
  switch (fault.code) {
    case 'CSV_QUOTE_NOT_CLOSED':
      return new FileRefusal(
        'quote_not_closed',
        `A quote opened in ${where} is never closed. Mend the line and drop the file again.`,
        line,
      );
    case 'CSV_INVALID_CLOSING_QUOTE':
      return new FileRefusal(
        'invalid_closing_quote',
        `In ${where} text follows a closing quote. Write a quote within a quoted field twice ("").`,
        line,
      );
    case 'CSV_MAX_RECORD_SIZE':
      return recordTooLarge(line, maxRecordBytes);
    default:
      return new FileRefusal('bad_csv', `It is not known where ${where} ends (${fault.code}).`, line);
  }
}
