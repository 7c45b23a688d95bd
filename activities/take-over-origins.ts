/**
 * Before a file that mends rows of earlier ones is sent: those rows become its own, so that no retry of the earlier file sends them as
 * well. The same order as everywhere keeps two writers apart: a new epoch first, which stops whoever is sending from there, then reading.
 */

import { planRow } from '../src/domain/batch-plan.ts';
import type { OriginsInput } from '../src/domain/contracts.ts';
import type { RowState } from '../src/domain/receipts.ts';
import type { ChunkRow } from '../src/store/chunks.ts';
import { readChunk } from '../src/store/chunks.ts';
import type { ChunkOf, PlacedRow } from '../src/store/origins.ts';
import { chunksOf, OriginFinder } from '../src/store/origins.ts';
import { chunkEpochs, Ledger, readStates, rowEpochs } from '../src/store/receipts.ts';
import type { Store } from '../src/store/store.ts';
import { storeFailure, unsettledFailure } from './failures.ts';

export interface OriginDependencies {
  readonly store: Store;
  scope(): { readonly attempt: number; heartbeat(): void };
  readonly nowMs: () => number;
  /** Longest time that a request may be under way. */
  readonly requestTimeoutMs: number;
}

/** A row, and the row of an earlier file whose place it takes. */
export interface Mended {
  readonly row: ChunkRow;
  readonly origin: PlacedRow;
}

export function createTakeOverOrigins(dependencies: OriginDependencies) {
  return async function takeOverOrigins(input: OriginsInput): Promise<void> {
    const scope = dependencies.scope();
    try {
      const finder = new OriginFinder(dependencies.store, input.endpoint);
      for await (const chunk of chunksOf(dependencies.store, input)) {
        scope.heartbeat();
        const mended = await findMended(dependencies.store, finder, chunk);
        const delivered: ChunkRow[] = [];
        for (const group of byChunk(mended)) delivered.push(...(await takeOver(dependencies, input, group)));
        await skip(dependencies, input, chunk, delivered);
      }
    } catch (error) {
      throw storeFailure(error, scope.attempt);
    }
  };
}

export async function findMended(store: Store, finder: OriginFinder, chunk: ChunkOf): Promise<Mended[]> {
  const mended: Mended[] = [];
  for (const row of await readChunk(store, chunk)) {
    if (row.origin === undefined || row.origin.startsWith(chunk.sha256)) continue;
    const origin = await finder.find(row.origin);
    if (origin !== undefined) mended.push({ row, origin });
  }
  return mended;
}

export function byChunk(mended: readonly Mended[]): Mended[][] {
  const groups = new Map<string, Mended[]>();
  for (const entry of mended) {
    const { sha256, chunk } = entry.origin.chunk;
    const key = `${sha256}/${chunk}`;
    groups.set(key, [...(groups.get(key) ?? []), entry]);
  }
  return [...groups.values()];
}

/** Returns the rows whose origin was delivered meanwhile: they need not be sent. */
async function takeOver(
  { store, nowMs, requestTimeoutMs }: OriginDependencies,
  input: OriginsInput,
  group: readonly Mended[],
): Promise<ChunkRow[]> {
  const { chunk } = group[0]!.origin;
  const isOurs = (state: RowState | undefined): boolean => state?.movedTo.startsWith(input.sha256) ?? false;
  const before = await readStates(store, chunk);
  const open = group.filter(({ origin }) => !isOurs(before.get(origin.row.line)));
  if (open.length === 0) return [];
  const { round } = input;
  return Ledger.using(store, chunkEpochs(chunk), { round, nowMs }, async (ledger) => {
    for (const { origin } of open) {
      if (before.get(origin.row.line)?.handedOverRound) {
        await (await Ledger.open(store, rowEpochs(chunk, origin.row.line), round, nowMs)).close();
      }
    }
    const states = await readStates(store, chunk);
    const options = { round, reopenUnconfirmed: true, ambiguous: 'resend', closing: true, requestTimeoutMs } as const;
    const delivered: ChunkRow[] = [];
    for (const { row, origin } of open) {
      const state = states.get(origin.row.line);
      const plan = planRow(state && { ...state, handedOverRound: '' }, { ...options, nowMs: nowMs() });
      if (plan.kind === 'wait') throw unsettledFailure(1, plan.atMs - nowMs());
      if (state?.outcome === 'delivered') delivered.push(row);
      else ledger.record('m', origin.row.line, undefined, 0, nowMs(), `${input.sha256}:${row.line}`);
    }
    return delivered;
  });
}

/** Alerts of this file that were delivered as the rows that they mend. */
async function skip(
  { store, nowMs }: OriginDependencies,
  input: OriginsInput,
  chunk: ChunkOf,
  rows: readonly ChunkRow[],
): Promise<void> {
  if (rows.length === 0) return;
  await Ledger.using(store, chunkEpochs(chunk), { round: input.round, nowMs }, (ledger) => {
    for (const row of rows) ledger.record('d', row.line, undefined, 0, nowMs(), `delivered as ${row.origin}`);
  });
}
