/**
 * Once a message: before a file is sent it takes its number among the files of its endpoint, and looks for its rows in those with lower ones. What
 * was delivered there is not sent again; what is being delivered there is waited for; what was left there is taken over, as the origins of mended
 * rows are. Before the last visits those that wait are looked at again, until none does. Idempotent: all that is decided is in the receipts.
 */

import { linesScope, SAME_AS } from '../src/domain/ledger/journal.ts';
import type { LookBackInput } from '../src/domain/ledger/origin-contracts.ts';
import { hasName, namesIn, parseRowName, rowName } from '../src/domain/ledger/row-names.ts';
import { failpoint } from '../src/failpoint.ts';
import type { ChunkRow } from '../src/store/chunks.ts';
import { readChunk } from '../src/store/chunks.ts';
import { OnceIndex } from '../src/store/once/once-index.ts';
import { registerEarlier } from '../src/store/once/register-earlier.ts';
import type { RowPiece } from '../src/store/once/row-pieces.ts';
import { rowPiecesOf } from '../src/store/once/row-pieces.ts';
import type { PlacedChunk } from '../src/store/origins.ts';
import { chunksOf } from '../src/store/origins.ts';
import { requireRound } from '../src/store/rounds.ts';
import type { EarlierRowsParts, Found, Pair } from './earlier-rows.ts';
import { EarlierRows } from './earlier-rows.ts';
import { earlierFileFailure, supersededFailure } from './failures.ts';
import type { OriginDependencies, Placed } from './take-over-origins.ts';
import { byChunk, takeOver, withLedger, withPulse } from './take-over-origins.ts';

/** That are looked at together. */
const MOST_PAIRS = 100_000;

export type LookBackDependencies = OriginDependencies & Pick<EarlierRowsParts, 'readChunks' | 'isRunning'>;

/** What becomes of one row of this file; most are duplicates. */
interface Decision {
  /** The row of an earlier file that has delivered the same. */
  duplicateOf: Pair | undefined;
  /** What rows of earlier files leave to it. */
  took: readonly { readonly pair: Pair; readonly unknown: number }[];
  waitsFor: readonly Pair[];
}

const NONE: readonly never[] = [];

export function createLookBack(dependencies: LookBackDependencies) {
  return (input: LookBackInput): Promise<void> =>
    withPulse(dependencies, async () => {
      const { store, clock } = dependencies;
      const { round } = await requireRound(store, input, { round: input.round, runId: input.roundRunId });
      const { withinMs } = input.once;
      const sinceMs = clock.wallMs() - (withinMs ?? 0);
      const work = new LookBack(dependencies, input, { round, sinceMs });
      if (input.waiting) await work.lookAgain();
      else await work.lookForAll(withinMs === null);
    });
}

class LookBack {
  readonly #dependencies: LookBackDependencies;
  readonly #input: LookBackInput;
  readonly #round: number;
  readonly #sinceMs: number;
  readonly #earlier: EarlierRows;

  constructor(
    dependencies: LookBackDependencies,
    input: LookBackInput,
    { round, sinceMs }: { readonly round: number; readonly sinceMs: number },
  ) {
    const { sha256, endpoint } = input;
    this.#dependencies = dependencies;
    this.#input = input;
    this.#round = round;
    this.#sinceMs = sinceMs;
    this.#earlier = new EarlierRows(dependencies, { sha256, endpoint, sinceMs });
  }

