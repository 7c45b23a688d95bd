import { describe, expect, test } from 'vitest';
import type { Stray } from '../../../src/domain/governor/stray.ts';
import { NO_STRAY, strayDoubts, strayLook, strayRefused, strayTook } from '../../../src/domain/governor/stray.ts';
import { StrayGuard } from '../../../src/domain/governor/stray-guard.ts';

/** Refusals at these times (s), each after so many requests were taken, at such a pace. */
const refusedAt = (gaps: readonly (readonly [seconds: number, taken: number, pace: number])[], lateMs = 0): Stray =>
  gaps.reduce(
    (stray, [seconds, taken, pace]) =>
      strayRefused(strayTook(stray, taken, seconds * 1_000), pace, lateMs, seconds * 1_000),
    NO_STRAY,
  );

/** 10 a second are taken on average, from one refusal to the next. */
const TEN_A_SECOND = [
  [0, 10, 20],
  [1, 10, 18],
  [2, 10, 16],
  [3, 10, 14],
] as const;

describe('refusals are strays', () => {
  test('when they go on at a pace far below what was taken on average before, and others are taken in between', () => {
    const stray = refusedAt([...TEN_A_SECOND, [5, 10, 5], [7, 10, 5], [9, 10, 5]]);
    expect(stray.verdict).toMatchObject({ share: 6 / 66, provenPerSecond: 10 });
  });

  test('when each comes just below what was taken on average before: a limit that was met there is not met here', () => {
    const stray = refusedAt([...TEN_A_SECOND, [4, 10, 9.7], [5.1, 10, 9.5], [6.2, 10, 9.3], [7.4, 10, 9]]);
    expect(stray.verdict).toBeDefined();
  });

  test('not when they come at or above it: that is what a limit does', () => {
    const stray = refusedAt([...TEN_A_SECOND, [13, 100, 10.5], [23, 100, 10.6], [33, 100, 10.4], [43, 100, 10.5]]);
    expect(stray.verdict).toBeUndefined();
  });

  test('not when nothing is taken in between: it refuses everything', () => {
    expect(refusedAt([...TEN_A_SECOND, [5, 0, 5], [7, 0, 5], [9, 0, 5], [11, 0, 2]]).verdict).toBeUndefined();
  });

  test('not by what another worker took earlier and told late', () => {
    // 700 in 0.9 s would be 780 a second. They were taken within 6 s.
    const gaps = [
      [0, 100, 210],
      [0.3, 250, 210],
      [0.6, 250, 210],
      [0.9, 200, 210],
    ] as const;
    expect(refusedAt(gaps).provenPerSecond).toBeGreaterThan(700);
    expect(refusedAt(gaps, 5_250).provenPerSecond).toBeLessThan(120);
  });
});

describe('a limit that explains refusals far below what was taken before', () => {
  test('is doubted, until it was found a few times', () => {
    const stray = refusedAt(TEN_A_SECOND);
    expect(strayDoubts(stray, 1, 10_000)).toBe(true);
    expect(strayDoubts(stray, 5, 10_000)).toBe(false);
    expect(strayDoubts({ ...stray, doubted: 3 }, 1, 10_000)).toBe(false);
    expect(strayDoubts(stray, 1, 700_000)).toBe(false);
  });

  test('is doubted where a high pace went well for long until a moment ago', () => {
    const stray = strayRefused(strayTook(strayTook(NO_STRAY, 100, 0), 4_000, 40_000), 100, 0, 40_000);
    expect(strayDoubts(stray, 1, 50_000)).toBe(true);
    expect(strayDoubts(stray, 50, 50_000)).toBe(false);
  });
});

describe('while refusals are strays', () => {
  const found = refusedAt([...TEN_A_SECOND, [5, 10, 5], [7, 10, 5], [9, 10, 5]]);
  const look = (taken: number, refused: number, pacePerSecond: number, braked = false) =>
    strayLook(found, found.verdict!, { taken, refused, pacePerSecond, braked }, 20_000);

  test('the rate stays as it is while the part of refusals does', () => {
    expect(look(900, 100, 1_000).kind).toBe('on');
    expect(look(20, 9, 1_000).kind).toBe('on');
  });

  test('more refusals at a higher pace are a limit', () => {
    expect(look(50, 50, 100).kind).toBe('cut');
    expect(look(9, 1, 100, true).kind).toBe('cut');
  });

  test('more refusals at no higher pace are a mistake, which is not made again soon', () => {
    const { kind, stray } = look(50, 50, 10);
    expect(kind).toBe('over');
    expect(stray).toMatchObject({ barredMs: 60_000, barredUntilMs: 80_000 });
    expect(stray.verdict).toBeUndefined();
  });

  test('hardly any more refusals are the end of it', () => {
    expect(look(1_000, 5, 1_000)).toMatchObject({ kind: 'over', stray: NO_STRAY });
  });
});

describe('a worker', () => {
  const guard = (share: number | undefined): StrayGuard => {
    const made = new StrayGuard();
    made.share = share;
    return made;
  };

  test('takes refusals for strays only where the governor has found that', () => {
    expect(guard(undefined).isStray()).toBe(false);
    expect(guard(0.1).isStray()).toBe(true);
  });

  test('brakes where they come one after the other', () => {
    const strays = guard(0.3);
    expect(Array.from({ length: 10 }, () => strays.isStray())).toEqual([...Array(9).fill(true), false]);
    strays.took();
    expect(strays.isStray()).toBe(true);
  });

  test('brakes where they come far more often than when it was found', () => {
    const strays = guard(0.02);
    const verdicts = Array.from({ length: 200 }, (_, index) => {
      if (index % 5 !== 0) strays.took();
      return index % 5 !== 0 || strays.isStray();
    });
    expect(verdicts.slice(0, 70).every(Boolean)).toBe(true);
    expect(verdicts.at(-5)).toBe(false);
  });
});
