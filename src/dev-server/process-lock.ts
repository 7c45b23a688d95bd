/**
 * One process at a time does `work`: a lock file that names its holder. It appears whole (link), is taken over from a holder that
 * died, and never by two at once. One that names nobody (a power loss empties files) is taken over after a second. Good for the processes
 * of one host; a lock of another host counts as left behind after ten minutes.
 */
import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isErrno } from '../thrown.ts';
import type { ProcessIdentity } from './process-identity.ts';
import { identify, isProcessIdentity, isRunning } from './process-identity.ts';

const FOREIGN_LOCK_MS = 10 * 60_000;
/** Breaking a lock takes milliseconds; a breaker's own lock that is older was left by a crash. */
const BREAKER_MS = 10_000;
/** A lock appears whole; one that stays unreadable for this long will never be read. */
const UNREADABLE_MS = 1_000;
const POLL_MS = 50;

interface LockContent {
  readonly holder: ProcessIdentity;
  /** Tells two holds of one process apart. */
  readonly token: string;
}
/** `unreadable`: there is a lock, and it names nobody. */
type FoundLock = LockContent | 'free' | 'unreadable';

export interface LockOptions {
  /** Called once, with the holder's process ID, when the lock is not free. */
  readonly onWait?: (pid: number) => void;
  /** Longest wait for it; then LockTaken is thrown, and `work` is not done. Default: as long as its holder runs. */
  readonly limitMs?: number;
}

/** The lock was not free in time. */
export class LockTaken extends Error {
  constructor(path: string) {
    super(`${path} is held by another process`);
    this.name = 'LockTaken';
  }
}

export async function withProcessLock<T>(
  path: string,
  work: () => Promise<T>,
  { onWait, limitMs = Number.POSITIVE_INFINITY }: LockOptions = {},
): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  const holder = identify(process.pid) ?? { pid: process.pid, host: '', born: '' };
  const own: LockContent = { holder, token: randomUUID() };
  const draft = `${path}.${own.token}`;
  try {
    await writeFile(draft, JSON.stringify(own)).catch((error: Error) => {
      // What a write fails with does not say where.
      throw Object.assign(error, { path: draft });
    });
    let unreadableSinceMs: number | undefined;
    const deadlineMs = performance.now() + limitMs;
    for (let waited = false; !(await appears(draft, path)); ) {
      const found = await readLock(path);
      unreadableSinceMs = found === 'unreadable' ? (unreadableSinceMs ?? performance.now()) : undefined;
      if (await isLeftBehind(path, found, unreadableSinceMs)) {
        await breakLock(path, found);
        continue;
      }
      if (!waited && typeof found === 'object') {
        waited = true;
        onWait?.(found.holder.pid);
      }
      if (performance.now() > deadlineMs) throw new LockTaken(path);
      await sleep(POLL_MS);
    }
    return await work();
  } finally {
    await rm(draft, { force: true });
    const found = await readLock(path).catch((): FoundLock => 'free');
    if (isSame(found, own)) await rm(path, { force: true });
  }
}

const isSame = (a: FoundLock, b: FoundLock): boolean =>
  typeof a === 'object' && typeof b === 'object' ? a.token === b.token : a === b;

/** Between reading a dead holder's lock and removing it, another process may do the same and take the lock: one breaker at a time. */
async function breakLock(path: string, found: FoundLock): Promise<void> {
  const breaker = `${path}.breaking`;
  try {
    await writeFile(breaker, '', { flag: 'wx' });
  } catch {
    if ((await ageMs(breaker)) > BREAKER_MS) await rm(breaker, { force: true });
    await sleep(POLL_MS);
    return;
  }
  try {
    if (isSame(await readLock(path), found)) await rm(path, { force: true });
  } finally {
    await rm(breaker, { force: true });
  }
}

async function isLeftBehind(
  path: string,
  found: FoundLock,
  unreadableSinceMs = Number.POSITIVE_INFINITY,
): Promise<boolean> {
  if (found === 'free') return false;
  if (found === 'unreadable') return performance.now() - unreadableSinceMs > UNREADABLE_MS;
  const { holder } = found;
  if (holder.host !== (identify(process.pid)?.host ?? '')) return (await ageMs(path)) > FOREIGN_LOCK_MS;
  return !isRunning(holder);
}

async function appears(draft: string, path: string): Promise<boolean> {
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return false;
    throw error;
  }
}

/** Throws where the lock cannot be read for reasons of this process, such as too many open files: nothing is known of it then. */
async function readLock(path: string): Promise<FoundLock> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return 'free';
    throw error;
  }
  try {
    const content = JSON.parse(text) as Partial<LockContent> | null;
    return isProcessIdentity(content?.holder) && typeof content?.token === 'string'
      ? { holder: content.holder, token: content.token }
      : 'unreadable';
  } catch {
    return 'unreadable';
  }
}

/** Whatever way the clock was set meanwhile. */
async function ageMs(path: string): Promise<number> {
  try {
    return Math.abs(Date.now() - (await stat(path)).mtimeMs);
  } catch {
    return 0;
  }
}
