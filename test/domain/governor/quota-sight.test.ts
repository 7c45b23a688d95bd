import { expect, test } from 'vitest';
import { QuotaSight } from '../../../src/domain/governor/quota-sight.ts';

const left = (resetMs: number, limit = 100) => ({ limit, resetMs, remaining: 50 });

test('a quota and the longest time to its renewal make a rate, a little below it', () => {
  const quota = new QuotaSight();
  expect(quota.ceilingOf(left(4_000))).toBeCloseTo(24.5);
  expect(quota.ceilingOf(left(10_000))).toBeCloseTo(9.8);
  expect(quota.ceilingOf(left(1_000))).toBeCloseTo(9.8);
  expect(quota.ceilingOf(left(10_000, 200))).toBeCloseTo(19.6);
});

test('what is stated needs no reckoning, and what is too short tells nothing', () => {
  const quota = new QuotaSight();
  expect(quota.ceilingOf({ ...left(10_000), ceilingPerSecond: 3 })).toBe(3);
  expect(new QuotaSight().ceilingOf(left(500))).toBeUndefined();
  expect(quota.ceilingOf({ remaining: 3, limit: 40 })).toBeUndefined();
});
