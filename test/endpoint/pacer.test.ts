import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RateSegment } from '../../src/endpoint/pacer.ts';
import { Pacer } from '../../src/endpoint/pacer.ts';
import { FakeClock } from './fake-clock.ts';

const ALWAYS = { fromMs: Number.NEGATIVE_INFINITY, toMs: Number.POSITIVE_INFINITY };
const CATCH_UP_MS = 10;

/** When each of `count` requests, asked for at once, was let go. */
function letGo(pacer: Pacer, clock: FakeClock, count: number): number[] {
  const times: number[] = [];
  for (let index = 0; index < count; index++) pacer.enqueue(() => times.push(clock.now()));
  return times;
}

const lent = (segments: readonly RateSegment[], fromMs: number, toMs: number): number =>
  segments.reduce((sum, each) => {
    const overlapMs = Math.max(0, Math.min(toMs, each.toMs) - Math.max(fromMs, each.fromMs));
    return sum + (overlapMs * each.ratePerSecond) / 1_000;
  }, 0);

const latenesses = fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 1, maxLength: 20 });

describe('the pacer', () => {
  test('a request goes at once when none waits and it is time', () => {
    const clock = new FakeClock();
    const pacer = new Pacer(0, clock);
    expect(pacer.takes()).toBe(false);
    pacer.lend([{ ...ALWAYS, ratePerSecond: 50 }]);
    expect(pacer.takes()).toBe(true);
    expect(pacer.takes()).toBe(false);
    const times = letGo(pacer, clock, 2);
    clock.runUntil(25);
    expect(times).toHaveLength(1);
    clock.runUntil(1_000);
    expect(times).toHaveLength(2);
    expect(pacer.takes()).toBe(true);
    letGo(pacer, clock, 1);
    expect(pacer.takes()).toBe(false);
    pacer.lend([{ ...ALWAYS, ratePerSecond: Number.POSITIVE_INFINITY }]);
    expect([pacer.takes(), pacer.takes()]).toEqual([true, true]);
  });

  test('lets no more go in any interval than the rate, 10 ms worth of catching up, and one', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.5, max: 5_000, noNaN: true }),
        fc.constantFrom(0, 10, 50, 400),
        latenesses,
        (ratePerSecond, burstMs, late) => {
          const clock = new FakeClock();
          let draws = 0;
          clock.lateMs = () => late[draws++ % late.length]!;
          const pacer = new Pacer(burstMs, clock);
          pacer.lend([{ ...ALWAYS, ratePerSecond }]);
          clock.runUntil(700);
          const times = letGo(pacer, clock, 400);
          clock.runUntil(3_000);
          const spare = (Math.max(CATCH_UP_MS, burstMs) * ratePerSecond) / 1_000 + 1;
          for (let first = 0; first < times.length; first += 7) {
            for (let last = first; last < times.length; last += 5) {
              const most = ((times[last]! - times[first]!) * ratePerSecond) / 1_000 + spare;
              expect(last - first + 1).toBeLessThanOrEqual(most + 1e-6);
            }
          }
        },
      ),
      { seed: 4, numRuns: 60 },
    );
  });

  test('uses the rate to the full while there is demand, though its timers are a few milliseconds late', () => {
    fc.assert(
      fc.property(fc.double({ min: 5, max: 2_000, noNaN: true }), latenesses, (ratePerSecond, late) => {
        const clock = new FakeClock();
        let draws = 0;
        clock.lateMs = () => late[draws++ % late.length]! % 9;
        const pacer = new Pacer(0, clock);
        pacer.lend([{ ...ALWAYS, ratePerSecond }]);
        const times = letGo(pacer, clock, 5_000);
        const endMs = 2_000 + 20_000 / ratePerSecond;
        clock.runUntil(endMs);
        expect(times.length).toBeGreaterThanOrEqual(Math.floor(0.99 * (endMs / 1_000) * ratePerSecond));
      }),
      { seed: 5, numRuns: 60 },
    );
  });

  test('sends nothing outside of what was lent, and uses each segment', () => {
    const segment = fc.record({
      gapMs: fc.nat(300),
      lengthMs: fc.integer({ min: 50, max: 1_500 }),
      ratePerSecond: fc.constantFrom(0, 0.5, 20, 300),
    });
    fc.assert(
      fc.property(fc.array(segment, { minLength: 1, maxLength: 5 }), (parts) => {
        const clock = new FakeClock();
        const pacer = new Pacer(0, clock);
        let atMs = 0;
        const segments = parts.map(({ gapMs, lengthMs, ratePerSecond }): RateSegment => {
          const fromMs = atMs + gapMs;
          atMs = fromMs + lengthMs;
          return { fromMs, toMs: atMs, ratePerSecond };
        });
        const times = letGo(pacer, clock, 3_000);
        pacer.lend(segments);
        clock.runUntil(atMs + 5_000);
        for (const { fromMs, toMs, ratePerSecond } of segments) {
          const count = times.filter((time) => time >= fromMs && time < toMs).length;
          const worth = lent(segments, fromMs, toMs);
          expect(count).toBeLessThanOrEqual(worth + 1 + (CATCH_UP_MS * ratePerSecond) / 1_000 + 1e-6);
          expect(count).toBeGreaterThanOrEqual(Math.floor(worth - 1 - 1e-6));
        }
        const inside = (time: number) =>
          segments.some((each) => each.ratePerSecond > 0 && time >= each.fromMs && time < each.toMs);
        expect(times.every(inside)).toBe(true);
      }),
      { seed: 6, numRuns: 150 },
    );
  });

  test('serves in the order of asking, and passes over those that are cancelled, which cost no turn', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 60 }), (cancelled) => {
        const clock = new FakeClock();
        const pacer = new Pacer(0, clock);
        const served: number[] = [];
        const cancels = cancelled.map((_, index) => pacer.enqueue(() => served.push(index)));
        cancelled.forEach((cancel, index) => {
          if (cancel) cancels[index]!();
          if (cancel) cancels[index]!();
        });
        const wanted = cancelled.flatMap((cancel, index) => (cancel ? [] : [index]));
        expect(pacer.queued).toBe(wanted.length);
        pacer.lend([{ ...ALWAYS, ratePerSecond: 100 }]);
        clock.runUntil(wanted.length * 10);
        expect(served).toEqual(wanted);
        expect(pacer.queued).toBe(0);
        cancels.forEach((cancel) => {
          cancel();
        });
        expect(pacer.queued).toBe(0);
      }),
      { seed: 7 },
    );
  });

  test('sends nothing while it is restrained, and goes on at the cap', () => {
    const clock = new FakeClock();
    const pacer = new Pacer(0, clock);
    pacer.lend([{ ...ALWAYS, ratePerSecond: 1_000 }]);
    pacer.restrain({ untilMs: 500, capPerSecond: 10 });
    const times = letGo(pacer, clock, 20);
    expect(pacer.allowance(100)).toBe(0);
    clock.runUntil(499);
    expect(times).toEqual([]);
    clock.runUntil(1_499);
    expect(times[0]).toBe(500);
    // Nothing of the pause is caught up: the receiver has just refused.
    expect(times).toHaveLength(10);
  });

  test('lets all go at once where there is no limit', () => {
    const clock = new FakeClock();
    const pacer = new Pacer(0, clock);
    pacer.lend([{ ...ALWAYS, ratePerSecond: Number.POSITIVE_INFINITY }]);
    expect(letGo(pacer, clock, 500)).toHaveLength(500);
    expect(pacer.allowance(100)).toBe(Number.POSITIVE_INFINITY);
  });

  test('allows no more than it lets go within the horizon', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.2, max: 3_000, noNaN: true }),
        fc.nat(20),
        fc.nat(2_000),
        (ratePerSecond, queued, pauseMs) => {
          const clock = new FakeClock();
          const pacer = new Pacer(0, clock);
          pacer.lend([{ ...ALWAYS, ratePerSecond }]);
          letGo(pacer, clock, queued);
          clock.runUntil(pauseMs);
          const allowed = pacer.allowance(100);
          const before = pacer.queued;
          letGo(pacer, clock, allowed);
          clock.runUntil(pauseMs + 100 + 1e-3);
          expect(allowed > 0 ? pacer.queued : 0).toBe(0);
          expect(before + allowed).toBeLessThanOrEqual(before + ratePerSecond * 0.11 + 2);
        },
      ),
      { seed: 8 },
    );
  });
});
