/** Lines that stand below each other: tables, and labels with their values. Foreign text is shown without control characters. */
import { plainText } from '../domain/plain-text.ts';
import type { Paint, Style } from './terminal.ts';

export interface Column<Row> {
  readonly title: string;
  readonly text: (row: Row) => string;
  /** Numbers stand right. */
  readonly right?: boolean;
  readonly style?: (row: Row) => Style | undefined;
}

interface Laid {
  readonly cells: readonly (readonly string[])[];
  readonly widths: readonly number[];
}

function laid<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): Laid {
  const cells = rows.map((row) => columns.map((column) => plainText(column.text(row))));
  const widths = columns.map((column, at) => Math.max(column.title.length, ...cells.map((row) => row[at]!.length)));
  return { cells, widths };
}

/** Characters of the longest line of the table. */
export function widthOf<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): number {
  return laid(rows, columns).widths.reduce((sum, width) => sum + width + 2, -2);
}

/** The beginning and the end of a long name. */
export function shortened(name: string, length: number): string {
  const characters = [...plainText(name)];
  if (characters.length <= length) return characters.join('');
  const end = Math.floor((length - 1) / 2);
  return `${characters.slice(0, length - 1 - end).join('')}…${characters.slice(-end).join('')}`;
}

/** An aligned table with a heading; two spaces between columns, none at the end of a line. */
export function table<Row>(rows: readonly Row[], columns: readonly Column<Row>[], paint: Paint): string {
  const { cells, widths } = laid(rows, columns);
  const line = (texts: readonly string[], row?: Row): string => {
    const last = texts.findLastIndex((text) => text !== '');
    const padded = texts.slice(0, last + 1).map((text, at) => {
      const wide = columns[at]?.right ? text.padStart(widths[at]!) : at === last ? text : text.padEnd(widths[at]!);
      const style = row === undefined ? undefined : columns[at]?.style?.(row);
      return style === undefined ? wide : paint(wide, style);
    });
    return padded.join('  ');
  };
  const heading = paint(line(columns.map((column) => column.title)), 'bold');
  return [heading, ...cells.map((row, at) => line(row, rows[at]))].join('\n');
}

/** `label  value` lines, the values below each other. */
export function labelled(pairs: readonly (readonly [string, string])[]): string {
  const width = Math.max(...pairs.map(([label]) => label.length));
  return pairs.map(([label, value]) => `${label.padEnd(width)}  ${plainText(value)}`).join('\n');
}
