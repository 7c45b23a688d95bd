/**
 * Before a file that mends rows of earlier ones is sent: those rows become its own, so that nobody else sends them. A row is taken from
 * whoever owns it now (the file that mended it before, if one did), as any attempt takes rows: a new epoch first, which stops whoever is
 * sending it from there, then reading, then the word that it has moved, then the look. What may have reached its user comes along.
 */

import type { Clock } from '../src/clock.ts';
import { unanswerableFromMs } from '../src/domain/ledger/fence.ts';
import { linesScope } from '../src/domain/ledger/journal.ts';
import type { OriginsInput } from '../src/domain/ledger/origin-contracts.ts';
import { hasName, rowName } from '../src/domain/ledger/row-names.ts';
import type { ChunkRow } from '../src/store/chunks.ts';
import { readChunk } from '../src/store/chunks.ts';
import type { Ledger, Ledgers } from '../src/store/ledger.ts';
import type { PlacedChunk, PlacedRow } from '../src/store/origins.ts';
import { chunksOf, isPlaces, OriginFinder } from '../src/store/origins.ts';
import { newestRound, requireRound } from '../src/store/rounds.ts';
import type { Store } from '../src/store/store.ts';
import { supersededFailure, tellingTemporal, unsettledFailure } from './failures.ts';
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
export interface Placed {
  readonly row: ChunkRow;
  readonly origin: PlacedRow;
  readonly last?: PassedRow | undefined;
}

interface Mended extends Placed {
  /** The names of the rows on the way from its origin to there. */
  readonly passed: ReadonlySet<string>;
  /** The one before. */
  readonly last: PassedRow | undefined;
}

/** A row that was left for the one that has taken its place. */
interface PassedRow {
  readonly name: string;
  /** Requests with an unknown outcome that were known of there. */
  readonly unknown: number;
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
        let mended: readonly Mended[] = await withOrigins(await readChunk(store, chunk), finder);
        while (mended.length > 0) {
          const movedOn: Mended[] = [];
          for (const group of byChunk(mended)) {
            const taken = await takeOver(dependencies, input, group, (movedTo, one, unknown) =>
              follow(movedTo, one, unknown, finder),
            );
            inherited.push(...taken.inherited);
            movedOn.push(...taken.movedOn);
          }
          mended = movedOn;
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

/** Those of the rows that name an origin, each with it. */
async function withOrigins(rows: readonly ChunkRow[], finder: OriginFinder): Promise<Mended[]> {
  const mended: Mended[] = [];
  for (const row of rows) {
    const origin = row.origin === undefined ? undefined : await finder.standIn(row.origin, row);
    if (origin !== undefined) mended.push({ row, origin, passed: new Set([origin.name]), last: undefined });
  }
  return mended;
}

/** One step on the way to a row's present owner; undefined: there is none further on. */
async function follow(
  movedTo: string,
  { row, origin, passed }: Mended,
  unknown: number,
  finder: OriginFinder,
): Promise<Mended | undefined> {
  const next = passed.has(movedTo) ? undefined : await finder.standIn(movedTo, row);
  return next && { row, origin: next, passed: new Set([...passed, movedTo]), last: { name: origin.name, unknown } };
}

/**
 * All of one chunk of an earlier file. `movedOn`: what `next` returns for rows that somebody else has taken from there; where that is nothing, they
 * are taken here. Who has taken a row is written down once more: an attempt that was overtaken before its look may have written that it has, too,
 * and of such words the last one holds.
 */
export async function takeOver<Row extends Placed>(
  { store, ledgers, clock, requestTimeoutMs }: OriginDependencies,
  input: OriginsInput,
  group: readonly Row[],
  next: (movedTo: string, taken: Row, unknown: number) => Promise<Row | undefined>,
): Promise<{ readonly inherited: readonly Inherited[]; readonly movedOn: readonly Row[] }> {
  const { chunk } = group[0]!.origin;
  const lines = group.map(({ origin }) => origin.row.line);
  const round = await roundAt(store, chunk);
  return withLedger(ledgers, chunk, { round, scope: linesScope('takeover', lines) }, async (ledger) => {
    const inherited: Inherited[] = [];
    const movedOn: Row[] = [];
    for (const one of group) {
      const { row, origin, last } = one;
      const state = ledger.states.get(origin.row.line);
      const delivered = state?.outcome === 'delivered';
      const self = rowName(input, row.line);
      // Whoever takes a row says so where he takes it before he writes at his own what comes along: if he was stopped in between, it is known there only.
      const untold = last === undefined || hasName(state?.tookFrom ?? '', last.name) ? 0 : last.unknown;
      const lost = ledger.mayHaveLost(origin.row.line) || state?.maybeTwice === true ? 1 : 0;
      const unknown = untold + (state?.unknown ?? 0) + lost;
      const movedTo = delivered || state === undefined || state.movedTo === self ? '' : state.movedTo;
      const further = movedTo === '' ? undefined : await next(movedTo, one, unknown);
      if (further !== undefined) {
        movedOn.push(further);
        ledger.record('m', origin.row.line, undefined, 0, movedTo);
        continue;
      }
      const openMs = state?.openFencedMs;
      const settledMs = openMs === undefined ? 0 : unanswerableFromMs(openMs, requestTimeoutMs);
      if (!delivered && settledMs > clock.wallMs()) throw unsettledFailure(1, settledMs - clock.wallMs());
      inherited.push({ row, from: origin.name, delivered, unknown });
      if (!delivered) ledger.record('m', origin.row.line, undefined, 0, self);
    }
    if ((await ledger.confirm(lines)) !== undefined) return { inherited, movedOn };
    throw supersededFailure();
  });
}

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

export function byChunk<Row extends Placed>(mended: readonly Row[]): Row[][] {
  const groups = new Map<string, Row[]>();
  for (const entry of mended) {
    const { sha256, chunk } = entry.origin.chunk;
    const key = `${sha256}/${chunk}`;
    groups.set(key, [...(groups.get(key) ?? []), entry]);
  }
  return [...groups.values()];
}
