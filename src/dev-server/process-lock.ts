/**
 * One process at a time does `work`: a lock file that names its holder. It appears whole (link), is taken over from a holder that
 * died, and never by two at once. Good for the processes of one host; a lock of another host counts as left behind after ten minutes.
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
const POLL_MS = 50;

interface LockContent {
  readonly holder: ProcessIdentity;
  /** Tells two holds of one process apart. */
  readonly token: string;
}

/** `onWait` is called once, with the holder's process ID, when the lock is not free. */
export async function withProcessLock<T>(
  path: string,
  work: () => Promise<T>,
  onWait?: (pid: number) => void,
): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  const holder = identify(process.pid) ?? { pid: process.pid, host: '', born: '' };
  const own: LockContent = { holder, token: randomUUID() };
  const draft = `${path}.${own.token}`;
  await writeFile(draft, JSON.stringify(own));
  try {
    for (let waited = false; !(await appears(draft, path)); ) {
      const current = await readLock(path);
      if (current !== undefined && (await isLeftBehind(path, current))) {
        await breakLock(path, current.token);
        continue;
      }
      if (!waited && current !== undefined) {
        waited = true;
        onWait?.(current.holder.pid);
      }
      await sleep(POLL_MS);
    }
    return await work();
  } finally {
    await rm(draft, { force: true });
    if ((await readLock(path))?.token === own.token) await rm(path, { force: true });
  }
}

/** Between reading a dead holder's lock and removing it, another process may do the same and take the lock: one breaker at a time. */
async function breakLock(path: string, token: string): Promise<void> {
  const breaker = `${path}.breaking`;
  try {
    await writeFile(breaker, '', { flag: 'wx' });
  } catch {
    if ((await ageMs(breaker)) > BREAKER_MS) await rm(breaker, { force: true });
    await sleep(POLL_MS);
    return;
  }
  try {
    if ((await readLock(path))?.token === token) await rm(path, { force: true });
  } finally {
    await rm(breaker, { force: true });
  }
}

async function isLeftBehind(path: string, { holder }: LockContent): Promise<boolean> {
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

async function readLock(path: string): Promise<LockContent | undefined> {
  try {
    const content = JSON.parse(await readFile(path, 'utf8')) as Partial<LockContent> | null;
    return isProcessIdentity(content?.holder) && typeof content?.token === 'string'
      ? { holder: content.holder, token: content.token }
      : undefined;
  } catch {
    return undefined;
  }
}

async function ageMs(path: string): Promise<number> {
  try {
    return Date.now() - (await stat(path)).mtimeMs;
  } catch {
    return 0;
  }
}
