// @slow: files of many windows
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApplicationFailure } from '@temporalio/common';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createReadChunks } from '../../activities/read-chunks.ts';
import type { ReadChunksInput, ReadCursor, WindowResult } from '../../src/domain/contracts.ts';
import { FAILURE } from '../../src/domain/names.ts';
import type { ParseOptions } from '../../src/domain/parse-options.ts';
import { DEFAULT_PARSE_OPTIONS, parseKey } from '../../src/domain/parse-options.ts';
import { readChunk, readRejects } from '../../src/store/chunks.ts';
import { FolderStore } from '../../src/store/folder-store.ts';
import { contentKey, usersKey } from '../../src/store/layout.ts';
import { readRefusal } from '../../src/store/refusals.ts';
import type { StagedFile } from '../../src/store/staged-file.ts';
import { writeStagedFile } from '../../src/store/staged-file.ts';

let root: string;
let store: FolderStore;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'wds-read-'));
  store = new FolderStore(root);
});
afterEach(() => rm(root, { recursive: true }));

const parse: ParseOptions = { ...DEFAULT_PARSE_OPTIONS, format: 'csv', chunkSize: 7 };
const activities = (cancellation?: () => AbortSignal | undefined) =>
  createReadChunks({ store, heartbeat: () => undefined, cancellation: cancellation ?? (() => undefined) });

async function stage(content: string, more: Partial<StagedFile> = {}): Promise<string> {
  const bytes = Buffer.from(content);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  await store.put(contentKey(sha256), bytes);
  await writeStagedFile(store, {
    sha256,
    name: 'alerts.csv',
    format: 'csv',
    gzip: false,
    sizeBytes: bytes.length,
    contentBytes: bytes.length,
    stagedAt: '2030-01-01T00:00:00.000Z',
    ...more,
  });
  return sha256;
}

type Reader = (input: ReadChunksInput) => Promise<WindowResult>;

async function readAll(sha256: string, windowRows: number, readerOf: () => Reader): Promise<WindowResult[]> {
  const windows: WindowResult[] = [];
  let cursor: ReadCursor | null = null;
  do {
    const input: ReadChunksInput = { sha256, parse, window: windows.length + 1, cursor, windowRows };
    const result: WindowResult = await readerOf()(input);
    windows.push(result);
    cursor = result.next;
  } while (cursor !== null);
  return windows;
}

/** All that can be read of a file, in order. */
async function everything(sha256: string, windows: readonly WindowResult[]) {
  const alerts: unknown[] = [];
  const rejects: unknown[] = [];
  for (const { window, firstChunk, chunks, alerts: count, lastChunkAlerts } of windows) {
    const ref = { sha256, parseKey: parseKey(parse), window };
    for (let chunk = firstChunk; chunk < firstChunk + chunks; chunk++) {
      const rows = await readChunk(store, { ...ref, chunk });
      expect(rows).toHaveLength(chunk === firstChunk + chunks - 1 ? lastChunkAlerts : parse.chunkSize);
      alerts.push(...rows);
    }
    for await (const reject of readRejects(store, ref)) rejects.push(reject);
    expect(count).toBe(chunks === 0 ? 0 : (chunks - 1) * parse.chunkSize + lastChunkAlerts);
  }
  return { alerts, rejects };
}

/** 200 rows: users come again after 60 rows, each tenth row is invalid. */
const content = ['userId,alertMessage'];
for (let row = 1; row <= 200; row++) content.push(row % 10 === 0 ? `u${row}` : `u${row % 60},message ${row}`);
const CONTENT = content.join('\n');

async function failureOf(promise: Promise<unknown>): Promise<ApplicationFailure> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ApplicationFailure);
  return error as ApplicationFailure;
}

