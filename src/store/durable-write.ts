/** Writing so that a power loss takes nothing back, at the speed of the disk: syncs are shared, and begun early. */
import type { FileHandle } from 'node:fs/promises';
import { mkdir, open } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

async function syncFolderNow(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Bytes after which what is written so far is synced in the background: the sync at the end is short then. */
const SYNC_EVERY_BYTES = 64 * 1024 * 1024;

/** Appends the pieces to a file; each is written while the source makes the next one. */
export async function writeAhead(handle: FileHandle, source: AsyncIterable<Uint8Array>): Promise<void> {
  let writing: Promise<void> = Promise.resolve();
  let syncing: Promise<void> = Promise.resolve();
  let syncEnded = true;
  let unsyncedBytes = 0;
  try {
    for await (const piece of source) {
      await writing;
      writing = handle.appendFile(piece);
      writing.catch(() => undefined);
      unsyncedBytes += piece.length;
      if (unsyncedBytes < SYNC_EVERY_BYTES || !syncEnded) continue;
      // Linux tells a disk error to one sync only: a later one would succeed, so none of them may be forgotten.
      await syncing;
      unsyncedBytes = 0;
      syncEnded = false;
      syncing = handle.datasync().finally(() => {
        syncEnded = true;
      });
      syncing.catch(() => undefined);
    }
    await writing;
    await syncing;
  } finally {
    // The file must not be closed below a call that is still under way.
    await Promise.allSettled([writing, syncing]);
  }
}

/** By folder: the sync that has not begun yet. It serves all who ask before it begins. */
const nextSyncs = new Map<string, Promise<void>>();
const runningSyncs = new Map<string, Promise<void>>();

/** Makes what was created or renamed in a folder survive a power loss. Many writers at once share the syncs. */
export function syncFolder(path: string): Promise<void> {
  let next = nextSyncs.get(path);
  if (next === undefined) {
    const begin = (): Promise<void> => {
      nextSyncs.delete(path);
      const running = syncFolderNow(path).finally(() => {
        if (runningSyncs.get(path) === running) runningSyncs.delete(path);
      });
      runningSyncs.set(path, running);
      return running;
    };
    next = (runningSyncs.get(path) ?? Promise.resolve()).then(begin, begin);
    nextSyncs.set(path, next);
  }
  return next;
}

/** Makes a folder, and those above it that are missing. A new one survives a power loss only once the folder above it is synced. */
export async function makeFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined) return;
  const top = dirname(resolve(first));
  let parent = resolve(path);
  do {
    parent = dirname(parent);
    await syncFolder(parent);
  } while (parent !== top && parent !== dirname(parent));
}
