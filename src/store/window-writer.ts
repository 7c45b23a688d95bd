/**
 * Writes one window: takes the rows as they are read, drops duplicates, packs chunks, and streams it all to the store. Nothing is visible
 * to readers before `commit`, nothing is left after `abort`; the same window written twice is the same bytes. Memory: what has come since
 * the last `flush`, and two numbers a chunk.
 */
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { TextDecoder } from 'node:util';
import { crc32 } from 'node:zlib';
import type { InvalidReason, ReadableFields } from '../domain/alert.ts';
import { rowBody } from '../domain/body/template.ts';
import type { ReadCursor, WindowResult } from '../domain/contracts.ts';
import type { RowNote, RowsSeen } from '../domain/rows/findings.ts';
import { countRow } from '../domain/rows/findings.ts';
import type { ChunkPlace, Reject, WindowFile, WindowRef } from './chunks.ts';
import { chunkLine } from './chunks.ts';
import { alertsKey, rejectsKey, windowKey } from './layout.ts';
import { saveUsers } from './saved-users.ts';
import type { Store } from './store.ts';

const KEPT_OF_INVALID_ROW_BYTES = 2048;
/** Rows may be long: a chunk is written in parts of about this size. */
const PART_CHARACTERS = 128 * 1024;
const WRITE_AHEAD_BYTES = 1024 * 1024;

/** The users seen so far; formats/seen-users.ts. */
export interface SeenTable {
  readonly size: number;
  /** 0: a new user, now kept with this line; else the line of the user's first row. */
  add(userId: string, line: number): number;
  /** The users from the `from`-th on, to be saved. */
  entriesFrom(from: number): Iterable<Buffer>;
}

export interface WindowWriterOptions {
  readonly store: Store;
  readonly ref: WindowRef;
  readonly cursor: ReadCursor | null;
  readonly firstChunk: number;
  readonly chunkSize: number;
  /** See ParseOptions. */
  readonly maxChunkLength?: number | undefined;
  /** Names of the columns that are carried along. */
  readonly columns?: readonly string[] | undefined;
  /** The users of all earlier windows; this window's are added. After `abort` it is of no use. */
  readonly seen: SeenTable;
}

/** A row sink (formats/rows.ts). */
export class WindowWriter {
  readonly #options: WindowWriterOptions;
  readonly #alerts: StoredStream;
  readonly #rejects: StoredStream;
  readonly #seenBefore: number;
  readonly #chunks: ChunkPlace[] = [];
  #alertCount = 0;
  #origins = 0;
  #invalid = 0;
  readonly #reasons: { [Reason in InvalidReason]?: RowsSeen & { rows: number } } = {};
  readonly #notes: { [Note in RowNote]?: RowsSeen & { rows: number } } = {};
  #duplicates = 0;
  #ofOriginals = 0;
  #part = '';
  #chunkAlerts = 0;
  #chunkLength = 0;
  /** Alerts in each ended chunk. */
  readonly #sizes: number[] = [];
  #chunkStart = 0;
  #chunkCrc = 0;
  #writtenBytes = 0;

  constructor(options: WindowWriterOptions) {
    const { store, ref, seen } = options;
    this.#options = options;
    this.#seenBefore = seen.size;
    this.#alerts = new StoredStream(store, alertsKey(ref.sha256, ref.parseKey, ref.window));
    this.#rejects = new StoredStream(store, rejectsKey(ref.sha256, ref.parseKey, ref.window));
  }

