/**
 * After a file that took rows of earlier ones over was sent: what was delivered is written into the receipts of the rows that it took the
 * place of, and of those that they had taken the place of before; and that its user is on a suppression list into those of the row that it
 * mends. Then the index of rows is merged, where there is one. Idempotent.
 */

import { linesScope } from '../src/domain/ledger/journal.ts';
import type { OriginsInput } from '../src/domain/ledger/origin-contracts.ts';
import { namesIn, rowName } from '../src/domain/ledger/row-names.ts';
import { readChunk } from '../src/store/chunks.ts';
import { mergeIndex } from '../src/store/once/merge-index.ts';
import { OnceIndex } from '../src/store/once/once-index.ts';
import { chunksOf, OriginFinder } from '../src/store/origins.ts';
import type { OriginDependencies, Placed } from './take-over-origins.ts';
import { byChunk, roundAt, withLedger, withPulse } from './take-over-origins.ts';

/** A row that has ended, and one that it has taken the place of. */
interface Ended extends Placed {
  readonly outcome: 'delivered' | 'suppressed';
}

export function createSettleOrigins(dependencies: OriginDependencies) {
  const { store, ledgers, clock } = dependencies;
  return (input: OriginsInput): Promise<void> =>
    withPulse(dependencies, async () => {
      const finder = new OriginFinder(store, input.endpoint);
      for await (const chunk of chunksOf(store, input)) {
        const states = await ledgers.read(chunk);
        const mended: Ended[] = [];
        for (const row of await readChunk(store, chunk)) {
          const outcome = states.get(row.line)?.outcome;
          if (outcome !== 'delivered' && outcome !== 'suppressed') continue;
          for (const origin of await finder.lineage(row, chunk)) mended.push({ row, origin, outcome });
          if (outcome === 'suppressed') continue;
          for (const name of namesIn(states.get(row.line)?.tookFrom ?? '')) {
            if (name === row.origin) continue;
            const origin = await finder.find(name);
            if (origin !== undefined) mended.push({ row, origin, outcome });
          }
        }
        for (const group of byChunk(mended)) await settle(input, group);
      }
      if (input.once === undefined) return;
      const { withinMs } = input.once;
      const sinceMs = withinMs === null ? Number.NEGATIVE_INFINITY : clock.wallMs() - withinMs;
      await mergeIndex(new OnceIndex(store, input.endpoint, clock), { ledgers, sinceMs });
    });

  async function settle(input: OriginsInput, group: readonly Ended[]): Promise<void> {
    const { chunk } = group[0]!.origin;
    const states = await ledgers.read(chunk);
    // Only what was taken over: a row that named another user's is none of ours.
    const open = group.filter(({ row, origin, outcome }) => {
      const state = states.get(origin.row.line);
      if (state === undefined || state.movedTo === '' || state.outcome === 'delivered') return false;
      return outcome === 'delivered' || (state.outcome !== 'suppressed' && state.movedTo === rowName(input, row.line));
    });
    if (open.length === 0) return;
    const lines = open.map(({ origin }) => origin.row.line);
    const round = await roundAt(store, chunk);
    await withLedger(ledgers, chunk, { round, scope: linesScope('takeover', lines) }, async (ledger) => {
      for (const { row, origin, outcome } of open) {
        const self = rowName(input, row.line);
        if (outcome === 'delivered') ledger.record('d', origin.row.line, undefined, 0, `delivered as ${self}`);
        else if (ledger.states.get(origin.row.line)?.movedTo === self) {
          // First, and once more, whose it is: an end that is not for ever would give it back.
          ledger.record('m', origin.row.line, undefined, 0, self);
          ledger.record('n', origin.row.line, undefined, 0, `suppressed as ${self}`);
        }
      }
      await ledger.sync();
    });
  }
}
