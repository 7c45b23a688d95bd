import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fairShares, lentAt } from '../../../src/domain/governor/rate-share.ts';

describe('fair shares', () => {
  it('are equal where everybody needs more than that', () => {
    expect(fairShares(90, [Number.POSITIVE_INFINITY, 50, 40])).toEqual([30, 30, 30]);
  });
  it('leave what one cannot use to the others', () => {
    expect(fairShares(90, [Number.POSITIVE_INFINITY, 10, 50])).toEqual([40, 10, 40]);
  });
  it('never sum up to more than there is, nor give anybody more than he can use', () => {
    const demands = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { maxLength: 20 });
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e6, noNaN: true }), demands, (total, wanted) => {
        const shares = fairShares(total, wanted);
        expect(shares.reduce((sum, share) => sum + share, 0)).toBeLessThanOrEqual(total * (1 + 1e-12) + 1e-9);
        shares.forEach((share, index) => {
          expect(share).toBeGreaterThanOrEqual(0);
          expect(share).toBeLessThanOrEqual(wanted[index]!);
        });
      }),
    );
  });
});

describe('a lease on a clock that is not the governor’s', () => {
  const lease = [
    { fromMs: 0, toMs: 1_000, ratePerSecond: 50 },
    { fromMs: 1_000, toMs: 2_000, ratePerSecond: 100 },
    { fromMs: 2_000, toMs: 3_000, ratePerSecond: 20 },
  ];
  const rate = (sinceSentMs: number, sinceReceivedMs: number): number =>
    lentAt(lease, sinceSentMs, sinceReceivedMs)?.ratePerSecond ?? 0;

  it('rises by the later clock and falls by the earlier', () => {
    expect(rate(1_100, 900)).toBe(50);
    expect(rate(1_300, 1_100)).toBe(100);
    expect(rate(2_050, 1_850)).toBe(20);
  });
  it('ends by the earlier clock', () => {
    expect(rate(2_999, 2_800)).toBe(20);
    expect(rate(3_000, 2_800)).toBe(0);
  });
  it('is nothing before it starts and in its gaps', () => {
    const late = [
      { fromMs: 500, toMs: 600, ratePerSecond: 5 },
      { fromMs: 700, toMs: 800, ratePerSecond: 5 },
    ];
    expect(lentAt(late, 520, 480)).toBeUndefined();
    expect(lentAt(late, 560, 520)?.ratePerSecond).toBe(5);
    expect(lentAt(late, 710, 590)).toBeUndefined();
  });
});
