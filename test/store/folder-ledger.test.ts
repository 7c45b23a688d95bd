import { appendFile, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import type { Scope } from '../../src/domain/ledger/journal.ts';
import { linesScope, rangeScope } from '../../src/domain/ledger/journal.ts';
import { FolderLedgers } from '../../src/store/folder-ledger.ts';
import { FolderStore } from '../../src/store/folder-store.ts';
import { StaleRound } from '../../src/store/ledger.ts';
import { beginRound } from '../../src/store/rounds.ts';

const OF = { sha256: 'abc', endpoint: 'crm', chunk: 3 };
const BATCH = rangeScope(1, 99);
let root: string;
let store: FolderStore;
let nowMs = 1_000;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'wds-ledger-'));
  store = new FolderStore(root);
  nowMs = 1_000;
});
afterEach(() => rm(root, { recursive: true }));

const ledgers = () => new FolderLedgers({ store, clock: { ...systemClock, wallMs: () => nowMs }, boot: 'run' });
const open = (changes: { readonly round?: number; readonly scope?: Scope; readonly parseKey?: string } = {}) =>
  ledgers().open(OF, { round: 1, scope: BATCH, parseKey: 'csv-1', durable: false, ...changes });
const state = async (line: number) => (await ledgers().read(OF)).get(line);
const names = () => readdir(join(root, 'abc/crm/000003'));
const textOf = (epoch: number) => readFile(join(root, `abc/crm/000003/00000${epoch}.journal`), 'utf8');

describe('the fence', () => {
  test('each attempt gets an epoch of its own, also when many begin at once, and only the last may send', async () => {
    const opened = await Promise.all(Array.from({ length: 12 }, () => open()));
    expect(new Set(opened.map(({ epoch }) => epoch)).size).toBe(12);
    const confirmed = await Promise.all(opened.map((ledger) => ledger.announce([5])));
    expect(confirmed.filter((at) => at !== undefined)).toHaveLength(1);
    await Promise.all(opened.map((ledger) => ledger.close()));
  });

  test('either the newcomer sees the announcement, or the old attempt sees the newcomer before it sends', async () => {
    const old = await open();
    expect(await old.announce([5])).toBeDefined();
    nowMs = 2_000;
    const newcomer = await open();
    expect(newcomer.states.get(5)).toMatchObject({ unknown: 1, openFencedMs: 2_000 });
    expect(await old.announce([6])).toBeUndefined();
    expect(await newcomer.announce([6])).toBeDefined();
    await Promise.all([old.close(), newcomer.close()]);
  });

  test('attempts at other rows of the chunk leave each other alone', async () => {
    const low = await open({ scope: rangeScope(1, 10) });
    const high = await open({ scope: rangeScope(11, 20) });
    const alert = await open({ scope: linesScope('alert', [15]) });
    expect(await low.announce([5])).toBeDefined();
    expect(await high.announce([12])).toBeDefined();
    expect(await high.announce([14, 15])).toBeUndefined();
    expect(await alert.announce([15])).toBeDefined();
    await Promise.all([low, high, alert].map((ledger) => ledger.close()));
  });

  test('an attempt whose journal is not there any more sends nothing: another folder is in its place', async () => {
    const ledger = await open();
    expect(await ledger.announce([5])).toBeDefined();
    await rename(join(root, 'abc'), join(root, 'unmounted'));
    expect(await ledger.announce([6])).toBeUndefined();
    await ledger.close();
  });

  test('a newcomer whose header cannot be read is a newcomer', async () => {
    const old = await open();
    await store.put('abc/crm/000003/000002.journal', 'h 2 1');
    expect(await old.announce([5])).toBeUndefined();
    await old.close();
  });
});

describe('the order of rounds', () => {
  test('an attempt of a round that is over does not stop one of the newer round, and learns that it is over', async () => {
    const newer = await open({ round: 2 });
    await expect(open({ round: 1 })).rejects.toThrow(StaleRound);
    expect(await newer.announce([5])).toBeDefined();
    await newer.close();
  });

  test('also when the journals of the newer round are folded already', async () => {
    for (let times = 0; times < 30; times++) await (await open({ round: 2 })).close();
    await expect(open({ round: 1 })).rejects.toThrow(StaleRound);
  });

  test('an attempt by another numbering of the rows is refused', async () => {
    await (await open()).close();
    await expect(open({ parseKey: 'csv-2' })).rejects.toMatchObject({ code: 'store', message: /parse options/ });
  });
});

describe('a ledger', () => {
  test('writes results in the order of the calls, with the next announcement or when it is told to', async () => {
    const ledger = await open();
    await ledger.announce([1, 2]);
    ledger.record('d', 1, 200, 1);
    const head = 'h 2 1 1000 b:1-99 csv-1 run\ni 1000 1,2\n';
    expect(await textOf(1)).toBe(head);
    await ledger.announce([3]);
    ledger.record('t', 2, 500, 1, 'HTTP 500');
    ledger.writeResults();
    ledger.record('p', 3, undefined, 0);
    await ledger.close();
    await ledger.close();
    expect(await textOf(1)).toBe(`${head}d 1 200 1 1000\ni 1000 3\nt 2 500 1 1000 HTTP 500\np 3 - 0 1000\nz\n`);
  });

  test('a journal that broke off in mid-line costs its last line only, and the next attempt goes on', async () => {
    const ledger = await open();
    await ledger.announce([1, 2]);
    ledger.record('d', 1, 200, 1);
    ledger.writeResults();
    await appendFile(join(root, 'abc/crm/000003/000001.journal'), 'd 2 200 1');
    const next = await open();
    expect(next.states.get(1)?.outcome).toBe('delivered');
    expect(next.states.get(2)).toMatchObject({ outcome: undefined, unknown: 1 });
    await next.close();
  });

  test('an epoch without a whole header is passed over', async () => {
    await store.put('abc/crm/000003/000001.journal', 'h 2');
    const ledger = await open();
    expect(ledger.epoch).toBe(2);
    ledger.record('d', 1, 200, 1);
    await ledger.close();
    expect((await state(1))?.outcome).toBe('delivered');
  });

  test('an answer that comes when another attempt is at work is written down and counts', async () => {
    const old = await open();
    await old.announce([5]);
    const newcomer = await open();
    old.record('d', 5, 200, 1);
    await old.close();
    expect((await state(5))?.outcome).toBe('delivered');
    await newcomer.close();
  });
});

