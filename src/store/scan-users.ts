/**
 * Looks through the users of all files that were ever read in a home, from a folder store, as fast as the disk gives them: each object in one go, into
 * memory that is used again. Reading is synchronous, for ten thousand small files would cost ten times as much otherwise; the caller breathes.
 */
import { closeSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { isErrno } from '../thrown.ts';
import type { WindowRef } from './chunks.ts';
import { USERS } from './layout.ts';
import type { UserPlace } from './saved-users.ts';
import { placeOfUser } from './saved-users.ts';
import { storeFault } from './store-fault.ts';

const NAME = /^([0-9a-f]{64})\.(.+)\.(\d+)$/;
const FIRST_BYTES = 1024 * 1024;

/** Names of the windows whose users are saved. */
export function savedWindows(storeFolder: string): string[] {
  const folder = join(storeFolder, USERS);
  try {
    return readdirSync(folder).filter((name) => NAME.test(name));
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return [];
    throw storeFault('list', folder, error);
  }
}

export const fileOf = (name: string): string => name.slice(0, 64);
export function windowOf(name: string): WindowRef {
  const [, sha256 = '', parseKey = '', window] = NAME.exec(name) ?? [];
  return { sha256, parseKey, window: Number(window) };
}

export class UsersReader {
  readonly #folder: string;
  #bytes = new Uint8Array(FIRST_BYTES);
  #words = new Uint32Array(this.#bytes.buffer);

  constructor(storeFolder: string) {
    this.#folder = join(storeFolder, USERS);
  }

  /** Where the user of this hash is in a window; undefined: not in it, or the window is gone. */
  find(name: string, hash: Uint32Array): UserPlace | undefined {
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
