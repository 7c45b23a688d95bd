/**
 * The store in a folder of one host, or of a coherent shared file system. Whole objects are written under a temporary name, synced and
 * renamed, and the folder is synced too; journals are opened with O_EXCL and only appended to. Appends and fence checks are
 * synchronous: on a local file system they cost a few microseconds, and a result must be written in the turn in which its answer came.
 */
import { randomUUID } from 'node:crypto';
import { createReadStream, openSync, readdirSync, statSync } from 'node:fs';
import { link, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Fault } from '../domain/failure.ts';
import { isErrno } from '../thrown.ts';
import { makeFolder, syncFolder, writeAhead } from './durable-write.ts';
import { FolderJournal } from './folder-journal.ts';
import type { Journal, JournalStore } from './store.ts';
import { storeFault } from './store-fault.ts';

/** Where putHashed writes before it knows the key. A writer that has written nothing for an hour is dead. */
const INCOMING = 'incoming';
const ABANDONED_AFTER_MS = 3_600_000;
/** To look again costs a call or two. */
const MOST_KNOWN_FOLDERS = 5_000;

export class FolderStore implements JournalStore {
  readonly #root: string;
  readonly #knownFolders = new Set<string>();
  #swept = false;

  /** `root` is created when something is first written. */
  constructor(root: string) {
    this.#root = root;
  }

  #path(key: string): string {
    return join(this.#root, key);
  }

  async #ensureFolder(path: string): Promise<void> {
    if (this.#knownFolders.has(path)) return;
    await makeFolder(path);
    // A process that runs for long sees any number of files.
    if (this.#knownFolders.size >= MOST_KNOWN_FOLDERS) this.#knownFolders.clear();
    this.#knownFolders.add(path);
  }

  /** Does something in a folder that is made where it is missing, also where somebody has removed it since. */
  async #within<T>(folder: string, act: () => Promise<T>): Promise<T> {
    await this.#ensureFolder(folder);
    try {
      return await act();
    } catch (error) {
      if (!isErrno(error, 'ENOENT')) throw error;
      this.#knownFolders.delete(folder);
      await this.#ensureFolder(folder);
      return act();
    }
  }

  async put(key: string, data: Uint8Array | string): Promise<void> {
    await this.putStream(key, [data]);
  }

  async putStream(
    key: string,
    source: AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>,
  ): Promise<void> {
    const path = this.#path(key);
    const temporary = `${path}.${randomUUID()}.tmp`;
    try {
      const handle = await this.#within(dirname(path), () => open(temporary, 'w'));
      try {
        for await (const piece of source) await handle.appendFile(piece);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(temporary, path);
      await syncFolder(dirname(path));
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined);
      if ((error as NodeJS.ErrnoException)?.syscall === undefined) throw error;
      throw storeFault('write', path, error);
    }
  }

