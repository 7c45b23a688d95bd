/**
 * Looks at rows of earlier files that say what rows of this one say: reads them, to see that they really do, and folds their receipts. File by
 * file, each from its first line to its last, so that each chunk is read once, in whatever order the rows are asked for.
 */
import type { ReadActivities } from '../src/domain/contracts.ts';
import type { EarlierRow } from '../src/domain/ledger/earlier.ts';
import { judgeEarlier } from '../src/domain/ledger/earlier.ts';
import { rowName } from '../src/domain/ledger/row-names.ts';
import { fileWorkflowId } from '../src/domain/names.ts';
import { parseKey, WINDOW_ROWS } from '../src/domain/parse-options.ts';
import type { ChunkRow } from '../src/store/chunks.ts';
import { ChunksMissing, readChunk, readFirstLine } from '../src/store/chunks.ts';
import { readDeliveryRecord } from '../src/store/delivery-record.ts';
import { contentKey } from '../src/store/layout.ts';
import type { Ledgers } from '../src/store/ledger.ts';
import { ALL_WINDOWS } from '../src/store/once/row-pieces.ts';
import type { PlacedChunk, PlacedRow } from '../src/store/origins.ts';
import { chunksOf } from '../src/store/origins.ts';
import { readPruned } from '../src/store/pruned.ts';
import { newestRound } from '../src/store/rounds.ts';
import type { Store } from '../src/store/store.ts';

/** A row of this file, and one of an earlier file that seems to say the same. */
export interface Pair {
  readonly row: ChunkRow;
  readonly sha256: string;
  readonly line: number;
}

/** It does say the same. */
export interface Found extends EarlierRow {
  readonly pair: Pair;
  /** Its own file is at work on it. */
  readonly open: boolean;
  /** Where it is to be taken over from; undefined: it is not. (There may be very many: what is not needed is not kept.) */
  readonly origin: PlacedRow | undefined;
}

export interface EarlierRowsParts {
  readonly store: Store;
  readonly ledgers: Ledgers;
  readonly readChunks: ReadActivities['readChunks'];
  isRunning(workflowId: string): Promise<boolean>;
}

export interface EarlierRowsOptions {
  readonly sha256: string;
  readonly endpoint: string;
  readonly sinceMs: number;
}

export class EarlierRows {
  readonly #parts: EarlierRowsParts;
  readonly #options: EarlierRowsOptions;
  /** By SHA-256. */
  readonly #running = new Map<string, Promise<boolean>>();

  constructor(parts: EarlierRowsParts, options: EarlierRowsOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  /**
   * Pairs of rows that do not say the same are left out. File after file, in the order in which they come first: once a row was found to be
   * delivered, no other is asked for.
   */
  async look(pairs: readonly Pair[]): Promise<Found[]> {
    const byFile = new Map<string, Pair[]>();
    for (const pair of pairs) {
      const known = byFile.get(pair.sha256);
      if (known === undefined) byFile.set(pair.sha256, [pair]);
      else known.push(pair);
    }
    const found: Found[] = [];
    const delivered = new Set<number>();
    for (const [sha256, ofFile] of byFile) {
      const wanted = ofFile.filter(({ row }) => !delivered.has(row.line)).sort((a, b) => a.line - b.line);
      for (const one of await this.#lookIn(sha256, wanted)) {
        found.push(one);
        if (one.kind === 'delivered') delivered.add(one.pair.row.line);
      }
    }
    return found;
  }

  async #lookIn(sha256: string, pairs: readonly Pair[]): Promise<Found[]> {
    try {
      return await this.#lookInChunks(sha256, pairs);
    } catch (error) {
      if (!(error instanceof ChunksMissing)) throw error;
      // What was pruned cannot be compared, and does not count: it is kept for as long as it does (src/app/keeping/).
      if (await this.#wasPruned(sha256)) return [];
      await this.#readAgain(sha256);
      return this.#lookInChunks(sha256, pairs);
    }
  }

  async #lookInChunks(sha256: string, pairs: readonly Pair[]): Promise<Found[]> {
    const { store, ledgers } = this.#parts;
    const { endpoint, sinceMs } = this.#options;
    const record = await readDeliveryRecord(store, { sha256, endpoint });
    if (record === undefined) return [];
    const file = { sha256, endpoint, parseKey: parseKey(record.parse), windows: ALL_WINDOWS };
    const chunks: PlacedChunk[] = [];
    for await (const chunk of chunksOf(store, file)) chunks.push(chunk);
    const round = (await newestRound(store, file))?.round ?? 0;
    const found: Found[] = [];
    let at = 0;
    for (let next = 0; next < pairs.length; ) {
      at = await this.#chunkOf(chunks, at, pairs[next]!.line);
      const chunk = chunks[at];
      if (chunk === undefined) return found;
      const rows = new Map((await readChunk(store, chunk)).map((row) => [row.line, row]));
      const last = [...rows.keys()].at(-1) ?? 0;
      const states = await ledgers.read(chunk);
      // A pair whose line lies between two chunks is none.
      for (let first = next; next < pairs.length && (pairs[next]!.line <= last || next === first); next++) {
        const pair = pairs[next]!;
        const row = rows.get(pair.line);
        if (row?.body !== pair.row.body) continue;
        const self = { sha256: this.#options.sha256, line: pair.row.line };
        const { kind, unknown } = judgeEarlier(states.get(pair.line), { self, newestRound: round, sinceMs });
        const open = kind === 'undecided' && (await this.#isRunning(sha256));
        const isFree = kind === 'ended' || (kind === 'undecided' && !open);
        const origin = isFree ? { chunk, row, name: rowName(pair, pair.line) } : undefined;
        found.push({ kind, unknown, pair, open, origin });
      }
    }
    return found;
  }

  /** The last chunk, from `from` on, that begins at the line or before it. Rows in order are found with one look each. */
  async #chunkOf(chunks: readonly PlacedChunk[], from: number, line: number): Promise<number> {
    const begins = async (index: number): Promise<boolean> =>
      index < chunks.length && (await readFirstLine(this.#parts.store, chunks[index]!)) <= line;
    let low = from;
    let step = 1;
    while (await begins(low + step)) {
      low += step;
      step *= 2;
    }
    for (let high = Math.min(low + step, chunks.length); high - low > 1; ) {
      const middle = (low + high) >> 1;
      if (await begins(middle)) low = middle;
      else high = middle;
    }
    return low;
  }

  #isRunning(sha256: string): Promise<boolean> {
    let running = this.#running.get(sha256);
    if (running === undefined) {
      running = this.#parts.isRunning(fileWorkflowId(sha256, this.#options.endpoint));
      this.#running.set(sha256, running);
    }
    return running;
  }

  async #wasPruned(sha256: string): Promise<boolean> {
    const { store } = this.#parts;
    return !(await store.exists(contentKey(sha256))) && (await readPruned(store, sha256)) !== undefined;
  }

  /** Somebody has deleted its rows since: they come back as they were. */
  async #readAgain(sha256: string): Promise<void> {
    const { store, readChunks } = this.#parts;
    const record = await readDeliveryRecord(store, { sha256, endpoint: this.#options.endpoint });
    if (record === undefined) return;
    let cursor: Parameters<typeof readChunks>[0]['cursor'] = null;
    for (let window = 1; window === 1 || cursor !== null; window++) {
      const { parse, endpoint } = record;
      ({ next: cursor } = await readChunks({ sha256, endpoint, parse, window, cursor, windowRows: WINDOW_ROWS }));
    }
  }
}
