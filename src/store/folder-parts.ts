/** The parts of files whose store is a folder, with the reports beside it. */
import type { Stats } from 'node:fs';
import { lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno } from '../thrown.ts';
import { storedFiles } from './file-names.ts';
import { contentKey } from './layout.ts';
import { reportFolderName } from './report-shelf.ts';
import type { Store } from './store.ts';
import type { FileGlance, PartSize, StoredPart, StoredParts } from './stored-parts.ts';
import { removeChunks } from './stored-parts.ts';

export interface FolderPartsOptions {
  readonly store: Store;
  /** Where that store is. */
  readonly folder: string;
  readonly reports: string;
}

export class FolderParts implements StoredParts {
  readonly atOnce = 1;
  readonly #options: FolderPartsOptions;

  constructor(options: FolderPartsOptions) {
    this.#options = options;
  }

  async *files(): AsyncGenerator<FileGlance> {
    for (const sha256 of await storedFiles(this.#options.store)) yield { sha256, parts: undefined };
  }

  async of(
    sha256: string,
    deliveries: readonly { readonly fileName: string; readonly endpoint: string }[],
  ): Promise<StoredPart[]> {
    const { store, folder, reports } = this.#options;
    const found: StoredPart[] = [];
    const look = async (part: PartSize['part'], path: string, remove: () => Promise<void>): Promise<void> => {
      const size = await sizeOf(path);
      if (size !== undefined) found.push({ part, ...size, remove });
    };
    const content = contentKey(sha256);
    await look('content', join(folder, content), () => store.delete(content));
    for (const name of await names(join(folder, sha256))) {
      const key = `${sha256}/${name}`;
      if (name.startsWith('chunks-')) await look('chunks', join(folder, key), () => removeChunks(store, key));
    }
    for (const { fileName, endpoint } of deliveries) {
      const path = join(reports, reportFolderName(fileName, sha256, endpoint));
      await look('reports', path, () => rm(path, { recursive: true, force: true }));
    }
    return found;
  }
}

/** Of a file, or a folder with all that is in it; undefined: there is none. Links are not followed. */
async function sizeOf(path: string): Promise<Omit<PartSize, 'part'> | undefined> {
  const stats = await statsOf(path);
  if (stats === undefined) return undefined;
  if (!stats.isDirectory()) return { bytes: stats.size, changedMs: stats.mtimeMs };
  let bytes = 0;
  let changedMs = stats.mtimeMs;
  for (const name of await names(path)) {
    const inside = await sizeOf(join(path, name));
    bytes += inside?.bytes ?? 0;
    changedMs = Math.max(changedMs, inside?.changedMs ?? 0);
  }
  return { bytes, changedMs };
}

/** Names in a folder; none where there is no such folder. */
export async function names(folder: string): Promise<string[]> {
  return readdir(folder).catch((error: unknown) => {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  });
}

export const statsOf = (path: string): Promise<Stats | undefined> =>
  lstat(path).catch((error: unknown) => {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  });
