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
  /** A longer record: in CSV the file is refused (its end is unknown); in NDJSON and JSON the row is `row_too_large`. */
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
}

export const DEFAULT_PARSE_OPTIONS: Omit<ParseOptions, 'format'> = {
  header: true,
  userIdColumn: 'userId',
  alertMessageColumn: 'alertMessage',
  maxRecordBytes: 64 * 1024,
  maxUserIdLength: 512,
  chunkSize: 1000,
  maxChunkLength: 2 * 1024 * 1024,
};

/**
 * Rows that one window holds. Not a setting: with the rest of the options it decides which chunk a row is in, and so which receipts are its
 * own.
 */
export const WINDOW_ROWS = 500_000;

/** A short, stable name for a set of options; part of folder names. FNV-1a (64 bits) over the values in a fixed order. */
export function parseKey(options: ParseOptions): string {
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
  ]);
  let hash = 0xcbf29ce484222325n;
  for (const character of canonical) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(character.codePointAt(0) ?? 0)) * 0x100000001b3n);
  }
  return `${options.format}-${hash.toString(16).padStart(16, '0').slice(0, 10)}`;
}
