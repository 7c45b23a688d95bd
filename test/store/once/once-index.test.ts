// @slow: hundreds of thousands of rows
/** The index of an endpoint's rows: numbers, merging, forgetting, and what is found in it, held against looking at each row. */
import { hash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { alertBody } from '../../../src/domain/alert.ts';
import { rangeScope } from '../../../src/domain/ledger/journal.ts';
import { DEFAULT_PARSE_OPTIONS, parseKey } from '../../../src/domain/parse-options.ts';
import { FolderLedgers } from '../../../src/store/folder-ledger.ts';
import { FolderStore } from '../../../src/store/folder-store.ts';
import { mergeIndex } from '../../../src/store/once/merge-index.ts';
import { OnceIndex } from '../../../src/store/once/once-index.ts';
import type { RowPiece } from '../../../src/store/once/row-pieces.ts';
import { ENTRY_WORDS, rowPiecesOf } from '../../../src/store/once/row-pieces.ts';
import { findRows } from '../../../src/store/once/search.ts';
import { MovableClock, stageContent } from '../../support/delivery-fixture.ts';

const PARSE = { ...DEFAULT_PARSE_OPTIONS, format: 'csv', chunkSize: 4 } as const;
const DAY_MS = 24 * 3_600_000;

let root: string;
let store: FolderStore;
let clock: MovableClock;
let index: OnceIndex;
let ledgers: FolderLedgers;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'wds-once-'));
  store = new FolderStore(root);
  clock = new MovableClock();
  index = new OnceIndex(store, 'test', clock);
  ledgers = new FolderLedgers({ store, clock, boot: 'this run' });
});
afterEach(() => rm(root, { recursive: true, force: true }));

const fileOf = (sha256: string) => ({ sha256, endpoint: 'test', parseKey: parseKey(PARSE), windows: 1 });

/** A file that says something to these users. */
async function stage(users: readonly string[]): Promise<ReturnType<typeof fileOf>> {
  const rows = users.map((user) => `${user},hello\n`).join('');
  const { sha256 } = await stageContent(store, PARSE, `userId,alertMessage\n${rows}`);
  return fileOf(sha256);
}

async function pieceOf(file: ReturnType<typeof fileOf>): Promise<RowPiece> {
  const pieces = [];
  for await (const piece of rowPiecesOf(store, file)) pieces.push(piece);
  expect(pieces).toHaveLength(1);
  return pieces[0]!;
}

/** `own line = number:line`, sorted. */
async function found(file: ReturnType<typeof fileOf>, below: number): Promise<string[]> {
  const matches = await index.matches(await pieceOf(file), below);
  return [...matches.inOrder()].map(({ ownLine, file: { number }, line }) => `${ownLine} = ${number}:${line}`).sort();
}

const users = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, index) => `user-${from + index}`);
const merge = (sinceMs = Number.NEGATIVE_INFINITY, mergeFrom = 2) => mergeIndex(index, { ledgers, sinceMs, mergeFrom });

describe('numbers', () => {
  test('are given once, also where attempts at one file meet, and rise', async () => {
    const [first, second] = [await stage(users(0, 5)), await stage(users(3, 9))];
    const numbers = await Promise.all([first, first, second, first].map((file) => index.register(file)));
    expect(numbers[0]).toBe(numbers[1]);
    expect(numbers[0]).toBe(numbers[3]);
    expect(numbers[2]).not.toBe(numbers[0]);
    expect(await index.register(first)).toBe(numbers[0]);
    expect(await index.fileOf(numbers[2]!)).toMatchObject({ sha256: second.sha256, rows: 6 });
  });

  test('of an attempt that died with its number are found by the next one', async () => {
    const [first, second] = [await stage(users(0, 2)), await stage(users(2, 4))];
    await index.register(second);
    const dying = new OnceIndex(
      diesAfter(store, (key) => key.includes('/files/')),
      'test',
      clock,
    );
    await expect(dying.register(first)).rejects.toThrow('dead');
    expect(await index.register(await stage(users(5, 6)))).toBe(3);
    expect(await index.register(first)).toBe(2);
  });

  test('of many files at the same moment: of two the later one sees the earlier one, and never the other way round', async () => {
    const files = await Promise.all(users(0, 12).map((mark) => stage(['everybody', mark])));
    const seen = await Promise.all(
      files.map(async (file) => {
        const number = await index.register(file);
        return { number, below: (await found(file, number)).length };
      }),
    );
    for (const { number, below } of seen) expect(below).toBe(number - 1);
    expect(seen.map(({ number }) => number).sort((a, b) => a - b)).toEqual(files.map((_, at) => at + 1));
  });
});

