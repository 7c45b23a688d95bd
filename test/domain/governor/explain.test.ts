import { describe, expect, test } from 'vitest';
import type { Episode } from '../../../src/domain/governor/episodes.ts';
import { EpisodeCounter, episodeAt } from '../../../src/domain/governor/episodes.ts';
import { explained, roundest, roundness } from '../../../src/domain/governor/explain.ts';

/** `admitted` within `fillMs`, at `pace` in the end; refused for between `shortestMs` and `longestMs`. */
const episode = (
  beganMs: number,
  admitted: number,
  fillMs: number,
  pace: number,
  [shortestMs, longestMs]: readonly [number, number],
): Episode => ({
  beganMs,
  admitted,
  pacePerSecond: pace,
  refusedMs: beganMs + fillMs,
  triedMs: beganMs + fillMs + shortestMs,
  recoveredMs: beganMs + fillMs + longestMs,
});

describe('what explains a time of refusals', () => {
  test('is the window after whose length it took requests again', () => {
    expect(explained([episode(0, 100, 1_950, 150, [7_750, 13_750])])).toEqual({ quota: 100, windowMs: 10_000 });
    expect(explained([episode(0, 600, 3_600, 600, [55_800, 57_000])])).toEqual({ quota: 600, windowMs: 60_000 });
    expect(explained([episode(0, 5, 480, 10, [1_040, 3_060])])).toEqual({ quota: 5, windowMs: 2_000 });
  });

  test('is a shorter window where it refused for the usual time of a penalty', () => {
    expect(explained([episode(0, 300, 3_100, 607, [29_000, 30_050])])).toEqual({ quota: 300, windowMs: 10_000 });
  });

  test('is not a window in which more was taken, or less before it refused', () => {
    const first = episode(0, 600, 3_600, 607, [15_000, 21_000]);
    const second = episode(25_000, 600, 10_360, 58.2, [45_000, 46_000]);
    expect(explained([first, second])).toEqual({ quota: 600, windowMs: 60_000 });
  });

  test('is not a window of which far more was taken within its length, in whatever order', () => {
    // Refused by chance: 415 at 79 a second, and 7 at 40 a second soon after.
    const many = episode(0, 415, 8_530, 79, [0, 1_035]);
    const few = episode(15_220, 7, 100, 40, [1_500, 2_000]);
    expect(explained([many, few])).toBeUndefined();
    expect(explained([few])).toBeDefined();
    expect(explained([few], [many, few])).toEqual(undefined);
  });
});

test('round numbers are likelier', () => {
  expect(roundness(100)).toBeGreaterThan(roundness(600));
  expect(roundness(600)).toBeGreaterThan(roundness(617));
  expect(roundest(97, 103)).toBe(100);
  expect(roundest(0.8, 1.1)).toBe(1);
  expect(roundest(611, 619)).toBeUndefined();
});

describe('an episode', () => {
  test('counts what was taken until the first refusal, and what was on its way then', () => {
    const counter = new EpisodeCounter();
    for (const sentMs of [0, 100, 200]) counter.took(sentMs, sentMs + 20);
    counter.refused(400, 10, 250, false);
    counter.took(300, 420);
    expect(counter.told(500)).toEqual([]);
    counter.refused(700, 10, 500, false);
    expect(counter.took(1_300, 1_320)).toBe(true);
    const [told] = counter.told(2_000);
    expect(episodeAt(told!, 2_000)).toEqual({
      admitted: 4,
      pacePerSecond: 10,
      beganMs: 20,
      refusedMs: 400,
      triedMs: 700,
      recoveredMs: 1_300,
    });
    expect(counter.admitted).toBe(1);
  });

  test('that could not be told is told with the next', () => {
    const counter = new EpisodeCounter();
    counter.took(0, 10);
    counter.refused(100, 10, 250, false);
    counter.took(400, 410);
    const told = counter.told(500);
    counter.untold(told, 500);
    expect(counter.told(600)[0]?.refusedAgoMs).toBe(500);
  });

  test('does not last longer than the stop after which nobody tried', () => {
    const counter = new EpisodeCounter();
    counter.took(0, 10);
    counter.refused(100, 10, 250, false);
    counter.took(9_000, 9_010);
    expect(episodeAt(counter.told(9_500)[0]!, 9_500).recoveredMs).toBe(850);
  });
});
