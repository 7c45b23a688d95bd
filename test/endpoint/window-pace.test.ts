// @slow: millions of requests in a simulated time
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RateSegment } from '../../src/endpoint/pacer.ts';
import { Pacer } from '../../src/endpoint/pacer.ts';
import type { WindowShare } from '../../src/endpoint/window-pace.ts';
import { WindowPace } from '../../src/endpoint/window-pace.ts';
import { FakeClock } from './fake-clock.ts';

const lentFor = (ratePerSecond: number, spent = 0): RateSegment => ({
  ...{ fromMs: Number.NEGATIVE_INFINITY, toMs: Number.POSITIVE_INFINITY },
  ratePerSecond,
  ...(spent === 0 ? {} : { spent }),
});
const TEN_SECONDS: WindowShare = { windowMs: 10_000, evenly: false };

/** A pacer at an endpoint that takes `latencyMs` for an answer; each request arrives somewhere on the way. */
class Sending {
  readonly clock = new FakeClock();
  readonly pacer = new Pacer(0, this.clock, new WindowPace());
  readonly sentMs: number[] = [];
  readonly arrivedMs: number[] = [];
  latencyMs = (): number => 20;
  onTheWay = (): number => 0.5;

  ask(count: number): void {
    for (let index = 0; index < count; index++) this.pacer.enqueue(() => this.#send());
  }

  #send(): void {
    const sentMs = this.clock.now();
    const latencyMs = this.latencyMs();
    this.sentMs.push(sentMs);
    this.arrivedMs.push(sentMs + latencyMs * this.onTheWay());
    this.clock.after(latencyMs, () => this.pacer.ended(true, undefined, sentMs));
  }

  sentBetween(fromMs: number, toMs: number): number {
    return this.sentMs.filter((atMs) => atMs >= fromMs && atMs < toMs).length;
  }
}

function mostIn(times: readonly number[], windowMs: number): number {
  const sorted = times.toSorted((a, b) => a - b);
  let most = 0;
  let first = 0;
  sorted.forEach((atMs, last) => {
    while (sorted[first]! <= atMs - windowMs) first++;
    most = Math.max(most, last - first + 1);
  });
  return most;
}

describe('a quota that may be used at once', () => {
  test('is used at once, and again when its window has passed since it was answered', () => {
    const sending = new Sending();
    sending.pacer.lend([lentFor(9.7)], TEN_SECONDS);
    sending.ask(300);
    sending.clock.runUntil(9_999);
    expect([sending.sentBetween(0, 1), sending.sentMs.length]).toEqual([97, 97]);
    sending.clock.runUntil(30_200);
    expect(sending.sentMs.length).toBe(300);
    expect(sending.sentBetween(10_020, 10_030)).toBe(97);
    expect(sending.sentBetween(20_040, 20_060)).toBe(97);
  });

  test('is not filled up by a renewal, and loses nothing by one', () => {
    const sending = new Sending();
    sending.ask(300);
    for (let atMs = 0; atMs < 9_000; atMs += 700) {
      sending.clock.runUntil(atMs);
      sending.pacer.lend([lentFor(9.7)], TEN_SECONDS);
    }
    expect(sending.sentMs.length).toBe(97);
  });

  test('counts what was sent before its window was known', () => {
    const sending = new Sending();
    sending.pacer.lend([lentFor(10)]);
    sending.ask(300);
    sending.clock.runUntil(3_005);
    const before = sending.sentMs.length;
    expect(before).toBeGreaterThan(29);
    sending.pacer.lend([lentFor(9.7)], TEN_SECONDS);
    sending.clock.runUntil(3_500);
    expect(sending.sentMs.length).toBe(97);
  });

  test('leaves what others have spent, and takes it when that has left the window', () => {
    const sending = new Sending();
    sending.ask(300);
    sending.pacer.lend(
      [
        { ...lentFor(9.7, 80), toMs: 4_000 },
        { ...lentFor(9.7, 10), fromMs: 4_000 },
      ],
      TEN_SECONDS,
    );
    sending.clock.runUntil(3_999);
    expect(sending.sentMs.length).toBe(17);
    sending.clock.runUntil(4_100);
    expect(sending.sentMs.length).toBe(87);
  });

  test('of few requests is whole, and one of less than one is a longer distance', () => {
    const few = new Sending();
    few.ask(20);
    few.pacer.lend([lentFor(2.475)], { windowMs: 5_000 / 2.475, evenly: false });
    few.clock.runUntil(1_000);
    expect(few.sentMs.length).toBe(5);
    const fewer = new Sending();
    fewer.ask(5);
    fewer.pacer.lend([lentFor(0.05)], TEN_SECONDS);
    fewer.clock.runUntil(45_000);
    expect(fewer.sentMs).toHaveLength(3);
    expect(fewer.sentMs[1]).toBeGreaterThanOrEqual(20_000);
  });

  test('may have to be spread evenly for a while; then both hold', () => {
    const sending = new Sending();
    sending.ask(300);
    sending.pacer.lend([lentFor(9.7)], TEN_SECONDS);
    sending.clock.runUntil(2_000);
    sending.pacer.lend([lentFor(9.7)], { ...TEN_SECONDS, evenly: true });
    sending.clock.runUntil(12_000);
    expect(sending.sentBetween(1_000, 10_000)).toBe(0);
    expect(sending.sentBetween(10_000, 11_000)).toBeLessThan(12);
    expect(mostIn(sending.sentMs, 10_000)).toBeLessThanOrEqual(97);
  });

  test('is not used during a pause, and a lower rate counts what is in the window', () => {
    const sending = new Sending();
    sending.ask(300);
    sending.pacer.lend([lentFor(9.7)], TEN_SECONDS);
    sending.clock.runUntil(1_000);
    sending.pacer.restrain({ untilMs: 15_000, capPerSecond: 5 });
    sending.clock.runUntil(14_999);
    expect(sending.sentMs.length).toBe(97);
    sending.clock.runUntil(20_000);
    expect(sending.sentMs.length).toBe(147);
  });

  test('stops where the receiver says that less is left, and goes on one at a time', () => {
    const clock = new FakeClock();
    const pacer = new Pacer(0, clock, new WindowPace());
    pacer.lend([lentFor(9.7)], TEN_SECONDS);
    const takes = (): number => {
      let count = 0;
      while (pacer.takes()) count++;
      return count;
    };
    expect(pacer.takes()).toBe(true);
    clock.runUntil(10);
    // Somebody else uses the same quota.
    pacer.ended(true, 5, 0);
    expect(pacer.allowance(100)).toBe(5);
    expect(takes()).toBe(5);
    clock.runUntil(20);
    for (let left = 4; left >= 0; left--) pacer.ended(true, left, 10);
    expect(takes()).toBe(1);
    clock.runUntil(30);
    pacer.ended(true, 60, 20);
    expect(takes()).toBe(60);
    clock.runUntil(40);
    for (let left = 59; left >= 0; left--) pacer.ended(true, left, 30);
    expect(takes()).toBe(1);
    clock.runUntil(50);
    // It says nothing any more.
    pacer.ended(true, undefined, 40);
    expect(takes()).toBe(97 - 1 - 5 - 1 - 60 - 1);
  });

  test('is accounted for in waves: what is allowed goes at once, and what was taken back may go', () => {
    const sending = new Sending();
    sending.pacer.lend([lentFor(9.7)], TEN_SECONDS);
    expect(sending.pacer.allowance(100)).toBe(97);
    for (let index = 0; index < 97; index++) expect(sending.pacer.takes()).toBe(true);
    expect([sending.pacer.allowance(100), sending.pacer.takes()]).toEqual([0, false]);
    sending.pacer.ended(false, undefined, 0);
    expect(sending.pacer.allowance(100)).toBe(1);
    for (let index = 0; index < 96; index++) sending.pacer.ended(true, undefined, 0);
    expect(sending.pacer.spentReport).toEqual([[0, 96]]);
    sending.clock.runUntil(9_950);
    expect(sending.pacer.allowance(100)).toBe(97);
    expect(sending.pacer.quotaUsed).toBeCloseTo(96 / 97);
  });

  test('unlike an even one tells the governor nothing where none is known', () => {
    const clock = new FakeClock();
    expect(new Pacer(0, clock, new WindowPace()).spentReport).toBeUndefined();
    const even = new Pacer(0, clock);
    even.lend([lentFor(10)], TEN_SECONDS);
    expect([even.spentReport, even.quotaUsed]).toEqual([undefined, undefined]);
  });
});

