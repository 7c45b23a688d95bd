/** What lies on the disk for a file beside its receipts: where, how many bytes, and since when. */
import type { Stats } from 'node:fs';
import { lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Part } from '../../config/settings.ts';
import type { DeliveryRecord } from '../../store/delivery-record.ts';
import { contentKey } from '../../store/layout.ts';
import { reportFolderName } from '../../store/report-shelf.ts';
import { isErrno } from '../../thrown.ts';

export interface OnDisk {
  readonly part: Part;
  readonly path: string;
  readonly bytes: number;
  /** When it was last written, as time of day. */
  readonly changedMs: number;
}

/** The parts of a file that are in the home; those that are not there are left out. */
export async function partsInHome(
  { folder, reportsRoot }: { readonly folder: string; readonly reportsRoot: string },
  sha256: string,
  records: readonly DeliveryRecord[],
): Promise<OnDisk[]> {
  const own = join(folder, sha256);
  const chunks = (await names(own)).filter((name) => name.startsWith('chunks-')).map((name) => join(own, name));
  const reports = records.map(({ fileName, endpoint }) =>
    join(reportsRoot, reportFolderName(fileName, sha256, endpoint)),
  );
  const found = await Promise.all([
    measured('content', join(folder, contentKey(sha256))),
    ...chunks.map((path) => measured('chunks', path)),
    ...reports.map((path) => measured('reports', path)),
  ]);
  return found.filter((one) => one !== undefined);
}

/** A file, or a folder with all that is in it; undefined: there is none. Links are not followed. */
export async function measured(part: Part, path: string): Promise<OnDisk | undefined> {
  const stats = await statsOf(path);
  if (stats === undefined) return undefined;
  if (!stats.isDirectory()) return { part, path, bytes: stats.size, changedMs: stats.mtimeMs };
  let bytes = 0;
  let changedMs = stats.mtimeMs;
  for (const name of await names(path)) {
    const inside = await measured(part, join(path, name));
    bytes += inside?.bytes ?? 0;
    changedMs = Math.max(changedMs, inside?.changedMs ?? 0);
  }
  return { part, path, bytes, changedMs };
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

/** Windows are taken away by their summaries first: what those do not name does not exist, so nobody finds half of one. */
export async function remove({ path, part }: OnDisk): Promise<void> {
  if (part === 'chunks') {
    for (const name of await names(path)) if (name.endsWith('.json')) await rm(join(path, name), { force: true });
  }
  await rm(path, { recursive: true, force: true });
}
