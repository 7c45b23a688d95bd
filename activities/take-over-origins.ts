/**
 * Before a file that mends rows of earlier ones is sent: those rows become its own, so that nobody else sends them. A row is taken from
 * whoever owns it now (the file that mended it before, if one did), as any attempt takes rows: a new epoch first, which stops whoever is
 * sending it from there, then reading, then the word that it has moved, then the look. What may have reached its user comes along.
 */

import type { Clock } from '../src/clock.ts';
import { unanswerableFromMs } from '../src/domain/ledger/fence.ts';
import { linesScope } from '../src/domain/ledger/journal.ts';
import type { OriginsInput } from '../src/domain/ledger/origin-contracts.ts';
import type { ChunkRow } from '../src/store/chunks.ts';
import { readChunk } from '../src/store/chunks.ts';
import type { Ledger, Ledgers } from '../src/store/ledger.ts';
import type { PlacedChunk, PlacedRow } from '../src/store/origins.ts';
import { chunksOf, isPlaces, OriginFinder } from '../src/store/origins.ts';
import { newestRound, requireRound } from '../src/store/rounds.ts';
import type { Store } from '../src/store/store.ts';
import { stopFailure, tellingTemporal, unsettledFailure } from './failures.ts';
import { pulsing } from './pulse.ts';
import type { OnRefusal } from './refusals.ts';
import { tellingRefusals } from './refusals.ts';

export interface OriginDependencies {
  readonly store: Store;
  readonly ledgers: Ledgers;
  scope(): { readonly attempt: number; heartbeat(): void };
  readonly clock: Clock;
  /** Longest time that a request may be under way. */
  readonly requestTimeoutMs: number;
  readonly onRefusal?: OnRefusal;
}

/** A row, and the row of an earlier file whose place it takes. */
export interface Mended {
  readonly row: ChunkRow;
  readonly origin: PlacedRow;
}

/** What a row brings along from the one whose place it takes. */
interface Inherited {
  readonly row: ChunkRow;
  readonly from: string;
  /** It was delivered there: it need not be sent. */
  readonly delivered: boolean;
  readonly unknown: number;
}

export function createTakeOverOrigins(dependencies: OriginDependencies) {
  const { store, ledgers } = dependencies;
  return (input: OriginsInput): Promise<void> =>
    withPulse(dependencies, async () => {
      const { round } = await requireRound(store, input, { round: input.round, runId: input.roundRunId });
      const finder = new OriginFinder(store, input.endpoint);
      await checkAll(input, finder);
      for await (const chunk of chunksOf(store, input)) {
        const inherited: Inherited[] = [];
        for (let rows: readonly ChunkRow[] = await readChunk(store, chunk); rows.length > 0; ) {
          const mended: Mended[] = [];
          for (const row of rows) {
            const origin = await finder.owner(row, chunk, (of) => ledgers.read(of));
            if (origin !== undefined) mended.push({ row, origin });
          }
          rows = [];
          for (const group of byChunk(mended)) {
            const taken = await takeOver(dependencies, input, group);
            inherited.push(...taken.inherited);
            // Another file was faster: these are to be taken from that one.
            rows = [...rows, ...taken.movedOn];
          }
        }
        if (inherited.length === 0) continue;
        const scope = linesScope(
          'takeover',
          inherited.map(({ row }) => row.line),
        );
        await withLedger(ledgers, chunk, { round, scope }, async (ledger) => {
          for (const { row, from, delivered, unknown } of inherited) {
            if (ledger.states.get(row.line)?.outcome === 'delivered') continue;
            if (delivered) ledger.record('d', row.line, undefined, 0, `delivered as ${from}`);
            else ledger.record('o', row.line, undefined, unknown, from);
          }
          await ledger.sync();
        });
      }
    });

  /** All or nothing: what a refused file had taken over, nobody would send. */
  async function checkAll(input: OriginsInput, finder: OriginFinder): Promise<void> {
    await tellingRefusals(dependencies, input, async () => {
      for await (const chunk of chunksOf(store, input)) {
        for (const row of await readChunk(store, chunk)) await finder.check(row);
      }
    });
  }
}

/** All of one chunk of an earlier file. `movedOn`: rows that somebody else has taken, so that they are to be taken from that one. */
export async function takeOver(
  { store, ledgers, clock, requestTimeoutMs }: OriginDependencies,
  input: OriginsInput,
  group: readonly Mended[],
): Promise<{ readonly inherited: readonly Inherited[]; readonly movedOn: readonly ChunkRow[] }> {
  const { chunk } = group[0]!.origin;
  const lines = group.map(({ origin }) => origin.row.line);
  const round = await roundAt(store, chunk);
  return withLedger(ledgers, chunk, { round, scope: linesScope('takeover', lines) }, async (ledger) => {
    const inherited: Inherited[] = [];
    const movedOn: ChunkRow[] = [];
    for (const { row, origin } of group) {
      const state = ledger.states.get(origin.row.line);
      const self = `${input.sha256}:${row.line}`;
      // Who owns it was looked up before this attempt had its place in the order.
      if (state !== undefined && state.movedTo !== '' && state.movedTo !== self) {
        movedOn.push(row);
        continue;
      }
      const delivered = state?.outcome === 'delivered';
      const openMs = state?.openFencedMs;
      const settledMs = openMs === undefined ? 0 : unanswerableFromMs(openMs, requestTimeoutMs);
      if (!delivered && settledMs > clock.wallMs()) throw unsettledFailure(1, settledMs - clock.wallMs());
      inherited.push({
        row,
        from: origin.name,
        delivered,
        unknown: (state?.unknown ?? 0) + (ledger.mayHaveLost(origin.row.line) ? 1 : 0),
      });
      if (!delivered) ledger.record('m', origin.row.line, undefined, 0, self);
    }
    if ((await ledger.confirm(lines)) !== undefined) return { inherited, movedOn };
    throw stopFailure({ kind: 'superseded' }, { ...NO_CONTEXT, endpoint: input.endpoint, left: lines.length });
  });
}

const NO_CONTEXT = {
  attempt: 1,
  random: 0,
  retry: { initialIntervalMs: 1_000, maximumIntervalMs: 1_000, maximumAttempts: 1, giveUpAfterMs: 0 },
} as const;

/** Heartbeats while it works; faults of the store and a round that is over become failures that say so. */
export async function withPulse<Result>(
  { scope, clock }: OriginDependencies,
  work: () => Promise<Result>,
): Promise<Result> {
  const { attempt, heartbeat } = scope();
  return tellingTemporal(attempt, () => pulsing(clock, heartbeat, work));
}

export async function withLedger<Result>(
  ledgers: Ledgers,
  chunk: PlacedChunk,
  { round, scope }: { readonly round: number; readonly scope: ReturnType<typeof linesScope> },
  work: (ledger: Ledger) => Promise<Result>,
): Promise<Result> {
  const ledger = await ledgers.open(chunk, { round, scope, parseKey: chunk.parseKey, durable: true });
  try {
    return await work(ledger);
  } finally {
    await ledger.close();
  }
}

/** In which round an attempt takes rows over: the newest. Places have none: nothing is sent from them. */
export async function roundAt(store: Store, chunk: PlacedChunk): Promise<number> {
  return isPlaces(chunk) ? 0 : ((await newestRound(store, chunk))?.round ?? 0);
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
