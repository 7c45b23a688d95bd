/** The users of all files, in a bucket: an object a window, several read at a time. */
import { USERS } from '../layout.ts';
import { placeOfUser } from '../saved-users.ts';
import type { SavedUsers, UserHit } from '../scan-users.ts';
import { fileOf, isSavedWindow, windowOf } from '../scan-users.ts';
import type { Store } from '../store.ts';

const READ_AT_ONCE = 32;

export class S3Users implements SavedUsers {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async windows(): Promise<readonly string[]> {
    return (await this.#store.list(USERS)).filter(isSavedWindow);
  }

  async find(windows: readonly string[], hashIn: (sha256: string) => Uint32Array): Promise<UserHit[]> {
    const hits = new Map<string, UserHit>();
    const left = [...windows].reverse();
    const read = async (): Promise<void> => {
      for (let name = left.pop(); name !== undefined; name = left.pop()) {
        const bytes = await this.#store.get(`${USERS}/${name}`);
        if (bytes === undefined || bytes.length % 4 !== 0) continue;
        // Copied, for words begin at a multiple of four.
        const words = new Uint32Array(Uint8Array.from(bytes).buffer);
        // One hash is used again for each file: nothing may come between it and the search.
        const place = placeOfUser(words, words.length, hashIn(fileOf(name)));
        if (place !== undefined) hits.set(name, { ...windowOf(name), ...place });
      }
    };
    await Promise.all(Array.from({ length: READ_AT_ONCE }, read));
    return windows.map((name) => hits.get(name)).filter((hit) => hit !== undefined);
  }
}
