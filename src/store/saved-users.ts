/**
 * `users/<sha>.<parseKey>.<window>`: the users first seen in a window, in the order of its alerts. They tell the windows that follow who had an alert,
 * and `wds find` where a user is, also when the chunks were deleted. A header says which chunks the alerts are in:
 *
 *   4 bytes  magic
 *   4 bytes  length of the header, a multiple of 16
 *   4 bytes  number of the first chunk
 *   4 bytes  how many sizes follow
 *   4 bytes  each: alerts of a chunk; the last one holds for all chunks that follow. Then zeros up to the length.
 *
 * Then 16 bytes a user (formats/seen-users.ts). All in this machine's byte order.
 */
import { endianness } from 'node:os';
import { crc32 } from 'node:zlib';
import { Fault } from '../domain/failure.ts';
import type { WindowRef } from './chunks.ts';
import { missing, RESTORE, readWindowFile } from './chunks.ts';
import { oldSeenKey, usersKey } from './layout.ts';
import type { Store } from './store.ts';

const MAGIC = 0x31534457;
const FIXED_WORDS = 4;
const UNIT_BYTES = 16;
/** The line follows. */
const ENTRY_HASH_BYTES = 12;

interface ChunkSizes {
  readonly firstChunk: number;
  /** Alerts of each chunk; the last one holds for all that follow. */
  readonly sizes: readonly number[];
}

/** Writes them; returns how many, and what the bytes sum up to. Written twice, it is the same bytes. */
export async function saveUsers(
  store: Store,
  { sha256, parseKey, window }: WindowRef,
  chunks: ChunkSizes,
  entries: Iterable<Buffer>,
): Promise<{ readonly users: number; readonly crc32: number }> {
  let sum = 0;
  let bytes = 0;
  const counted = (piece: Buffer): Buffer => {
    sum = crc32(piece, sum);
    bytes += piece.length;
    return piece;
  };
  const header = headerOf(chunks);
  const pieces = function* (): Generator<Buffer> {
    yield counted(header);
    for (const piece of entries) yield counted(piece);
  };
  await store.putStream(usersKey(sha256, parseKey, window), pieces());
  return { users: (bytes - header.length) / UNIT_BYTES, crc32: sum };
}

function headerOf({ firstChunk, sizes }: ChunkSizes): Buffer {
  const words = [MAGIC, 0, firstChunk, sizes.length, ...sizes];
  while (words.length % FIXED_WORDS !== 0) words.push(0);
  words[1] = words.length * 4;
  return Buffer.from(Uint32Array.from(words).buffer);
}

/** The users first seen in a window, in pieces of whole entries. Throws ChunksMissing, or Fault('store') if they are not what was written. */
export async function* readSeen(store: Store, ref: WindowRef): AsyncGenerator<Buffer> {
  const { sha256, parseKey, window } = ref;
  const expected = (await readWindowFile(store, ref))?.seen;
  const newKey = usersKey(sha256, parseKey, window);
  if (expected === undefined || expected === null) throw await missing(store, ref, newKey);
  if (expected.users === 0) return;
  const oldKey = oldSeenKey(sha256, parseKey, window);
  // Where a version of before has saved them, its sum is that of its own: `wds find` has made the other one since.
  const isNew = !(await store.exists(oldKey));
  const key = isNew ? newKey : oldKey;
  if (isNew && !(await store.exists(key))) throw await missing(store, ref, newKey);
  let sum = 0;
  let users = 0;
  let headerLeft = isNew ? undefined : 0;
  let rest: Buffer = Buffer.alloc(0);
  for await (const piece of store.readFrom(key, 0)) {
    sum = crc32(piece, sum);
    let bytes = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    headerLeft ??= headerBytesOf(bytes);
    const skipped = Math.min(headerLeft, bytes.length - (bytes.length % UNIT_BYTES));
    headerLeft -= skipped;
    bytes = bytes.subarray(skipped);
    const whole = bytes.length - (bytes.length % UNIT_BYTES);
    if (whole > 0) yield bytes.subarray(0, whole);
    users += whole / UNIT_BYTES;
    rest = bytes.subarray(whole);
  }
  if (sum !== expected.crc32 || users !== expected.users || rest.length > 0) {
    throw new Fault('store', `${key} is damaged`, RESTORE);
  }
}

const headerBytesOf = (bytes: Buffer): number =>
  bytes.length >= UNIT_BYTES && wordAt(bytes, 0) === MAGIC ? wordAt(bytes, 1) : 0;

const BIG_ENDIAN = endianness() === 'BE';
const wordAt = (bytes: Buffer, word: number): number =>
  BIG_ENDIAN ? bytes.readUInt32BE(word * 4) : bytes.readUInt32LE(word * 4);

/** Puts another hash in the place of a user's, in an object with a header or in one of before. false: it is not in it. */
export function replaceUser(bytes: Buffer, hash: Uint32Array, by: Uint32Array): boolean {
  const own = Buffer.from(hash.buffer, hash.byteOffset, ENTRY_HASH_BYTES);
  for (let at = headerBytesOf(bytes); at < bytes.length; at += UNIT_BYTES) {
    if (!bytes.subarray(at, at + ENTRY_HASH_BYTES).equals(own)) continue;
    bytes.set(Buffer.from(by.buffer, by.byteOffset, ENTRY_HASH_BYTES), at);
    return true;
  }
  return false;
}

/** Where a user is: the line, and the chunk that its receipts lie by. */
export interface UserPlace {
  readonly line: number;
  readonly chunk: number;
}

/**
 * Looks for a user by its hash (formats/seen-users.ts) in the first `length` words, a whole object. undefined: not among them, or it is no such
 * object. Nothing is allocated: ten thousand objects are looked through at a time.
 */
export function placeOfUser(words: Uint32Array, length: number, hash: Uint32Array): UserPlace | undefined {
  const [a, b, c] = [hash[0], hash[1], hash[2]];
  const first = words[1]! / 4;
  if (words[0] !== MAGIC || first < FIXED_WORDS + words[3]! || first > length || length % FIXED_WORDS !== 0)
    return undefined;
  for (let at = first; at < length; at += FIXED_WORDS) {
    if (words[at] !== a || words[at + 1] !== b || words[at + 2] !== c) continue;
    return { line: words[at + 3]!, chunk: chunkOf(words, (at - first) / FIXED_WORDS) };
  }
  return undefined;
}

/** `place`: among the alerts of the window, from 0. */
function chunkOf(words: Uint32Array, place: number): number {
  const [firstChunk, count] = [words[2]!, words[3]!];
  let left = place;
  for (let index = 0; index < count - 1; index++) {
    const size = words[FIXED_WORDS + index]!;
    if (left < size) return firstChunk + index;
    left -= size;
  }
  return firstChunk + count - 1 + Math.floor(left / words[FIXED_WORDS + count - 1]!);
}
