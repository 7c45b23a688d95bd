/**
 * Takes one user out of what is kept of a file, and leaves all others as they are: the row of an alert becomes one of nobody, of the same length, so
 * that every other row stays where it is; what invalid and duplicate rows say of the user goes; the hash of the user becomes one of nobody.
 *
 * Three objects change, and one names the checksums of the others. Where that is broken off, `<sha>/redacting.json` says which window it was, and
 * `finishRedactions` sets the checksums right.
 */
import { randomFillSync } from 'node:crypto';
import { crc32 } from 'node:zlib';
import pMap from 'p-map';
import type { Reject, WindowFile, WindowRef } from './chunks.ts';
import { chunkLine, forgetWindow, readRejects, readWindowFile } from './chunks.ts';
import { alertsKey, oldSeenKey, redactingKey, rejectsKey, usersKey, windowKey } from './layout.ts';
import type { UserPlace } from './saved-users.ts';
import { replaceUser } from './saved-users.ts';
import type { Store } from './store.ts';

/** Of a row whose user was forgotten. It never goes on the wire. */
const NOBODY = '{"userId":"","alertMessage":""';

/** Must be called before anything of a file is redacted, and `endRedaction` when all of it is. */
export async function beginRedaction(store: Store, ref: WindowRef): Promise<void> {
  await store.put(redactingKey(ref.sha256), `${JSON.stringify(ref)}\n`);
}

export const endRedaction = (store: Store, { sha256 }: WindowRef): Promise<void> => store.delete(redactingKey(sha256));

const FILES_AT_ONCE = 16;

/** Sets right what was broken off in these files. */
export async function finishRedactions(store: Store, files: readonly string[]): Promise<void> {
  const finish = async (sha256: string): Promise<void> => {
    const bytes = await store.get(redactingKey(sha256));
    if (bytes === undefined) return;
    const ref = JSON.parse(bytes.toString('utf8')) as WindowRef;
    const file = await readWindowFile(store, ref);
    if (file !== undefined) await writeSums(store, ref, file, file.chunks.keys());
    await endRedaction(store, ref);
  };
  await pMap(files, finish, { concurrency: FILES_AT_ONCE });
}

/** The row of the alert. Does nothing where the rows are gone. */
export async function redactAlert(store: Store, ref: WindowRef, { line, chunk }: UserPlace): Promise<void> {
  const file = await readWindowFile(store, ref);
  const index = chunk - (file?.result.firstChunk ?? 0);
  const place = file?.chunks[index];
  if (file === undefined || place === undefined) return;
  const key = alertsKey(ref.sha256, ref.parseKey, ref.window);
  const bytes = await store.readRange(key, place.offset, place.offset + place.length);
  const redacted = withoutRow(bytes, line);
  const parts = async function* (): AsyncGenerator<Uint8Array> {
    yield* firstBytes(store.readFrom(key, 0), place.offset);
    yield redacted;
    yield* store.readFrom(key, place.offset + place.length);
  };
  await store.putStream(key, parts());
  await writeSums(store, ref, file, [index]);
}

/** Line of a chunk → the same with a body of nobody, as long as it was. */
function withoutRow(bytes: Buffer, line: number): Buffer {
  const lines = bytes.toString('latin1').split('\n');
  const at = lines.findIndex((text) => text.startsWith(`${line}\t`));
  if (at === -1) return bytes;
  const [, origin = '', body = ''] = lines[at]!.split('\t', 3);
  const length = lines[at]!.length - `${line}\t${origin}\t`.length;
  if (body !== '') lines[at] = chunkLine(line, origin, `${NOBODY.padEnd(length - 1)}}`).slice(0, -1);
  return Buffer.from(lines.join('\n'), 'latin1');
}

async function* firstBytes(source: AsyncIterable<Buffer>, count: number): AsyncGenerator<Buffer> {
  let left = count;
  if (left === 0) return;
  for await (const piece of source) {
    yield piece.subarray(0, left);
    left -= Math.min(left, piece.length);
    if (left === 0) return;
  }
}

/** What `isOf` says of a row, or of a text that may show one. Returns how many rows were changed. */
export interface Redacted {
  /** Whether these are the user's own words for itself. */
  readonly isUser: (userId: string) => boolean;
  /** Whether a text names the user. */
  readonly names: (text: string) => boolean;
}

export const tellsOf = (reject: Reject, { isUser, names }: Redacted): boolean =>
  isUser(reject.userId ?? '') || (reject.kind === 'invalid' && names(reject.row));

/** What became no alert, of this user. Does nothing where there is none. */
export async function redactRejects(store: Store, ref: WindowRef, user: Redacted): Promise<void> {
  let found = false;
  const texts: string[] = [];
  for await (const reject of readRejects(store, ref)) {
    const isTheirs = tellsOf(reject, user);
    found ||= isTheirs;
    texts.push(`${JSON.stringify(isTheirs ? withoutUser(reject) : reject)}\n`);
  }
  if (found) await store.putStream(rejectsKey(ref.sha256, ref.parseKey, ref.window), texts);
}

function withoutUser(reject: Reject): Reject {
  if (reject.kind === 'duplicate') return { ...reject, userId: '' };
  const { userId: _user, alertMessage: _message, columns: _columns, ...rest } = reject;
  return { ...rest, row: '' };
}

/** The hash by which the user is found, also in what a version of before has saved. The last thing to go: until then the work can be begun again. */
export async function redactUser(store: Store, ref: WindowRef, hash: Uint32Array): Promise<void> {
  const { sha256, parseKey, window } = ref;
  for (const key of [usersKey(sha256, parseKey, window), oldSeenKey(sha256, parseKey, window)]) {
    const bytes = await store.get(key);
    if (bytes === undefined || !replaceUser(bytes, hash, randomFillSync(new Uint32Array(3)))) continue;
    await store.put(key, bytes);
  }
  const file = await readWindowFile(store, ref);
  if (file !== undefined) await writeSums(store, ref, file, []);
}

/** Writes what the bytes of these chunks, and of the users, sum up to now. */
async function writeSums(store: Store, ref: WindowRef, file: WindowFile, indices: Iterable<number>): Promise<void> {
  const { sha256, parseKey, window } = ref;
  const chunks = [...file.chunks];
  for (const index of indices) {
    const { offset, length } = chunks[index]!;
    const bytes = await store.readRange(alertsKey(sha256, parseKey, window), offset, offset + length);
    chunks[index] = { offset, length, crc32: crc32(bytes) };
  }
  const saved =
    (await store.get(oldSeenKey(sha256, parseKey, window))) ?? (await store.get(usersKey(sha256, parseKey, window)));
  const seen =
    file.seen === null || file.seen.users === 0 || saved === undefined
      ? file.seen
      : { users: file.seen.users, crc32: crc32(saved) };
  await store.put(windowKey(sha256, parseKey, window), `${JSON.stringify({ ...file, chunks, seen })}\n`);
  forgetWindow(store, ref);
}