describe('readChunks', () => {
  test('accounts for each row: alert, invalid or duplicate', async () => {
    const sha256 = await stage(CONTENT);
    const windows = await readAll(sha256, 1000, () => activities().readChunks);
    expect(windows).toMatchObject([{ rows: 200, alerts: 54, invalid: 20, duplicates: 126, firstChunk: 1, chunks: 8 }]);
    const { alerts, rejects } = await everything(sha256, windows);
    expect(alerts).toHaveLength(54);
    expect(rejects).toHaveLength(146);
    expect(rejects).toContainEqual({ kind: 'duplicate', line: 62, firstLine: 2, userId: 'u1' });
  });

  test.each([23, 60, 199, 200])(
    'finds the same in windows of %d rows, by one worker that remembers the users and by ones that do not',
    async (windowRows) => {
      const sha256 = await stage(CONTENT);
      const whole = await readAll(sha256, 1000, () => activities().readChunks);
      const expected = await everything(sha256, whole);
      for (const remembers of [true, false]) {
        await store.delete(`${sha256}/chunks-${parseKey(parse)}`);
        store = new FolderStore(root);
        const one = activities().readChunks;
        const windows = await readAll(sha256, windowRows, () => (remembers ? one : activities().readChunks));
        expect(windows).toHaveLength(Math.ceil(200 / windowRows));
        expect(windows.map((each) => each.rows).reduce((sum, rows) => sum + rows)).toBe(200);
        expect(await everything(sha256, windows)).toEqual(expected);
      }
    },
  );

  test('returns a committed window without reading it again', async () => {
    const sha256 = await stage(CONTENT);
    const input: ReadChunksInput = { sha256, parse, window: 1, cursor: null, windowRows: 50 };
    const first = await activities().readChunks(input);
    await store.delete(contentKey(sha256));
    expect(await activities().readChunks(input)).toEqual(first);
  });

  test('does not take a window for the same when it begins elsewhere', async () => {
    const sha256 = await stage(CONTENT);
    const input: ReadChunksInput = { sha256, parse, window: 1, cursor: null, windowRows: 50 };
    await activities().readChunks(input);
    const elsewhere = { ...input, cursor: { byteOffset: 20, nextLine: 2 } };
    const failure = await failureOf(activities().readChunks(elsewhere));
    expect(failure).toMatchObject({ type: FAILURE.contentMissing, nonRetryable: true });
  });

  test('gives way to another reader that was faster, whatever the size of its windows', async () => {
    const sha256 = await stage(CONTENT);
    const input: ReadChunksInput = { sha256, parse, window: 1, cursor: null, windowRows: 150 };
    const faster = { ...input, windowRows: 50 };
    class SlowStore extends FolderStore {
      override async *readFrom(key: string, start: number): AsyncGenerator<Buffer> {
        if (key === contentKey(sha256)) await activities().readChunks(faster);
        yield* super.readFrom(key, start);
      }
    }
    const slow = createReadChunks({
      store: new SlowStore(root),
      heartbeat: () => undefined,
      cancellation: () => undefined,
    });
    const result = await slow.readChunks(input);
    expect(result.rows).toBe(50);
    expect(await activities().readChunks(faster)).toEqual(result);
    const rest = await slow.readChunks({ ...input, window: 2, cursor: result.next });
    const { alerts, rejects } = await everything(sha256, [result, rest]);
    expect(alerts.length + rejects.length).toBe(200);
  });

  test('heartbeats counts while it reads', async () => {
    const sha256 = await stage(`userId,alertMessage\n${'u,m\n'.repeat(500_000)}`);
    const beats: { window: number; rows: number }[] = [];
    const { readChunks } = createReadChunks({
      store,
      heartbeat: (beat) => beats.push(beat),
      cancellation: () => undefined,
    });
    const result = await readChunks({ sha256, parse, window: 1, cursor: null, windowRows: 1_000_000 });
    expect(result).toMatchObject({ rows: 500_000, alerts: 1, duplicates: 499_999 });
    expect(beats.length).toBeGreaterThan(1);
    expect(beats.at(-1)?.rows).toBeGreaterThan(0);
  });

  test('stops when it is cancelled, leaves nothing, and can be tried again', async () => {
    const sha256 = await stage(CONTENT);
    const reason = new Error('cancelled');
    const input: ReadChunksInput = { sha256, parse, window: 1, cursor: null, windowRows: 1000 };
    let cancelled = true;
    const { readChunks } = activities(() => (cancelled ? AbortSignal.abort(reason) : undefined));
    await expect(readChunks(input)).rejects.toBe(reason);
    expect(await store.list(`${sha256}/chunks-${parseKey(parse)}`)).toEqual([]);
    cancelled = false;
    expect(await readChunks(input)).toMatchObject({ rows: 200 });
  });
});

describe('a file that is refused', () => {
  test('fails for good with code and line, no window, and nothing of the file in the failure', async () => {
    const sha256 = await stage('ada@example.org,hello\nu2,x\n');
    const input: ReadChunksInput = { sha256, parse, window: 1, cursor: null, windowRows: 1000 };
    const failure = await failureOf(activities().readChunks(input));
    expect(failure).toMatchObject({ type: FAILURE.fileRefused, nonRetryable: true });
    expect(failure.details).toEqual([{ code: 'csv_header', line: 1 }]);
    expect(failure.message).toContain('--no-header');
    expect(failure.message).not.toContain('ada@');
    expect(await store.list(`${sha256}/chunks-${parseKey(parse)}`)).toEqual(['refusal.json']);
    const stored = await readRefusal(store, sha256, parseKey(parse));
    expect(stored).toMatchObject({ code: 'csv_header', line: 1 });
    expect(stored?.message).toContain('ada@example.org');
  });

  test('in a later window leaves the earlier ones, and no commit of its own', async () => {
    const sha256 = await stage(`${CONTENT}\nu9,"never closed\n`);
    const failure = await failureOf(readAll(sha256, 100, () => activities().readChunks));
    expect(failure.details).toEqual([{ code: 'quote_not_closed', line: 202 }]);
    const names = await store.list(`${sha256}/chunks-${parseKey(parse)}`);
    expect(names).toContain('0002.json');
    expect(names.filter((name) => name.startsWith('0003'))).toEqual([]);
  });

  test('at staging is refused at once', async () => {
    const sha256 = await stage(CONTENT, { refusal: { code: 'bad_gzip', message: 'The gzip file is cut off.' } });
    const input: ReadChunksInput = { sha256, parse, window: 1, cursor: null, windowRows: 1000 };
    const failure = await failureOf(activities().readChunks(input));
    expect(failure).toMatchObject({
      type: FAILURE.fileRefused,
      nonRetryable: true,
      message: 'The gzip file is cut off.',
    });
    expect(failure.details).toEqual([{ code: 'bad_gzip' }]);
  });
});

