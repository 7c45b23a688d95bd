import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SentLog } from '../../src/endpoint/sent-log.ts';

test('counts exactly, for any window, as long as there are few', () => {
  const log = new SentLog();
  for (const atMs of [0, 100, 100, 250]) log.add(atMs);
  expect([log.after(-1), log.after(0), log.after(99), log.after(100), log.after(250)]).toEqual([4, 3, 3, 1, 0]);
  expect(log.after(50)).toBe(3);
  expect([log.firstMs, log.until(100), log.until(249), log.until(250)]).toEqual([100, 2, 2, 3]);
  expect(log.pieces(50, 300, 100)).toEqual([
    [200, 2],
    [50, 1],
  ]);
});

test('never counts too few, and forgets a request a 64th of the window late at most, however many there are', () => {
  const gaps = fc.array(fc.tuple(fc.integer({ min: 1, max: 12_000 }), fc.double({ min: 0, max: 400, noNaN: true })), {
    minLength: 1,
    maxLength: 12,
  });
  fc.assert(
    fc.property(gaps, fc.constantFrom(500, 10_000, 60_000, 3_600_000), (runs, windowMs) => {
      const log = new SentLog();
      const times: number[] = [];
      let nowMs = 0;
      for (const [count, gapMs] of runs) {
        for (let index = 0; index < count; index++) {
          nowMs += gapMs;
          times.push(nowMs);
          log.add(nowMs);
        }
        const later = (sinceMs: number): number => times.length - lowerBound(times, sinceMs);
        const counted = log.after(nowMs - windowMs);
        expect(counted).toBeGreaterThanOrEqual(later(nowMs - windowMs));
        expect(counted).toBeLessThanOrEqual(later(nowMs - windowMs * (1 + 1 / 63) - 2));
        const pieces = log.pieces(nowMs - windowMs, nowMs, 16);
        expect(pieces.reduce((sum, [, each]) => sum + each, 0)).toBe(counted);
        expect(pieces.length).toBeLessThanOrEqual(33);
      }
    }),
    { seed: 11, numRuns: 40 },
  );
});

/** How many are not later than `sinceMs`. */
function lowerBound(times: readonly number[], sinceMs: number): number {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle]! <= sinceMs) low = middle + 1;
    else high = middle;
  }
  return low;
}