describe('many journals', () => {
  test('are folded: what they said stays known, epochs are not used again, and few files are left', async () => {
    for (let line = 1; line <= 80; line++) {
      const ledger = await open();
      await ledger.announce([line]);
      ledger.record('d', line, 200, 1);
      await ledger.close();
    }
    expect((await names()).length).toBeLessThan(40);
    for (let line = 1; line <= 80; line++) expect((await state(line))?.outcome, `line ${line}`).toBe('delivered');
    const last = await open();
    expect(last.epoch).toBe(81);
    await last.close();
  });

  test('of which one was never closed: it stays, and its late answer still counts', async () => {
    const stopped = await open();
    await stopped.announce([7]);
    for (let times = 0; times < 60; times++) await (await open()).close();
    expect(await names()).toContain('000001.journal');
    expect(await state(7)).toMatchObject({ outcome: undefined, unknown: 1 });
    expect(await stopped.announce([8])).toBeUndefined();
    stopped.record('d', 7, 200, 1);
    await stopped.close();
    expect(await state(7)).toMatchObject({ outcome: 'delivered', unknown: 0 });
  });

  test('were folded while an attempt took its epoch: it takes another one, and what it writes is known', async () => {
    class StalledStore extends FolderStore {
      stalls = true;
      override async createJournal(key: string) {
        if (this.stalls) {
          this.stalls = false;
          for (let times = 0; times < 40; times++) await (await open()).close();
        }
        return super.createJournal(key);
      }
    }
    await (await open()).close();
    const stalled = new StalledStore(root);
    const late = new FolderLedgers({ store: stalled, clock: systemClock, boot: 'run' });
    const ledger = await late.open(OF, { round: 1, scope: BATCH, parseKey: 'csv-1', durable: false });
    expect(ledger.epoch).toBe(42);
    expect(await ledger.announce([5])).toBeDefined();
    ledger.record('d', 5, 200, 1);
    await ledger.close();
    expect((await state(5))?.outcome).toBe('delivered');
  });

  test('can be read while they are folded', async () => {
    const write = async () => {
      for (let line = 1; line <= 60; line++) {
        const ledger = await open();
        ledger.record('d', line, 200, 1);
        await ledger.close();
      }
    };
    let known = 0;
    let done = false;
    const writing = write().finally(() => {
      done = true;
    });
    while (!done) {
      const { size } = await ledgers().read(OF);
      expect(size).toBeGreaterThanOrEqual(known);
      known = size;
    }
    await writing;
  });
});

describe('receipts of before rounds were numbers', () => {
  /** Run r1: line 5 was handed over and ended undelivered. Run r2: its first attempt failed, the second is open. */
  const write = async () => {
    await store.put('abc/crm/000003.1', 'h 1 r1 1000\ni 1001 4,5\nd 4 200 1 1002\nt 5 500 3 1002\ns 5 500 3 1002\n');
    await store.put('abc/crm/row-5.1', 'h 1 r1 1003\ni 1003 5\nt 5 500 10 1004\nu 5 500 10 1004\n');
    await store.put('abc/crm/000003.2', 'h 1 r2 2000\ni 2001 5\nt 5 502 1 2002\ni 2003 5\n');
    await store.put('abc/crm/row-5.2', 'h 1 r2 2000\n');
  };

  test('are read round by round, and a new attempt goes on behind them', async () => {
    await write();
    expect(await state(4)).toMatchObject({ outcome: 'delivered' });
    expect(await state(5)).toMatchObject({ outcome: undefined, status: 502, unknown: 1, round: -1 });
    nowMs = 9_000;
    const ledger = await open();
    expect(ledger.epoch).toBe(1);
    expect(ledger.states.get(5)).toMatchObject({ unknown: 1, openFencedMs: 9_000 });
    ledger.record('d', 5, 200, 1);
    await ledger.close();
    expect(await state(5)).toMatchObject({ outcome: 'delivered' });
  });

  test('belong to the round that their run has got since', async () => {
    await write();
    await beginRound(store, OF, { runId: 'r2', begunAt: '' });
    expect(await state(5)).toMatchObject({ round: 1, attempts: 2 });
  });

  test('are folded with the others when there are many', async () => {
    for (let epoch = 1; epoch <= 30; epoch++) {
      await store.put(`abc/crm/000003.${epoch}`, `h 1 r1 1000\ni 1001 ${epoch}\nd ${epoch} 200 1 1002\n`);
    }
    await (await open()).close();
    expect(await names()).toContain('000001.base');
    for (let line = 1; line <= 30; line++) expect((await state(line))?.outcome).toBe('delivered');
  });
});
