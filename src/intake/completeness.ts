/**
 * When is a dropped file complete? Pure: it compares successive samples of a file's stat with each other, never with the time of day,
 * so clocks that are wrong or differ between hosts do not matter. Time is a monotonic clock of the caller.
 *
 * A file is complete when size, mtime, ctime, inode and device have not changed for the settle time and nobody is seen writing to it
 * (an mtime can be set back by whoever has written, a ctime cannot). A network mount or another container may hide its writers; then only
 * a longer settle time helps (docs/guide.md, "Dropping a file").
 *
 * Some files are doubtful: they have grown while nobody was seen to hold them open, or end in mid-row. Their writer may come back, so they
 * settle for longer.
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

/** How sure it is that a file at rest is whole. `rest`: what a writer adds to a file of which the first part was taken. */
export type Trust = 'plain' | 'doubtful' | 'rest';
/** A doubtful file settles for so many times as long. */
const DOUBT_FACTOR = 4;

/** When the file will have been unchanged for long enough, if it stays as it is. */
export function settledAtMs(
  settling: Settling,
  writersSeen: boolean,
  times: SettleTimes,
  trust: Trust = 'plain',
): number {
  if (!writersSeen || settling.sample.sizeBytes === 0 || trust === 'rest') return settling.sinceMs + times.unseenMs;
  const doubtMs = Math.min(times.seenMs * DOUBT_FACTOR, Math.max(times.unseenMs, times.seenMs));
  return settling.sinceMs + (trust === 'doubtful' ? doubtMs : times.seenMs);
}

/** Whether it has become longer, from some content on: that of an empty file is its beginning. */
export const hasGrown = (before: FileSample, after: FileSample): boolean =>
  before.sizeBytes > 0 && after.sizeBytes > before.sizeBytes && before.ino === after.ino && before.dev === after.dev;
