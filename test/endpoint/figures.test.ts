import { describe, expect, test } from 'vitest';
import { EndpointFigures } from '../../src/endpoint/figures.ts';

describe('what is counted of an endpoint', () => {
  test('each request once, by what it means, and its answer by status and time', () => {
    const figures = new EndpointFigures();
    figures.took({ kind: 'response', status: 200 }, { kind: 'delivered', status: 200 }, 20);
    figures.took(
      { kind: 'response', status: 429 },
      { kind: 'throttled', status: 429, retryAfterMs: undefined, capped: false },
      7,
    );
    figures.took(
      { kind: 'ambiguous', reason: 'reset' },
      { kind: 'ambiguous', status: undefined, reason: 'reset' },
      15_000,
    );
    figures.took({ kind: 'withheld' }, { kind: 'withheld' }, 0);
    expect(figures.requests).toMatchObject({ delivered: 1, throttled: 1, ambiguous: 1, transient: 0 });
    expect([...figures.statuses]).toEqual([
      [200, 1],
      [429, 1],
    ]);
    // What was not answered took no time that says anything of the receiver.
    expect(figures.answerSeconds.counts.reduce((sum, count) => sum + count)).toBe(2);
    expect(figures.answerSeconds.sum).toBeCloseTo(0.027);
  });
});
