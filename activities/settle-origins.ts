/**
 * After a file that mends rows of earlier ones was sent: what was delivered is written into the receipts of the rows that it took the
 * place of, and of those that they had taken the place of before. Idempotent.
 */
import type { OriginsInput } from '../src/domain/contracts.ts';
import type { ChunkOf } from '../src/store/origins.ts';
import { chunksOf, OriginFinder } from '../src/store/origins.ts';
import { chunkEpochs, Ledger, readStates } from '../src/store/receipts.ts';
import { storeFailure } from './failures.ts';
import type { Mended, OriginDependencies } from './take-over-origins.ts';
import { byChunk, findMended } from './take-over-origins.ts';

export function createSettleOrigins({ store, scope, nowMs }: OriginDependencies) {
  return async function settleOrigins(input: OriginsInput): Promise<void> {
    const { attempt, heartbeat } = scope();
    try {
      const finder = new OriginFinder(store, input.endpoint);
      for await (const chunk of chunksOf(store, input)) {
        heartbeat();
        const states = await readStates(store, chunk);
        let mended = await findMended(store, finder, chunk);
        mended = mended.filter(({ row }) => states.get(row.line)?.outcome === 'delivered');
        for (let generation = 0; mended.length > 0 && generation < MAX_GENERATIONS; generation++) {
          for (const group of byChunk(mended)) await settle(group[0]!.origin.chunk, group);
          mended = await originsOf(finder, mended);
        }
      }
    } catch (error) {
      throw storeFailure(error, attempt);
    }

    async function settle(chunk: ChunkOf, group: readonly Mended[]): Promise<void> {
      const states = await readStates(store, chunk);
      const open = group.filter(({ origin }) => states.get(origin.row.line)?.outcome !== 'delivered');
      if (open.length === 0) return;
      await Ledger.using(store, chunkEpochs(chunk), { round: input.round, nowMs }, (ledger) => {
        for (const { row, origin } of open) {
          ledger.record('d', origin.row.line, undefined, 0, nowMs(), `delivered as ${input.sha256}:${row.line}`);
        }
      });
    }
  };
}

/** A row that was mended again and again; more is a loop that somebody wrote by hand. */
const MAX_GENERATIONS = 32;

/** The rows that those origins had themselves taken the place of. */
async function originsOf(finder: OriginFinder, mended: readonly Mended[]): Promise<Mended[]> {
  const earlier: Mended[] = [];
  for (const { row } of mended.map(({ origin }) => origin)) {
    const origin = row.origin === undefined ? undefined : await finder.find(row.origin);
    if (origin !== undefined) earlier.push({ row, origin });
  }
  return earlier;
}