  alert(
    line: number,
    userId: string,
    alertMessage: string,
    origin: string | undefined,
    columns: readonly string[] = [],
  ): void {
    const firstLine = this.#options.seen.add(userId, line);
    if (firstLine !== 0) {
      this.#duplicates++;
      this.#reject({ kind: 'duplicate', line, firstLine, userId });
      return;
    }
    this.#alertCount++;
    if (origin !== undefined) this.#origins++;
    const text = chunkLine(line, origin, rowBody(userId, alertMessage, this.#options.columns ?? [], columns));
    this.#part += text;
    this.#chunkLength += text.length;
    const { chunkSize, maxChunkLength = Number.POSITIVE_INFINITY } = this.#options;
    if (++this.#chunkAlerts === chunkSize || this.#chunkLength >= maxChunkLength) this.#endChunk();
    else if (this.#part.length >= PART_CHARACTERS) this.#endPart();
  }

  /** A row whose user had an alert in an earlier file, which this one mends; another row here may stand for that very alert. */
  duplicateOf(line: number, userId: string, first: { readonly sha256: string; readonly line: number }): void {
    this.#duplicates++;
    this.#ofOriginals++;
    this.#reject({ kind: 'duplicate', line, firstLine: first.line, firstFile: first.sha256, userId });
  }

  invalid(line: number, reason: InvalidReason, row: Buffer, fields: ReadableFields = {}): void {
    this.#invalid++;
    countRow(this.#reasons, reason, line);
    const { userId, alertMessage, origin, columns } = fields;
    const known = {
      ...mendable({ userId }),
      ...mendable({ alertMessage }),
      ...(origin === undefined ? {} : { origin }),
      ...(columns === undefined ? {} : { columns }),
    };
    this.#reject({ kind: 'invalid', line, reason, row: beginningOf(row), ...known });
  }

  note(line: number, note: RowNote): void {
    countRow(this.#notes, note, line);
  }

  #reject(reject: Reject): void {
    this.#rejects.add(Buffer.from(`${JSON.stringify(reject)}\n`));
  }

  #endPart(): void {
    const bytes = Buffer.from(this.#part);
    this.#part = '';
    this.#chunkCrc = crc32(bytes, this.#chunkCrc);
    this.#writtenBytes += bytes.length;
    this.#alerts.add(bytes);
  }

  #endChunk(): void {
    this.#endPart();
    this.#chunks.push({
      offset: this.#chunkStart,
      length: this.#writtenBytes - this.#chunkStart,
      crc32: this.#chunkCrc,
    });
    this.#sizes.push(this.#chunkAlerts);
    this.#chunkStart = this.#writtenBytes;
    this.#chunkCrc = 0;
    this.#chunkAlerts = 0;
    this.#chunkLength = 0;
  }

  /** Hands on what has come; waits while the store is behind. Throws what the store throws. */
  async flush(): Promise<void> {
    await this.#alerts.flush();
    await this.#rejects.flush();
  }

  /** Makes the window visible, all at once. */
  async commit(rows: number, next: ReadCursor | null): Promise<WindowResult> {
    const { store, ref, cursor, firstChunk, chunkSize } = this.#options;
    if (this.#chunkAlerts > 0) this.#endChunk();
    await this.flush();
    const chunks = this.#chunks.length;
    const allFull = this.#sizes.slice(0, -1).every((alerts) => alerts === chunkSize);
    const [seen] = await Promise.all([
      this.#saveUsers(allFull ? [chunkSize] : this.#sizes),
      this.#alerts.end(),
      this.#rejects.end(),
    ]);
    const result: WindowResult = {
      window: ref.window,
      rows,
      alerts: this.#alertCount,
      invalid: this.#invalid,
      duplicates: this.#duplicates,
      firstChunk,
      chunks,
      lastChunkAlerts: this.#sizes.at(-1) ?? 0,
      ...(allFull ? {} : { chunkAlerts: this.#sizes }),
      origins: this.#origins,
      ...(this.#ofOriginals === 0 ? {} : { ofOriginals: this.#ofOriginals }),
      ...(this.#invalid === 0 ? {} : { invalidReasons: this.#reasons }),
      ...(Object.keys(this.#notes).length === 0 ? {} : { notes: this.#notes }),
      next,
    };
    const rejects = this.#invalid + this.#duplicates;
    const file: WindowFile = { cursor, result, chunks: this.#chunks, rejects, seen };
    await store.put(windowKey(ref.sha256, ref.parseKey, ref.window), `${JSON.stringify(file)}\n`);
    return result;
  }

  /** Nothing is written where there are none. */
  async #saveUsers(sizes: readonly number[]): Promise<WindowFile['seen']> {
    const { store, ref, seen, firstChunk } = this.#options;
    if (seen.size === this.#seenBefore) return { users: 0, crc32: 0 };
    return saveUsers(store, ref, { firstChunk, sizes }, seen.entriesFrom(this.#seenBefore));
  }

  /** Lets go of what is not committed. */
  async abort(): Promise<void> {
    await Promise.all([this.#alerts.abort(), this.#rejects.abort()]);
  }
}

/** Whole characters only: half of one would be shown as another. */
function beginningOf(row: Buffer): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(row.subarray(0, KEPT_OF_INVALID_ROW_BYTES), {
    stream: row.length > KEPT_OF_INVALID_ROW_BYTES,
  });
}

/** What a file of text can hold unchanged: no half character, no NUL. Anything else must be taken from the row itself. */
function mendable(field: Record<string, string | undefined>): Record<string, string> {
  const entries = Object.entries(field).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return Object.fromEntries(entries.filter(([, text]) => text !== '' && !/\p{Cs}/u.test(text) && !text.includes('\0')));
}

/** An object of the store that is written as it comes into being; there is none if nothing came. */
class StoredStream {
  readonly #store: Store;
  readonly #key: string;
  #waiting: Buffer[] = [];
  #pipe: PassThrough | undefined;
  #stored: Promise<void> = Promise.resolve();

  constructor(store: Store, key: string) {
    this.#store = store;
    this.#key = key;
  }

  add(bytes: Buffer): void {
    this.#waiting.push(bytes);
  }

  async flush(): Promise<void> {
    if (this.#waiting.length === 0) return;
    const bytes = this.#waiting.length === 1 ? this.#waiting[0]! : Buffer.concat(this.#waiting);
    this.#waiting = [];
    this.#pipe ??= this.#open();
    // When the store fails it destroys the pipe: no `drain` comes then, but the failure does.
    if (!this.#pipe.write(bytes)) await Promise.race([once(this.#pipe, 'drain'), this.#stored]);
  }

  #open(): PassThrough {
    const pipe = new PassThrough({ highWaterMark: WRITE_AHEAD_BYTES });
    // Its errors are those of #stored, which is awaited.
    pipe.on('error', () => undefined);
    this.#stored = this.#store.putStream(this.#key, pipe);
    this.#stored.catch(() => pipe.destroy());
    return pipe;
  }

  async end(): Promise<void> {
    this.#pipe?.end();
    await this.#stored;
  }

  async abort(): Promise<void> {
    this.#waiting = [];
    this.#pipe?.destroy(new Error('this window is given up'));
    await this.#stored.catch(() => undefined);
  }
}