test('no window of the receiver holds more than the quota, whatever is renewed, paused, taken back or late; and it is used', () => {
  const step = fc.record({
    afterMs: fc.integer({ min: 1, max: 6_000 }),
    ratePart: fc.constantFrom(1, 1, 1, 0.5, 0.1),
    spentPart: fc.constantFrom(0, 0, 0, 0.3, 1),
    pauseMs: fc.constantFrom(0, 0, 0, 0, 300, 4_000),
    evenly: fc.constantFrom(false, false, false, true),
    stalled: fc.constantFrom(0, 0, 0, 800),
  });
  const windows = fc.constantFrom([100, 10_000], [5, 2_000], [2_000, 30_000], [40, 5_000]);
  const parts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 7, maxLength: 7 });
  fc.assert(
    fc.property(windows, fc.array(step, { minLength: 5, maxLength: 25 }), parts, ([quota, windowMs], steps, way) => {
      const sending = new Sending();
      let draws = 0;
      const draw = (): number => way[draws++ % way.length]!;
      sending.latencyMs = () => 5 + 200 * draw();
      sending.onTheWay = draw;
      const perSecond = (quota! * 1_000) / windowMs!;
      sending.ask(20_000);
      let nowMs = 0;
      for (const { afterMs, ratePart, spentPart, pauseMs, evenly, stalled } of steps) {
        const spent = Math.ceil(spentPart * quota!);
        sending.pacer.lend([lentFor(ratePart * perSecond, spent)], { windowMs: windowMs!, evenly });
        if (pauseMs > 0) sending.pacer.restrain({ untilMs: nowMs + pauseMs, capPerSecond: perSecond });
        sending.clock.lateMs = () => stalled * draw();
        nowMs += afterMs;
        sending.clock.runUntil(nowMs);
      }
      expect(mostIn(sending.arrivedMs, windowMs!)).toBeLessThanOrEqual(quota!);
      // Undisturbed it loses the time that its answers take, and no more.
      sending.clock.lateMs = () => 0;
      sending.latencyMs = () => 20;
      sending.pacer.lend([lentFor(perSecond)], { windowMs: windowMs!, evenly: false });
      sending.clock.runUntil(nowMs + windowMs! + 400);
      const before = sending.sentMs.length;
      const span = 6 * windowMs!;
      sending.clock.runUntil(nowMs + windowMs! + 400 + span);
      expect(sending.sentMs.length - before).toBeGreaterThanOrEqual(
        0.97 * 6 * quota! * (windowMs! / (windowMs! + 20)) - quota!,
      );
      expect(mostIn(sending.arrivedMs, windowMs!)).toBeLessThanOrEqual(quota!);
    }),
    { seed: 7, numRuns: 60 },
  );
});
