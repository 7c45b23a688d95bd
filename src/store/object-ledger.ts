/**
 * The ledger in an object store: one object for each chunk, replaced by compare-and-swap. A write names the version that it replaces, so an
 * attempt's announcement and its look are a single request: had anybody written meanwhile, it would fail. Each version carries its writer and
 * a number, so no two are equal, and a writer that did not hear how its write ended finds out by reading. Nothing retries a conditional
 * write but this file.
 */
import type { Clock } from '../clock.ts';
import { Fault } from '../domain/failure.ts';
import { AnswerFigures } from '../domain/ledger/answer-figures.ts';
import { supersedes } from '../domain/ledger/fence.ts';
import type { JournalHeader, ParsedJournal, ResultKind } from '../domain/ledger/journal.ts';
import { CLOSED_LINE, headerLine, intentLine, parseJournal, resultLine } from '../domain/ledger/journal.ts';
import { settled } from '../domain/ledger/outcomes.ts';
import type { RowStates } from '../domain/ledger/row-state.ts';
import { foldable, foldJournals } from '../domain/ledger/row-state.ts';
import { parseStates, statesText } from '../domain/ledger/states-text.ts';
import { WAVES_OF_OBJECTS } from '../domain/ledger/waves.ts';
import type { Content, ObjectStore } from './chunk-object.ts';
import { ChunkObject, ledgerKey, readContent } from './chunk-object.ts';
import { figuresOf } from './folder-journals.ts';
import type { ChunkOf } from './layout.ts';
import { LATE, ledgerPrefix } from './layout.ts';
import type { Attempt, Confirmed, Ledger, Ledgers, StatesAndFigures } from './ledger.ts';
import { StaleRound } from './ledger.ts';

/** Closed journals beyond which they are folded. */
const FOLD_FROM = 24;
/** Results that no announcement has taken along since. */
const LONGEST_PENDING_MS = 1_000;
/** Results of an attempt that others have superseded: a journal of its own, that nobody else writes. */
const lateKey = (of: ChunkOf, epoch: number): string => `${ledgerPrefix(of)}/${LATE}${epoch}`;

export interface ObjectLedgersOptions {
  readonly objects: ObjectStore;
  readonly clock: Clock;
}

export class ObjectLedgers implements Ledgers {
  readonly waves = WAVES_OF_OBJECTS;
  readonly #objects: ObjectStore;
  readonly #clock: Clock;

  constructor({ objects, clock }: ObjectLedgersOptions) {
    this.#objects = objects;
    this.#clock = clock;
  }

