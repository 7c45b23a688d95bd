import { describe, expect, test } from 'vitest';
import type { Verdict } from '../../src/domain/answers.ts';
import { Overload } from '../../src/endpoint/overload.ts';

const busy: Verdict = { kind: 'transient', status: 503, reason: 'HTTP 503' };
const done: Verdict = { kind: 'delivered', status: 200 };

/** Met by a crowd at this pace. */
function crowded(pacePerSecond: number): Overload {
  const overload = new Overload();
  for (let n = 0; n < 4; n++) overload.judged(busy, `crowd${n}`, pacePerSecond, true, 0);
  overload.judged(done, 'done', pacePerSecond, true, 0);
  return overload;
}

describe('a 503 without a Retry-After', () => {
  test('is a limit where the endpoint delivers otherwise, and several alerts meet it', () => {
    const overload = crowded(50);
    expect(overload.judged(busy, 'b', 50, true, 0).kind).toBe('throttled');
    for (let n = 0; n < 1_000; n++) overload.judged(done, `d${n}`, 50, true, 1_000);
    expect(overload.judged(busy, 'c', 50, true, 20_000).kind).toBe('throttled');
  });

  test('is a failure of those alerts where one in twenty or fewer meet it', () => {
    const overload = new Overload();
    for (let n = 0; n < 400; n++) {
      overload.judged(done, `d${n}`, 50, true, n);
      if (n % 20 === 0) expect(overload.judged(busy, `f${n}`, 50, true, n)).toBe(busy);
    }
  });

  test('is a failure before anything was delivered, and where nothing else comes any more', () => {
    const overload = new Overload();
    expect(overload.judged(busy, 'a', 50, false, 0)).toBe(busy);
    const kinds = Array.from({ length: 12 }, (_, n) => overload.judged(busy, `b${n}`, 50, true, 0).kind);
    expect(kinds.slice(-3)).toEqual(['transient', 'transient', 'transient']);
  });

  test('that the same alert meets again is a failure of that alert', () => {
    const overload = crowded(50);
    expect(overload.judged(busy, 'a', 50, true, 0).kind).toBe('throttled');
    overload.judged(done, 'b', 50, true, 0);
    expect(overload.judged(busy, 'a', 50, true, 0)).toBe(busy);
  });

  test('is a limit where a process that was held up makes up for it, whatever its pace', () => {
    const overload = crowded(100);
    expect(overload.judged(busy, 'a', 100, true, 0).kind).toBe('throttled');
    for (let second = 1; second < 10; second++) {
      for (let n = 0; n < 60; n++) overload.judged(done, `d${second}-${n}`, 20, true, second * 1_000);
      for (let n = 0; n < 5; n++) {
        expect(overload.judged(busy, `f${second}-${n}`, 20, true, second * 1_000).kind).toBe('throttled');
      }
    }
  });

  test('is a limit where single ones come at a low pace, now and then', () => {
    const overload = crowded(100);
    for (let n = 0; n < 600; n++) {
      overload.judged(done, `d${n}`, 20, true, n * 50);
      if (n % 60 === 0) expect(overload.judged(busy, `f${n}`, 20, true, n * 50).kind).toBe('throttled');
    }
  });

  test('that goes on at a fraction of the rate is none of the rate', () => {
    const overload = crowded(100);
    const kinds = [100, 20, 20, 20, 20].map((pace, n) => {
      overload.judged(done, `d${n}`, pace, true, 0);
      return overload.judged(busy, `f${n}`, pace, true, 0).kind;
    });
    expect(kinds).toEqual(['throttled', 'throttled', 'throttled', 'transient', 'transient']);
    const later = Array.from({ length: 5 }, (_, n) => overload.judged(busy, `later${n}`, 20, true, 700_000).kind);
    expect(later.at(-1)).toBe('throttled');
  });
});
