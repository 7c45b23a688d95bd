/**
 * The ledger in a folder: one for each chunk, a journal for each attempt, `<epoch>.journal`. Epochs are given out by O_EXCL and never used
 * again. An attempt appends what it announces, *then* lists the folder: a newcomer's journal was there before the newcomer read anything, so
 * one of the two sees the other.
 *
 * Closed journals are folded into a base, `<epoch>.base`, when there are many: by an attempt that, having written it, finds itself the newest.
 * So whoever comes later has read it, and only then the journals that it covers are removed. Journals that were not closed stay: their writer
 * may be stopped, and have an answer to write down.
 */
import type { Clock } from '../clock.ts';
import { Fault } from '../domain/failure.ts';
import { AnswerFigures } from '../domain/ledger/answer-figures.ts';
import { supersedes } from '../domain/ledger/fence.ts';
import type { JournalHeader, ResultKind } from '../domain/ledger/journal.ts';
import {
  CLOSED_LINE,
  headerLine,
  intentLine,
  linesScope,
  parseJournal,
  resultLine,
  touches,
} from '../domain/ledger/journal.ts';
import { settled } from '../domain/ledger/outcomes.ts';
import type { RowStates } from '../domain/ledger/row-state.ts';
import { WAVES_OF_A_FOLDER } from '../domain/ledger/waves.ts';
import type { Reading } from './folder-journals.ts';
import { entriesOf, FolderJournals, figuresOf, parseBase } from './folder-journals.ts';
import type { ChunkOf } from './layout.ts';
import { baseKey, journalKey, ledgerPrefix } from './layout.ts';
import type { Attempt, Confirmed, Ledger, Ledgers, StatesAndFigures } from './ledger.ts';
import { StaleRound } from './ledger.ts';
import type { Journal, JournalStore } from './store.ts';

export interface FolderLedgersOptions {
  readonly store: JournalStore;
  readonly clock: Clock;
  /** This run of this machine: a journal of another run, if it was not closed, may have lost what was not synced. */
  readonly boot: string;
  /** Closed journals of a chunk beyond which they are folded into one. */
  readonly foldFrom?: number;
}

export class FolderLedgers implements Ledgers {
  readonly waves = WAVES_OF_A_FOLDER;
  readonly #store: JournalStore;
  readonly #clock: Clock;
  readonly #boot: string;
  readonly #journals: FolderJournals;

  constructor({ store, clock, boot, foldFrom }: FolderLedgersOptions) {
    this.#store = store;
    this.#clock = clock;
    this.#boot = boot;
    this.#journals = new FolderJournals(store, boot, foldFrom);
  }

