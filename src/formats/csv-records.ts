/**
 * csv-parse, fed by hand: bytes → records with the offset of their end, and its faults as refusals. RFC 4180 to the letter, no relaxed
 * quotes: those were seen to merge three users into one message.
 */
import type { CsvError, Options } from 'csv-parse';
import { Parser } from 'csv-parse';
import { FileRefusal } from '../domain/failure.ts';

/** csv-parse's code for a quote within an unquoted field: the row is wrong, and its end is known. */
export const STRAY_QUOTE = 'INVALID_OPENING_QUOTE';
/** Its code for a record over the limit: where that ends is to be found out. */
export const TOO_LONG = 'CSV_MAX_RECORD_SIZE';

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

/** For faults that hide where a record ends, by csv-parse's codes. `line`: where the record begins. */
export function refusalOf(code: string, line: number): FileRefusal {
  const where = `the record that begins on line ${line}`;
  switch (code) {
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
    default:
      return new FileRefusal('bad_csv', `It is not known where ${where} ends (${code}).`, line);
  }
}

/** Rows within a quoted field. */
export function swallowedRows(line: number): FileRefusal {
  return new FileRefusal(
    'quote_not_closed',
    `The record that begins on line ${line} holds many lines that look like rows: most likely a quote is not closed there. Mend the line and drop the file again.`,
    line,
  );
}

/** A message that goes on in the next line. */
export function brokenLines(line: number): FileRefusal {
  return new FileRefusal(
    'broken_line',
    `The row on line ${line} goes on in the next line, and ends otherwise than the lines of this file do: a line break within a message must be in quotes. Export the file again, with quotes around such fields.`,
    line,
  );
}
