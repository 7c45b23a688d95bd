import { describe, expect, test } from 'vitest';
import { crowded, openLimitAt, openShare } from '../../../src/domain/governor/concurrency.ts';

const crowd = { open: 10, alone: true, latencyMs: 100 };

describe('a refusal among open requests', () => {
  test('is taken for a limit on them, where requests take long enough to meet', () => {
    expect(crowded(undefined, crowd, 0)?.requests).toBe(10);
    expect(crowded(undefined, { ...crowd, latencyMs: 3 }, 0)).toBeUndefined();
    expect(crowded(undefined, { ...crowd, open: 1 }, 0)).toBeUndefined();
  });

  test('with as many open lowers it by what was one too many, with far fewer disproves it', () => {
    const first = crowded(undefined, crowd, 0);
    expect(crowded(first, { ...crowd, open: 9 }, 1_000)?.requests).toBe(9);
    expect(crowded(first, { ...crowd, open: 4 }, 1_000)).toBeUndefined();
  });

  test('takes back what was tried beyond it, and waits longer before the next try', () => {
    const first = crowded(undefined, crowd, 0)!;
    expect(openLimitAt(first, first.restMs + 1)).toBe(11);
    const second = crowded(first, { ...crowd, open: 10 }, first.restMs + 1)!;
    expect(second).toMatchObject({ requests: 10, restMs: 2 * first.restMs });
  });
});

test('workers share it, and one who has just come waits for the others to leave him something', () => {
  expect(openShare(10, 2, 5)).toBe(5);
  expect(openShare(10, 2, 10)).toBe(0);
  expect(openShare(10, 2, 8)).toBe(2);
});
