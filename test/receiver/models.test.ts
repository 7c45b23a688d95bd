import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ReceiverModel, ReceiverModelSpec } from '../../src/receiver/models/model.ts';
import { createReceiverModel, DEFAULT_MODEL_SPEC } from '../../src/receiver/models/models.ts';
import { ratePlan } from '../../src/receiver/models/plan.ts';

const model = (spec: Partial<ReceiverModelSpec>): ReceiverModel =>
  createReceiverModel({ ...DEFAULT_MODEL_SPEC, ...spec });

/** Times of the requests admitted out of requests with these gaps, starting at `startMs`. */
function admittedOf(receiver: ReceiverModel, startMs: number, gapsMs: readonly number[]): number[] {
  let nowMs = startMs;
  const admitted: number[] = [];
  for (const gapMs of gapsMs) {
    nowMs += gapMs;
    if (receiver.admit(nowMs).ok) admitted.push(nowMs);
  }
  return admitted;
}

/** One request each `everyMs` for `forMs`: how many are admitted. */
function greedy(receiver: ReceiverModel, startMs: number, forMs: number, everyMs: number): number {
  let count = 0;
  for (let i = 0; i * everyMs < forMs; i++) count += receiver.admit(startMs + i * everyMs).ok ? 1 : 0;
  return count;
}

const gaps = fc.array(fc.oneof(fc.constant(0), fc.double({ min: 0, max: 400, noNaN: true })), { maxLength: 200 });
const starts = fc.double({ min: 0, max: 2e12, noNaN: true });

describe('token bucket', () => {
  test('never admits more than burst + rate × t in any stretch of t', () => {
    const rates = fc.double({ min: 0.1, max: 2000, noNaN: true });
    fc.assert(
      fc.property(rates, fc.integer({ min: 1, max: 50 }), starts, gaps, (ratePerSecond, burst, startMs, gapsMs) => {
        const receiver = model({ model: 'token-bucket', ratePerSecond, burst });
        const admitted = admittedOf(receiver, startMs, gapsMs);
        for (const [i, from] of admitted.entries()) {
          for (let j = i; j < admitted.length; j++) {
            const allowed = burst + ((admitted[j]! - from) * ratePerSecond) / 1000;
            expect(j - i + 1).toBeLessThanOrEqual(allowed + 2e-3);
          }
        }
      }),
    );
  });

  test('gives all of the rate to who asks without pause, and the burst once', () => {
    const receiver = model({ model: 'token-bucket', ratePerSecond: 100, burst: 5 });
    expect(greedy(receiver, 1000, 60_000, 1)).toBe(6004);
  });

  test('refuses nothing to a sender on the very rate', () => {
    const receiver = model({ model: 'token-bucket', ratePerSecond: 30, burst: 1 });
    expect(greedy(receiver, 1.7e12, 60_000, 1000 / 30)).toBe(1800);
  });

  test('without a stated burst it holds one second of the rate', () => {
    const receiver = model({ model: 'token-bucket', ratePerSecond: 50 });
    expect(greedy(receiver, 0, 1, 0.001)).toBe(50);
  });
});

describe('windows', () => {
  test('a fixed window never admits more than its limit in an aligned window', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), starts, gaps, (ratePerSecond, startMs, gapsMs) => {
        const receiver = model({ model: 'fixed-window', ratePerSecond, windowMs: 1000 });
        const perWindow = new Map<number, number>();
        for (const atMs of admittedOf(receiver, startMs, gapsMs)) {
          const window = Math.floor(atMs / 1000);
          perWindow.set(window, (perWindow.get(window) ?? 0) + 1);
        }
        for (const count of perWindow.values()) expect(count).toBeLessThanOrEqual(ratePerSecond);
      }),
    );
  });

  test('a fixed window gives two limits across a boundary, as real ones do', () => {
    const receiver = model({ model: 'fixed-window', ratePerSecond: 10 });
    expect(greedy(receiver, 900, 100, 1) + greedy(receiver, 1000, 100, 1)).toBe(20);
  });

  test('a sliding window never admits more than its limit in any stretch of its length', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), starts, gaps, (ratePerSecond, startMs, gapsMs) => {
        const admitted = admittedOf(model({ model: 'sliding-window', ratePerSecond }), startMs, gapsMs);
        for (const [i, atMs] of admitted.entries()) {
          const before = admitted[i - ratePerSecond];
          if (before !== undefined) expect(before).toBeLessThanOrEqual(atMs - 1000);
        }
      }),
    );
  });

  test('a sliding window forgets what it no longer needs and still counts right', () => {
    const receiver = model({ model: 'sliding-window', ratePerSecond: 2000 });
    expect(greedy(receiver, 5, 20_000, 0.25)).toBe(40_000);
  });

  test('a sliding counter weighs the window before by what is still in sight of it', () => {
    const receiver = model({ model: 'sliding-counter', ratePerSecond: 10 });
    expect(greedy(receiver, 500, 100, 1)).toBe(10);
    expect(receiver.remaining(1000)).toBe(0);
    expect(receiver.remaining(1500)).toBe(5);
    expect(receiver.remaining(3000)).toBe(10);
  });
});

