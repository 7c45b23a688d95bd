/**
 * The journals of one chunk in a folder, read: which there are, what they say, and folding those that were closed into a base when there are
 * many. Journals that were not closed stay: their writer may be stopped, and have an answer to write down.
 */
import { Fault } from '../domain/failure.ts';
import { AnswerFigures } from '../domain/ledger/answer-figures.ts';
import type { JournalHeader, ParsedJournal } from '../domain/ledger/journal.ts';
import { parseJournal, parseOldJournal } from '../domain/ledger/journal.ts';
import type { RowStates } from '../domain/ledger/row-state.ts';
import { foldable, foldJournals } from '../domain/ledger/row-state.ts';
import { parseStates, statesText } from '../domain/ledger/states-text.ts';
import type { ChunkOf } from './layout.ts';
import { baseKey, journalKey, ledgerPrefix, oldJournalKey, oldRowJournalKey } from './layout.ts';
import { roundOfRun } from './rounds.ts';
import type { JournalStore } from './store.ts';

/** Closed journals beyond which they are folded. */
const FOLD_FROM = 24;
/** A reader that finds a journal gone begins again: somebody has folded it. */
const MOST_READINGS = 50;
const READ_AT_ONCE = 16;
/** Journals of before come first, in their own order. */
const OLD_EPOCHS_FROM = -1_000_000_000;

type OldJournal = NonNullable<ReturnType<typeof parseOldJournal>>;

export interface Base {
  readonly epoch: number;
  /** Ranges of epochs, both ends included. */
  readonly covers: readonly (readonly [number, number])[];
  /** The journals of before are in it, too. */
  readonly old: boolean;
  /** The newest round that it covers, and whose numbering it is. */
  readonly round: number;
  readonly parseKey: string;
  /** How the attempts were answered; absent: of before that was counted, or nothing is known. */
  readonly figures?: string;
  readonly text: string;
}

export interface Reading {
  readonly base: Base | undefined;
  /** Lowest epoch first. */
  readonly journals: readonly ParsedJournal[];
}

export class FolderJournals {
  readonly #store: JournalStore;
  readonly #boot: string;
  readonly #foldFrom: number;

  /** `boot`: this run of this machine; what a journal of another run had not synced is lost. */
  constructor(store: JournalStore, boot: string, foldFrom = FOLD_FROM) {
    this.#store = store;
    this.#boot = boot;
    this.#foldFrom = foldFrom;
  }

