import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backoffMs, MAX_TIMER_MS } from '../../src/domain/backoff.ts';
import { DEFAULT_RETRY_POLICY } from '../../src/domain/endpoint.ts';

describe('backoffMs', () => {
  it('doubles from the initial to the maximum interval', () => {
    const delays = [1, 2, 3, 4, 9, 10, 11, 5000].map((failures) =>
      backoffMs(DEFAULT_RETRY_POLICY, { failures, random: 0 }),
    );
    expect(delays).toEqual([1_000, 2_000, 4_000, 8_000, 256_000, 300_000, 300_000, 300_000]);
  });

  it('never waits less than Retry-After, and no more than a jitter longer', () => {
    expect(backoffMs(DEFAULT_RETRY_POLICY, { failures: 1, random: 0, retryAfterMs: 60_000 })).toBe(60_000);
    expect(backoffMs(DEFAULT_RETRY_POLICY, { failures: 1, random: 0.999, retryAfterMs: 60_000 })).toBe(60_250);
    expect(backoffMs(DEFAULT_RETRY_POLICY, { failures: 8, random: 0, retryAfterMs: 60_000 })).toBe(128_000);
  });

  it('only lengthens by jitter, and never beyond what a timer takes', () => {
    const ms = fc.integer({ min: 0, max: 2 ** 40 });
    fc.assert(
      fc.property(
        ms,
        ms,
        ms,
        fc.integer({ min: 0, max: 1e9 }),
        fc.double({ min: 0, max: 0.9999, noNaN: true }),
        (...args) => {
          const [initialIntervalMs, maximumIntervalMs, retryAfterMs, failures, random] = args;
          const policy = { initialIntervalMs, maximumIntervalMs };
          const bare = backoffMs(policy, { failures, random: 0 });
          const delay = backoffMs(policy, { failures, random, retryAfterMs });
          expect(Number.isSafeInteger(delay)).toBe(true);
          expect(delay).toBeGreaterThanOrEqual(bare);
          expect(delay).toBeGreaterThanOrEqual(Math.min(retryAfterMs, MAX_TIMER_MS));
          expect(delay).toBeLessThanOrEqual(MAX_TIMER_MS);
        },
      ),
    );
  });
});
