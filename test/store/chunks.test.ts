import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { alertBody } from '../../src/domain/alert.ts';
import { SeenUsers, UserHashes } from '../../src/formats/seen-users.ts';
import type { Reject, WindowRef } from '../../src/store/chunks.ts';
import { readChunk, readRejects, readWholeWindow, readWindow } from '../../src/store/chunks.ts';
import { FolderStore } from '../../src/store/folder-store.ts';
import { alertsKey, fileKey, oldSeenKey, rejectsKey, usersKey, windowKey } from '../../src/store/layout.ts';
import { readRefusal, writeRefusal } from '../../src/store/refusals.ts';
import { placeOfUser, readSeen } from '../../src/store/saved-users.ts';
import { WindowWriter } from '../../src/store/window-writer.ts';

const SHA = 'cd'.repeat(32);
const ref: WindowRef = { sha256: SHA, parseKey: 'csv-0123456789', window: 1 };
let root: string;
let store: FolderStore;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'wds-chunks-'));
  store = new FolderStore(root);
});
afterEach(() => rm(root, { recursive: true }));

const writer = (options: Partial<ConstructorParameters<typeof WindowWriter>[0]> = {}): WindowWriter =>
  new WindowWriter({ store, ref, cursor: null, firstChunk: 1, chunkSize: 3, seen: new SeenUsers(SHA), ...options });

async function rejectsOf(window: WindowRef): Promise<Reject[]> {
  const rejects: Reject[] = [];
  for await (const reject of readRejects(store, window)) rejects.push(reject);
  return rejects;
}

async function placeOf(userId: string) {
  const bytes = (await store.get(usersKey(SHA, ref.parseKey, 1)))!;
  const words = new Uint32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  return placeOfUser(words, words.length, new UserHashes(userId).in(SHA));
}

/** Eight alerts, an invalid row and a duplicate. */
async function commitSome(next = { byteOffset: 99, nextLine: 12 } as { byteOffset: number; nextLine: number } | null) {
  const some = writer({ firstChunk: 5 });
  for (let line = 2; line <= 9; line++) some.alert(line, `ü${line}`, 'tab\t, line\nend, "quote"', undefined);
  some.invalid(10, 'bad_csv', Buffer.from('a,b,c'));
  some.alert(11, 'ü3', 'again', undefined);
  return await some.commit(10, next);
}