  /** `only`: registers, and looks for nothing. */
  async lookForAll(only: boolean): Promise<void> {
    const { store, clock } = this.#dependencies;
    const index = new OnceIndex(store, this.#input.endpoint, clock);
    if (!only && !(await index.isComplete())) {
      // In this order: a file that begins now finds the index, or is found.
      await index.begin();
      await registerEarlier(index, this.#input, this.#sinceMs);
      await index.complete();
    }
    const number = await index.register(this.#input);
    failpoint('once.registered');
    if (only) return;
    for await (const piece of rowPiecesOf(store, this.#input)) {
      for await (const { chunks, pairs } of this.#pairsIn(index, piece, number)) await this.#settle(chunks, pairs);
    }
  }

  /** Throws a failure that is retried while any row waits. */
  async lookAgain(): Promise<void> {
    const { store, ledgers, scope } = this.#dependencies;
    let waiting = 0;
    for await (const chunk of chunksOf(store, this.#input)) {
      const states = await ledgers.read(chunk);
      const pairs: Pair[] = [];
      for (const row of await readChunk(store, chunk)) {
        for (const name of namesIn(states.get(row.line)?.waitsFor ?? '')) {
          const earlier = parseRowName(name);
          if (earlier !== undefined) pairs.push({ row, ...earlier });
        }
      }
      if (pairs.length === 0) continue;
      const left = await this.#settle([chunk], pairs, true);
      waiting += left;
      // The file that is waited for has not come so far yet: the rest of this one need not be looked at.
      if (left > 0 && left === new Set(pairs.map(({ row }) => row.line)).size) break;
    }
    if (waiting > 0) throw earlierFileFailure(waiting, scope().attempt);
  }

  /** In parts of whole chunks: a row may have many earlier ones. */
  async *#pairsIn(
    index: OnceIndex,
    piece: RowPiece,
    number: number,
  ): AsyncGenerator<{ readonly chunks: readonly PlacedChunk[]; readonly pairs: readonly Pair[] }> {
    const matches = (await index.matches(piece, number)).inOrder();
    let next = matches.next();
    let part = { chunks: [] as PlacedChunk[], pairs: [] as Pair[] };
    for (const chunk of piece.chunks) {
      if (next.done) break;
      const rows = new Map((await readChunk(this.#dependencies.store, chunk)).map((row) => [row.line, row]));
      part.chunks.push(chunk);
      for (let row: ChunkRow | undefined; !next.done; next = matches.next()) {
        const { ownLine, file, line } = next.value;
        row = rows.get(ownLine);
        if (row === undefined) break;
        if (file.sha256 !== this.#input.sha256) part.pairs.push({ row, sha256: file.sha256, line });
      }
      if (part.pairs.length < MOST_PAIRS) continue;
      yield part;
      part = { chunks: [], pairs: [] };
    }
    yield part;
  }

  /** Returns how many rows wait. `known`: the pairs were found to say the same before. */
  async #settle(chunks: readonly PlacedChunk[], pairs: readonly Pair[], known = false): Promise<number> {
    const unsettled = pairs.length === 0 ? [] : await this.#unsettled(chunks, pairs);
    if (unsettled.length === 0) return 0;
    const found = await this.#earlier.look(unsettled);
    const decisions = decide(found, known ? unsettled : []);
    await this.#takeOver(decisions, found);
    let waiting = 0;
    for (const [line, { duplicateOf, took, waitsFor }] of decisions) {
      const waits = duplicateOf === undefined && waitsFor.length > 0;
      if (waits) waiting++;
      // It is written already what it waits for.
      if (waits && known && took.length === 0) decisions.delete(line);
    }
    await this.#write(chunks, decisions);
    return waiting;
  }

  /** Without rows that have ended, or are somebody else's by now, and without what was decided before. */
  async #unsettled(chunks: readonly PlacedChunk[], pairs: readonly Pair[]): Promise<Pair[]> {
    const { ledgers } = this.#dependencies;
    const byLine = new Map<number, Pair[]>();
    for (const pair of pairs) byLine.set(pair.row.line, [...(byLine.get(pair.row.line) ?? []), pair]);
    const unsettled: Pair[] = [];
    for (const chunk of chunks) {
      const states = await ledgers.read(chunk);
      for (const { line } of await readChunk(this.#dependencies.store, chunk)) {
        const state = states.get(line);
        if (state?.outcome === 'delivered' || (state !== undefined && state.movedTo !== '')) continue;
        for (const pair of byLine.get(line) ?? []) {
          if (!hasName(state?.tookFrom ?? '', rowName(pair, pair.line))) unsettled.push(pair);
        }
      }
    }
    return unsettled;
  }

  /** Rows that wait for none take over what was left to them. */
  async #takeOver(decisions: ReadonlyMap<number, Decision>, found: readonly Found[]): Promise<void> {
    const mended: Placed[] = [];
    for (const { pair, origin } of found) {
      const { duplicateOf, waitsFor } = decisions.get(pair.row.line)!;
      if (origin !== undefined && duplicateOf === undefined && waitsFor.length === 0) {
        mended.push({ row: pair.row, origin });
      }
    }
    for (const group of byChunk(mended)) {
      const { inherited, movedOn } = await takeOver(this.#dependencies, this.#input, group, async (_to, one) => one);
      // They are looked for anew.
      if (movedOn.length > 0) throw supersededFailure();
      for (const { row, from, delivered, unknown } of inherited) {
        const decision = decisions.get(row.line)!;
        const pair = { row, ...parseRowName(from)! };
        if (delivered) decision.duplicateOf ??= pair;
        else decision.took = [...decision.took, { pair, unknown }];
      }
    }
  }

  async #write(chunks: readonly PlacedChunk[], decisions: ReadonlyMap<number, Decision>): Promise<void> {
    const { store, ledgers } = this.#dependencies;
    for (const chunk of chunks) {
      const lines = (await readChunk(store, chunk)).map(({ line }) => line).filter((line) => decisions.has(line));
      if (lines.length === 0) continue;
      const attempt = { round: this.#round, scope: linesScope('takeover', lines) };
      await withLedger(ledgers, chunk, attempt, async (ledger) => {
        for (const line of lines) {
          const { duplicateOf, took, waitsFor } = decisions.get(line)!;
          if (ledger.states.get(line)?.outcome === 'delivered') continue;
          for (const { pair, unknown } of took) ledger.record('o', line, undefined, unknown, nameOf(pair));
          if (duplicateOf !== undefined) ledger.record('d', line, undefined, 0, `${SAME_AS}${nameOf(duplicateOf)}`);
          else for (const pair of waitsFor) ledger.record('w', line, undefined, 0, nameOf(pair));
        }
        await ledger.sync();
      });
    }
  }
}

/**
 * A row that was delivered makes a duplicate; one that is open, or any beside it that may still be sent, is waited for. `known`: pairs of which
 * nothing is left to wait for if they are not found any more.
 */
function decide(found: readonly Found[], known: readonly Pair[]): Map<number, Decision> {
  const decisions = new Map<number, Decision>();
  const decisionOf = ({ row: { line } }: Pair): Decision => {
    let decision = decisions.get(line);
    if (decision === undefined) {
      decision = { duplicateOf: undefined, took: NONE, waitsFor: NONE };
      decisions.set(line, decision);
    }
    return decision;
  };
  const there = new Set(known.length === 0 ? [] : found.map(({ pair }) => pair));
  for (const pair of known) {
    const decision = decisionOf(pair);
    if (!there.has(pair)) decision.took = [...decision.took, { pair, unknown: 0 }];
  }
  for (const { kind, pair, unknown, open } of found) {
    const decision = decisionOf(pair);
    if (kind === 'delivered') decision.duplicateOf ??= pair;
    if (kind === 'gone') decision.took = [...decision.took, { pair, unknown }];
    if (open) decision.waitsFor = [...decision.waitsFor, pair];
  }
  for (const { pair, origin } of found) {
    const decision = decisionOf(pair);
    if (origin !== undefined && decision.waitsFor.length > 0) decision.waitsFor = [...decision.waitsFor, pair];
  }
  return decisions;
}

const nameOf = (pair: Pair): string => rowName(pair, pair.line);