describe('what is missing in the store', () => {
  const input = (sha256: string): ReadChunksInput => ({ sha256, parse, window: 1, cursor: null, windowRows: 1000 });

  test('content that is gone, or is not what was staged, fails for good', async () => {
    const gone = await stage(CONTENT);
    await store.delete(contentKey(gone));
    const failure = await failureOf(activities().readChunks(input(gone)));
    expect(failure).toMatchObject({ type: FAILURE.contentMissing, nonRetryable: true });
    expect(failure.message).toContain('drop the file again');
    const sha256 = await stage(CONTENT, { contentBytes: CONTENT.length + 1 });
    const cut = await failureOf(activities().readChunks(input(sha256)));
    expect(cut).toMatchObject({ type: FAILURE.contentMissing, nonRetryable: true });
  });

  test('a store that does not know the file at all may be mounted yet: a fault that waits', async () => {
    const failure = await failureOf(activities().readChunks(input('ef'.repeat(32))));
    expect(failure).toMatchObject({ type: FAILURE.store, nonRetryable: false });
    expect(failure.message).toContain('mounted?');
  });

  test.each(['', '/0001.alerts', '/0001.rejects', '/0001.json'])(
    'what was deleted of a window (all%s) is read again, the same, also by a process that knew it as committed',
    async (part) => {
      const sha256 = await stage(CONTENT);
      const folder = `${sha256}/chunks-${parseKey(parse)}`;
      const { readChunks } = activities();
      const windows = await readAll(sha256, 60, () => readChunks);
      const before = await everything(sha256, windows);
      const files = async () =>
        Promise.all((await store.list(folder)).map(async (name) => [name, await store.get(`${folder}/${name}`)]));
      const bytes = await files();
      await store.delete(`${folder}${part}`);
      expect(await readAll(sha256, 60, () => readChunks)).toEqual(windows);
      expect(await everything(sha256, windows)).toEqual(before);
      expect(await files()).toEqual(bytes);
    },
  );

  test('earlier windows that were deleted in the middle of reading are read again', async () => {
    const sha256 = await stage(CONTENT);
    const folder = `${sha256}/chunks-${parseKey(parse)}`;
    const expected = await everything(sha256, await readAll(sha256, 60, () => activities().readChunks));
    await store.delete(folder);
    const windows: WindowResult[] = [];
    for (let window = 1; windows.at(-1)?.next !== null; window++) {
      const place = { window, cursor: windows.at(-1)?.next ?? null, windowRows: 60 };
      windows.push(await activities().readChunks({ ...input(sha256), ...place }));
      if (window === 3) await store.delete(folder);
    }
    expect(await everything(sha256, windows)).toEqual(expected);
  });

  test('windows that are gone together with the content are gone for good', async () => {
    const sha256 = await stage(CONTENT);
    const first = await activities().readChunks({ ...input(sha256), windowRows: 50 });
    await store.delete(`${sha256}/chunks-${parseKey(parse)}`);
    await store.delete(contentKey(sha256));
    for (const place of [{}, { window: 2, cursor: first.next }]) {
      expect(await failureOf(activities().readChunks({ ...input(sha256), windowRows: 50, ...place }))).toMatchObject({
        type: FAILURE.contentMissing,
        nonRetryable: true,
      });
    }
  });

  test('damaged users of an earlier window are a fault of the store that may be mended', async () => {
    const sha256 = await stage(CONTENT);
    const first = await activities().readChunks({ ...input(sha256), windowRows: 50 });
    await store.put(usersKey(sha256, parseKey(parse), 1), 'nonsense');
    const next = { ...input(sha256), window: 2, cursor: first.next };
    expect(await failureOf(activities().readChunks(next))).toMatchObject({ type: FAILURE.store, nonRetryable: false });
  });
});
