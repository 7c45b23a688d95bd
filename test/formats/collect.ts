/** Runs bytes through the readers and collects what comes out, for tests. */
import type { InvalidReason, ReadableFields } from '../../src/domain/alert.ts';
import type { ReadCursor } from '../../src/domain/contracts.ts';
import { FileRefusal } from '../../src/domain/failure.ts';
import type { FileFormat, ParseOptions } from '../../src/domain/parse-options.ts';
import { DEFAULT_PARSE_OPTIONS } from '../../src/domain/parse-options.ts';
import type { RowNote } from '../../src/domain/rows/findings.ts';
import { readRows } from '../../src/formats/rows.ts';

export type Row =
  | { line: number; userId: string; alertMessage: string; origin?: string }
  | { line: number; invalid: InvalidReason };

export interface Collected {
  rows: Row[];
  next: ReadCursor | null;
  /** Raw text of invalid rows, by line. */
  raw: Map<number, string>;
  /** What is still known of them. */
  readable: Map<number, ReadableFields>;
  notes: { line: number; note: RowNote }[];
}

export interface How {
  format?: FileFormat;
  options?: Options;
  cursor?: ReadCursor | null;
  rowLimit?: number;
  /** Bytes in each block; undefined: all in one. */
  blockBytes?: number;
}

/** `rules: undefined`: those of before. */
type Options = { [Key in keyof ParseOptions]?: ParseOptions[Key] | undefined };

export const parseOptions = (format: FileFormat, options: Options = {}): ParseOptions => {
  const { rules, ...rest } = { ...DEFAULT_PARSE_OPTIONS, ...options, format } as ParseOptions;
  return rules === undefined ? rest : { ...rest, rules };
};

function* blocks(bytes: Buffer, size: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield Buffer.from(bytes.subarray(at, at + size));
}

export async function collect(content: Buffer | string, how: How = {}): Promise<Collected> {
  const { format = 'csv', cursor = null, rowLimit = Number.POSITIVE_INFINITY } = how;
  const bytes = Buffer.from(content).subarray(cursor?.byteOffset ?? 0);
  const rows: Row[] = [];
  const raw = new Map<number, string>();
  const readable = new Map<number, ReadableFields>();
  const notes: Collected['notes'] = [];
  const { next, rows: count } = await readRows({
    source: blocks(bytes, how.blockBytes ?? Math.max(bytes.length, 1)),
    parse: parseOptions(format, how.options),
    cursor,
    rowLimit,
    sink: {
      alert: (line, userId, alertMessage, origin) => {
        rows.push({ line, userId, alertMessage, ...(origin === undefined ? {} : { origin }) });
      },
      invalid: (line, invalid, row, fields = {}) => {
        rows.push({ line, invalid });
        readable.set(line, fields);
        raw.set(line, row.toString('utf8'));
      },
      note: (line, note) => void notes.push({ line, note }),
    },
    afterPiece: async () => undefined,
  });
  if (count !== rows.length) throw new Error(`${count} rows counted, ${rows.length} handed out`);
  return { rows, next, raw, readable, notes };
}

export async function collectRows(content: Buffer | string, how: How = {}): Promise<Row[]> {
  return (await collect(content, how)).rows;
}

/** Reads in windows, each by a reader of its own that knows the cursor only (as another process would). */
export async function collectWindows(content: Buffer | string, windowRows: number, how: How = {}): Promise<Row[]> {
  const rows: Row[] = [];
  let cursor: ReadCursor | null = null;
  do {
    const window: Collected = await collect(content, { ...how, cursor, rowLimit: windowRows });
    rows.push(...window.rows);
    cursor = window.next === null ? null : (JSON.parse(JSON.stringify(window.next)) as ReadCursor);
    if (cursor !== null && window.rows.length !== windowRows) throw new Error('a window ended early');
  } while (cursor !== null);
  return rows;
}

/** The refusal that reading ends with. */
export async function refusalOf(content: Buffer | string, how: How = {}): Promise<FileRefusal> {
  try {
    await collect(content, how);
  } catch (error) {
    if (error instanceof FileRefusal) return error;
    throw error;
  }
  throw new Error('the file was not refused');
}

/** Rows, or the code and line of the refusal: what must not depend on how a file is cut. */
export async function outcomeOf(read: Promise<Row[]>): Promise<Row[] | { code: string; line: number | undefined }> {
  try {
    return await read;
  } catch (error) {
    if (error instanceof FileRefusal) return { code: error.code, line: error.line };
    throw error;
  }
}
