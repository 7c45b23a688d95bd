/** Input files for the tests, and the alerts that are in them. */
import { gzipSync } from 'node:zlib';

export interface TestAlert {
  readonly userId: string;
  readonly alertMessage: string;
}

/** `prefix` keeps the users of one file apart from those of all others of the same receiver. */
export function alerts(count: number, prefix = 'user'): TestAlert[] {
  return Array.from({ length: count }, (_, at) => ({
    userId: `${prefix}-${at + 1}`,
    alertMessage: `Message ${at + 1} for you, "${prefix}"`,
  }));
}

const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;

export const asCsv = (rows: readonly TestAlert[]): string =>
  `userId,alertMessage\n${rows.map((row) => `${quoted(row.userId)},${quoted(row.alertMessage)}\n`).join('')}`;

export const asNdjson = (rows: readonly TestAlert[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('');

export const asJsonArray = (rows: readonly TestAlert[]): string => JSON.stringify(rows, null, 1);

export const gzipped = (text: string): Buffer => gzipSync(text);
