/**
 * The journals of a chunk and of its stubborn alerts: creating one's own, reading all earlier ones, and the fence between two writers.
 *
 * The guarantee rests on an order: create the next epoch, then read the lower ones; and for each wave: append the intent, then ask
 * whether a higher epoch exists, then send. Either the newcomer reads the old writer's intent, or the old writer sees the newcomer.
 */

import type { ParsedJournal, ResultKind, RowState } from '../domain/receipts.ts';
import { foldJournals, handedOverLines, headerLine, intentLine, parseJournal, resultLine } from '../domain/receipts.ts';
import { chunkJournalKey, rowJournalKey } from './layout.ts';
import type { Journal, Store } from './store.ts';

/** Names the journals of one chunk, or of one stubborn alert, by epoch. */
export type EpochKey = (epoch: number) => string;

export interface ReceiptsOf {
  readonly sha256: string;
  readonly endpoint: string;
  readonly chunk: number;
}

export const chunkEpochs =
  (of: ReceiptsOf): EpochKey =>
  (epoch) =>
    chunkJournalKey(of.sha256, of.endpoint, of.chunk, epoch);

export const rowEpochs =
  (of: ReceiptsOf, line: number): EpochKey =>
  (epoch) =>
    rowJournalKey(of.sha256, of.endpoint, line, epoch);

async function readEpochs(store: Store, key: EpochKey): Promise<ParsedJournal[]> {
  const journals: ParsedJournal[] = [];
  for (let epoch = 1; ; epoch++) {
    const bytes = await store.get(key(epoch));
    if (bytes === undefined) return fenced(journals);
    const journal = parseJournal(bytes.toString('utf8'));
    if (journal !== undefined) journals.push(journal);
  }
}

/** Each journal with the time at which a later one of the same rows was begun. */
function fenced(journals: readonly ParsedJournal[]): ParsedJournal[] {
  let fencedAtMs = Number.POSITIVE_INFINITY;
  return journals
    .toReversed()
    .map((journal) => {
      const known = { ...journal, fencedAtMs };
      fencedAtMs = Math.min(fencedAtMs, journal.atMs);
      return known;
    })
    .reverse();
}

/**
 * The state of every alert of a chunk that any journal mentions. Within a round, a chunk's journals come before those of the alerts
 * that it handed over.
 */
export async function readStates(store: Store, of: ReceiptsOf): Promise<Map<number, RowState>> {
  const journals = await readEpochs(store, chunkEpochs(of));
  const rowJournals: ParsedJournal[] = [];
  for (const line of handedOverLines(journals)) rowJournals.push(...(await readEpochs(store, rowEpochs(of, line))));
  const states = new Map<number, RowState>();
  for (const round of new Set(journals.map((journal) => journal.round))) {
    foldJournals(
      journals.filter((journal) => journal.round === round),
      states,
    );
    foldJournals(
      rowJournals.filter((journal) => journal.round === round),
      states,
    );
  }
  return states;
}

/** One attempt's own journal. Result lines are kept back until `writeResults`, which the caller runs in the same event-loop turn. */
export class Ledger {
  readonly #store: Store;
  readonly #journal: Journal;
  readonly #nextEpochKey: string;
  #pending = '';
  #closed = false;

  private constructor(store: Store, journal: Journal, nextEpochKey: string) {
    this.#store = store;
    this.#journal = journal;
    this.#nextEpochKey = nextEpochKey;
  }

  /** Takes the next free epoch. From here on every writer of a lower epoch finds itself superseded at its next wave. */
  static async open(store: Store, key: EpochKey, round: string, nowMs: () => number): Promise<Ledger> {
    for (let epoch = 1; ; epoch++) {
      const journal = await store.createJournal(key(epoch));
      if (journal === undefined) continue;
      try {
        journal.append(headerLine(round, nowMs()));
      } catch (error) {
        await journal.close().catch(() => undefined);
        throw error;
      }
      return new Ledger(store, journal, key(epoch + 1));
    }
  }

  /** Opens the next epoch, lets `work` write into it, and closes it, power-loss safe. */
  static async using<T>(
    store: Store,
    key: EpochKey,
    { round, nowMs }: { readonly round: string; readonly nowMs: () => number },
    work: (ledger: Ledger) => T | Promise<T>,
  ): Promise<T> {
    const ledger = await Ledger.open(store, key, round, nowMs);
    try {
      const result = await work(ledger);
      await ledger.sync();
      return result;
    } finally {
      await ledger.close();
    }
  }

  /** Announces that these lines are about to be sent. On return the announcement is visible to every later epoch. */
  intend(lines: readonly number[], nowMs: number): void {
    this.#journal.append(this.#pending + intentLine(lines, nowMs));
    this.#pending = '';
  }

  /** Whether a newer attempt has begun. Asked after the intent and before the first byte is sent. */
  superseded(): boolean {
    return this.#store.existsNow(this.#nextEpochKey);
  }

  record(
    kind: ResultKind,
    line: number,
    status: number | undefined,
    attempts: number,
    nowMs: number,
    reason = '',
  ): void {
    this.#pending += resultLine(kind, line, status, attempts, nowMs, reason);
  }

  writeResults(): void {
    if (this.#pending === '' || this.#closed) return;
    const text = this.#pending;
    this.#pending = '';
    this.#journal.append(text);
  }

  /** Power-loss safe up to here. */
  async sync(): Promise<void> {
    this.writeResults();
    await this.#journal.flush();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    try {
      this.writeResults();
    } finally {
      this.#closed = true;
      await this.#journal.close();
    }
  }
}
