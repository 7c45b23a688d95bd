/**
 * Looks through the users of all files that were ever read in a home, from a folder store, as fast as the disk gives them: each object in one go, into
 * memory that is used again. Reading is synchronous, for ten thousand small files would cost ten times as much otherwise; between them it breathes.
 */
import { closeSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { isErrno } from '../thrown.ts';
import type { WindowRef } from './chunks.ts';
import { USERS } from './layout.ts';
import type { UserPlace } from './saved-users.ts';
import { placeOfUser } from './saved-users.ts';
import { storeFault } from './store-fault.ts';

const NAME = /^([0-9a-f]{64})\.(.+)\.(\d+)$/;
const FIRST_BYTES = 1024 * 1024;
const BREATHE_EVERY_MS = 20;

/** Where a user is: in which window, and where there. */
export type UserHit = WindowRef & UserPlace;

/** The users of all files that were ever read into a store. */
export interface SavedUsers {
  /** Names of the windows whose users are saved. */
  windows(): Promise<readonly string[]>;
  /** Where the user is whose hash in a file is `hashIn`, in these windows, in their order; windows that are gone are passed over. */
  find(windows: readonly string[], hashIn: (sha256: string) => Uint32Array): Promise<UserHit[]>;
}

export const isSavedWindow = (name: string): boolean => NAME.test(name);
export const fileOf = (name: string): string => name.slice(0, 64);
export function windowOf(name: string): WindowRef {
  const [, sha256 = '', parseKey = '', window] = NAME.exec(name) ?? [];
  return { sha256, parseKey, window: Number(window) };
}

export class FolderUsers implements SavedUsers {
  readonly #folder: string;
  #bytes = new Uint8Array(FIRST_BYTES);
  #words = new Uint32Array(this.#bytes.buffer);

  constructor(storeFolder: string) {
    this.#folder = join(storeFolder, USERS);
  }

  async windows(): Promise<readonly string[]> {
    try {
      return readdirSync(this.#folder).filter(isSavedWindow);
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return [];
      throw storeFault('list', this.#folder, error);
    }
  }

  async find(windows: readonly string[], hashIn: (sha256: string) => Uint32Array): Promise<UserHit[]> {
    const hits: UserHit[] = [];
    let breathedMs = performance.now();
    for (const name of windows) {
      const place = this.#placeIn(name, hashIn(fileOf(name)));
      if (place !== undefined) hits.push({ ...windowOf(name), ...place });
      if (performance.now() - breathedMs < BREATHE_EVERY_MS) continue;
      await nextTurn();
      breathedMs = performance.now();
    }
    return hits;
  }

  /** undefined: not in it, or the window is gone. */
  #placeIn(name: string, hash: Uint32Array): UserPlace | undefined {
    const path = `${this.#folder}/${name}`;
    let file: number | undefined;
    try {
      file = openSync(path, 'r');
      let length = 0;
      for (;;) {
        const bytes = readSync(file, this.#bytes, length, this.#bytes.length - length, length);
        length += bytes;
        // Short only at the end of a file.
        if (length < this.#bytes.length) break;
        this.#grow(fstatSync(file).size);
      }
      return length % 4 === 0 ? placeOfUser(this.#words, length / 4, hash) : undefined;
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return undefined;
      throw storeFault('read', path, error);
    } finally {
      if (file !== undefined) closeSync(file);
    }
  }

  #grow(sizeBytes: number): void {
    const longer = new Uint8Array(Math.max(2 * this.#bytes.length, 4 * Math.ceil(sizeBytes / 4) + 4));
    longer.set(this.#bytes);
    this.#bytes = longer;
    this.#words = new Uint32Array(longer.buffer);
  }
}
