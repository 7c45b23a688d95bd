/**
 * What the earlier files say that rows of a mended file name as their origins. The mended file counts with its original: one alert for each
 * user. So a row whose user has an alert there already is a duplicate of that one; any other takes the place of the row that it names, or, where
 * several rows of that user were invalid, of the first of them. Whoever mends a mend is led back to the first file.
 *
 * Memory: some 23 bytes a user of the originals in use, of which few are kept.
 */

import { rowName } from '../src/domain/ledger/row-names.ts';
import type { ParseOptions } from '../src/domain/parse-options.ts';
import { parseKey } from '../src/domain/parse-options.ts';
import { SeenUsers } from '../src/formats/seen-users.ts';
import type { WindowRef } from '../src/store/chunks.ts';
import { readChunk, readRejects, readWindow, userOf } from '../src/store/chunks.ts';
import { deliveriesOf } from '../src/store/delivery-record.ts';
import { OriginFinder, parseOrigin } from '../src/store/origins.ts';
import { readSeen } from '../src/store/saved-users.ts';
import type { Store } from '../src/store/store.ts';

/** Which row a mended one stands for, or which one it repeats. */
export type Standing =
  | { readonly kind: 'origin'; readonly origin: string }
  | { readonly kind: 'duplicate'; readonly sha256: string; readonly line: number };

export interface OriginalRowsOptions {
  readonly store: Store;
  /** The mended file's, whose numbering of the original is preferred. undefined: in histories of earlier builds. */
  readonly endpoint: string | undefined;
  /** Makes sure that the windows of a file are there: they may have been deleted. Returns how many there are. */
  readonly readAll: (sha256: string, parse: ParseOptions) => Promise<number>;
  /** Called now and then. */
  readonly breathe: () => Promise<void>;
}

/** One earlier file. */
interface Original {
  readonly valid: SeenUsers;
  /** Users of invalid rows, as far as they can be read, and the first line of each. */
  readonly invalid: SeenUsers;
  /** Origins of invalid rows, by line: of a file that is a mended one itself. */
  readonly origins: ReadonlyMap<number, string>;
  readonly finder: OriginFinder;
}

/** Rows of several files may be mended in one. */
const MAX_KEPT = 4;
/** Longer chains than anybody mends. */
const MAX_DEPTH = 1_000;
const ROWS_A_BREATH = 10_000;

export class OriginalRows {
  readonly #options: OriginalRowsOptions;
  readonly #originals = new Map<string, Promise<Original | undefined>>();

  constructor(options: OriginalRowsOptions) {
    this.#options = options;
  }

  /** `origin`: as the row names it. What this store does not know is left as it is: nothing of the file will be sent. */
  async standing(userId: string, origin: string): Promise<Standing> {
    let name = origin;
    for (let depth = 0; depth < MAX_DEPTH; depth++) {
      const { sha256, line } = parseOrigin(name);
      const original = await this.#original(sha256);
      if (original === undefined) break;
      const first = original.valid.find(userId);
      if (first === line) break;
      if (first !== 0) return { kind: 'duplicate', sha256, line: first };
      const own = original.origins.get(line) ?? (await original.finder.find(name))?.row.origin;
      if (own === undefined) {
        const firstInvalid = original.invalid.find(userId);
        return { kind: 'origin', origin: firstInvalid === 0 ? name : rowName({ sha256 }, firstInvalid) };
      }
      name = own;
    }
    return { kind: 'origin', origin: name };
  }

  #original(sha256: string): Promise<Original | undefined> {
    let original = this.#originals.get(sha256);
    if (original === undefined) {
      original = this.#read(sha256);
      const [oldest] = this.#originals.size >= MAX_KEPT ? this.#originals.keys() : [];
      if (oldest !== undefined) this.#originals.delete(oldest);
      this.#originals.set(sha256, original);
    }
    return original;
  }

  async #read(sha256: string): Promise<Original | undefined> {
    const { store, endpoint, readAll, breathe } = this.#options;
    const records = await deliveriesOf(store, sha256);
    const record = records.find((one) => one.endpoint === endpoint) ?? records[0];
    if (record === undefined) return undefined;
    const windows = await readAll(sha256, record.parse);
    const valid = new SeenUsers(sha256);
    const invalid = new SeenUsers(sha256);
    const origins = new Map<number, string>();
    for (let window = 1; window <= windows; window++) {
      const ref = { sha256, parseKey: parseKey(record.parse), window };
      await this.#addUsers(valid, ref, window === windows);
      let rows = 0;
      for await (const reject of readRejects(store, ref)) {
        if (rows++ % ROWS_A_BREATH === 0) await breathe();
        if (reject.kind !== 'invalid') continue;
        if (reject.userId !== undefined) invalid.add(reject.userId, reject.line);
        if (reject.origin !== undefined) origins.set(reject.line, reject.origin);
      }
    }
    return { valid, invalid, origins, finder: new OriginFinder(store, record.endpoint) };
  }

  /** What a window has saved for the next one; the last one's are in its chunks. */
  async #addUsers(users: SeenUsers, ref: WindowRef, isLast: boolean): Promise<void> {
    const { store, breathe } = this.#options;
    if (!isLast) {
      for await (const entries of readSeen(store, ref)) {
        users.addEntries(entries);
        await breathe();
      }
      return;
    }
    const { firstChunk, chunks } = (await readWindow(store, ref))!;
    for (let chunk = firstChunk; chunk < firstChunk + chunks; chunk++) {
      for (const row of await readChunk(store, { ...ref, chunk })) users.add(userOf(row), row.line);
      await breathe();
    }
  }
}
