/**
 * A journal in a folder: appended to synchronously, so that a result is written in the turn in which its answer came. After a failed append or
 * sync nothing more is written to it: only a torn last line is harmless, and Linux tells a disk error to one sync only.
 */
import { closeSync, fdatasync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { Fault } from '../domain/failure.ts';
import { syncFolder } from './durable-write.ts';
import type { Journal } from './store.ts';
import { storeFault } from './store-fault.ts';

const syncData = promisify(fdatasync);

export class FolderJournal implements Journal {
  readonly #path: string;
  readonly #fd: number;
  #closed = false;
  #torn = false;
  /** Its name survives a power loss. */
  #named = false;
  /** One after another, and none after a failure: Linux tells a disk error to one sync only, a later one would succeed. */
  #flushing: Promise<void> = Promise.resolve();

  constructor(path: string, fd: number) {
    this.#path = path;
    this.#fd = fd;
  }

  append(text: string): void {
    if (this.#torn)
      throw new Fault('store', `${this.#path} broke off in mid-line`, 'The next attempt begins a new one.');
    try {
      const bytes = Buffer.from(text);
      let written = 0;
      while (written < bytes.length) written += writeSync(this.#fd, bytes, written);
    } catch (error) {
      // A line may be half written, and only a torn *last* line is harmless: nothing may follow it.
      this.#torn = true;
      throw storeFault('append to', this.#path, error);
    }
  }

  flush(): Promise<void> {
    this.#flushing = this.#flushing.then(() => this.#sync());
    return this.#flushing;
  }

  async #sync(): Promise<void> {
    try {
      await syncData(this.#fd);
      if (!this.#named) await syncFolder(dirname(this.#path));
      this.#named = true;
    } catch (error) {
      throw storeFault('sync', this.#path, error);
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    // The number of a closed file may belong to another one by the time a running sync gets to it.
    await this.#flushing.catch(() => undefined);
    closeSync(this.#fd);
  }
}
