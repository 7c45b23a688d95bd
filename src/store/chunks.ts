/**
 * The rows of a file as the sender and the reports read them: chunks of alerts, packed per window, and the rows that became none.
 *
 * `.alerts` holds a line an alert, `<line>\t<origin or nothing>\t<body>\n`, with the body that is sent by default, byte for byte. `.json` says where
 * each chunk lies and what its bytes sum up to; it is written last, and what it does not name does not exist. Committed windows never
 * change, so senders keep their small index in memory. They may be deleted, though: then they are read again, the same, from the content.
 */
import { crc32 } from 'node:zlib';
import type { InvalidReason } from '../domain/alert.ts';
import type { ReadCursor, WindowResult } from '../domain/contracts.ts';
import { Fault } from '../domain/failure.ts';
import { alertsKey, fileKey, oldSeenKey, rejectsKey, usersKey, windowKey } from './layout.ts';
import type { Store } from './store.ts';

export interface WindowRef {
  readonly sha256: string;
  readonly parseKey: string;
  readonly window: number;
}

export interface ChunkRow {
  readonly line: number;
  /** `<sha256>:<line>` of the row of an earlier file that this row mends. */
  readonly origin: string | undefined;
  /** What is sent by default; with the columns that were carried along, where there are any (`rowBody`). */
  readonly body: string;
}

export const userOf = ({ body }: Pick<ChunkRow, 'body'>): string => (JSON.parse(body) as { userId: string }).userId;

/** Its user was forgotten (redaction.ts): it is nobody's, and must not be sent. */
export const isForgotten = ({ body }: Pick<ChunkRow, 'body'>): boolean => body.startsWith('{"userId":""');

export interface InvalidRow {
  readonly kind: 'invalid';
  readonly line: number;
  readonly reason: InvalidReason;
  /** Its text, perhaps only the beginning. */
  readonly row: string;
  /** As far as they can be read; absent in what an earlier build has read. */
  readonly userId?: string;
  readonly alertMessage?: string;
  /** As of a ChunkRow. */
  readonly origin?: string;
  /** Of the columns that are carried along, in the order of the parse options. */
  readonly columns?: readonly string[];
}

export type Reject =
  | InvalidRow
  | {
      readonly kind: 'duplicate';
      readonly line: number;
      readonly firstLine: number;
      /** SHA-256 of the earlier file that firstLine is of; absent: this one. */
      readonly firstFile?: string;
      readonly userId: string;
    };

/** Where a chunk lies in `.alerts`. */
export interface ChunkPlace {
  readonly offset: number;
  readonly length: number;
  readonly crc32: number;
}

/** `.json`. */
export interface WindowFile {
  /** Where the window begins. */
  readonly cursor: ReadCursor | null;
  readonly result: WindowResult;
  readonly chunks: readonly ChunkPlace[];
  /** Lines of `.rejects`; 0: there is no such object. */
  readonly rejects: number;
  /** Its users, and what their bytes sum up to; null: of a last window that a version of before has read, they were not saved. */
  readonly seen: { readonly users: number; readonly crc32: number } | null;
}

export const RESTORE =
  'Restore the store folder from a copy, or delete the folder "chunks-…" of this file: it is read again from its content.';

/** Thrown where a chunk of a file that the store knows is not there (any more). It can be read again, as long as the content is. */
export class ChunksMissing extends Fault {
  constructor(what: string) {
    super('store', `${what} is not in the store`, 'It is read again from the content of the file.');
    this.name = 'ChunksMissing';
  }
}

/** A store that does not know the file at all is another one than was meant, or a folder that is not mounted. */
export function unknownFile(sha256: string): Fault {
  return new Fault(
    'store',
    `this store does not know the file ${sha256.slice(0, 12)}`,
    'Is the right home given to this process, and its folder mounted? If the store was lost, drop the file again.',
  );
}

/** What to throw where something of a file is not there. */
export async function missing(store: Store, { sha256 }: { readonly sha256: string }, what: string): Promise<Fault> {
  return (await store.exists(fileKey(sha256))) ? new ChunksMissing(what) : unknownFile(sha256);
}
const MAX_CACHED_WINDOWS = 64;
const cachedWindows = new WeakMap<Store, Map<string, WindowFile>>();

/** As it is in the store now. undefined: not committed. */
export async function readWindowFile(store: Store, ref: WindowRef): Promise<WindowFile | undefined> {
  const key = windowKey(ref.sha256, ref.parseKey, ref.window);
  const bytes = await store.get(key);
  return bytes === undefined ? undefined : parseWindowFile(key, bytes);
}

/** The same from memory, where it was read before. */
async function cachedWindowFile(store: Store, ref: WindowRef): Promise<WindowFile | undefined> {
  const key = windowKey(ref.sha256, ref.parseKey, ref.window);
  let cache = cachedWindows.get(store);
  if (cache === undefined) {
    cache = new Map();
    cachedWindows.set(store, cache);
  }
  const file = cache.get(key) ?? (await readWindowFile(store, ref));
  if (file === undefined) return undefined;
  // The least recently used one is the first in the order of insertion.
  cache.delete(key);
  cache.set(key, file);
  const oldest = cache.size > MAX_CACHED_WINDOWS ? cache.keys().next().value : undefined;
  if (oldest !== undefined) cache.delete(oldest);
  return file;
}