  async open(of: ChunkOf, { round, scope, parseKey }: Attempt): Promise<Ledger> {
    const chunk = new ChunkObject(this.#objects, of, this.#clock);
    let header: JournalHeader | undefined;
    let states: RowStates = new Map();
    await chunk.change(async (before) => {
      if (before !== undefined && before.round > round) throw new StaleRound(round, before.round);
      if (before !== undefined && before.parseKey !== parseKey) throw otherNumbering(before.parseKey, parseKey);
      const epoch = (before?.epoch ?? 0) + 1;
      header = { epoch, round, atMs: this.#clock.wallMs(), scope, parseKey };
      const journals = await this.#journals(of, before);
      const own = { ...header, closed: false, lines: [] };
      states = settled(foldJournals([...journals, own], { states: parseStates(before?.base ?? '') }));
      const ended = journals.filter((journal) => journal.closed);
      const closed = foldable(ended, journals, FOLD_FROM);
      const open = (before?.journals ?? []).filter((entry) => !closed.some((folded) => folded.epoch === entry.epoch));
      const base = statesText(foldJournals(closed, { states: parseStates(before?.base ?? '') }));
      const figures = figuresOf(before?.figures, closed).line();
      const counted = figures === '' ? {} : { figures };
      return { epoch, round, parseKey, base, ...counted, journals: [...open, { epoch, text: headerLine(header) }] };
    });
    return new ObjectLedger(chunk, header!, states, this.#clock);
  }

  async read(of: ChunkOf): Promise<RowStates> {
    return (await this.readWithFigures(of)).states;
  }

  async readWithFigures(of: ChunkOf): Promise<StatesAndFigures> {
    const version = await readContent(this.#objects, ledgerKey(of));
    const journals = await this.#journals(of, version?.content);
    const states = settled(foldJournals(journals, { states: parseStates(version?.content.base ?? '') }));
    return { states, figures: figuresOf(version?.content.figures, journals) };
  }

  /** Lowest epoch first. An attempt's text only grows: of what it has written here and there the longer one holds. */
  async #journals(of: ChunkOf, content: Content | undefined): Promise<ParsedJournal[]> {
    const journals: ParsedJournal[] = [];
    for (const { epoch, text } of content?.journals ?? []) {
      let journal = parseJournal(text, epoch);
      // Whoever ended in good order was superseded by nobody.
      const late = journal?.closed ? undefined : await this.#objects.read(lateKey(of, epoch));
      if (late !== undefined && late.text.length > text.length) journal = parseJournal(late.text, epoch);
      if (journal !== undefined) journals.push(journal);
    }
    return journals.sort((a, b) => a.epoch - b.epoch);
  }
}

const otherNumbering = (known: string, own: string): Fault =>
  new Fault(
    'store',
    `the receipts of this file belong to the parse options ${known}, this attempt to ${own}`,
    'This should not happen: report it. Nothing is sent.',
  );

class Superseded extends Error {}

class ObjectLedger implements Ledger {
  readonly states: RowStates;
  readonly figures = new AnswerFigures();
  readonly #chunk: ChunkObject;
  readonly #header: JournalHeader;
  readonly #clock: Clock;
  /** All that this attempt has said. */
  #text: string;
  #pending = '';
  #pendingSinceMs = 0;
  #closed = false;
  #writing: Promise<unknown> = Promise.resolve();

  constructor(chunk: ChunkObject, header: JournalHeader, states: RowStates, clock: Clock) {
    this.#chunk = chunk;
    this.#header = header;
    this.#text = headerLine(header);
    this.states = states;
    this.#clock = clock;
  }

  get epoch(): number {
    return this.#header.epoch;
  }

  /** What was written is there. */
  mayHaveLost(): boolean {
    return false;
  }

  announce(lines: readonly number[]): Promise<Confirmed> {
    return this.#inTurn(() => this.#write(intentLine(lines, this.#clock.wallMs()), lines));
  }

  confirm(lines: readonly number[]): Promise<Confirmed> {
    return this.#inTurn(() => this.#write('', lines));
  }

  record(kind: ResultKind, line: number, status: number | undefined, attempts: number, reason = ''): void {
    if (this.#pending === '') this.#pendingSinceMs = this.#clock.now();
    this.#pending += resultLine(kind, line, status, attempts, this.#clock.wallMs(), reason);
  }

  /** They go with the next announcement, or the next sync: a request for each turn would be one for a few answers. */
  writeResults(): void {}

  async sync(): Promise<void> {
    await this.#inTurn(async () => {
      if (this.#pending !== '') await this.#write('', []);
    });
  }

  /** The next announcement takes along what was recorded, and mostly comes soon. */
  async keepUp(): Promise<void> {
    if (this.#pending !== '' && this.#clock.now() - this.#pendingSinceMs >= LONGEST_PENDING_MS) await this.sync();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#inTurn(() => this.#write(this.figures.line() + CLOSED_LINE, []));
  }

  /** One write after another. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#writing.then(work, work);
    this.#writing = turn.catch(() => undefined);
    return turn;
  }

  /** Writes what is pending, and `more`; undefined where somebody has taken one of the lines. What was answered is written down all the same. */
  async #write(more: string, lines: readonly number[]): Promise<Confirmed> {
    const { epoch } = this.#header;
    const results = this.#pending;
    this.#pending = '';
    const before = this.#text + results;
    let begunMs = this.#clock.now();
    let asked = false;
    try {
      await this.#chunk.change((content) => {
        begunMs = this.#clock.now();
        this.#mustOwn(content, lines);
        // From here on it may be there, whatever is heard of it, and texts only grow: whoever reads two believes the longer one.
        asked = true;
        const text = before + more;
        this.#text = text;
        return {
          ...content,
          journals: content.journals.map((entry) => (entry.epoch === epoch ? { epoch, text } : entry)),
        };
      });
      return begunMs;
    } catch (error) {
      if (!asked) this.#text = before + (more.endsWith(CLOSED_LINE) ? more : '');
      if (!(error instanceof Superseded)) throw error;
    }
    await this.#chunk.objects.write(lateKey(this.#chunk.of, epoch), this.#text);
    return undefined;
  }

  /** Throws Superseded unless these rows are still this attempt's. */
  #mustOwn(content: Content | undefined, lines: readonly number[]): asserts content is Content {
    const { epoch } = this.#header;
    if (!content?.journals.some((entry) => entry.epoch === epoch)) throw new Superseded();
    const newer = content.journals
      .filter((entry) => entry.epoch > epoch)
      .map(({ text, epoch }) => parseJournal(text.slice(0, text.indexOf('\n') + 1), epoch));
    const taken = newer.some(
      (other) => other !== undefined && lines.some((line) => supersedes(other, this.#header, line)),
    );
    if (taken || foldedLater(content, epoch)) throw new Superseded();
  }
}

/** An attempt that came later has ended and is folded: which rows it took can no longer be seen. */
function foldedLater({ epoch: highest, journals }: Content, epoch: number): boolean {
  for (let later = epoch + 1; later <= highest; later++) {
    if (!journals.some((entry) => entry.epoch === later)) return true;
  }
  return false;
}
