/**
 * A folder store that dies: from one append on nothing of this process reaches the disk any more, as after `kill -9` in the middle of it
 * (the append itself is torn), or also after a loss of power (what was not synced is cut off, at any byte). Or one call of it fails, once.
 */
import { truncateSync } from 'node:fs';
import { join } from 'node:path';
import { Fault } from '../../src/domain/failure.ts';
import type { FolderStore } from '../../src/store/folder-store.ts';
import type { Journal, JournalStore } from '../../src/store/store.ts';

export interface Crash {
  /** The append that is torn, from 0. */
  readonly atAppend: number;
  /** How much of it is written, and how much of what was not synced survives: 0 … 1. */
  readonly part: number;
  readonly powerLoss: boolean;
}

interface Sizes {
  readonly path: string;
  written: number;
  synced: number;
}

export class CrashingStore implements JournalStore {
  readonly #store: FolderStore;
  readonly #folder: string;
  readonly #crash: Crash | undefined;
  readonly #failAtCall: number;
  readonly #journals: Sizes[] = [];
  #appends = 0;
  calls = 0;
  dead = false;

  constructor(
    store: FolderStore,
    folder: string,
    { crash, failAtCall = -1 }: { readonly crash?: Crash | undefined; readonly failAtCall?: number },
  ) {
    this.#store = store;
    this.#folder = folder;
    this.#crash = crash;
    this.#failAtCall = failAtCall;
  }

  get get(): JournalStore['get'] {
    return (key) => this.#called(() => this.#store.get(key));
  }
  get readRange(): JournalStore['readRange'] {
    return (key, start, end) => this.#called(() => this.#store.readRange(key, start, end));
  }
  readonly put: JournalStore['put'] = (...args) => this.#store.put(...args);
  readonly putStream: JournalStore['putStream'] = (...args) => this.#store.putStream(...args);
  readonly putHashed: JournalStore['putHashed'] = (...args) => this.#store.putHashed(...args);
  readonly readFrom: JournalStore['readFrom'] = (...args) => this.#store.readFrom(...args);
  readonly exists: JournalStore['exists'] = (...args) => this.#store.exists(...args);
  readonly size: JournalStore['size'] = (...args) => this.#store.size(...args);
  readonly list: JournalStore['list'] = (...args) => this.#store.list(...args);
  readonly delete: JournalStore['delete'] = (...args) => this.#store.delete(...args);

  readonly create: JournalStore['create'] = (...args) => this.#store.create(...args);

  async syncJournal(key: string): Promise<void> {
    this.#mayFail();
    await this.#store.syncJournal(key);
    for (const sizes of this.#journals) if (sizes.path === join(this.#folder, key)) sizes.synced = sizes.written;
  }

  existsNow(key: string): boolean {
    this.#mayFail();
    return this.#store.existsNow(key);
  }

  namesNow(prefix: string): string[] {
    this.#mayFail();
    return this.#store.namesNow(prefix);
  }

  async createJournal(key: string): Promise<Journal | undefined> {
    this.#mayFail();
    if (this.dead) throw new Fault('store', 'dead');
    const journal = await this.#store.createJournal(key);
    if (journal === undefined) return undefined;
    const sizes = { path: join(this.#folder, key), written: 0, synced: 0 };
    this.#journals.push(sizes);
    return {
      append: (text) => this.#append(journal, sizes, text),
      flush: async () => {
        this.#mayFail();
        const { written } = sizes;
        if (this.dead) return;
        await journal.flush();
        if (!this.dead) sizes.synced = written;
      },
      close: () => journal.close(),
    };
  }

  /** To be called when the dead process has ended. */
  cutUnsynced(): void {
    if (this.#crash === undefined || !this.dead || !this.#crash.powerLoss) return;
    for (const { path, written, synced } of this.#journals) {
      truncateSync(path, synced + Math.floor((written - synced) * this.#crash.part));
    }
  }

  #append(journal: Journal, sizes: Sizes, text: string): void {
    this.#mayFail();
    if (this.dead) return;
    let bytes = text;
    if (this.#crash !== undefined && this.#appends++ === this.#crash.atAppend) {
      bytes = text.slice(0, Math.floor(text.length * this.#crash.part));
      this.dead = true;
    }
    journal.append(bytes);
    sizes.written += bytes.length;
  }

  #mayFail(): void {
    if (this.calls++ === this.#failAtCall) throw new Fault('store', 'no space left on device', 'Make room.');
  }

  #called<T>(call: () => Promise<T>): Promise<T> {
    try {
      this.#mayFail();
    } catch (error) {
      return Promise.reject(error);
    }
    return call();
  }
}
