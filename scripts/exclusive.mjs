/**
 * One set-up at a time: a lock file that names its holder. A holder that died is noticed by its process ID; the file is made
 * complete before it appears under its name (link), so nobody reads half of it. Good for one host; set-up needs no more.
 */
import { linkSync, mkdirSync, readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** No install takes this long; a lock that old was left by a process whose ID another one has now. */
const OLDEST_MS = 15 * 60_000;
/** A lock appears whole. One that names nobody was emptied, by a power loss or a full disk. */
const UNREADABLE_MS = 2_000;

/** Runs `work` while no other process runs it; `onWait(pid)` is called once if it has to wait. */
export async function exclusively(lockPath, work, onWait) {
  mkdirSync(dirname(lockPath), { recursive: true });
  const own = `${lockPath}.${process.pid}`;
  writeFileSync(own, String(process.pid));
  const release = () => unlinkIfThere(lockPath);
  try {
    for (let waited = false; !tryLink(own, lockPath); ) {
      const holder = Number(readIfThere(lockPath));
      if (isLeftBehind(lockPath, holder)) breakLock(lockPath);
      else if (!waited && holder > 0) {
        waited = true;
        onWait?.(holder);
      }
      await sleep(100);
    }
    process.once('exit', release);
    return await work();
  } finally {
    if (Number(readIfThere(lockPath)) === process.pid) release();
    process.removeListener('exit', release);
    unlinkIfThere(own);
  }
}

function isLeftBehind(lockPath, holder) {
  if (!(holder > 0)) return ageMs(lockPath) > UNREADABLE_MS;
  return holder === process.pid || !isAlive(holder) || ageMs(lockPath) > OLDEST_MS;
}

/** One breaker at a time, or a second one would remove the lock that the first one took meanwhile. */
function breakLock(lockPath) {
  const breaker = `${lockPath}.breaking`;
  try {
    writeFileSync(breaker, '', { flag: 'wx' });
  } catch {
    // Breaking takes a millisecond; an older breaker was killed at it.
    if (ageMs(breaker) > 10_000) unlinkIfThere(breaker);
    return;
  }
  if (isLeftBehind(lockPath, Number(readIfThere(lockPath)))) unlinkIfThere(lockPath);
  unlinkIfThere(breaker);
}

function tryLink(from, to) {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function ageMs(path) {
  try {
    return Math.abs(Date.now() - statSync(path).mtimeMs);
  } catch {
    return 0;
  }
}

function readIfThere(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function unlinkIfThere(path) {
  try {
    unlinkSync(path);
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
}
