/** What a CSV record means, once it is cut out: whether it has the columns, says nothing, repeats the header, or is a part of a broken row. */
import { isUtf8 } from 'node:buffer';
import type { InvalidReason, ReadableFields } from '../domain/alert.ts';
import type { ParseOptions } from '../domain/parse-options.ts';
import { faultOf, isOrigin, noteOf, originOf } from './alert-rules.ts';
import type { CsvColumns } from './csv-header.ts';
import { isHeader, plainName } from './csv-header.ts';
import { refuseIfSwallowed, SUSPICIOUS_BYTES } from './csv-long-record.ts';
import { brokenLines } from './csv-records.ts';
import type { RowSink } from './row-reader.ts';
import type { LineEnd } from './text.ts';
import { isEmptyCell, looksLikeWindows1252, trimLineEnd } from './text.ts';

/** Spreadsheets leave out empty last columns, or add some. By the rules of before the number of columns was exact. */
function hasColumns(fields: readonly string[], columns: CsvColumns, { rules }: ParseOptions): boolean {
  const { userId, alertMessage, count } = columns;
  if (fields.length === count) return true;
  if (rules === undefined) return false;
  if (fields.length < count) return fields.length > Math.max(userId, alertMessage);
  return fields.slice(count).every(isEmptyCell);
}

/** A row that a spreadsheet has left behind: `,,,`, spaces, padding. */
export const isBlankRow = (fields: readonly string[]): boolean => fields.every(isEmptyCell);

/** Two exports were put together. Whatever the order of the columns: the names of both make no alert. */
function repeatsHeader(fields: readonly string[], { alertMessage }: CsvColumns, options: ParseOptions): boolean {
  const text = fields[alertMessage] ?? '';
  // Rarely more than this look is needed: a message that begins and is as long as one of the names.
  const { userIdColumn, alertMessageColumn } = options;
  if (text.length > Math.max(userIdColumn.length, alertMessageColumn.length) + 8) return false;
  const name = plainName(text);
  if (name !== plainName(alertMessageColumn) && name !== plainName(userIdColumn)) return false;
  return isHeader(fields, options);
}

/**
 * Of a row that is no alert. With too many or too few columns it is not known which is which, but for a user that comes first (a message
 * may have been cut by a comma of its own); an origin is known wherever it stands.
 */
function readable(fields: readonly string[], columns: CsvColumns, whole: boolean): ReadableFields {
  const { userId, alertMessage } = columns;
  const field = (at: number, isSure: boolean): string | undefined => {
    const text = isSure ? fields[at] : undefined;
    return text?.includes('\ufffd') ? undefined : text;
  };
  return {
    userId: field(userId, whole || userId === 0),
    alertMessage: field(alertMessage, whole),
    origin: fields.map((text) => text.trim()).find(isOrigin),
    columns: columns.more?.map((at) => field(at, whole) ?? ''),
  };
}

