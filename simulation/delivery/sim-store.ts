/**
 * The store as one process sees it: a folder on its host's disk. Each asynchronous call takes time and takes effect at one instant in between;
 * the process may be stopped or killed before and after it. Calls fail while the disk is in trouble.
 */
import { Fault } from '../../src/domain/failure.ts';
import type { Journal, JournalStore } from '../../src/store/store.ts';
import type { Chance } from '../chance.ts';
import type { DiskFile, Host } from './disk.ts';
import type { SimProcess } from './sim-process.ts';

export interface StorePace {
  /** Longest time of an ordinary call. */
  readonly callMs: number;
  /** Share of calls that take up to `stallMs`. */
  readonly stalls: number;
  readonly stallMs: number;
}

const NO_SPACE = new Fault('store', 'no space left on device', 'Make room.');
const IO_ERROR = new Fault('store', 'input/output error', 'Look at the disk.');
const NOT_THERE = new Fault('store', 'no such file', 'Restore it.');
/** Share of calls during which nothing else happens. */
const AT_ONCE = 0.5;
/** A dead process gets no answer. */
const never = (): Promise<never> => new Promise(() => undefined);

export class SimStore implements JournalStore {
  readonly #process: SimProcess;
  readonly #host: Host;
  readonly #chance: Chance;
  readonly #pace: StorePace;
  readonly #trace: ((text: string) => void) | undefined;
  /** Told of everything that is appended to a journal. */
  onAppend: (key: string, text: string) => void = () => undefined;
  /** Told of each look at the names below a prefix. */
  onLook: (prefix: string) => void = () => undefined;

  constructor(
    process: SimProcess,
    host: Host,
    chance: Chance,
    pace: StorePace,
    trace: ((text: string) => void) | undefined,
  ) {
    this.#process = process;
    this.#host = host;
    this.#chance = chance;
    this.#pace = pace;
    this.#trace = trace;
  }

  put(key: string, data: Uint8Array | string): Promise<void> {
    return this.#call(`put ${key}`, () => this.#write(() => this.#host.disk.put(key, Buffer.from(data))));
  }

