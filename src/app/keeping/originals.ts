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
import type { KeptPart } from './house.ts';

export interface Original {
  readonly original: KeptPart;
  /** Under the name that it was dropped under, as far as it is known. */
  readonly file: string;
  /** Which file of the store it is; of several with one name and size all of them. Empty: it is not known there. */
  readonly sha256s: readonly string[];
  /** Nothing depends on it: it was refused, or lies beside another file. */
  readonly free: boolean;
}

const REASON = '.reason.txt';
const BESIDE = /\.(?:done|sha256|reason\.txt)$/;

/** `20250131T235959.123Z-a.csv`, and `20250131T235959.123Z-2-a.csv` for the second one of a millisecond. */
const PROCESSED = /^\d{8}T\d{6}\.\d{3}Z-(.+)$/s;

interface Found {
  readonly path: string;
  readonly name: string;
  readonly refused: boolean;
  /** The time of a file is that of its move: a rename sets it. */
  readonly original: KeptPart;
}

async function* filesIn(inbox: string): AsyncGenerator<Found> {
  for (const folder of [PROCESSED_FOLDER, REJECTED_FOLDER]) {
    for (const name of await names(join(inbox, folder))) {
      const path = join(inbox, folder, name);
      const stats = await statsOf(path);
      if (stats === undefined || !stats.isFile()) continue;
      const remove = (): Promise<void> => rm(path, { force: true });
      const original = { part: 'original', bytes: stats.size, changedMs: stats.ctimeMs, remove } as const;
      yield { path, name, refused: folder === REJECTED_FOLDER, original };
    }
  }
}

/** Those that are old enough. */
export async function* agedOriginals(
  store: Store,
  inbox: string,
  isOld: (one: KeptPart) => boolean,
): AsyncGenerator<Original> {
  for await (const { path, name, refused, original } of filesIn(inbox)) {
    if (!isOld(original)) continue;
    const file = refused ? name : (PROCESSED.exec(name)?.[1] ?? name);
    const free = refused || BESIDE.test(name);
    yield { original, file, free, sha256s: free ? [] : await filesOf(store, path, file, original.bytes) };
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

/** Removes those that `goes` names by size and hash, whatever they are called by now, and what is said beside them of why they were refused. */
export async function removeOriginals(
  inbox: string,
  goes: {
    readonly maySize: (one: KeptPart) => boolean;
    readonly is: (one: KeptPart, sha256: string) => boolean;
  },
): Promise<void> {
  for await (const { path, original } of filesIn(inbox)) {
    if (!goes.maySize(original) || !goes.is(original, await hashOf(path))) continue;
    await rm(`${path}${REASON}`, { force: true });
    await original.remove();
  }
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path)) hash.update(piece as Buffer);
  return hash.digest('hex');
}