  async open(of: ChunkOf, attempt: Attempt): Promise<Ledger> {
    const { epoch, journal } = await this.#takeEpoch(of, attempt);
    const header: JournalHeader = {
      epoch,
      round: attempt.round,
      atMs: this.#clock.wallMs(),
      scope: attempt.scope,
      parseKey: attempt.parseKey,
      ...(attempt.durable ? {} : { boot: this.#boot }),
    };
    try {
      journal.append(headerLine(header));
      // A journal whose name a power loss takes would leave no trace of what was sent from it.
      const [reading] = await Promise.all([this.#journals.read(of, epoch), journal.flush()]);
      refuse(reading, header);
      await this.#journals.keep(of, reading);
      await this.#journals.fold(of, header, reading);
      const states = settled(
        this.#journals.states({ ...reading, journals: [...reading.journals, { ...header, ...EMPTY }] }),
      );
      const hiding = reading.journals.filter(({ closed, boot = this.#boot }) => !closed && boot !== this.#boot);
      return new FolderLedger({ of, store: this.#store, clock: this.#clock, journal, header, attempt, states, hiding });
    } catch (error) {
      await journal.close().catch(() => undefined);
      throw error;
    }
  }

  async read(of: ChunkOf): Promise<RowStates> {
    return (await this.readWithFigures(of)).states;
  }

  async readWithFigures(of: ChunkOf): Promise<StatesAndFigures> {
    const reading = await this.#journals.read(of, Number.POSITIVE_INFINITY);
    return {
      states: settled(this.#journals.states(reading)),
      figures: figuresOf(reading.base?.figures, reading.journals),
    };
  }

  async #takeEpoch(of: ChunkOf, { round, parseKey }: Attempt): Promise<{ epoch: number; journal: Journal }> {
    for (;;) {
      const epoch = entriesOf(this.#store.namesNow(ledgerPrefix(of))).highest + 1;
      const journal = await this.#store.createJournal(journalKey(of, epoch));
      if (journal === undefined) continue;
      // Between the look and the journal others may have had this epoch, and been folded: then there is a higher one by now.
      if (entriesOf(this.#store.namesNow(ledgerPrefix(of))).highest === epoch) return { epoch, journal };
      // It stays, for whoever has the epoch below looks for this one.
      journal.append(headerLine({ ...NOBODY, atMs: this.#clock.wallMs(), parseKey, round }) + CLOSED_LINE);
      await journal.close();
    }
  }
}

/** An epoch that was given up. */
const NOBODY = { scope: linesScope('takeover', []) } as const;
const EMPTY = { closed: false, lines: [] } as const;

/** An attempt of a round that is over, or by another numbering of the rows, must not write a word. */
function refuse({ base, journals }: Reading, own: JournalHeader): void {
  for (const { round, parseKey, epoch } of [...(base === undefined ? [] : [base]), ...journals]) {
    if (round > own.round) throw new StaleRound(own.round, round);
    if (parseKey === undefined || parseKey === own.parseKey) continue;
    throw new Fault(
      'store',
      `the receipts of this file (epoch ${epoch}) belong to the parse options ${parseKey}, this attempt to ${own.parseKey}`,
      'This should not happen: report it. Nothing is sent.',
    );
  }
}

interface FolderLedgerParts {
  readonly of: ChunkOf;
  readonly store: JournalStore;
  readonly clock: Clock;
  readonly journal: Journal;
  readonly header: JournalHeader;
  readonly attempt: Attempt;
  readonly states: RowStates;
  /** Journals of other runs of the machine that were not closed. */
  readonly hiding: readonly JournalHeader[];
}

class FolderLedger implements Ledger {
  readonly states: RowStates;
  readonly figures = new AnswerFigures();
  readonly #parts: FolderLedgerParts;
  /** Headers of higher epochs. */
  readonly #newer = new Map<number, JournalHeader>();
  #pending = '';
  #closed = false;

  constructor(parts: FolderLedgerParts) {
    this.#parts = parts;
    this.states = parts.states;
  }

  get epoch(): number {
    return this.#parts.header.epoch;
  }

  mayHaveLost(line: number): boolean {
    const state = this.states.get(line);
    // What has ended in an earlier round may have been sent again in the one that the power took.
    const mayHaveSent = ({ epoch, round }: JournalHeader): boolean =>
      state === undefined ||
      (state.epoch <= epoch &&
        (state.outcome === undefined || (state.outcome !== 'delivered' && state.outcomeRound !== round)));
    return this.#parts.hiding.some((hidden) => touches(hidden.scope, line) && mayHaveSent(hidden));
  }

  async announce(lines: readonly number[]): Promise<Confirmed> {
    const { journal, attempt, clock } = this.#parts;
    journal.append(this.#pending + intentLine(lines, clock.wallMs()));
    this.#pending = '';
    if (attempt.durable) await journal.flush();
    return this.#look(lines);
  }

  async confirm(lines: readonly number[]): Promise<Confirmed> {
    await this.sync();
    return this.#look(lines);
  }

  record(kind: ResultKind, line: number, status: number | undefined, attempts: number, reason = ''): void {
    this.#pending += resultLine(kind, line, status, attempts, this.#parts.clock.wallMs(), reason);
  }

  writeResults(): void {
    if (this.#pending === '' || this.#closed) return;
    const text = this.#pending;
    this.#pending = '';
    this.#parts.journal.append(text);
  }

  async sync(): Promise<void> {
    this.writeResults();
    await this.#parts.journal.flush();
  }

  keepUp(): Promise<void> {
    return this.sync();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    try {
      await this.sync();
      // Only now: a journal that says so is believed to be whole.
      this.#pending += this.figures.line() + CLOSED_LINE;
      this.writeResults();
    } finally {
      this.#closed = true;
      await this.#parts.journal.close();
    }
  }

  /** A folder that cannot be understood is no leave to send. */
  async #look(lines: readonly number[]): Promise<Confirmed> {
    const { of, store, header, clock } = this.#parts;
    const begunMs = clock.now();
    // Epochs are given out one after another, and what follows an open journal is never folded (folder-journals.ts).
    // One's own must be there, or this is not the folder any more (a mount that is gone).
    if (!store.existsNow(journalKey(of, header.epoch))) return undefined;
    if (!store.existsNow(journalKey(of, header.epoch + 1))) return begunMs;
    const { journals, bases } = entriesOf(store.namesNow(ledgerPrefix(of)));
    const newest = bases.at(-1) ?? 0;
    if (newest > header.epoch && (await this.#coversNewer(newest))) return undefined;
    for (const epoch of journals) {
      if (epoch <= header.epoch) continue;
      const newer = this.#newer.get(epoch) ?? (await this.#readHeader(epoch));
      if (newer === undefined || lines.some((line) => supersedes(newer, header, line))) return undefined;
    }
    return begunMs;
  }

  async #readHeader(epoch: number): Promise<JournalHeader | undefined> {
    const bytes = await this.#parts.store.get(journalKey(this.#parts.of, epoch));
    const newer = bytes && parseJournal(bytes.toString('utf8'), epoch);
    if (newer !== undefined) this.#newer.set(epoch, newer);
    return newer;
  }

  /** Whether attempts that came after this one are folded already. */
  async #coversNewer(baseEpoch: number): Promise<boolean> {
    const bytes = await this.#parts.store.get(baseKey(this.#parts.of, baseEpoch));
    if (bytes === undefined) return true;
    return parseBase(baseEpoch, bytes.toString('utf8')).covers.some(([, last]) => last > this.epoch);
  }
}
