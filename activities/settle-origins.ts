/**
 * After a file that took rows of earlier ones over was sent: what was delivered is written into the receipts of the rows that it took the
 * place of, and of those that they had taken the place of before. Then the index of rows is merged, where there is one. Idempotent.
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

export function createSettleOrigins(dependencies: OriginDependencies) {
  const { store, ledgers, clock } = dependencies;
  return (input: OriginsInput): Promise<void> =>
    withPulse(dependencies, async () => {
      const finder = new OriginFinder(store, input.endpoint);
      for await (const chunk of chunksOf(store, input)) {
        const states = await ledgers.read(chunk);
        const mended: Placed[] = [];
        for (const row of await readChunk(store, chunk)) {
          if (states.get(row.line)?.outcome !== 'delivered') continue;
          for (const origin of await finder.lineage(row, chunk)) mended.push({ row, origin });
          for (const name of namesIn(states.get(row.line)?.tookFrom ?? '')) {
            if (name === row.origin) continue;
            const origin = await finder.find(name);
            if (origin !== undefined) mended.push({ row, origin });
          }
        }
        for (const group of byChunk(mended)) await settle(input, group);
      }
      if (input.once === undefined) return;
      const { withinMs } = input.once;
      const sinceMs = withinMs === null ? Number.NEGATIVE_INFINITY : clock.wallMs() - withinMs;
      await mergeIndex(new OnceIndex(store, input.endpoint, clock), { ledgers, sinceMs });
    });

  async function settle(input: OriginsInput, group: readonly Placed[]): Promise<void> {
    const { chunk } = group[0]!.origin;
    const states = await ledgers.read(chunk);
    // Only what was taken over: a row that named another user's is none of ours.
    const open = group.filter(({ origin }) => {
      const state = states.get(origin.row.line);
      return state !== undefined && state.movedTo !== '' && state.outcome !== 'delivered';
    });
    if (open.length === 0) return;
    const lines = open.map(({ origin }) => origin.row.line);
    const round = await roundAt(store, chunk);
    await withLedger(ledgers, chunk, { round, scope: linesScope('takeover', lines) }, async (ledger) => {
      for (const { row, origin } of open) {
        ledger.record('d', origin.row.line, undefined, 0, `delivered as ${rowName(input, row.line)}`);
      }
      await ledger.sync();
    });
  }
}
