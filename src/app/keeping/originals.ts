/** Files in an inbox that wds is done with: the dropped ones in `processed`, and those that were refused, in `rejected`. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { PROCESSED_FOLDER, REJECTED_FOLDER } from '../../intake/inbox-names.ts';
import { deliveriesNamed } from '../../store/file-names.ts';
import { readStagedFile } from '../../store/staged-file.ts';
import type { Store } from '../../store/store.ts';
import type { OnDisk } from './on-disk.ts';
import { measured, names, statsOf } from './on-disk.ts';

export interface Original {
  readonly original: OnDisk;
  /** Under the name that it was dropped under, as far as it is known. */
  readonly file: string;
  /** Which file of the store it is; of several with one name and size all of them. Empty: it is not known there. */
  readonly sha256s: readonly string[];
  /** Nothing depends on it: it was refused, or lies beside another file. */
  readonly free: boolean;
}

const BESIDE = /\.(?:done|sha256|reason\.txt)$/;

/** `20250131T235959.123Z-a.csv`, and `20250131T235959.123Z-2-a.csv` for the second one of a millisecond. */
const PROCESSED = /^\d{8}T\d{6}\.\d{3}Z-(.+)$/s;

/** Those that are old enough. The time of a file is that of its move: a rename sets it. */
export async function* agedOriginals(
  store: Store,
  inbox: string,
  isOld: (one: OnDisk) => boolean,
): AsyncGenerator<Original> {
  for (const folder of [PROCESSED_FOLDER, REJECTED_FOLDER]) {
    for (const name of await names(join(inbox, folder))) {
      const path = join(inbox, folder, name);
      const stats = await statsOf(path);
      if (stats === undefined || !stats.isFile()) continue;
      const original: OnDisk = { part: 'original', path, bytes: stats.size, changedMs: stats.ctimeMs };
      if (!isOld(original)) continue;
      const file = folder === REJECTED_FOLDER ? name : (PROCESSED.exec(name)?.[1] ?? name);
      const free = folder === REJECTED_FOLDER || BESIDE.test(name);
      yield { original, file, free, sha256s: free ? [] : await filesOf(store, path, file, stats.size) };
    }
  }
}

async function filesOf(store: Store, path: string, file: string, bytes: number): Promise<readonly string[]> {
  for (const name of new Set([file, file.replace(/^\d+-/, '')])) {
    const named = new Set((await deliveriesNamed(store, name)).map(({ sha256 }) => sha256));
    const found: string[] = [];
    for (const sha256 of named) if ((await readStagedFile(store, sha256))?.sizeBytes === bytes) found.push(sha256);
    if (found.length > 0) return found;
  }
  // Its name was too long to be kept whole, or it was given another one since.
  const sha256 = await hashOf(path);
  return (await readStagedFile(store, sha256)) === undefined ? [] : [sha256];
}

/** Those of one file, however old, and whatever they are called by now. */
export async function originalsOf(store: Store, inbox: string, sha256: string): Promise<OnDisk[]> {
  const sizeBytes = (await readStagedFile(store, sha256))?.sizeBytes;
  const found: OnDisk[] = [];
  for (const folder of [PROCESSED_FOLDER, REJECTED_FOLDER]) {
    for (const name of await names(join(inbox, folder))) {
      const path = join(inbox, folder, name);
      const stats = await statsOf(path);
      if (stats === undefined || !stats.isFile() || stats.size !== sizeBytes) continue;
      if ((await hashOf(path)) !== sha256) continue;
      found.push({ part: 'original', path, bytes: stats.size, changedMs: stats.ctimeMs });
      const reason = await measured('original', `${path}.reason.txt`);
      if (reason !== undefined) found.push(reason);
    }
  }
  return found;
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path)) hash.update(piece as Buffer);
  return hash.digest('hex');
}
