import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FileSample, Settling } from '../../src/intake/completeness.ts';
import { sameSample, settle, settledAtMs, settleMoved } from '../../src/intake/completeness.ts';

const sample = (change: Partial<FileSample> = {}): FileSample => ({
  sizeBytes: 10,
  mtimeMs: 1,
  ctimeMs: 1,
  ino: 5,
  dev: 7,
  ...change,
});
const times = { seenMs: 500, unseenMs: 10_000 };

describe('settling', () => {
  test('begins when the sample is first seen and goes on while nothing changes', () => {
    const first = settle(undefined, sample(), 1_000);
    expect(settle(first, sample(), 1_400)).toBe(first);
    expect(settledAtMs(first, true, times)).toBe(1_500);
  });

  test.each([
    ['size', { sizeBytes: 11 }],
    ['size falling', { sizeBytes: 9 }],
    ['mtime', { mtimeMs: 2 }],
    ['mtime going back', { mtimeMs: -5 }],
    ['ctime, the mtime being set back', { ctimeMs: 2 }],
    ['inode', { ino: 6 }],
    ['device', { dev: 8 }],
  ])('starts over when the %s changes', (_, change) => {
    const first = settle(undefined, sample(), 1_000);
    expect(settle(first, sample(change), 1_400)).toEqual({ sample: sample(change), sinceMs: 1_400 });
  });

  test('goes on over a rename of our own, and then takes the ctime of that for its own', () => {
    const first = settle(undefined, sample(), 1_000);
    const moved = settleMoved(first, sample({ ctimeMs: 9 }), 1_400);
    expect(moved).toEqual({ sample: sample({ ctimeMs: 9 }), sinceMs: 1_000 });
    expect(settle(moved, sample({ ctimeMs: 9 }), 1_500)).toBe(moved);
    expect(settle(moved, sample({ ctimeMs: 10 }), 1_500).sinceMs).toBe(1_500);
    expect(settleMoved(first, sample({ ctimeMs: 9, mtimeMs: 9 }), 1_400).sinceMs).toBe(1_400);
    expect(settleMoved(undefined, sample(), 1_400).sinceMs).toBe(1_400);
  });

  test('takes the long time where writers are not seen, and for empty files', () => {
    const content = settle(undefined, sample(), 0);
    const empty = settle(undefined, sample({ sizeBytes: 0 }), 0);
    expect(settledAtMs(content, false, times)).toBe(10_000);
    expect(settledAtMs(empty, true, times)).toBe(10_000);
  });

  test('is independent of the clock that mtimes come from', () => {
    for (const mtimeMs of [-1e12, 0, 4e12]) {
      expect(settledAtMs(settle(undefined, sample({ mtimeMs }), 20), true, times)).toBe(520);
    }
  });

  test('is over only if all samples of the settle time were the same', () => {
    const steps = fc.array(
      fc.record({ sizeBytes: fc.integer({ min: 1, max: 3 }), waitMs: fc.integer({ min: 1, max: 400 }) }),
    );
    fc.assert(
      fc.property(steps, (history) => {
        let settling: Settling | undefined;
        let nowMs = 0;
        const seen: { atMs: number; sample: FileSample }[] = [];
        for (const { sizeBytes, waitMs } of history) {
          nowMs += waitMs;
          const current = sample({ sizeBytes });
          seen.push({ atMs: nowMs, sample: current });
          settling = settle(settling, current, nowMs);
          const lastChange = seen.findLastIndex((earlier) => !sameSample(earlier.sample, current));
          expect(settledAtMs(settling, true, times)).toBe((seen[lastChange + 1]?.atMs ?? 0) + times.seenMs);
        }
      }),
    );
  });
});