/** To be called where a window was changed, or seems to have been. */
export function forgetWindow(store: Store, ref: WindowRef): void {
  cachedWindows.get(store)?.delete(windowKey(ref.sha256, ref.parseKey, ref.window));
}

/** A committed window with all that it names; undefined: something of it is missing, or it was never committed. */
export async function readWholeWindow(store: Store, ref: WindowRef): Promise<WindowFile | undefined> {
  const file = await readWindowFile(store, ref);
  if (file === undefined) return undefined;
  const { sha256, parseKey, window } = ref;
  const last = file.chunks.at(-1);
  const alertsBytes = last === undefined ? undefined : last.offset + last.length;
  if (alertsBytes !== undefined && (await store.size(alertsKey(sha256, parseKey, window))) !== alertsBytes)
    return undefined;
  if (file.rejects > 0 && !(await store.exists(rejectsKey(sha256, parseKey, window)))) return undefined;
  const savedUsers = file.seen?.users ?? 0;
  const keys = [usersKey(sha256, parseKey, window), oldSeenKey(sha256, parseKey, window)];
  if (savedUsers > 0 && !(await store.exists(keys[0]!)) && !(await store.exists(keys[1]!))) return undefined;
  return file;
}

function parseWindowFile(key: string, bytes: Buffer): WindowFile {
  try {
    return JSON.parse(bytes.toString('utf8')) as WindowFile;
  } catch (error) {
    throw new Fault('store', `${key} is damaged`, RESTORE, { cause: error });
  }
}

/** undefined: the window is not read to its end yet. */
export async function readWindow(store: Store, ref: WindowRef): Promise<WindowResult | undefined> {
  return (await readWindowFile(store, ref))?.result;
}

/** The alerts of one chunk in the order of the file. Throws ChunksMissing, or Fault('store') if it is not what was written. */
export async function readChunk(store: Store, ref: ChunkRef): Promise<ChunkRow[]> {
  const first = await readBytes(store, ref);
  if (crc32(first.bytes) === first.crc) return parseChunk(first.bytes.toString('utf8'));
  // What is remembered of the window may be of before a user was taken out of it.
  forgetWindow(store, ref);
  const { bytes, key, crc } = await readBytes(store, ref);
  if (crc32(bytes) === crc) return parseChunk(bytes.toString('utf8'));
  forgetWindow(store, ref);
  throw new Fault('store', `chunk ${ref.chunk} in ${key} is damaged`, RESTORE);
}

/** The line of a chunk's first alert, without reading the rest (a number has 16 digits at most). Throws ChunksMissing. */
export const readFirstLine = async (store: Store, ref: ChunkRef): Promise<number> =>
  Number.parseInt((await readBytes(store, ref, 16)).bytes.toString('latin1'), 10);
type ChunkRef = WindowRef & { readonly chunk: number };

async function readBytes(store: Store, ref: ChunkRef, most = Number.POSITIVE_INFINITY) {
  const file = await cachedWindowFile(store, ref);
  const place = file?.chunks[ref.chunk - file.result.firstChunk];
  const key = alertsKey(ref.sha256, ref.parseKey, ref.window);
  const what = `chunk ${ref.chunk} of the file ${ref.sha256.slice(0, 12)}`;
  if (place === undefined) throw await missing(store, ref, what);
  const end = place.offset + Math.min(most, place.length);
  const bytes = await store.readRange(key, place.offset, end).catch(async (error: unknown) => {
    forgetWindow(store, ref);
    throw (await store.exists(key)) ? error : await missing(store, ref, what);
  });
  return { bytes, key, crc: place.crc32 };
}

export function chunkLine(line: number, origin: string | undefined, body: string): string {
  return `${line}\t${origin ?? ''}\t${body}\n`;
}

/** Thousands of rows live as long as their batch does: a row is one object, and the text that it needs of the chunk's. */
function parseChunk(text: string): ChunkRow[] {
  const rows: ChunkRow[] = [];
  let start = 0;
  for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', start)) {
    const first = text.indexOf('\t', start);
    const second = text.indexOf('\t', first + 1);
    rows.push({
      line: Number(text.slice(start, first)),
      origin: second === first + 1 ? undefined : text.slice(first + 1, second),
      body: text.slice(second + 1, end),
    });
    start = end + 1;
  }
  return rows;
}

/** Invalid and duplicate rows in the order of the file. A window that is not committed has none. */
export async function* readRejects(store: Store, ref: WindowRef): AsyncGenerator<Reject> {
  const file = await readWindowFile(store, ref);
  if (file === undefined || file.rejects === 0) return;
  const key = rejectsKey(ref.sha256, ref.parseKey, ref.window);
  if (!(await store.exists(key))) throw await missing(store, ref, key);
  let count = 0;
  let rest: Buffer = Buffer.alloc(0);
  for await (const piece of store.readFrom(key, 0)) {
    const bytes = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    let start = 0;
    for (let end = bytes.indexOf(0x0a); end !== -1; end = bytes.indexOf(0x0a, start)) {
      yield JSON.parse(bytes.toString('utf8', start, end)) as Reject;
      count++;
      start = end + 1;
    }
    rest = bytes.subarray(start);
  }
  if (count !== file.rejects) throw new Fault('store', `${key} holds ${count} of ${file.rejects} rows`, RESTORE);
}
