/**
 * Bytes → rows, the same for every format: cuts a stream into pieces that do not hold up the event loop, keeps what is not yet a whole
 * record, stops before the row after the last one wanted, and says where the next window goes on. Memory: a piece and a record.
 */
import type { ReadCursor } from '../domain/contracts.ts';
import type { FileFormat, ParseOptions } from '../domain/parse-options.ts';
import { CsvReader } from './csv.ts';
import { JsonArrayReader } from './json-array.ts';
import { NdjsonReader } from './ndjson.ts';
import type { RowReader, RowSink } from './row-reader.ts';
import { ENCODING_BYTES, textStart } from './text.ts';

export interface ReadRowsOptions {
  /** The file's bytes from `cursor.byteOffset` (0 for null) on. */
  readonly source: AsyncIterable<Buffer> | Iterable<Buffer>;
  readonly parse: ParseOptions;
  readonly cursor: ReadCursor | null;
  readonly rowLimit: number;
  readonly sink: RowSink;
  /** Called after each piece (at most PIECE_BYTES of new input): write what has come, let the event loop run. */
  readonly afterPiece: (rows: number) => Promise<void>;
}

/** Some 5 ms of work. */
const PIECE_BYTES = 64 * 1024;

const READERS: Record<
  FileFormat,
  (parse: ParseOptions, cursor: ReadCursor | null, rowLimit: number, sink: RowSink) => RowReader
> = {
  csv: (...options) => new CsvReader(...options),
  ndjson: (...options) => new NdjsonReader(...options),
  json: (...options) => new JsonArrayReader(...options),
};

async function* cutIntoPieces(source: ReadRowsOptions['source']): AsyncGenerator<Buffer> {
  for await (const chunk of source) {
    for (let at = 0; at < chunk.length; at += PIECE_BYTES) yield chunk.subarray(at, at + PIECE_BYTES);
  }
}

/** Reads up to `rowLimit` rows. `next` is null at the end of the file, also when it ends with the last row wanted. */
export async function readRows(options: ReadRowsOptions): Promise<{ rows: number; next: ReadCursor | null }> {
  const { parse, cursor, rowLimit, sink, afterPiece } = options;
  const reader = READERS[parse.format](parse, cursor, rowLimit, sink);
  let byteOffset = cursor?.byteOffset ?? 0;
  let rest: Buffer = Buffer.alloc(0);
  let waiting: Buffer[] = [];
  let waitingBytes = 0;
  // Nothing is read again before it has doubled: a long record must not be scanned once for each piece of it.
  let wantedBytes = byteOffset === 0 ? ENCODING_BYTES : 1;

  const readOn = async (final: boolean): Promise<boolean> => {
    let bytes = waiting.length === 1 ? waiting[0]! : Buffer.concat(waiting);
    if (byteOffset === 0) {
      byteOffset = textStart(bytes);
      bytes = bytes.subarray(byteOffset);
    }
    do {
      const done = reader.read(bytes, final);
      byteOffset += done;
      bytes = bytes.subarray(done);
      await afterPiece(reader.rows);
    } while (reader.paused && !reader.stopped);
    rest = bytes;
    waiting = rest.length > 0 ? [rest] : [];
    waitingBytes = rest.length;
    return reader.stopped;
  };
  const next = (): ReadCursor => ({
    byteOffset,
    nextLine: reader.nextLine,
    ...(reader.columns === undefined ? {} : { columns: reader.columns }),
  });

  for await (const piece of cutIntoPieces(options.source)) {
    waiting.push(piece);
    waitingBytes += piece.length;
    if (waitingBytes < wantedBytes) continue;
    if (await readOn(false)) return { rows: reader.rows, next: next() };
    wantedBytes = rest.length > PIECE_BYTES ? 2 * rest.length : 1;
  }
  const stopped = await readOn(true);
  return { rows: reader.rows, next: stopped ? next() : null };
}