  /** Several files of a folder at one instant, if `may` says so then. */
  putAll(folder: string, files: ReadonlyMap<string, string>, may: () => boolean): Promise<void> {
    return this.#call(`put ${files.size} files of ${folder}`, () =>
      this.#write(() => {
        if (!may()) return;
        for (const [name, text] of files) this.#host.disk.put(`${folder}/${name}`, Buffer.from(text));
      }),
    );
  }

  create(key: string, data: Uint8Array | string): Promise<boolean> {
    return this.#call(`create ${key}`, () =>
      this.#write(() => {
        if (this.#host.disk.has(key)) return false;
        this.#host.disk.put(key, Buffer.from(data));
        return true;
      }),
    );
  }

  async putStream(
    key: string,
    source: AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>,
  ): Promise<void> {
    const pieces: Buffer[] = [];
    for await (const piece of source) pieces.push(Buffer.from(piece as Uint8Array));
    await this.put(key, Buffer.concat(pieces));
  }

  async putHashed(source: AsyncIterable<Uint8Array>, keyOf: () => Promise<string | undefined>): Promise<void> {
    const pieces: Uint8Array[] = [];
    for await (const piece of source) pieces.push(piece);
    const key = await keyOf();
    if (key !== undefined) await this.put(key, Buffer.concat(pieces));
  }

  get(key: string): Promise<Buffer | undefined> {
    return this.#call(`get ${key}`, () => this.#read(() => this.#host.disk.read(key)));
  }

  readRange(key: string, start: number, end: number): Promise<Buffer> {
    return this.#call(`read ${key}`, () => {
      const bytes = this.#read(() => this.#host.disk.read(key));
      if (bytes === undefined || bytes.length < end) throw NOT_THERE;
      return bytes.subarray(start, end);
    });
  }

  async *readFrom(key: string, start: number): AsyncIterable<Buffer> {
    const bytes = await this.get(key);
    if (bytes === undefined) throw NOT_THERE;
    yield bytes.subarray(start);
  }

  async exists(key: string): Promise<boolean> {
    return (await this.size(key)) !== undefined;
  }

  size(key: string): Promise<number | undefined> {
    return this.#call(`size ${key}`, () => this.#read(() => this.#host.disk.read(key)?.length));
  }

  list(prefix: string): Promise<string[]> {
    return this.#call(`list ${prefix}`, () => this.#read(() => this.#host.disk.list(prefix)));
  }

  delete(key: string): Promise<void> {
    return this.#call(`delete ${key}`, () => this.#write(() => this.#host.disk.delete(key)));
  }

  createJournal(key: string): Promise<Journal | undefined> {
    return this.#call(`journal ${key}`, () =>
      this.#write(() => (this.#host.disk.has(key) ? undefined : this.#journal(key, this.#host.disk.create(key)))),
    );
  }

  syncJournal(key: string): Promise<void> {
    return this.#call(`sync ${key}`, () => {
      const file = this.#host.disk.get(key);
      if (file !== undefined) this.#sync(key, file);
    });
  }

  existsNow(key: string): boolean {
    this.onLook(key.slice(0, key.lastIndexOf('/')));
    return this.#now(() => this.#read(() => this.#host.disk.has(key)), false);
  }

  namesNow(prefix: string): string[] {
    this.onLook(prefix);
    return this.#now(() => this.#read(() => this.#host.disk.list(prefix)), []);
  }

  #journal(key: string, file: DiskFile): Journal {
    let torn = false;
    let flushing: Promise<void> = Promise.resolve();
    const sync = (): Promise<void> => {
      if (this.#process.dead) return never();
      return this.#call(`sync ${key}`, () => this.#sync(key, file));
    };
    return {
      append: (text) =>
        this.#now(() => {
          if (torn) throw new Fault('store', `${key} broke off in mid-line`, 'The next attempt begins a new one.');
          try {
            this.#write(() => file.tail.push(text));
          } catch (error) {
            torn = true;
            file.tail.push(text.slice(0, this.#chance.whole(0, text.length - 1)));
            throw error;
          }
          this.onAppend(key, text);
          this.#trace?.(`  append ${key}: ${text.trimEnd().replaceAll('\n', ' | ')}`);
        }, undefined),
      flush: () => {
        flushing = flushing.then(sync);
        return flushing;
      },
      close: async () => {
        await flushing.catch(() => undefined);
      },
    };
  }

  /** The folder is synced, too, with all its names. */
  #sync(key: string, file: DiskFile): void {
    this.#mayFail();
    file.syncedBytes = lengthOf(file);
    if (!file.named) this.#host.disk.nameAll(key.slice(0, key.lastIndexOf('/')));
  }

  /** Dies before this call, if it is to. */
  #counted(): void {
    if (++this.#process.storeCalls < this.#process.diesAtStoreCall) return;
    this.#trace?.('  dies here');
    this.#process.kill();
  }

  /** A call that is over when it returns. What a dead process does has no effect, whatever it goes on to. */
  #now<T>(effect: () => T, otherwise: T): T {
    if (!this.#process.dead) this.#counted();
    return this.#process.dead ? otherwise : effect();
  }

  #call<T>(label: string, effect: () => T): Promise<T> {
    const process = this.#process;
    if (process.dead) return never();
    if (this.#chance.happens(AT_ONCE)) {
      this.#counted();
      if (process.dead) return never();
      this.#trace?.(`  ${label}`);
      try {
        return Promise.resolve(effect());
      } catch (error) {
        return Promise.reject(error);
      }
    }
    return new Promise((resolve, reject) => {
      this.#later(() => {
        this.#counted();
        if (process.dead) return;
        let settle: () => void;
        try {
          const value = effect();
          settle = () => resolve(value);
        } catch (error) {
          settle = () => reject(error);
        }
        this.#trace?.(`  ${label}`);
        if (this.#chance.happens(0.25)) this.#later(settle);
        else settle();
      });
    });
  }

  #later(run: () => void): void {
    const { scheduler } = this.#process;
    scheduler.post(scheduler.nowMs + this.#takesMs(), this.#process, run);
  }

  #takesMs(): number {
    const { callMs, stalls, stallMs } = this.#pace;
    return this.#chance.happens(stalls) ? this.#chance.between(0, stallMs) : this.#chance.between(0, callMs);
  }

  #write<T>(effect: () => T): T {
    if (this.#host.trouble === 'full') throw NO_SPACE;
    this.#mayFail();
    return effect();
  }

  #read<T>(effect: () => T): T {
    this.#mayFail();
    return effect();
  }

  #mayFail(): void {
    if (this.#host.trouble === 'failing' && this.#chance.happens(0.3)) throw IO_ERROR;
  }
}

function lengthOf(file: DiskFile): number {
  let length = file.bytes.length;
  for (const text of file.tail) length += Buffer.byteLength(text);
  return length;
}