describe('a committed window', () => {
  test('says what it holds', async () => {
    const result = await commitSome();
    expect(result).toEqual({
      window: 1,
      rows: 10,
      alerts: 8,
      invalid: 1,
      duplicates: 1,
      firstChunk: 5,
      chunks: 3,
      lastChunkAlerts: 2,
      origins: 0,
      invalidReasons: { bad_csv: { rows: 1, firstLine: 10 } },
      next: { byteOffset: 99, nextLine: 12 },
    });
    expect(await readWindow(store, ref)).toEqual(result);
    expect(await readWindow(new FolderStore(root), ref)).toEqual(result);
  });

  test('gives each chunk back as it was written', async () => {
    await commitSome();
    const lines = await Promise.all([5, 6, 7].map((chunk) => readChunk(store, { ...ref, chunk })));
    expect(lines.map((rows) => rows.map((row) => row.line))).toEqual([
      [2, 3, 4],
      [5, 6, 7],
      [8, 9],
    ]);
    const body = alertBody('ü8', 'tab\t, line\nend, "quote"');
    expect(lines[2]?.[0]).toEqual({ line: 8, origin: undefined, body });
  });

  test('keeps the origin of a mended row', async () => {
    const one = writer();
    const origin = `${'0a'.repeat(32)}:17`;
    one.alert(2, 'u', 'm', origin);
    await one.commit(1, null);
    expect(await readChunk(store, { ...ref, chunk: 1 })).toEqual([{ line: 2, origin, body: alertBody('u', 'm') }]);
  });

  test('lists invalid rows and duplicates in the order of the file', async () => {
    await commitSome();
    expect(await rejectsOf(ref)).toEqual([
      { kind: 'invalid', line: 10, reason: 'bad_csv', row: 'a,b,c' },
      { kind: 'duplicate', line: 11, firstLine: 3, userId: 'ü3' },
    ]);
  });

  test('keeps 2 KiB of an invalid row, readable whatever its bytes', async () => {
    const one = writer();
    one.invalid(2, 'invalid_utf8', Buffer.concat([Buffer.from([0xff]), Buffer.alloc(10_000, 'x')]));
    await one.commit(1, null);
    expect(await rejectsOf(ref)).toMatchObject([{ row: `\ufffd${'x'.repeat(2047)}` }]);
    const cut = writer();
    cut.invalid(2, 'row_too_large', Buffer.from(`x${'ü'.repeat(5_000)}`));
    await cut.commit(1, null);
    expect(await rejectsOf(ref)).toMatchObject([{ row: `x${'ü'.repeat(1023)}` }]);
  });

  test('keeps what is readable of an invalid row, unless a file of text would change it', async () => {
    const one = writer();
    one.invalid(2, 'bad_message', Buffer.from('a'), { userId: 'user-1', alertMessage: 'half \ud83d', origin: 'o:1' });
    one.invalid(3, 'control_char', Buffer.from('b'), { userId: 'a\0', alertMessage: 'whole 😀' });
    await one.commit(2, null);
    expect(await rejectsOf(ref)).toEqual([
      { kind: 'invalid', line: 2, reason: 'bad_message', row: 'a', userId: 'user-1', origin: 'o:1' },
      { kind: 'invalid', line: 3, reason: 'control_char', row: 'b', alertMessage: 'whole 😀' },
    ]);
  });

  test('lists many rejects, longer than any piece that is read', async () => {
    const many = writer();
    for (let line = 1; line <= 5_000; line++) {
      many.invalid(line, 'bad_json', Buffer.from('ü'.repeat(100)));
      if (line % 1000 === 0) await many.flush();
    }
    await many.commit(5_000, null);
    expect((await rejectsOf(ref)).map((reject) => reject.line)).toEqual(
      Array.from({ length: 5_000 }, (_, at) => at + 1),
    );
  });

  test('of long rows is written part by part, and read whole', async () => {
    const long = writer({ chunkSize: 1000 });
    const message = 'ü"'.repeat(30_000);
    for (let line = 1; line <= 20; line++) {
      long.alert(line, `u${line}`, message, undefined);
      await long.flush();
    }
    await long.commit(20, null);
    const rows = await readChunk(store, { ...ref, chunk: 1 });
    expect(rows.map((row) => row.body)).toEqual(rows.map((row) => alertBody(`u${row.line}`, message)));
    expect(rows).toHaveLength(20);
  });

  test('ends a chunk whose text is long, however few alerts it holds, and says how many', async () => {
    const long = writer({ chunkSize: 4, maxChunkLength: 1_000 });
    const lengths = [10, 10, 10, 10, 400, 700, 10, 2_000, 10];
    for (const [index, length] of lengths.entries()) long.alert(index + 2, `u${index}`, 'x'.repeat(length), undefined);
    const result = await long.commit(lengths.length, null);
    expect(result).toMatchObject({ alerts: 9, chunks: 4, chunkAlerts: [4, 2, 2, 1], lastChunkAlerts: 1 });
    for (const [index, alerts] of result.chunkAlerts!.entries()) {
      expect(await readChunk(store, { ...ref, chunk: index + 1 })).toHaveLength(alerts);
    }
  });

  test('of no rows has no chunks and no other objects', async () => {
    expect(await writer().commit(0, null)).toMatchObject({ rows: 0, alerts: 0, chunks: 0, lastChunkAlerts: 0 });
    expect(await store.list(`${SHA}/chunks-${ref.parseKey}`)).toEqual(['0001.json']);
    expect(await rejectsOf(ref)).toEqual([]);
  });

  test('saves its users, of a last window too, with the chunks that they are in', async () => {
    for (const next of [null, { byteOffset: 99, nextLine: 12 }]) {
      await commitSome(next);
      const places = await Promise.all([2, 3, 4, 5, 6, 7, 8, 9].map((line) => placeOf(`ü${line}`)));
      expect(places.map((place) => place?.line)).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
      expect(places.map((place) => place?.chunk)).toEqual([5, 5, 5, 6, 6, 6, 7, 7]);
      expect(await placeOf('ü10')).toBeUndefined();
    }
  });

  test('knows the chunks of its users where long rows have ended some early', async () => {
    const long = writer({ chunkSize: 4, maxChunkLength: 1_000 });
    const lengths = [10, 10, 10, 10, 400, 700, 10, 2_000, 10];
    for (const [index, length] of lengths.entries()) long.alert(index + 2, `u${index}`, 'x'.repeat(length), undefined);
    await long.commit(lengths.length, null);
    const places = await Promise.all(lengths.map((_, index) => placeOf(`u${index}`)));
    expect(places.map((place) => place?.chunk)).toEqual([1, 1, 1, 1, 2, 2, 3, 3, 4]);
  });

  test('that a version of before has saved is read: its users lie with its chunks, without a header', async () => {
    await commitSome();
    const pieces: Buffer[] = [];
    for await (const piece of readSeen(store, ref)) pieces.push(piece);
    const entries = Buffer.concat(pieces);
    expect(entries.length).toBe(8 * 16);
    await store.delete(usersKey(SHA, ref.parseKey, 1));
    await store.put(oldSeenKey(SHA, ref.parseKey, 1), entries);
    const path = windowKey(SHA, ref.parseKey, 1);
    const window = JSON.parse((await store.get(path))!.toString()) as { seen: { crc32: number } };
    window.seen.crc32 = crc32(entries);
    await store.put(path, JSON.stringify(window));
    const old: Buffer[] = [];
    for await (const piece of readSeen(store, ref)) old.push(piece);
    expect(Buffer.concat(old)).toEqual(entries);
    expect(await readWholeWindow(store, ref)).toBeDefined();
  });

  test('is the same bytes when it is written again', async () => {
    const keys = [alertsKey, rejectsKey, usersKey, windowKey].map((key) => key(SHA, ref.parseKey, 1));
    await commitSome();
    const first = await Promise.all(keys.map((key) => store.get(key)));
    await commitSome();
    expect(await Promise.all(keys.map((key) => store.get(key)))).toEqual(first);
    expect(first.every((bytes) => bytes !== undefined)).toBe(true);
  });
});

