/** Many workers at one endpoint: a hundred hosts and more. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LeaseRequest } from '../../../src/domain/governor/contract.ts';
import { RENEW_MS } from '../../../src/domain/governor/contract.ts';
import type { GovernorState } from '../../../src/domain/governor/governor.ts';
import { decide, newGovernor } from '../../../src/domain/governor/governor.ts';
import type { Borrower, Span } from '../../../src/domain/governor/leases.ts';
import { LentOverTime, lendable, spanAt } from '../../../src/domain/governor/leases.ts';
import { isUnlimited } from '../../../src/endpoint/pacer.ts';

const WORKERS = 100;
const quiet = { demandPerSecond: null, delivered: 0, sent: 0, elapsedMs: RENEW_MS, brake: null, badRun: null } as const;

/** Renewals in the order in which they are due; answers with the lease segments of the last one of each worker. */
function crowd(rate: number | 'unlimited', untilMs: number) {
  let state: GovernorState = newGovernor({ rate, batchSize: 1_000 }, 0);
  const due = Array.from({ length: WORKERS }, (_, index) => (index * RENEW_MS) / WORKERS);
  const last = new Map<number, { atMs: number; segments: readonly { ratePerSecond: number }[] }>();
  for (;;) {
    const worker = due.indexOf(Math.min(...due));
    const nowMs = due[worker]!;
    if (nowMs >= untilMs) return { state, last: [...last.values()] };
    const request: LeaseRequest = { ...quiet, workerId: `w${worker}`, latencyMs: null, ceilingPerSecond: null };
    const decision = decide(state, { type: 'lease', request }, nowMs);
    state = decision.state;
    last.set(worker, { atMs: nowMs, segments: decision.answer!.segments });
    due[worker] = nowMs + decision.answer!.renewAfterMs;
  }
}

describe('a hundred workers', () => {
  it('have equal shares of a stated rate, in leases of few segments', () => {
    const { state, last } = crowd(5_000, 25_000);
    const rates = last.map(({ segments }) => segments.at(-1)!.ratePerSecond);
    expect(Math.min(...rates)).toBeCloseTo(49.5, 0);
    expect(Math.max(...rates)).toBeCloseTo(49.5, 0);
    const segments = last.reduce((sum, lease) => sum + lease.segments.length, 0);
    expect(segments / WORKERS).toBeLessThan(3);
    const borrowers = Object.values(state.book);
    for (let atMs = 25_000; atMs < 31_000; atMs += 41) {
      const sum = borrowers.reduce((total, { lent }) => total + (spanAt(lent, atMs)?.ratePerSecond ?? 0), 0);
      expect(sum).toBeLessThanOrEqual(4_950 + 1e-6);
    }
  });

  it('have no limit, all of them, where there is none', () => {
    const { last } = crowd('unlimited', 12_000);
    expect(last.map(({ segments }) => segments.length > 0 && isUnlimited(segments[0]!.ratePerSecond))).toEqual(
      Array.from({ length: WORKERS }, () => true),
    );
  });
});

describe('what borrowers may be using over time', () => {
  const rate = fc.double({ min: 0, max: 70_000, noNaN: true });
  const span = fc
    .record({
      fromMs: fc.nat(900),
      lengthMs: fc.integer({ min: 1, max: 300 }),
      rate,
      total: fc.integer({ min: 1, max: 5 }),
    })
    .map(({ fromMs, lengthMs, rate: ratePerSecond, total: totalPerSecond }): Span => {
      return { fromMs, toMs: fromMs + lengthMs, ratePerSecond, latestPerSecond: ratePerSecond, totalPerSecond };
    });

  it('is the sum of what each has, never less, and the highest total among them', () => {
    fc.assert(
      fc.property(fc.array(span, { maxLength: 30 }), (spans) => {
        const lent = new LentOverTime(spans.map((one) => ({ lent: [one] }) as unknown as Borrower));
        for (let atMs = 0; atMs < 1_300; atMs += 7) {
          const now = spans.filter(({ fromMs, toMs }) => fromMs <= atMs && atMs < toMs);
          const sum = now.reduce((total, { ratePerSecond }) => total + ratePerSecond, 0);
          const { perSecond, ofTotal } = lent.at(atMs);
          expect(perSecond).toBeGreaterThanOrEqual(sum - 1e-9);
          expect(perSecond).toBeLessThanOrEqual(sum + 1e-6);
          expect(ofTotal).toBe(Math.max(0, ...now.map(({ totalPerSecond }) => totalPerSecond)));
        }
      }),
    );
  });

  it('is exact for what was lent: entered and taken off again, nothing is left', () => {
    fc.assert(
      fc.property(rate, (perSecond) => {
        const once = lendable(perSecond);
        expect(once).toBeLessThanOrEqual(perSecond + 1e-9);
        expect(lendable(once)).toBe(once);
        const two = { fromMs: 0, toMs: 10, ratePerSecond: once, latestPerSecond: once, totalPerSecond: once };
        const lent = new LentOverTime([{ lent: [two] }, { lent: [{ ...two, toMs: 5 }] }] as unknown as Borrower[]);
        expect([lent.at(0).perSecond >= once * 2 - 1e-9, lent.at(5).perSecond, lent.at(10).perSecond]).toEqual([
          true,
          once,
          0,
        ]);
      }),
    );
  });
});