describe('merging', () => {
  test('changes nothing of what is found, whatever was merged with what', async () => {
    const expected: string[] = [];
    for (let number = 1; number <= 12; number++) {
      expect(await index.register(await stage(users(number, number + 5)))).toBe(number);
      for (let line = 2; line <= 6; line++) expected.push(`${number + line} = ${number}:${line}`);
      if (number % 3 === 0) await merge();
    }
    const all = await stage(users(0, 20));
    expect(await found(all, 13)).toEqual(expected.sort());
    expect(await found(all, 5)).toEqual(expected.filter((text) => Number(/ (\d+):/.exec(text)?.[1]) < 5));
    const { runs, files } = await index.view();
    expect({ rows: runs.reduce((sum, run) => sum + run.rows, 0), files: files.length }).toEqual({ rows: 60, files: 0 });
    expect(await store.list('once/test/runs')).toHaveLength(2 * runs.length);
    expect(await store.list('once/test/rows')).toEqual([]);
    expect(await store.list('once/test/files')).toEqual([]);
  });

  test('by several at the same moment, while others look and register', async () => {
    for (let number = 1; number <= 6; number++) await index.register(await stage(['everybody', `user-${number}`]));
    const late = await stage(['everybody', 'late']);
    const [, , , seen] = await Promise.all([merge(), merge(), index.register(late), found(late, 7)]);
    expect(seen).toHaveLength(6);
    await merge();
    expect(await index.numberOf(late)).toBe(7);
    expect(await found(await stage(['everybody']), 8)).toHaveLength(7);
  });

  test('by one who was stopped while others went on takes nothing of theirs away', async () => {
    const register = async (mark: string): Promise<unknown> => index.register(await stage(['everybody', mark]));
    for (const mark of users(0, 3)) await register(mark);
    let goOn = (): void => undefined;
    const held = new Promise<void>((resolve) => (goOn = resolve));
    const slow = new OnceIndex(
      waitsBefore(store, (key) => key.includes('/index/'), held),
      'test',
      clock,
    );
    const merging = mergeIndex(slow, { ledgers, sinceMs: Number.NEGATIVE_INFINITY, mergeFrom: 2 });
    for (const mark of users(3, 6)) await register(mark);
    await merge();
    for (const mark of users(6, 9)) await register(mark);
    await merge();
    goOn();
    await merging;
    expect(await found(await stage(['everybody']), 10)).toHaveLength(9);
  });

  test('forgets what was delivered longer ago than anybody asks for, and nothing that may still be sent', async () => {
    const old = await stage(users(0, 6));
    await index.register(old);
    const of = { sha256: old.sha256, endpoint: 'test', chunk: 1 };
    const attempt = { round: 1, scope: rangeScope(2, 5), parseKey: old.parseKey, durable: true };
    const ledger = await ledgers.open(of, attempt);
    for (const line of [2, 3, 4]) ledger.record('d', line, 200, 1);
    ledger.record('r', 5, 422, 1);
    await ledger.close();
    clock.advance(40 * DAY_MS);
    const young = await stage(users(10, 12));
    await index.register(young);
    await merge(clock.wallMs() - 30 * DAY_MS);
    expect(await found(await stage(users(0, 20)), 3)).toEqual([
      '12 = 2:2',
      '13 = 2:3',
      '5 = 1:5',
      '6 = 1:6',
      '7 = 1:7',
    ]);
    expect(await index.numberOf(old)).toBe(1);
  });
});

describe('rows in a sorted object', () => {
  const COUNT = 70_000;
  const entry = (body: string): readonly [number, number] => {
    const digest = hash('sha256', body, 'buffer');
    return [digest.readUInt32LE(0), digest.readUInt32LE(4)];
  };
  /** Every third body is there, some of them many times. */
  async function storeRows(): Promise<void> {
    const rows: [number, number, number, number][] = [];
    for (let body = 0; body < COUNT; body += 3) {
      const times = body === 300 ? 1_500 : 1;
      for (let time = 1; time <= times; time++) rows.push([...entry(alertBody(`user-${body}`, 'hello')), time, body]);
    }
    rows.sort((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]);
    await store.put('rows', Buffer.from(Uint32Array.from(rows.flat()).buffer));
  }

  test.each([
    ['one by one, where few are asked for', 1],
    ['in one go, where many are', 20_000],
  ])('are found %s, and others are not', async (_, most) => {
    await storeRows();
    const asked = most === 1 ? [0, 1, 299, 300, 301, 303, 60_000, 69_999] : [...Array(most).keys()];
    let matches = 0;
    let expected = 0;
    const ask = async (bodies: readonly number[]): Promise<void> => {
      const rows = bodies.map((body) => [...entry(alertBody(`user-${body}`, 'hello')), 0, body]);
      rows.sort((a, b) => a[0]! - b[0]! || a[1]! - b[1]!);
      const words = Uint32Array.from(rows.flat());
      await findRows(store, 'rows', { rows: rows.length, words, chunks: [] }, (row, _number, line) => {
        matches++;
        expect(line).toBe(words[row * ENTRY_WORDS + 3]);
      });
      for (const body of bodies) expected += body % 3 !== 0 ? 0 : body === 300 ? 1_500 : 1;
    };
    if (most === 1) for (const body of asked) await ask([body]);
    else await ask(asked);
    expect(matches).toBe(expected);
    expect(expected).toBeGreaterThan(1_500);
  });
});

/** A process that dies as soon as it has created such an object. */
function diesAfter(store: FolderStore, last: (key: string) => boolean): FolderStore {
  let dead = false;
  return wrapped(store, async (key, create) => {
    if (dead) throw new Error('dead');
    const created = await create();
    if (last(key)) dead = true;
    if (dead) throw new Error('dead');
    return created;
  });
}

const waitsBefore = (store: FolderStore, first: (key: string) => boolean, held: Promise<void>): FolderStore =>
  wrapped(store, async (key, create) => {
    if (first(key)) await held;
    return create();
  });

function wrapped(
  store: FolderStore,
  around: (key: string, create: () => Promise<boolean>) => Promise<boolean>,
): FolderStore {
  return new Proxy(store, {
    get(target, name) {
      if (name === 'create') return (key: string, data: string) => around(key, () => target.create(key, data));
      const value = Reflect.get(target, name, target) as unknown;
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
