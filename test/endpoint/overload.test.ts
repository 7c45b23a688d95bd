import { describe, expect, test } from 'vitest';
import type { Verdict } from '../../src/domain/answers.ts';
import { Overload } from '../../src/endpoint/overload.ts';

const busy: Verdict = { kind: 'transient', status: 503, reason: 'HTTP 503' };
const done: Verdict = { kind: 'delivered', status: 200 };

describe('a 503 without a Retry-After', () => {
  test('is a limit where the endpoint delivers otherwise', () => {
    const overload = new Overload();
    overload.judged(done, 'a', 50, true, 0);
    expect(overload.judged(busy, 'b', 50, true, 0).kind).toBe('throttled');
  });

  test('is a failure before anything was delivered, and where nothing else comes any more', () => {
    const overload = new Overload();
    expect(overload.judged(busy, 'a', 50, false, 0)).toBe(busy);
    const kinds = Array.from({ length: 12 }, (_, n) => overload.judged(busy, `b${n}`, 50, true, 0).kind);
    expect(kinds.slice(-3)).toEqual(['transient', 'transient', 'transient']);
  });

  test('that the same alert meets again is a failure of that alert', () => {
    const overload = new Overload();
    expect(overload.judged(busy, 'a', 50, true, 0).kind).toBe('throttled');
    overload.judged(done, 'b', 50, true, 0);
    expect(overload.judged(busy, 'a', 50, true, 0)).toBe(busy);
  });

  test('that goes on at a fraction of the rate is none of the rate', () => {
    const overload = new Overload();
    const kinds = [100, 20, 20, 20, 20].map((pace, n) => {
      overload.judged(done, `d${n}`, pace, true, 0);
      return overload.judged(busy, `f${n}`, pace, true, 0).kind;
    });
    expect(kinds).toEqual(['throttled', 'throttled', 'throttled', 'transient', 'transient']);
    expect(overload.judged(busy, 'later', 20, true, 700_000).kind).toBe('throttled');
  });
});