/** Text, not an ID: there is white space within it. But for the last lines of some exports: `(3 rows affected)`, `Total: 3`. */
const isProse = (text: string | undefined): boolean =>
  text !== undefined && /\S\s+\S/.test(text) && !/^\W*(?:\d|total|sum|count|end\b|rows?\b)|^\s*(?:#|--)/i.test(text);

export interface CutRecord {
  readonly fields: readonly string[];
  /** Offsets of its bytes, the line end included. */
  readonly start: number;
  readonly end: number;
  /** On which it begins. */
  readonly line: number;
  /** How that of its end ends; undefined: with the file. */
  readonly lineEnd: LineEnd | undefined;
  /** It has a quote where none may be. */
  readonly stray: boolean;
  /** Of a row that a line break has broken in two. */
  isPart: boolean;
}

type Ends = Pick<CutRecord, 'fields' | 'lineEnd'>;

/**
 * Whether two records that follow each other are one row, broken in two by a line break that is not in quotes. Together they have the columns of
 * one row. `certain`: the first one ends otherwise than the lines of this file do; `likely`: the second one begins in the middle of a sentence.
 * No two rows that have all their columns are ever taken for one.
 */
export function brokenRow(first: Ends, second: Ends, columns: CsvColumns): 'certain' | 'likely' | undefined {
  const { userId, alertMessage, count, lineEnd } = columns;
  const secondIsShort = second.fields.length < count;
  if (!secondIsShort && first.fields.length >= count) return undefined;
  if (first.fields.length + second.fields.length > count + 1) return undefined;
  const isRow = ({ fields }: Ends): boolean => fields.length > Math.max(userId, alertMessage);
  const [firstIsRow, secondIsRow] = [isRow(first), isRow(second)];
  if (!firstIsRow && !secondIsRow) return undefined;
  const inProse = isProse(second.fields[0]) && !isProse(first.fields[userId]);
  // Two rows that lack their last columns look like it, too.
  if (firstIsRow && secondIsRow && !inProse) return undefined;
  const endsAsUsual = second.lineEnd === undefined || second.lineEnd === lineEnd;
  if (lineEnd !== undefined && first.lineEnd !== lineEnd && (endsAsUsual || !secondIsRow)) return 'certain';
  return secondIsShort && firstIsRow && inProse ? 'likely' : undefined;
}

/** Neither part of a row that is likely broken is sent. Throws FileRefusal where it is certain: the rows of such a file cannot be told apart. */
export function markBroken(first: CutRecord, second: CutRecord, columns: CsvColumns): void {
  const broken = brokenRow(first, second, columns);
  if (broken === undefined) return;
  if (broken === 'certain') throw brokenLines(first.line);
  first.isPart = true;
  second.isPart = true;
}

/** A whole record becomes an alert, or an invalid row. `allUtf8`: it need not be looked at for that. */
export function handOut(
  record: CutRecord,
  bytes: Buffer,
  columns: CsvColumns,
  allUtf8: boolean,
  options: ParseOptions,
  sink: RowSink,
): void {
  const { fields, line, start, end, stray, isPart } = record;
  if (end - start >= SUSPICIOUS_BYTES) refuseIfSwallowed(bytes.subarray(start, end), line, columns);
  const isWhole = hasColumns(fields, columns, options) && !stray && !isPart;
  const reason = reasonOf(record, bytes, isWhole, columns, allUtf8, options);
  const userId = fields[columns.userId] ?? '';
  if (reason === undefined) {
    const note = noteOf(userId);
    if (note !== undefined) sink.note(line, note);
    const more = columns.more?.map((at) => fields[at] ?? '');
    sink.alert(line, userId, fields[columns.alertMessage] ?? '', originOf(fields[columns.origin]), more);
    return;
  }
  const row = bytes.subarray(start, trimLineEnd(bytes, start, end));
  if (reason === 'invalid_utf8' && looksLikeWindows1252(row)) sink.note(line, 'windows_1252');
  const known = readable(fields, columns, isWhole);
  // Half a message, or what may be another column, is nothing to offer.
  sink.invalid(line, reason, row, stray || isPart ? { origin: known.origin } : known);
}

function reasonOf(
  { fields, start, end }: CutRecord,
  bytes: Buffer,
  isWhole: boolean,
  columns: CsvColumns,
  allUtf8: boolean,
  options: ParseOptions,
): InvalidReason | undefined {
  if (trimLineEnd(bytes, start, end) - start > options.maxRecordBytes) return 'row_too_large';
  if (!allUtf8 && !isUtf8(bytes.subarray(start, end))) return 'invalid_utf8';
  if (!isWhole) return 'bad_csv';
  if (options.rules !== undefined && repeatsHeader(fields, columns, options)) return 'repeated_header';
  const fault = faultOf(fields[columns.userId] ?? '', fields[columns.alertMessage] ?? '', options);
  if (fault !== undefined || columns.more === undefined) return fault;
  return columns.more.some((at) => fields[at]?.includes('\0')) ? 'control_char' : undefined;
}