  /** What journals say that were not closed is gone by, so a power loss must not take it any more. */
  async keep(of: ChunkOf, { journals }: Reading): Promise<void> {
    const open = journals.filter(({ closed, epoch, lines }) => !closed && epoch > 0 && lines.length > 0);
    await Promise.all(open.map(({ epoch }) => this.#store.syncJournal(journalKey(of, epoch))));
  }

  states({ base, journals }: Reading): RowStates {
    const states: RowStates = base === undefined ? new Map() : parseStates(base.text);
    return foldJournals(journals, { states, boot: this.#boot });
  }

  /** All journals below an epoch that are in no base, and the newest base. */
  async read(of: ChunkOf, below: number): Promise<Reading> {
    for (let tries = 0; tries < MOST_READINGS; tries++) {
      const entries = entriesOf(this.#store.namesNow(ledgerPrefix(of)));
      const base = await this.#readBase(of, entries.bases.at(-1));
      if (base === 'gone') continue;
      const epochs = entries.journals.filter((epoch) => epoch < below && !covers(base, epoch));
      const journals = await this.#readAll(epochs.map((epoch) => ({ key: journalKey(of, epoch), epoch })));
      if (journals === 'gone') continue;
      const old = base?.old ? [] : await this.#readOld(of);
      return { base, journals: [...old, ...journals] };
    }
    throw new Fault('store', `the receipts in ${ledgerPrefix(of)} change all the time`, 'It is tried again.');
  }

  async #readBase(of: ChunkOf, epoch: number | undefined): Promise<Base | undefined | 'gone'> {
    if (epoch === undefined) return undefined;
    const bytes = await this.#store.get(baseKey(of, epoch));
    return bytes === undefined ? 'gone' : parseBase(epoch, bytes.toString('utf8'));
  }

  async #readAll(entries: readonly { key: string; epoch: number }[]): Promise<ParsedJournal[] | 'gone'> {
    const journals: ParsedJournal[] = [];
    for (let from = 0; from < entries.length; from += READ_AT_ONCE) {
      const part = entries.slice(from, from + READ_AT_ONCE);
      const texts = await Promise.all(part.map(({ key }) => this.#store.get(key)));
      for (const [index, bytes] of texts.entries()) {
        if (bytes === undefined) return 'gone';
        const journal = parseJournal(bytes.toString('utf8'), part[index]!.epoch);
        if (journal !== undefined) journals.push(journal);
      }
    }
    return journals;
  }

  /** Journals of before rounds were numbers. Within a round those of the chunk come before those of its stubborn alerts. */
  async #readOld(of: ChunkOf): Promise<ParsedJournal[]> {
    const first = await this.#store.get(oldJournalKey(of, 1));
    if (first === undefined) return [];
    const roundOf = await roundOfRun(this.#store, of);
    const names: string[] = [];
    const read = async (key: (epoch: number) => string, line?: number): Promise<OldJournal[]> => {
      const found: OldJournal[] = [];
      for (let epoch = 1; ; epoch++) {
        const bytes = await this.#store.get(key(epoch));
        if (bytes === undefined) return found;
        const journal = parseOldJournal(bytes.toString('utf8'), line);
        if (journal === undefined) continue;
        found.push(journal);
        if (!names.includes(journal.run)) names.push(journal.run);
      }
    };
    const journals = await read((epoch) => oldJournalKey(of, epoch));
    const lines = new Set<number>();
    for (const { lines: texts } of journals) {
      for (const text of texts) if (text.startsWith('s ')) lines.add(Number(text.split(' ', 2)[1]));
    }
    const ofRows: OldJournal[] = [];
    for (const line of lines) {
      const found = await read((epoch) => oldRowJournalKey(of, line, epoch), line);
      // An empty one was only made to stop others.
      ofRows.push(...found.filter((journal) => journal.lines.length > 0));
    }
    const ordered = names.flatMap((run, index) => {
      // Those that have got no number come before all that have, in their own order.
      const round = roundOf(run) || index - names.length;
      const ofRun = [...journals, ...ofRows].filter((journal) => journal.run === run);
      return ofRun.map(({ run: _, ...journal }) => ({ ...journal, round }));
    });
    return ordered.map((journal, index) => ({ ...journal, epoch: OLD_EPOCHS_FROM + index }));
  }

  /** Folds the closed journals that this attempt has read, where there are many. What it read stays true for it. */
  async fold(of: ChunkOf, { epoch, round, parseKey }: JournalHeader, { base, journals }: Reading): Promise<void> {
    // What follows an open journal stays: its writer looks there whether anybody has come after it.
    const open = new Set(journals.filter((journal) => !journal.closed).map((journal) => journal.epoch));
    const ended = journals.filter(({ closed, epoch: own }) => (closed && !open.has(own - 1)) || own < 0);
    const folded = foldable(ended, journals, this.#foldFrom);
    if (folded.length === 0) return;
    const covered = [
      ...(base?.covers ?? []),
      ...ranges(folded.map((journal) => journal.epoch).filter((own) => own > 0)),
    ];
    const old = base?.old === true || folded.some((journal) => journal.epoch < 0);
    // What is not folded may still have been the last word before a power loss.
    const said = journals.map((journal) => (folded.includes(journal) ? journal : { ...journal, lines: [] }));
    const figures = figuresOf(base?.figures, folded).line();
    const head = JSON.stringify({ covers: covered, old, round, parseKey, ...(figures === '' ? {} : { figures }) });
    await this.#store.put(baseKey(of, epoch), `${head}\n${statesText(this.states({ base, journals: said }))}`);
    const now = entriesOf(this.#store.namesNow(ledgerPrefix(of)));
    // Whoever has come meanwhile may not have seen the base: the journals are left to the next one that folds.
    if (now.highest > epoch) return;
    for (const journal of now.journals) {
      if (covers({ covers: covered }, journal)) await this.#store.delete(journalKey(of, journal));
    }
    for (const earlier of now.bases) if (earlier < epoch) await this.#store.delete(baseKey(of, earlier));
  }
}

/** How attempts were answered: those that a base covers, and those of journals. */
export function figuresOf(
  folded: string | undefined,
  journals: readonly Pick<ParsedJournal, 'closed' | 'lines'>[],
): AnswerFigures {
  const sum = new AnswerFigures();
  const lines = [folded ?? '', ...journals.map(({ closed, lines }) => (closed ? (lines.at(-1) ?? '') : ''))];
  for (const line of lines) {
    const figures = AnswerFigures.parse(line);
    if (figures !== undefined) sum.add(figures);
  }
  return sum;
}

export interface Entries {
  readonly journals: readonly number[];
  readonly bases: readonly number[];
  /** 0: there is nothing. */
  readonly highest: number;
}

export function entriesOf(names: readonly string[]): Entries {
  const numbersOf = (ending: string): number[] =>
    names
      .filter((name) => name.endsWith(ending))
      .map((name) => Number(name.slice(0, -ending.length)))
      .filter(Number.isInteger)
      .sort((a, b) => a - b);
  const journals = numbersOf('.journal');
  const bases = numbersOf('.base');
  return { journals, bases, highest: Math.max(0, journals.at(-1) ?? 0, bases.at(-1) ?? 0) };
}

const covers = (base: Pick<Base, 'covers'> | undefined, epoch: number): boolean =>
  base?.covers.some(([first, last]) => first <= epoch && epoch <= last) ?? false;

function ranges(epochs: readonly number[]): [number, number][] {
  const found: [number, number][] = [];
  for (const epoch of epochs) {
    const last = found.at(-1);
    if (last?.[1] === epoch - 1) last[1] = epoch;
    else found.push([epoch, epoch]);
  }
  return found;
}

export function parseBase(epoch: number, text: string): Base {
  const end = text.indexOf('\n');
  return { ...(JSON.parse(text.slice(0, end)) as Omit<Base, 'epoch' | 'text'>), epoch, text: text.slice(end + 1) };
}
