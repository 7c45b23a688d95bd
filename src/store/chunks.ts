/**
 * The rows of a file as the sender and the reports read them: chunks of alerts, packed per window, and the rows that became none.
 *
 * `.alerts` holds a line an alert, `<line>\t<origin or nothing>\t<body>\n`, with the body that is sent, byte for byte. `.json` says where
 * each chunk lies and what its bytes sum up to; it is written last, and what it does not name does not exist. Committed windows never
 * change, so their small index is kept in memory.
 */
import { crc32 } from 'node:zlib';
import type { InvalidReason } from '../domain/alert.ts';
import type { ReadCursor, WindowResult } from '../domain/contracts.ts';
import { Fault } from '../domain/failure.ts';
import { alertsKey, refusalKey, rejectsKey, seenKey, windowKey } from './layout.ts';
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
  readonly body: string;
}

export type Reject =
  | { readonly kind: 'invalid'; readonly line: number; readonly reason: InvalidReason; readonly row: string }
  | { readonly kind: 'duplicate'; readonly line: number; readonly firstLine: number; readonly userId: string };

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
  /** What `.seen` holds; null: no later window needs it. */
  readonly seen: { readonly users: number; readonly crc32: number } | null;
}

const RESTORE =
  'Restore the store folder from a copy, or stop all of wds, delete the folder "chunks-…" of this file and retry it.';
const MAX_CACHED_WINDOWS = 64;
const cachedWindows = new WeakMap<Store, Map<string, WindowFile>>();

/** undefined: not committed. */
export async function readWindowFile(store: Store, ref: WindowRef): Promise<WindowFile | undefined> {
  const key = windowKey(ref.sha256, ref.parseKey, ref.window);
  let cache = cachedWindows.get(store);
  if (cache === undefined) {
    cache = new Map();
    cachedWindows.set(store, cache);
  }
  let file = cache.get(key);
  if (file === undefined) {
    const bytes = await store.get(key);
    if (bytes === undefined) return undefined;
    file = parseWindowFile(key, bytes);
  }
  // The least recently used one is the first in the order of insertion.
  cache.delete(key);
  cache.set(key, file);
  const oldest = cache.size > MAX_CACHED_WINDOWS ? cache.keys().next().value : undefined;
  if (oldest !== undefined) cache.delete(oldest);
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

/** The alerts of one chunk in the order of the file. Throws Fault('store') if it is not there or not what was written. */
export async function readChunk(store: Store, ref: WindowRef & { readonly chunk: number }): Promise<ChunkRow[]> {
  const file = await readWindowFile(store, ref);
  const place = file?.chunks[ref.chunk - file.result.firstChunk];
  const key = alertsKey(ref.sha256, ref.parseKey, ref.window);
  if (place === undefined) throw new Fault('store', `chunk ${ref.chunk} is not in ${key}`, RESTORE);
  const bytes = await store.readRange(key, place.offset, place.offset + place.length);
  if (crc32(bytes) !== place.crc32) {
    cachedWindows.get(store)?.delete(windowKey(ref.sha256, ref.parseKey, ref.window));
    throw new Fault('store', `chunk ${ref.chunk} in ${key} is damaged`, RESTORE);
  }
  const lines = bytes.toString('utf8').split('\n');
  lines.pop();
  return lines.map(parseChunkRow);
}

export function chunkLine(line: number, origin: string | undefined, body: string): string {
  return `${line}\t${origin ?? ''}\t${body}\n`;
}

function parseChunkRow(text: string): ChunkRow {
  const first = text.indexOf('\t');
  const second = text.indexOf('\t', first + 1);
  const origin = text.slice(first + 1, second);
  return {
    line: Number(text.slice(0, first)),
    origin: origin === '' ? undefined : origin,
    body: text.slice(second + 1),
  };
}

/** Invalid and duplicate rows in the order of the file. A window that is not committed has none. */
export async function* readRejects(store: Store, ref: WindowRef): AsyncGenerator<Reject> {
  const file = await readWindowFile(store, ref);
  if (file === undefined || file.rejects === 0) return;
  const key = rejectsKey(ref.sha256, ref.parseKey, ref.window);
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

/** The users first seen in a window, in pieces of whole entries. Throws Fault('store') if they are not what was written. */
export async function* readSeen(store: Store, ref: WindowRef, entryBytes: number): AsyncGenerator<Buffer> {
  const expected = (await readWindowFile(store, ref))?.seen;
  const key = seenKey(ref.sha256, ref.parseKey, ref.window);
  if (expected === undefined || expected === null) throw new Fault('store', `${key} is missing`, RESTORE);
  if (expected.users === 0) return;
  let sum = 0;
  let bytesRead = 0;
  let rest: Buffer = Buffer.alloc(0);
  for await (const piece of store.readFrom(key, 0)) {
    sum = crc32(piece, sum);
    bytesRead += piece.length;
    const bytes = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    const whole = bytes.length - (bytes.length % entryBytes);
    yield bytes.subarray(0, whole);
    rest = bytes.subarray(whole);
  }
  if (sum !== expected.crc32 || bytesRead !== expected.users * entryBytes) {
    throw new Fault('store', `${key} is damaged`, RESTORE);
  }
}

/** Why a file was refused as a whole. `message` may show text from the file. */
export interface StoredRefusal {
  readonly code: string;
  readonly line?: number;
  readonly message: string;
}

export async function writeRefusal(
  store: Store,
  sha256: string,
  parseKey: string,
  refusal: StoredRefusal,
): Promise<void> {
  await store.put(refusalKey(sha256, parseKey), `${JSON.stringify(refusal)}\n`);
}

/** undefined: none was written. */
export async function readRefusal(store: Store, sha256: string, parseKey: string): Promise<StoredRefusal | undefined> {
  const bytes = await store.get(refusalKey(sha256, parseKey));
  return bytes === undefined ? undefined : (JSON.parse(bytes.toString('utf8')) as StoredRefusal);
}