  async putHashed(source: AsyncIterable<Uint8Array>, keyOf: () => Promise<string | undefined>): Promise<void> {
    const incoming = this.#path(INCOMING);
    const temporary = join(incoming, `${randomUUID()}.tmp`);
    try {
      const handle = await this.#within(incoming, () => open(temporary, 'wx'));
      let key: string | undefined;
      try {
        await this.#removeAbandoned(incoming, (await handle.stat()).mtimeMs);
        await writeAhead(handle, source);
        key = await keyOf();
        if (key !== undefined) await handle.sync();
      } finally {
        await handle.close();
      }
      if (key === undefined) {
        await rm(temporary, { force: true });
        return;
      }
      const path = this.#path(key);
      await this.#within(dirname(path), () => rename(temporary, path));
      await syncFolder(dirname(path));
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined);
      if ((error as NodeJS.ErrnoException)?.syscall === undefined) throw error;
      throw storeFault('write', temporary, error);
    }
  }

  /** Once per process: deletes what writers that crashed have left. `nowMs` is the store's own clock, as a fresh file there shows it. */
  async #removeAbandoned(incoming: string, nowMs: number): Promise<void> {
    if (this.#swept) return;
    this.#swept = true;
    for (const name of await readdir(incoming)) {
      const path = join(incoming, name);
      const left = await stat(path).catch(() => undefined);
      if (left !== undefined && nowMs - left.mtimeMs > ABANDONED_AFTER_MS) await rm(path, { force: true });
    }
  }

  async get(key: string): Promise<Buffer | undefined> {
    const path = this.#path(key);
    try {
      return await readFile(path);
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return undefined;
      throw storeFault('read', path, error);
    }
  }

  async readRange(key: string, start: number, end: number): Promise<Buffer> {
    const path = this.#path(key);
    try {
      const handle = await open(path, 'r');
      try {
        const buffer = Buffer.allocUnsafe(end - start);
        const { bytesRead } = await handle.read(buffer, 0, buffer.length, start);
        if (bytesRead === buffer.length) return buffer;
      } finally {
        await handle.close();
      }
    } catch (error) {
      throw storeFault('read', path, error);
    }
    throw new Fault('store', `${path} is shorter than its index says`, 'Restore the store folder from a copy.');
  }

  readFrom(key: string, start: number): AsyncIterable<Buffer> {
    return createReadStream(this.#path(key), { start, highWaterMark: 256 * 1024 });
  }

  async exists(key: string): Promise<boolean> {
    return (await this.size(key)) !== undefined;
  }

  async size(key: string): Promise<number | undefined> {
    const path = this.#path(key);
    try {
      return (await stat(path)).size;
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return undefined;
      throw storeFault('read', path, error);
    }
  }

  async list(prefix: string): Promise<string[]> {
    const path = this.#path(prefix);
    try {
      return (await readdir(path)).filter((name) => !name.endsWith('.tmp')).sort();
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return [];
      throw storeFault('list', path, error);
    }
  }

  async delete(key: string): Promise<void> {
    await rm(this.#path(key), { force: true, recursive: true });
  }

  async create(key: string, data: string): Promise<boolean> {
    const path = this.#path(key);
    const temporary = `${path}.${randomUUID()}.tmp`;
    try {
      await this.#ensureFolder(dirname(path));
      const handle = await open(temporary, 'wx');
      try {
        await handle.appendFile(data);
        await handle.sync();
      } finally {
        await handle.close();
      }
      // A link replaces nothing, and what it makes is whole from the first instant.
      await link(temporary, path);
      await syncFolder(dirname(path));
      return true;
    } catch (error) {
      if (isErrno(error, 'EEXIST')) return false;
      // Somebody may have removed the folder: the next attempt makes it anew.
      this.#knownFolders.delete(dirname(path));
      throw storeFault('create', path, error);
    } finally {
      await rm(temporary, { force: true }).catch(() => undefined);
    }
  }

  async createJournal(key: string): Promise<Journal | undefined> {
    const path = this.#path(key);
    try {
      await this.#ensureFolder(dirname(path));
      return new FolderJournal(path, openSync(path, 'ax'));
    } catch (error) {
      if (isErrno(error, 'EEXIST')) return undefined;
      // Somebody may have removed the folder: the next attempt makes it anew.
      this.#knownFolders.delete(dirname(path));
      throw storeFault('create', path, error);
    }
  }

  async syncJournal(key: string): Promise<void> {
    const path = this.#path(key);
    try {
      const handle = await open(path, 'r');
      try {
        await handle.datasync();
      } finally {
        await handle.close();
      }
    } catch (error) {
      throw storeFault('sync', path, error);
    }
  }

  existsNow(key: string): boolean {
    const path = this.#path(key);
    try {
      // existsSync would call everything that it cannot see absent, and open the fence.
      return statSync(path, { throwIfNoEntry: false }) !== undefined;
    } catch (error) {
      throw storeFault('look for', path, error);
    }
  }

  namesNow(prefix: string): string[] {
    const path = this.#path(prefix);
    try {
      return readdirSync(path);
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return [];
      throw storeFault('list', path, error);
    }
  }
}
