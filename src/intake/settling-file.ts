/** One file on its way to completeness, in the inbox or already claimed: what was sampled of it, and when to look again. */
import { lstat } from 'node:fs/promises';
import type { SettleTimes, Settling } from './completeness.ts';
import { sampleOf, settle, settledAtMs } from './completeness.ts';
import { fileIdentity, findOpenWriters, writersSeen } from './open-writers.ts';

export interface SettlingFile {
  readonly path: string;
  settling?: Settling;
  /** Monotonic time of the last sample. */
  sampledMs: number;
  uid: number;
  /** Whether a writer of this file would be seen; until a look at the processes says otherwise, yes. */
  seen: boolean;
  /** Monotonic time of the next look. */
  dueMs: number;
}

export type Sampled = 'file' | 'gone' | { readonly notAFile: string };

/** Looks run at once. Each is one lstat in libuv's pool. */
const LOOKS_AT_ONCE = 16;
/** While a file is held open: between looks at the processes, so many times as long as a look takes. */
const HELD_PAUSE_FACTOR = 20;
const MIN_HELD_PAUSE_MS = 150;
const MAX_HELD_PAUSE_MS = 2_000;

export async function forEachOf<T>(items: Iterable<T>, atOnce: number, act: (item: T) => Promise<void>): Promise<void> {
  const iterator = items[Symbol.iterator]();
  const lane = async (): Promise<void> => {
    for (let next = iterator.next(); !next.done; next = iterator.next()) await act(next.value);
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
}

/** Takes a sample of a file that may change, vanish or become something else at any moment. Throws what lstat throws, but for ENOENT. */
export async function sampleFile(file: SettlingFile, nowMs: () => number, times: SettleTimes): Promise<Sampled> {
  try {
    const stats = await lstat(file.path);
    if (!stats.isFile()) {
      const kind = (['isSymbolicLink', 'isDirectory', 'isFIFO', 'isSocket'] as const).find((is) => stats[is]());
      return { notAFile: kind === undefined ? 'device' : kind.slice(2) };
    }
    file.uid = stats.uid;
    file.sampledMs = nowMs();
    file.settling = settle(file.settling, sampleOf(stats), file.sampledMs);
    file.dueMs = settledAtMs(file.settling, file.seen, times);
    return 'file';
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return 'gone';
    throw error;
  }
}

export interface CompletenessContext {
  readonly times: SettleTimes;
  /** False: the folder has writers that no process of this host shows (network mount, other containers). */
  readonly writersAreLocal: boolean;
  readonly nowMs: () => number;
}

/**
 * Which of the files, all sampled just now, are complete? One look at the processes for all of them. The others get a later `dueMs`.
 */
export async function completeOnes<T extends SettlingFile>(
  files: readonly T[],
  context: CompletenessContext,
): Promise<T[]> {
  const { nowMs, times } = context;
  // Held against the time of the sample, not the present: a crowd of files takes a while to sample.
  const due = files.filter(
    (file) => file.settling !== undefined && settledAtMs(file.settling, true, times) <= file.sampledMs,
  );
  if (due.length === 0) return [];
  const startedMs = nowMs();
  const sight = await findOpenWriters(new Set(due.map((file) => fileIdentity(file.settling!.sample))));
  const pauseMs = Math.min(Math.max((nowMs() - startedMs) * HELD_PAUSE_FACTOR, MIN_HELD_PAUSE_MS), MAX_HELD_PAUSE_MS);
  return due.filter((file) => {
    const settling = file.settling!;
    file.seen = context.writersAreLocal && writersSeen(sight, file.uid);
    file.dueMs = settledAtMs(settling, file.seen, times);
    if (!sight.held.has(fileIdentity(settling.sample))) return file.dueMs <= file.sampledMs;
    file.dueMs = Math.max(file.dueMs, nowMs() + pauseMs);
    return false;
  });
}

export const sampleAll = <T extends SettlingFile>(
  files: Iterable<T>,
  sample: (file: T) => Promise<void>,
): Promise<void> => forEachOf(files, LOOKS_AT_ONCE, sample);
