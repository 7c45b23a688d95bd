/**
 * When is a dropped file complete? Pure: it compares successive samples of a file's stat with each other, never with the time of day,
 * so clocks that are wrong or differ between hosts do not matter. Time is a monotonic clock of the caller.
 *
 * A file is complete when size, mtime, ctime, inode and device have not changed for the settle time and nobody is seen writing to it
 * (an mtime can be set back by whoever has written, a ctime cannot). A network mount or another container may hide its writers; then only
 * a longer settle time helps (docs/guide.md, "Dropping a file").
 */

export interface FileSample {
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly ino: number;
  readonly dev: number;
}

/** What is known of a file that is not complete yet. */
export interface Settling {
  readonly sample: FileSample;
  /** Monotonic time at which `sample` was first seen. */
  readonly sinceMs: number;
}

export interface SettleTimes {
  /** Where every process that could write is visible. */
  readonly seenMs: number;
  /** Where writers may be hidden, and for empty files: an empty file is more often an upload about to begin. */
  readonly unseenMs: number;
}

export const DEFAULT_SETTLE_TIMES: SettleTimes = { seenMs: 500, unseenMs: 10_000 };

export const sampleOf = (
  stats: Pick<FileSample, 'mtimeMs' | 'ctimeMs' | 'ino' | 'dev'> & { readonly size: number },
): FileSample => ({
  sizeBytes: stats.size,
  mtimeMs: stats.mtimeMs,
  ctimeMs: stats.ctimeMs,
  ino: stats.ino,
  dev: stats.dev,
});

export const sameSample = (a: FileSample, b: FileSample): boolean => a.ctimeMs === b.ctimeMs && sameButMoved(a, b);

const sameButMoved = (a: FileSample, b: FileSample): boolean =>
  a.sizeBytes === b.sizeBytes && a.mtimeMs === b.mtimeMs && a.ino === b.ino && a.dev === b.dev;

/** Takes a new sample in: an unchanged file goes on settling, a changed one starts over. */
export const settle = (before: Settling | undefined, sample: FileSample, nowMs: number): Settling =>
  before !== undefined && sameSample(before.sample, sample) ? before : { sample, sinceMs: nowMs };

/** The same after a rename of our own, which sets the ctime: the new one is what later samples are held against. */
export const settleMoved = (before: Settling | undefined, sample: FileSample, nowMs: number): Settling =>
  before !== undefined && sameButMoved(before.sample, sample) ? { ...before, sample } : { sample, sinceMs: nowMs };

/** When the file will have been unchanged for long enough, if it stays as it is. */
export function settledAtMs(settling: Settling, writersSeen: boolean, times: SettleTimes): number {
  const short = writersSeen && settling.sample.sizeBytes > 0;
  return settling.sinceMs + (short ? times.seenMs : times.unseenMs);
}
