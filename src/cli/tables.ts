/** Lines that stand below each other: tables, and labels with their values. Foreign text is shown without control characters. */
import { plainText } from '../domain/plain-text.ts';
import type { Paint } from './terminal.ts';

export interface Column<Row> {
  readonly title: string;
  readonly text: (row: Row) => string;
  /** Numbers stand right. */
  readonly right?: boolean;
}

/** An aligned table with a heading; two spaces between columns, none at the end of a line. */
export function table<Row>(rows: readonly Row[], columns: readonly Column<Row>[], paint: Paint): string {
  const cells = rows.map((row) => columns.map((column) => plainText(column.text(row))));
  const widths = columns.map((column, at) => Math.max(column.title.length, ...cells.map((row) => row[at]!.length)));
  const line = (texts: readonly string[]): string =>
    texts
      .map((text, at) => (columns[at]?.right ? text.padStart(widths[at]!) : text.padEnd(widths[at]!)))
      .join('  ')
      .trimEnd();
  return [paint(line(columns.map((column) => column.title)), 'bold'), ...cells.map(line)].join('\n');
}

/** `label  value` lines, the values below each other. */
export function labelled(pairs: readonly (readonly [string, string])[]): string {
  const width = Math.max(...pairs.map(([label]) => label.length));
  return pairs.map(([label, value]) => `${label.padEnd(width)}  ${plainText(value)}`).join('\n');
}
