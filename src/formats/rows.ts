/**
 * Bytes → rows, the same for every format: cuts a stream into pieces that do not hold up the event loop, keeps what is not yet a whole
 * record, stops before the row after the last one wanted, and says where the next window goes on. Memory: a piece and a record.
 */
import type { ReadCursor } from '../domain/contracts.ts';
import type { FileFormat, ParseOptions } from '../domain/parse-options.ts';
import { CsvReader } from './csv.ts';
import { encodingAt, refuseOtherKind, START_BYTES } from './file-start.ts';
import { JsonArrayReader } from './json-array.ts';
import { NdjsonReader } from './ndjson.ts';
import type { RowReader, RowSink } from './row-reader.ts';
import { Transcoder } from './transcoder.ts';

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

type MakeReader = (parse: ParseOptions, cursor: ReadCursor | null, rowLimit: number, sink: RowSink) => RowReader;

const READERS: Record<FileFormat, MakeReader> = {
  csv: (...options) => new CsvReader(...options),
  ndjson: (...options) => new NdjsonReader(...options),
  json: (...options) => new JsonArrayReader(...options),
};

async function* cutIntoPieces(source: ReadRowsOptions['source']): AsyncGenerator<Buffer> {
  for await (const chunk of source) {
    for (let at = 0; at < chunk.length; at += PIECE_BYTES) yield chunk.subarray(at, at + PIECE_BYTES);
  }
}

export interface RowsRead extends Pick<ReadCursor, 'columns' | 'encoding'> {
  readonly rows: number;
  /** null at the end of the file, also when it ends with the last row wanted. */
  readonly next: ReadCursor | null;
}

/** Reads up to `rowLimit` rows. */
export async function readRows(options: ReadRowsOptions): Promise<RowsRead> {
  const { parse, cursor, rowLimit, sink, afterPiece } = options;
  const { encoding } = cursor ?? {};
  let transcoder = encoding === undefined ? undefined : new Transcoder(encoding, cursor!.byteOffset);
  const makeReader = (): RowReader =>
    READERS[parse.format](parse, cursor, rowLimit, transcoder === undefined ? sink : withoutGuess(sink));
  /** undefined: the start of the file has not been seen yet. */
  let reader = cursor === null ? undefined : makeReader();
  let byteOffset = cursor?.byteOffset ?? 0;
  /** Of the text that a transcoder has made; in UTF-8 it counts from where this window begins. */
  let textOffset = 0;
  let rest: Buffer = Buffer.alloc(0);
  let waiting: Buffer[] = [];
  let waitingBytes = 0;
  // Nothing is read again before it has doubled: a long record must not be scanned once for each piece of it.
  let wantedBytes = reader === undefined ? START_BYTES : 1;

  /** At the start of a file: what it is, and how it is encoded. Returns its text so far. */
  const begin = (bytes: Buffer, final: boolean): Buffer => {
    const start = encodingAt(bytes, parse.encoding);
    byteOffset = start.markBytes;
    const content = bytes.subarray(byteOffset);
    if (start.encoding !== 'utf-8') transcoder = new Transcoder(start.encoding, byteOffset);
    const text = transcoder?.feed(content, final) ?? content;
    refuseOtherKind(bytes, text.toString('utf8', 0, START_BYTES), parse.format);
    return text;
  };
  const readOn = async (final: boolean): Promise<boolean> => {
    if (reader !== undefined && final && transcoder !== undefined) waiting.push(transcoder.feed(Buffer.alloc(0), true));
    let bytes = waiting.length === 1 ? waiting[0]! : Buffer.concat(waiting);
    if (reader === undefined) {
      bytes = begin(bytes, final);
      reader = makeReader();
    }
    do {
      const done = reader.read(bytes, final);
      textOffset += done;
      bytes = bytes.subarray(done);
      await afterPiece(reader.rows);
    } while (reader.paused && !reader.stopped);
    transcoder?.release(textOffset);
    rest = bytes;
    waiting = rest.length > 0 ? [rest] : [];
    waitingBytes = rest.length;
    return reader.stopped;
  };
  const result = (hasNext: boolean): RowsRead => {
    const { rows, nextLine, columns } = reader!;
    const found = {
      ...(columns === undefined ? {} : { columns }),
      ...(transcoder === undefined ? {} : { encoding: transcoder.encoding }),
    };
    if (!hasNext) return { rows, next: null, ...found };
    const next = { byteOffset: transcoder?.fileOffsetOf(textOffset) ?? byteOffset + textOffset, nextLine, ...found };
    return { rows, next, ...found };
  };

  for await (const piece of cutIntoPieces(options.source)) {
    const text = transcoder?.feed(piece, false) ?? piece;
    waiting.push(text);
    waitingBytes += text.length;
    if (waitingBytes < wantedBytes) continue;
    if (await readOn(false)) return result(true);
    wantedBytes = rest.length > PIECE_BYTES ? 2 * rest.length : 1;
  }
  return result(await readOn(true));
}

/** Bytes that are no text in the encoding that they are read by do not look like another one. */
const withoutGuess = (sink: RowSink): RowSink => ({
  alert: (...alert) => sink.alert(...alert),
  invalid: (...invalid) => sink.invalid(...invalid),
  note: (line, note) => (note === 'windows_1252' ? undefined : sink.note(line, note)),
});