describe('a window that is not committed', () => {
  test('does not exist', async () => {
    const one = writer();
    one.alert(2, 'u', 'm', undefined);
    await one.flush();
    expect(await readWindow(store, ref)).toBeUndefined();
    await expect(readChunk(store, { ...ref, chunk: 1 })).rejects.toMatchObject({ name: 'Fault', code: 'store' });
    await one.abort();
    expect(await store.list(`${SHA}/chunks-${ref.parseKey}`)).toEqual([]);
  });

  test('fails with what the store fails with, and does not hang', async () => {
    await writeFile(join(root, SHA), 'a file where a folder should be');
    const one = writer({ chunkSize: 100 });
    const fill = async (): Promise<void> => {
      for (let line = 1; line <= 3_000; line++) {
        one.alert(line, `u${line}`, 'x'.repeat(1000), undefined);
        if (line % 100 === 0) await one.flush();
      }
      await one.commit(3_000, null);
    };
    await expect(fill()).rejects.toMatchObject({ name: 'Fault', code: 'store' });
    await one.abort();
  });
});

describe('a window that was deleted', () => {
  const known = (): Promise<void> => store.put(fileKey(SHA), '{}');
  const read = () => readChunk(store, { ...ref, chunk: 5 });

  test.each([alertsKey, windowKey])('is missed, also by who has read it before', async (key) => {
    await known();
    await commitSome();
    await read();
    await store.delete(key(SHA, ref.parseKey, 1));
    if (key === windowKey) store = new FolderStore(root);
    await expect(read()).rejects.toMatchObject({ name: 'ChunksMissing', code: 'store' });
    expect(await readWholeWindow(store, ref)).toBeUndefined();
    await commitSome();
    expect(await read()).toHaveLength(3);
    expect(await readWholeWindow(store, ref)).toMatchObject({ result: { rows: 10 } });
  });

  test('is told from a store that does not know the file: that one may not be mounted', async () => {
    await expect(read()).rejects.toMatchObject({ name: 'Fault', nextStep: expect.stringContaining('mounted?') });
  });

  test('its invalid rows and its users are missed, too', async () => {
    await known();
    await commitSome();
    await store.delete(rejectsKey(SHA, ref.parseKey, 1));
    await expect(rejectsOf(ref)).rejects.toMatchObject({ name: 'ChunksMissing' });
    expect(await readWholeWindow(store, ref)).toBeUndefined();
    await commitSome();
    await store.delete(usersKey(SHA, ref.parseKey, 1));
    await expect(readSeen(store, ref).next()).rejects.toMatchObject({ name: 'ChunksMissing' });
    expect(await readWholeWindow(store, ref)).toBeUndefined();
  });
});

describe('damage in the store is found', () => {
  const flip = async (key: string, at: number): Promise<void> => {
    const handle = await open(join(root, key), 'r+');
    await handle.write(Buffer.from('~'), 0, 1, at);
    await handle.close();
  };

  test('in a chunk, and only in that one', async () => {
    await commitSome();
    await flip(alertsKey(SHA, ref.parseKey, 1), 10);
    await expect(readChunk(store, { ...ref, chunk: 5 })).rejects.toMatchObject({ name: 'Fault', code: 'store' });
    expect(await readChunk(store, { ...ref, chunk: 6 })).toHaveLength(3);
    await expect(readChunk(store, { ...ref, chunk: 8 })).rejects.toMatchObject({ name: 'Fault', code: 'store' });
  });

  test('in the users of a window', async () => {
    await commitSome();
    await flip(usersKey(SHA, ref.parseKey, 1), 3);
    const drain = async (): Promise<void> => {
      for await (const piece of readSeen(store, ref)) expect(piece.length % 16).toBe(0);
    };
    await expect(drain()).rejects.toMatchObject({ name: 'Fault', code: 'store' });
  });

  test('in the index of a window', async () => {
    await store.put(windowKey(SHA, ref.parseKey, 1), '{"cursor":');
    await expect(readWindow(store, ref)).rejects.toMatchObject({ name: 'Fault', code: 'store' });
  });
});

test('the reason why a file was refused is kept beside its chunks', async () => {
  expect(await readRefusal(store, SHA, ref.parseKey)).toBeUndefined();
  await writeRefusal(store, SHA, ref.parseKey, { code: 'csv_header', line: 1, message: 'Columns found: "a"' });
  expect(await readRefusal(store, SHA, ref.parseKey)).toEqual({
    code: 'csv_header',
    line: 1,
    message: 'Columns found: "a"',
  });
});
