/** The machine: Node, clock, disk, and what Linux allows a process to watch and to open. */
import { existsSync, watch } from 'node:fs';
import { readFile, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';
import { keptFreeOf, MAKE_ROOM } from '../../intake/disk-guard.ts';
import { reasonOf } from '../../thrown.ts';
import { VERSION } from '../../version.ts';
import type { Finding } from './finding.ts';
import { fault, ok, warning } from './finding.ts';

const MIB = 1_048_576;
/** So many times what is kept free is little. */
const LITTLE = 2;
const FEW_INODES = 10_000;
const FEW_WATCHES = 8_192;
const FEW_FILES = 1_024;
/** wds was written after it: a clock that shows less was never set. */
const EARLIEST_MS = Date.UTC(2025, 0, 1);

export const nodeFinding = (): Finding => ok('wds', `${VERSION}, Node ${process.versions.node}, ${process.platform}`);

export function clockFinding(nowMs: number): Finding {
  const shown = new Date(nowMs).toISOString();
  if (nowMs < EARLIEST_MS) {
    return fault('clock', `it says ${shown}`, 'Set it: signatures carry the time, and receivers refuse old ones.');
  }
  const unsynchronized = existsSync('/run/systemd/timesync') && !existsSync('/run/systemd/timesync/synchronized');
  return unsynchronized
    ? warning('clock', `it says ${shown}, and is not synchronized`, 'See: timedatectl status')
    : ok('clock', `it says ${shown}`);
}

/** Of the file system that a folder is on, or will be. */
export async function diskFinding(check: string, folder: string, minFreeBytes: number | undefined): Promise<Finding> {
  const there = nearestFolder(folder);
  try {
    const { bavail, bsize, blocks, ffree, files } = await statfs(there);
    const freeBytes = bavail * bsize;
    const free = `${gib(freeBytes)} GiB of ${gib(blocks * bsize)} free`;
    const next = `${MAKE_ROOM} Or put ${check} elsewhere.`;
    const keptFree = minFreeBytes ?? keptFreeOf(blocks * bsize);
    const mib = `${Math.ceil(keptFree / MIB)} MiB are kept free (intake.minFreeMiB)`;
    if (freeBytes < keptFree) return fault(`${check} disk`, `${free}: no file is taken in, for ${mib}`, next);
    if (freeBytes < keptFree * LITTLE) return warning(`${check} disk`, `${free}; ${mib}`, next);
    if (files > 0 && ffree < FEW_INODES) return warning(`${check} disk`, `${free}, but only ${ffree} inodes`, next);
    return ok(`${check} disk`, free);
  } catch (error) {
    return warning(`${check} disk`, `it cannot be asked: ${reasonOf(error)}`, `Look at ${there} yourself.`);
  }
}

const gib = (bytes: number): string => (bytes / (1_024 * MIB)).toFixed(1);

export function nearestFolder(folder: string): string {
  return existsSync(folder) || dirname(folder) === folder ? folder : nearestFolder(dirname(folder));
}

/** Whether one more folder can be watched, and how many there may be. Where it cannot, the inbox is only read every few seconds. */
export async function watchFinding(inbox: string): Promise<Finding | undefined> {
  if (process.platform !== 'linux') return undefined;
  const limit = async (name: string) =>
    Number(await readFile(`/proc/sys/fs/inotify/${name}`, 'latin1').catch(() => 'x'));
  const [watches, instances] = [await limit('max_user_watches'), await limit('max_user_instances')];
  const limits = `inotify: ${watches} watches, ${instances} instances`;
  const next = 'Raise them: sysctl fs.inotify.max_user_watches=524288 fs.inotify.max_user_instances=512';
  try {
    watch(existsSync(inbox) ? inbox : tmpdir()).close();
  } catch (error) {
    return fault('watching', `the inbox cannot be watched: ${reasonOf(error)} (${limits})`, next);
  }
  return watches < FEW_WATCHES ? warning('watching', limits, next) : ok('watching', limits);
}

export async function openFilesFinding(): Promise<Finding | undefined> {
  const limits = await readFile('/proc/self/limits', 'latin1').catch(() => '');
  const [, soft] = /^Max open files\s+(\d+)/m.exec(limits) ?? [];
  if (soft === undefined) return undefined;
  return Number(soft) < FEW_FILES
    ? warning('open files', `${soft} at most`, 'Raise it (ulimit -n, LimitNOFILE=): each open request takes one.')
    : ok('open files', `${soft} at most`);
}
