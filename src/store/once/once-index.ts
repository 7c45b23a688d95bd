/**
 * Which rows were, or are to be, sent to an endpoint, by files that are delivered at any time and by any host. A file takes its number when its
 * rows can be seen, and then asks for the rows of lower numbers. So of two files exactly the later one sees the other. All objects are written
 * once; what is merged is removed afterwards, and whoever was reading it begins again.
 */
import type { Clock } from '../../clock.ts';
import { Fault } from '../../domain/failure.ts';
import type { DeliveryOf } from '../layout.ts';
import type { Store } from '../store.ts';
import * as keys from './keys.ts';
import type { NumberedFile } from './matches.ts';
import { Matches } from './matches.ts';
import type { RowPiece, RowsOf } from './row-pieces.ts';
import { ENTRY_WORDS, rowPiecesOf } from './row-pieces.ts';
import { findRows } from './search.ts';

export interface Run {
  readonly id: string;
  /** Numbers of files. */
  readonly first: number;
  readonly last: number;
  readonly rows: number;
  /** When the last of them took its number. */
  readonly atMs: number;
}

/** What there is: runs, oldest first, and the files that are in none. */
export interface View extends Manifest {
  /** By number. */
  readonly files: readonly NumberedFile[];
}

export interface Manifest {
  /** 0: there is none. */
  readonly manifest: number;
  readonly runs: readonly Run[];
  /** The last number that was merged. */
  readonly last: number;
}

const MOST_TRIES = 100;

export class OnceIndex {
  readonly store: Store;
  readonly endpoint: string;
  readonly #clock: Clock;

  constructor(store: Store, endpoint: string, clock: Clock) {
    this.store = store;
    this.endpoint = endpoint;
    this.#clock = clock;
  }

  exists(): Promise<boolean> {
    return this.store.exists(keys.begunKey(this.endpoint));
  }

  /** Whether what was sent before there was an index is in it. */
  isComplete(): Promise<boolean> {
    return this.store.exists(keys.completeKey(this.endpoint));
  }

  async begin(): Promise<void> {
    await this.store.create(keys.begunKey(this.endpoint), '');
  }

  async complete(): Promise<void> {
    await this.store.create(keys.completeKey(this.endpoint), '');
  }

  /** Gives a file its number, for ever; its rows can be seen before it has it. Throws ChunksMissing. */
  async register(file: RowsOf): Promise<number> {
    return (await this.numberOf(file)) ?? this.registerRows(file, rowPiecesOf(this.store, file));
  }

  /** The same for a file that has none yet. */
  async registerRows(
    file: Omit<RowsOf, 'windows'>,
    source: AsyncIterable<Pick<RowPiece, 'rows' | 'words'>>,
  ): Promise<number> {
    const { store, endpoint } = this;
    const { sha256, parseKey } = file;
    let rows = 0;
    let pieces = 0;
    for await (const piece of source) {
      await store.put(keys.rowsKey(endpoint, file, ++pieces), Buffer.from(piece.words.buffer));
      rows += piece.rows;
    }
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const { last, files } = await this.#look();
      const number = Math.max(last, files.at(-1) ?? 0) + 1;
      // Before the number, so that whoever comes back after a crash finds it.
      await store.create(keys.tryKey(file, number), '');
      const record = { sha256, parseKey, atMs: this.#clock.wallMs(), rows, pieces };
      const created = await store.create(keys.fileNumberKey(endpoint, number), `${JSON.stringify(record)}\n`);
      // Between the look and the record others may have had this number, and been merged: then it counts for nothing.
      if (created && (await this.#look()).last >= number) await store.delete(keys.fileNumberKey(endpoint, number));
      const own = await this.numberOf(file);
      if (own !== undefined) return own;
    }
    throw busy(endpoint);
  }

  /** The lowest of the numbers that a file has tried to take and that are its own; undefined: it has none. */
  async numberOf(file: DeliveryOf): Promise<number | undefined> {
    const tries = (await this.store.list(keys.triesPrefix(file))).map(Number).sort((a, b) => a - b);
    for (const number of tries) if ((await this.fileOf(number))?.sha256 === file.sha256) return number;
    return undefined;
  }

  /** undefined: nobody has that number, or it was forgotten. */
  async fileOf(number: number): Promise<NumberedFile | undefined> {
    return this.#whileMerging(async () => {
      const { runs, last } = await this.#look();
      if (number > last) return this.#record(number);
      const run = runs.find((one) => one.first <= number && number <= one.last);
      return run && (await this.filesOf(run)).find((file) => file.number === number);
    });
  }