describe('what models say beside yes and no', () => {
  const limited = fc.constantFrom('token-bucket', 'fixed-window', 'sliding-window', 'sliding-counter', 'loaded');

  test('a refused request is admitted after its retryAfterMs, and no refusal uses anything up', () => {
    fc.assert(
      fc.property(limited, fc.integer({ min: 1, max: 50 }), gaps, (name, ratePerSecond, gapsMs) => {
        const receiver = model({ model: name as ReceiverModelSpec['model'], ratePerSecond, burst: 3 });
        let nowMs = 0;
        for (const gapMs of gapsMs) {
          nowMs += gapMs;
          const verdict = receiver.admit(nowMs);
          if (verdict.ok) continue;
          expect(verdict.retryAfterMs).toBeGreaterThan(0);
          nowMs += verdict.retryAfterMs + 0.001;
          expect(receiver.admit(nowMs)).toEqual({ ok: true });
        }
      }),
    );
  });

  test('exactly `remaining` requests are admitted at once', () => {
    fc.assert(
      fc.property(limited, fc.integer({ min: 1, max: 50 }), gaps, (name, ratePerSecond, gapsMs) => {
        const receiver = model({ model: name as ReceiverModelSpec['model'], ratePerSecond });
        const nowMs = gapsMs.reduce((sum, gapMs) => sum + gapMs, 0);
        admittedOf(receiver, 0, gapsMs);
        const remaining = receiver.remaining(nowMs);
        for (let i = 0; i < remaining; i++) expect(receiver.admit(nowMs)).toEqual({ ok: true });
        expect(receiver.admit(nowMs).ok).toBe(false);
      }),
    );
  });

  test('the quota is whole again after resetMs', () => {
    const receiver = model({ model: 'token-bucket', ratePerSecond: 10, burst: 10 });
    expect(greedy(receiver, 0, 5, 1)).toBe(5);
    expect(receiver.resetMs(4)).toBeCloseTo(496, 6);
    expect(receiver.remaining(500)).toBe(10);
    expect(receiver.resetMs(500)).toBe(0);
  });

  test('time that runs backwards stands still', () => {
    const receiver = model({ model: 'token-bucket', ratePerSecond: 1, burst: 1 });
    expect(receiver.admit(10_000).ok).toBe(true);
    expect(receiver.admit(0).ok).toBe(false);
    expect(receiver.admit(10_990).ok).toBe(false);
    expect(receiver.admit(11_000).ok).toBe(true);
  });
});

test('a concurrency limit counts open requests only', () => {
  const receiver = model({ model: 'concurrency', concurrency: 2, latencyMs: 50 });
  expect([receiver.admit(0).ok, receiver.admit(0).ok, receiver.admit(0).ok]).toEqual([true, true, false]);
  receiver.release(50);
  expect([receiver.admit(50).ok, receiver.admit(50).ok]).toEqual([true, false]);
});

test('a loaded receiver becomes slower before it refuses', () => {
  const receiver = model({ model: 'loaded', ratePerSecond: 100, burst: 10, latencyMs: 5 });
  const latencies: number[] = [];
  while (receiver.admit(0).ok) latencies.push(receiver.latencyMs(0));
  expect(latencies).toEqual([15, 25, 35, 45, 55, 65, 75, 85, 95, 105]);
  expect(receiver.latencyMs(1000)).toBe(5);
});

test('an unlimited receiver refuses nothing', () => {
  expect(greedy(model({}), 0, 1000, 0.1)).toBe(10_000);
});

describe('a limit that moves', () => {
  const schedule = [
    { fromMs: 0, ratePerSecond: 200 },
    { fromMs: 60_000, ratePerSecond: 20 },
    { fromMs: 120_000, ratePerSecond: 400 },
  ];

  test('follows its schedule from the first request on', () => {
    const startMs = 1_763_838_123_456.789;
    const receiver = model({ model: 'token-bucket', burst: 5, schedule });
    const minutes = [0, 1, 2].map((minute) => greedy(receiver, startMs + minute * 60_000, 60_000, 1));
    for (const [i, expected] of [12_000, 1200, 24_000].entries()) {
      expect(Math.abs(minutes[i]! - expected)).toBeLessThanOrEqual(6);
    }
  });

  test('changes at its own instant, however late the next request comes', () => {
    const steps = [
      { fromMs: 0, ratePerSecond: 10 },
      { fromMs: 1000, ratePerSecond: 0 },
    ];
    const receiver = model({ model: 'token-bucket', burst: 100, schedule: steps });
    expect(greedy(receiver, 0, 0.1, 0.0001)).toBe(100);
    expect(receiver.remaining(50_000)).toBe(10);
    expect(receiver.ratePerSecond(50_000)).toBe(0);
  });

  test('passes each step once, wherever the clock starts', () => {
    fc.assert(
      fc.property(starts, fc.double({ min: 0.1, max: 1000, noNaN: true }), (startMs, sliceMs) => {
        const neighbour = { share: 0.5, probability: 0.5, sliceMs, seed: 3 };
        const receiver = model({ model: 'token-bucket', ratePerSecond: 10, neighbour });
        receiver.admit(startMs);
        expect([5, 10]).toContain(receiver.ratePerSecond(startMs + 50 * sliceMs));
      }),
    );
  });

  test('a noisy neighbour takes its share at times, the same for the same seed', () => {
    const rates = (seed: number): number[] => {
      const plan = ratePlan(100, [], { share: 0.4, probability: 0.3, sliceMs: 1000, seed });
      return Array.from({ length: 2000 }, (_, second) => plan.rateAt(second * 1000));
    };
    expect(rates(1)).toEqual(rates(1));
    expect(rates(1)).not.toEqual(rates(2));
    expect(new Set(rates(1))).toEqual(new Set([100, 60]));
    const taken = rates(1).filter((rate) => rate === 60).length / 2000;
    expect(taken).toBeGreaterThan(0.25);
    expect(taken).toBeLessThan(0.35);
  });
});
