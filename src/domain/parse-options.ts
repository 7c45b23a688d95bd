/**
 * How the bytes of a file become rows. Frozen for a run: chunks are stored under `parseKey(options)`, so that two readings with
 * different options never mix.
 */

const FILE_FORMATS = ['csv', 'ndjson', 'json'] as const;
export type FileFormat = (typeof FILE_FORMATS)[number];

export interface ParseOptions {
  readonly format: FileFormat;
  /** CSV only. `false`: no header line; column 1 is the user, column 2 the message. */
  readonly header: boolean;
  /** CSV column or JSON member that holds the user. CSV columns are compared trimmed and without regard to case. */
  readonly userIdColumn: string;
  readonly alertMessageColumn: string;
  /** A longer record is `row_too_large`. */
  readonly maxRecordBytes: number;
  /** UTF-16 code units. */
  readonly maxUserIdLength: number;
  /** Alerts a chunk, at most. */
  readonly chunkSize: number;
  /**
   * A chunk ends when its text is this long (UTF-16 code units), however few alerts it holds: a sender keeps whole chunks in memory. Absent
   * in deliveries that an earlier build began.
   */
  readonly maxChunkLength?: number;
  /** CSV: what stands between the fields. Absent: found from the header; without one, or by the rules of before, a comma. */
  readonly separator?: string;
  /** As TextDecoder names it. Absent: UTF-8, or UTF-16 where a mark says so. */
  readonly encoding?: string;
  /**
   * Columns (CSV) or members (JSON) that are carried along with each alert, for the body template of the endpoint; sorted. Absent: none. A file
   * without one of them is refused (CSV), or the row is (JSON).
   */
  readonly columns?: readonly string[];
  /** Version of the rules by which rows are judged. Absent: those of 0.1, whose deliveries must find the same alerts when they are read again. */
  readonly rules?: typeof ROW_RULES;
}

/** Repeated headers, blank rows and texts, empty last columns, half characters, members named twice, broken lines. */
export const ROW_RULES = 2;

export const DEFAULT_PARSE_OPTIONS: Omit<ParseOptions, 'format'> = {
  header: true,
  userIdColumn: 'userId',
  alertMessageColumn: 'alertMessage',
  maxRecordBytes: 1024 * 1024,
  maxUserIdLength: 512,
  chunkSize: 1000,
  maxChunkLength: 2 * 1024 * 1024,
  rules: ROW_RULES,
};

/**
 * Rows that one window holds. Not a setting: with the rest of the options it decides which chunk a row is in, and so which receipts are its
 * own.
 */
export const WINDOW_ROWS = 500_000;

/**
 * A short, stable name for a set of options; part of folder names. FNV-1a (64 bits) over the values in a fixed order. Options of later
 * releases follow with their names, where they are set: the keys of earlier ones stay as they are.
 */
export function parseKey(options: ParseOptions): string {
  const { separator, encoding, rules, columns } = options;
  const canonical = JSON.stringify([
    options.format,
    options.header,
    options.userIdColumn,
    options.alertMessageColumn,
    options.maxRecordBytes,
    options.maxUserIdLength,
    options.chunkSize,
    WINDOW_ROWS,
    ...(options.maxChunkLength === undefined ? [] : [options.maxChunkLength]),
    ...Object.entries({ separator, encoding, rules, columns }).filter(([, value]) => value !== undefined),
  ]);
  let hash = 0xcbf29ce484222325n;
  for (const character of canonical) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(character.codePointAt(0) ?? 0)) * 0x100000001b3n);
  }
  return `${options.format}-${hash.toString(16).padStart(16, '0').slice(0, 10)}`;
}
