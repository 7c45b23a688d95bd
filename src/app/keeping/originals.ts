/** Files in an inbox that wds is done with: the dropped ones in `processed`, and those that were refused, in `rejected`. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PROCESSED_FOLDER, REJECTED_FOLDER } from '../../intake/inbox-names.ts';
import { deliveriesNamed } from '../../store/file-names.ts';
import { names, statsOf } from '../../store/folder-parts.ts';
import { readStagedFile } from '../../store/staged-file.ts';
import type { Store } from '../../store/store.ts';
import type { KeptPart } from './kept-part.ts';

/** A file that an inbox keeps. */
export interface InboxFile {
  /** As it lies there. */
  readonly name: string;
  /** As it was dropped, as far as the place knows: without what was put before it. */
  readonly file: string;
  readonly refused: boolean;
  /** It was last written when it was moved there. */
  readonly original: KeptPart;
  /** SHA-256 of what is in it, if it can be one of these (undefined: any); undefined: it cannot. */
  hash(wanted?: ReadonlySet<string>): Promise<string | undefined>;
  /** Removes why it was refused, where that is said beside it. */
  removeReason(): Promise<void>;
}

/** What an inbox keeps, wherever it is. */
export interface Originals {
  files(): AsyncIterable<InboxFile>;
  /** What was removed may still be there as an older version, as its removal has told. */
  readonly keepsVersions: boolean;
}

export interface Original {
  readonly original: KeptPart;
  /** Under the name that it was dropped under, as far as it is known. */
  readonly file: string;
  /** Which file of the store it is; of several with one name and size all of them. Empty: it is not known there. */
  readonly sha256s: readonly string[];
  /** Nothing depends on it: it was refused, or lies beside another file. */
  readonly free: boolean;
}

export const REASON = '.reason.txt';
const BESIDE = /\.(?:done|sha256|reason\.txt)$/;

/** `20250131T235959.123Z-a.csv`, and `20250131T235959.123Z-2-a.csv` for the second one of a millisecond. */
const PROCESSED = /^\d{8}T\d{6}\.\d{3}Z-(.+)$/s;

/** Of an inbox that is a folder. */
export class FolderOriginals implements Originals {
  readonly keepsVersions = false;
  readonly #inbox: string;

  constructor(inbox: string) {
    this.#inbox = inbox;
  }

  async *files(): AsyncGenerator<InboxFile> {
    for (const folder of [PROCESSED_FOLDER, REJECTED_FOLDER]) {
      for (const name of await names(join(this.#inbox, folder))) {
        const path = join(this.#inbox, folder, name);
        const stats = await statsOf(path);
        if (stats === undefined || !stats.isFile()) continue;
        const refused = folder === REJECTED_FOLDER;
        const remove = (): Promise<void> => rm(path, { force: true });
        yield {
          ...{ name, refused, file: refused ? name : (PROCESSED.exec(name)?.[1] ?? name) },
          // A rename sets it.
          original: { part: 'original', bytes: stats.size, changedMs: stats.ctimeMs, remove },
          hash: () => hashOf(createReadStream(path)),
          removeReason: () => rm(`${path}${REASON}`, { force: true }),
        };
      }
    }
  }
}

/** Those that are old enough. */
export async function* agedOriginals(
  store: Store,
  inbox: Originals,
  isOld: (one: KeptPart) => boolean,
): AsyncGenerator<Original> {
  for await (const one of inbox.files()) {
    const { name, file, refused, original } = one;
    if (!isOld(original)) continue;
    const free = refused || BESIDE.test(name);
    yield { original, file, free, sha256s: free ? [] : await filesOf(store, one) };
  }
}

async function filesOf(store: Store, { file, original, hash }: InboxFile): Promise<readonly string[]> {
  for (const name of new Set([file, file.replace(/^\d+-/, '')])) {
    const named = new Set((await deliveriesNamed(store, name)).map(({ sha256 }) => sha256));
    const found: string[] = [];
    for (const sha256 of named)
      if ((await readStagedFile(store, sha256))?.sizeBytes === original.bytes) found.push(sha256);
    if (found.length > 0) return found;
  }
  // Its name was too long to be kept whole, or it was given another one since.
  const sha256 = await hash();
  return sha256 === undefined || (await readStagedFile(store, sha256)) === undefined ? [] : [sha256];
}

/** Removes those that `wanted` names by size and hash, whatever they are called by now, and what is said beside them of why they were refused. */
export async function removeOriginals(inbox: Originals, wanted: (one: KeptPart) => ReadonlySet<string>): Promise<void> {
  for await (const { original, hash, removeReason } of inbox.files()) {
    const hashes = wanted(original);
    if (hashes.size === 0) continue;
    const sha256 = await hash(hashes);
    if (sha256 === undefined || !hashes.has(sha256)) continue;
    await removeReason();
    await original.remove();
  }
}

export async function hashOf(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of pieces) hash.update(piece);
  return hash.digest('hex');
}