  /** Rows of files with lower numbers that have the hash of one of the piece. */
  async matches(piece: RowPiece, below: number): Promise<Matches> {
    return this.#whileMerging(async () => {
      const { runs, files } = await this.view(below);
      const found = new Matches();
      const ownLine = (row: number): number => piece.words[row * ENTRY_WORDS + 3]!;
      for (const run of runs) {
        if (run.first >= below) continue;
        const before = found.size;
        await findRows(this.store, keys.runRowsKey(this.endpoint, run.id), piece, (row, number, line) => {
          if (number < below) found.add(ownLine(row), number, line);
        });
        if (found.size > before) found.addFiles(await this.filesOf(run));
      }
      for (const file of files) {
        for (let part = 1; part <= file.pieces; part++) {
          await findRows(this.store, keys.rowsKey(this.endpoint, file, part), piece, (row, _none, line) => {
            found.add(ownLine(row), file.number, line);
          });
        }
      }
      found.addFiles(files);
      return found;
    });
  }

  /** `below`: the files with lower numbers must all be there; absent: all that there are. */
  async view(below?: number): Promise<View> {
    return this.#whileMerging(async () => {
      const look = await this.#look();
      const numbers = look.files.filter((number) => below === undefined || number < below);
      // Numbers are given out one after another: one that is missing was merged just now.
      const complete = numbers.every((number, index) => number === look.last + 1 + index);
      if (!complete || (below !== undefined && Math.max(look.last, numbers.at(-1) ?? 0) < below - 1)) {
        throw lacking(this.endpoint, `a file below ${below ?? numbers.at(-1)}`);
      }
      const files: NumberedFile[] = [];
      for (const number of numbers) {
        const file = (await this.#record(number)) ?? gone(this.endpoint, `file ${number}`);
        // Two attempts at the same moment may have given a file two numbers: the lower one is its own.
        if ((await this.numberOf({ ...file, endpoint: this.endpoint })) === number) files.push(file);
      }
      return { ...look, files };
    });
  }

  /** Which files a run holds rows of. */
  async filesOf(run: Run): Promise<NumberedFile[]> {
    const bytes =
      (await this.store.get(keys.runFilesKey(this.endpoint, run.id))) ?? gone(this.endpoint, `run ${run.id}`);
    return bytes
      .toString('utf8')
      .split('\n')
      .filter((text) => text !== '')
      .map((text) => JSON.parse(text) as NumberedFile);
  }

  async #record(number: number): Promise<NumberedFile | undefined> {
    const bytes = await this.store.get(keys.fileNumberKey(this.endpoint, number));
    return bytes && { ...(JSON.parse(bytes.toString('utf8')) as Omit<NumberedFile, 'number'>), number };
  }

  /** The newest manifest, and the numbers that are in none. */
  async #look(): Promise<Manifest & { readonly files: readonly number[] }> {
    const { store, endpoint } = this;
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const manifest = highest((await store.list(keys.indexPrefix(endpoint))).map(Number));
      const bytes = manifest === 0 ? undefined : await store.get(keys.manifestKey(endpoint, manifest));
      if (manifest > 0 && bytes === undefined) continue;
      const merged = bytes && (JSON.parse(bytes.toString('utf8')) as Omit<Manifest, 'manifest'>);
      const { runs, last } = merged ?? { runs: [], last: 0 };
      const numbers = (await store.list(keys.filesPrefix(endpoint))).map(Number);
      return { manifest, runs, last, files: numbers.filter((number) => number > last).sort((a, b) => a - b) };
    }
    throw busy(endpoint);
  }

  /** What is read may be merged, and removed, at the same time: then it is looked for anew. */
  async #whileMerging<T>(work: () => Promise<T>): Promise<T> {
    for (let tries = 0; ; tries++) {
      const { manifest, files } = await this.#look();
      try {
        return await work();
      } catch (error) {
        const now = await this.#look();
        const changed = now.manifest !== manifest || now.files.length !== files.length;
        if (!changed || tries === MOST_TRIES) throw error;
      }
    }
  }
}

const highest = (numbers: readonly number[]): number => numbers.reduce((high, number) => Math.max(high, number), 0);

function gone(endpoint: string, what: string): never {
  throw lacking(endpoint, what);
}

const lacking = (endpoint: string, what: string): Fault =>
  new Fault(
    'store',
    `the index of endpoint ${endpoint} lacks ${what}`,
    `Is it an older copy of the store? Restore the folder once/${endpoint}. Nothing is sent until it is back.`,
  );

const busy = (endpoint: string): Fault =>
  new Fault('store', `the index of endpoint ${endpoint} changes all the time`, 'It is tried again.');
