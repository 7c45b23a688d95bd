/** What every form of the ledger owes to those who send, whichever store it lies in. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { supersedes } from '../../../src/domain/ledger/fence.ts';
import type { Scope } from '../../../src/domain/ledger/journal.ts';
import { linesScope, rangeScope } from '../../../src/domain/ledger/journal.ts';
import type { ChunkOf } from '../../../src/store/layout.ts';
import type { Attempt, Ledger, Ledgers } from '../../../src/store/ledger.ts';
import { StaleRound } from '../../../src/store/ledger.ts';

let chunks = 0;
export const newChunk = (): ChunkOf => ({ sha256: 'abc', endpoint: 'crm', chunk: ++chunks });
export const attempt = (round: number, scope: Scope = rangeScope(1, 9)): Attempt => ({
  round,
  scope,
  parseKey: 'csv-1',
  durable: false,
});

/** `runs`: of the stories that are made up. */
export function ledgerContract(create: () => Ledgers, runs: number): void {
  test('gives each of many that open at once an epoch of its own, and only the last may send', async () => {
    const [ledgers, of] = [create(), newChunk()];
    const opened = await Promise.all(Array.from({ length: 6 }, () => ledgers.open(of, attempt(1))));
    expect(new Set(opened.map(({ epoch }) => epoch)).size).toBe(6);
    const confirmed: Ledger[] = [];
    for (const ledger of opened) if ((await ledger.announce([5])) !== undefined) confirmed.push(ledger);
    expect(confirmed.map(({ epoch }) => epoch)).toEqual([Math.max(...opened.map(({ epoch }) => epoch))]);
    await Promise.all(opened.map((ledger) => ledger.close()));
  });

  test('knows since when a request of somebody who died can have no answer, however many have looked since', async () => {
    const [ledgers, of] = [create(), newChunk()];
    await (await ledgers.open(of, attempt(1))).announce([5]);
    await (await ledgers.open(of, attempt(1, linesScope('takeover', [7])))).close();
    await (await ledgers.open(of, attempt(1, linesScope('takeover', [5])))).close();
    const fencedMs = (await ledgers.read(of)).get(5)?.openFencedMs;
    expect(fencedMs).toBeLessThan(Number.POSITIVE_INFINITY);
    for (let looks = 0; looks < 80; looks++) await (await ledgers.open(of, attempt(1))).close();
    expect((await ledgers.read(of)).get(5)?.openFencedMs).toBe(fencedMs);
  });

  test('keeps a late answer of a superseded attempt', async () => {
    const [ledgers, of] = [create(), newChunk()];
    const old = await ledgers.open(of, attempt(1));
    expect(await old.announce([5, 6])).toBeDefined();
    const newer = await ledgers.open(of, attempt(1));
    expect(newer.states.get(5)).toMatchObject({ unknown: 1 });
    old.record('d', 5, 200, 1);
    expect(await old.announce([7])).toBeUndefined();
    await old.close();
    expect((await ledgers.read(of)).get(5)).toMatchObject({ outcome: 'delivered', unknown: 0 });
    expect((await ledgers.read(of)).get(6)).toMatchObject({ outcome: undefined, unknown: 1 });
    await newer.close();
  });

  test('adds up how attempts were answered that ended in good order, also when they are folded', async () => {
    const [ledgers, of] = [create(), newChunk()];
    for (let line = 1; line <= 60; line++) {
      const ledger = await ledgers.open(of, attempt(1));
      await ledger.announce([line]);
      ledger.figures.answered(100);
      ledger.figures.throttled(1_764_000_000_000 + line * 1_000);
      ledger.record('d', line, 200, 1);
      // One is killed.
      if (line === 30) await ledger.sync();
      else await ledger.close();
    }
    const { figures, states } = await ledgers.readWithFigures(of);
    expect([figures.answers, figures.throttledAt.length, states.size]).toEqual([59, 59, 60]);
  });

  test('refuses rounds that are over, and other numberings, also when all journals are folded', async () => {
    const [ledgers, of] = [create(), newChunk()];
    for (let times = 0; times < 30; times++) await (await ledgers.open(of, attempt(2))).close();
    await expect(ledgers.open(of, attempt(1))).rejects.toThrow(StaleRound);
    await expect(ledgers.open(of, { ...attempt(2), parseKey: 'csv-2' })).rejects.toMatchObject({ code: 'store' });
  });

  test('lets attempts at different rows work side by side', async () => {
    const [ledgers, of] = [create(), newChunk()];
    const batch = await ledgers.open(of, attempt(1, rangeScope(1, 5)));
    const alert = await ledgers.open(of, attempt(1, linesScope('alert', [8])));
    const other = await ledgers.open(of, attempt(1, linesScope('takeover', [3])));
    const at = await Promise.all([batch.announce([1, 2]), alert.announce([8]), batch.announce([3])]);
    expect(at.map((confirmed) => confirmed !== undefined)).toEqual([true, true, false]);
    batch.record('d', 1, 200, 1);
    await Promise.all([batch.close(), alert.close(), other.close()]);
    expect((await ledgers.read(of)).get(1)?.outcome).toBe('delivered');
  });

  test('either shows a newcomer what was announced, or tells the older attempt: in whatever order they come', async () => {
    const move = fc.record({
      who: fc.nat(3),
      what: fc.constantFrom('open', 'announce', 'answer', 'close'),
      line: fc.integer({ min: 1, max: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(move, { maxLength: 24 }), async (moves) => {
        const [ledgers, of] = [create(), newChunk()];
        const scopes = [rangeScope(1, 3), rangeScope(1, 3), linesScope('takeover', [2]), rangeScope(2, 3)];
        const open = new Map<number, { ledger: Ledger; sent: Set<number> }>();
        const sent: { line: number; epoch: number }[] = [];
        const delivered = new Set<number>();
        for (const { who, what, line } of moves) {
          const own = open.get(who);
          if (what === 'open' && own === undefined) {
            const ledger = await ledgers.open(of, attempt(1, scopes[who]));
            for (const each of sent) {
              // A newcomer knows of every request that was begun before it came.
              const state = ledger.states.get(each.line);
              expect(state?.outcome === 'delivered' || (state?.unknown ?? 0) > 0).toBe(true);
            }
            open.set(who, { ledger, sent: new Set() });
          } else if (what === 'announce' && own !== undefined) {
            const header = { round: 1, atMs: 0, scope: scopes[who]! };
            const newer = [...open].some(([other, { ledger }]) =>
              supersedes(
                { ...header, scope: scopes[other]!, epoch: ledger.epoch },
                { ...header, epoch: own.ledger.epoch },
                line,
              ),
            );
            const at = await own.ledger.announce([line]);
            if (newer) expect(at).toBeUndefined();
            if (at === undefined) continue;
            sent.push({ line, epoch: own.ledger.epoch });
            own.sent.add(line);
          } else if (what === 'answer' && own?.sent.delete(line)) {
            own.ledger.record('d', line, 200, 1);
            own.ledger.writeResults();
            delivered.add(line);
            await own.ledger.sync();
          } else if (what === 'close' && own !== undefined && own.sent.size === 0) {
            await own.ledger.close();
            open.delete(who);
          }
        }
        const states = await ledgers.read(of);
        for (const line of delivered) expect(states.get(line)?.outcome).toBe('delivered');
        await Promise.all([...open.values()].map(({ ledger }) => ledger.close()));
      }),
      { seed: 11, numRuns: runs },
    );
  });
}
