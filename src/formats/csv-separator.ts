/**
 * What separates the fields of a CSV: stated, named by a first line `sep=;`, or found from the header: the one of four by which it has both
 * columns. The first record is read by each of them; only the parser knows where it ends.
 */
import type { CsvError } from 'csv-parse';
import { RecordParser } from './csv-records.ts';
import { isEmptyCell } from './text.ts';

/** Those that are looked for, the commonest first. */
export const SEPARATORS: readonly string[] = [',', ';', '\t', '|'];

const SEPARATOR_LINE = /^"?sep=([^\w\s"]|\t)"?[,;\t|]*$/i;

/** `sep=;` → `;`, as spreadsheets write and read it; undefined: the line says no such thing. */
export const separatorIn = (line: string): string | undefined => SEPARATOR_LINE.exec(line)?.[1];

/** Of a line that only separates nothing from nothing. */
export const isBlankLine = (line: string): boolean => line.split(/[,;|]/).every(isEmptyCell);

export interface FirstRecord {
  readonly separator: string;
  /** Absent: it is no record by this separator. */
  readonly fields?: readonly string[];
  /** Offset behind it. */
  readonly end: number;
  readonly fault?: CsvError;
}

/** Most headers are shorter: the rest need not be read by each separator. */
const FIRST_LOOK_BYTES = 4096;

/** The record that `bytes` begin with, by each separator. undefined: for one of them it is not known before there are more bytes. */
export function firstRecords(
  bytes: Buffer,
  final: boolean,
  separators: readonly string[],
  maxRecordBytes: number,
): FirstRecord[] | undefined {
  const longest = Math.min(bytes.length, maxRecordBytes + 2);
  for (const length of [FIRST_LOOK_BYTES, longest]) {
    if (length > longest) continue;
    const seen = bytes.subarray(0, length);
    const isLast = final && length === bytes.length;
    const found = separators.map((separator) => firstRecord(seen, isLast, separator, maxRecordBytes));
    const isKnown = ({ fields, fault }: FirstRecord): boolean => fields !== undefined || fault !== undefined;
    if (found.every(isKnown) || isLast || length > maxRecordBytes) return found;
  }
  return undefined;
}

function firstRecord(bytes: Buffer, isLast: boolean, separator: string, maxRecordBytes: number): FirstRecord {
  let first: FirstRecord | undefined;
  const take = (fields: string[], end: number): void => {
    first ??= { separator, fields, end };
  };
  const fault = new RecordParser(maxRecordBytes, take, { delimiter: separator }).parse(bytes, isLast);
  return first ?? { separator, end: 0, ...(fault === undefined ? {} : { fault }) };
}
