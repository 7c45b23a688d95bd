import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LeaseRequest, LeaseSegment } from '../../../src/domain/governor/contract.ts';
import { LEASE_MS, SHARE_OF_NO_LIMIT } from '../../../src/domain/governor/contract.ts';
import type { GovernorState } from '../../../src/domain/governor/governor.ts';
import { decide, newGovernor, totalPerSecond } from '../../../src/domain/governor/governor.ts';
import { viewOf } from '../../../src/domain/governor/messages.ts';
import { lentAt } from '../../../src/domain/governor/rate-share.ts';
import { isUnlimited } from '../../../src/endpoint/pacer.ts';

const quiet: Omit<LeaseRequest, 'workerId'> = {
  demandPerSecond: null,
  delivered: 0,
  sent: 0,
  elapsedMs: 0,
  brake: null,
  badRun: null,
  latencyMs: null,
  ceilingPerSecond: null,
};

function ask(state: GovernorState, workerId: string, nowMs: number, seen: Partial<LeaseRequest> = {}) {
  const decision = decide(state, { type: 'lease', request: { ...quiet, workerId, ...seen } }, nowMs);
  return { state: decision.state, answer: decision.answer!, decision };
}

const workerIds = fc.constantFrom('a', 'b', 'c', 'd');
const seen = fc.record({
  demandPerSecond: fc.option(fc.double({ min: 0.1, max: 1_000, noNaN: true }), { nil: null }),
  delivered: fc.nat(5_000),
  sent: fc.nat(5_000),
  elapsedMs: fc.nat(10_000),
  brake: fc.option(
    fc.record({
      ageMs: fc.nat(5_000),
      pacePerSecond: fc.double({ min: 0.01, max: 10_000, noNaN: true }),
      afterMs: fc.nat(60_000),
    }),
    { nil: null },
  ),
  badRun: fc.option(fc.record({ kind: fc.constantFrom('failure' as const, 401, 404), count: fc.nat(30) }), {
    nil: null,
  }),
  latencyMs: fc.option(fc.double({ min: 0, max: 20_000, noNaN: true }), { nil: null }),
  ceilingPerSecond: fc.option(fc.double({ min: 0.01, max: 10_000, noNaN: true }), { nil: null }),
});

describe('the sum of the leases', () => {
  // Each worker asks when it likes; its request and its answer take their time, and some answers are never received.
  const renewals = fc.array(
    fc.record({
      worker: workerIds,
      waitMs: fc.nat(4_000),
      thereMs: fc.nat(400),
      backMs: fc.nat(400),
      lost: fc.boolean(),
      idle: fc.integer({ min: 0, max: 5 }).map((n) => n === 0),
    }),
    { minLength: 5, maxLength: 60 },
  );

  it('never exceeds a stated rate at any instant, whoever comes, goes, dies or is slow to hear', () => {
    fc.assert(
      fc.property(renewals, fc.constantFrom(5, 80, 500, 5_000), (plan, rate) => {
        let state = newGovernor({ rate, batchSize: 100 }, 0);
        let nowMs = 0;
        const freeAt = new Map<string, number>();
        // What each worker holds, from when to when: until the next answer is received, or it gives the lease up.
        const held: {
          segments: readonly LeaseSegment[];
          sentMs: number;
          receivedMs: number;
          untilMs: number;
          worker: string;
        }[] = [];
        for (const { worker, waitMs, thereMs, backMs, lost, idle } of plan) {
          nowMs += waitMs;
          const sentMs = Math.max(nowMs - thereMs, freeAt.get(worker) ?? 0);
          if (sentMs > nowMs) continue;
          const { state: next, answer } = ask(state, worker, nowMs, idle ? { demandPerSecond: 0 } : {});
          state = next;
          const receivedMs = nowMs + backMs;
          freeAt.set(worker, receivedMs);
          const last = held.findLast((lease) => lease.worker === worker);
          if (last && idle) last.untilMs = Math.min(last.untilMs, sentMs);
          if (lost || idle) continue;
          if (last) last.untilMs = Math.min(last.untilMs, receivedMs);
          held.push({ segments: answer.segments, sentMs, receivedMs, untilMs: Number.POSITIVE_INFINITY, worker });
        }
        for (let atMs = 0; atMs < nowMs + LEASE_MS; atMs += 53) {
          const sum = held
            .filter((lease) => atMs >= lease.receivedMs && atMs < lease.untilMs)
            .reduce(
              (total, lease) =>
                total + (lentAt(lease.segments, atMs - lease.sentMs, atMs - lease.receivedMs)?.ratePerSecond ?? 0),
              0,
            );
          expect(sum).toBeLessThanOrEqual(0.99 * rate + 1e-6);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('uses the rate fully once everybody has been there twice', () => {
    let state = newGovernor({ rate: 300, batchSize: 300 }, 0);
    const rates: number[] = [];
    for (let round = 0; round < 4; round++) {
      rates.length = 0;
      for (const [index, worker] of ['a', 'b', 'c'].entries()) {
        const result = ask(state, worker, round * 5_000 + index * 1_600);
        state = result.state;
        rates.push(result.answer.segments.at(-1)?.ratePerSecond ?? 0);
      }
    }
    expect(rates.map((rate) => Math.round(rate))).toEqual([99, 99, 99]);
  });
});

describe('what nobody needs', () => {
  it('is lent all the same, for a need that grows between two renewals', () => {
    const first = ask(newGovernor({ rate: 500, batchSize: 500 }, 0), 'a', 0);
    const second = ask(first.state, 'a', 5_000, { demandPerSecond: 3, sent: 15, delivered: 15, elapsedMs: 5_000 });
    expect(second.answer.segments.at(-1)?.ratePerSecond).toBeCloseTo(495);
  });

  it('goes to the one who needs it, but for what the other uses', () => {
    let state = newGovernor({ rate: 500, batchSize: 500 }, 0);
    let busy = 0;
    for (let nowMs = 0; nowMs < 20_000; nowMs += 5_000) {
      const result = ask(state, 'busy', nowMs);
      busy = result.answer.segments.at(-1)?.ratePerSecond ?? 0;
      state = ask(result.state, 'slow', nowMs + 2_500, { demandPerSecond: 10, sent: 50, elapsedMs: 5_000 }).state;
    }
    expect(busy).toBeCloseTo(479);
  });
});

describe('the state', () => {
  it('stays finite, small and plain whatever the workers report', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(workerIds, fc.integer({ min: 50, max: 20_000 }), seen), { maxLength: 60 }),
        fc.constantFrom<number | 'auto' | 'unlimited'>(5, 500, 'auto', 'unlimited'),
        (reports, rate) => {
          let state = newGovernor({ rate, batchSize: 1_000 }, 0);
          let nowMs = 0;
          for (const [worker, waitMs, report] of reports) {
            nowMs += waitMs;
            const result = ask(state, worker, nowMs, report);
            state = result.state;
            expect(JSON.parse(JSON.stringify(result))).toEqual(result);
            expect(JSON.stringify(state).length).toBeLessThan(40_000);
            for (const { fromMs, toMs, ratePerSecond } of result.answer.segments) {
              expect(ratePerSecond).toBeGreaterThan(0);
              expect(Number.isFinite(ratePerSecond)).toBe(true);
              expect(toMs).toBeGreaterThan(fromMs);
            }
            expect(result.answer.renewAfterMs).toBeGreaterThanOrEqual(500);
            expect(result.answer.renewAfterMs).toBeLessThanOrEqual(60_000);
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  it('forgets workers that are gone', () => {
    let state = newGovernor({ rate: 500, batchSize: 500 }, 0);
    for (let n = 0; n < 500; n++) state = ask(state, `w${n}`, n * 1_000).state;
    expect(Object.keys(state.book).length).toBeLessThan(80);
  });
});

describe('the way back up', () => {
  it('is open from whatever the governor has come to believe', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 50, max: 8_000 }), seen), { maxLength: 40 }), (reports) => {
        let state = newGovernor({ rate: 'auto', batchSize: 1_000 }, 0);
        let nowMs = 0;
        for (const [waitMs, report] of reports) {
          nowMs += waitMs;
          state = ask(state, 'a', nowMs, report).state;
        }
        // From now on all goes well: within three minutes the rate passes a thousand a second.
        let best = 0;
        for (let renewals = 0; renewals < 60; renewals++) {
          const result = ask(state, 'a', nowMs, { delivered: 100, sent: 100, elapsedMs: 5_000, latencyMs: 1 });
          state = result.state;
          best = Math.max(best, totalPerSecond(state, nowMs));
          nowMs += Math.min(result.answer.renewAfterMs, 5_000);
        }
        expect(best).toBeGreaterThan(1_000);
      }),
      { numRuns: 150 },
    );
  });
});

describe('a governor whose memory was lost', () => {
  it('lends nothing until the leases of its predecessor have ended', () => {
    let state = newGovernor({ rate: 500, batchSize: 500 }, 1_000, LEASE_MS);
    const first = ask(state, 'a', 1_500);
    expect(first.answer.segments).toEqual([]);
    state = first.state;
    const second = ask(state, 'a', 1_500 + first.answer.renewAfterMs);
    expect(second.answer.segments[0]?.ratePerSecond).toBeCloseTo(495);
  });
});

describe('an operator', () => {
  it('pauses and resumes', () => {
    let state = newGovernor({ rate: 500, batchSize: 500 }, 0);
    state = decide(state, { type: 'override', override: { type: 'pause' } }, 0).state;
    expect(ask(state, 'a', 100).answer).toMatchObject({ segments: [], paused: true });
    state = decide(state, { type: 'override', override: { type: 'resume' } }, 200).state;
    expect(ask(state, 'a', 300).answer.segments.length).toBeGreaterThan(0);
  });

  it('sees which pause the receiver asked for, and until when; an order to resume is counted, and ends it', () => {
    let state = newGovernor({ rate: 500, batchSize: 500 }, 0);
    expect(viewOf('crm', state, 0).receiverPause).toBeNull();
    state = ask(state, 'a', 1_000, { pauseMs: 60_000 }).state;
    state = ask(state, 'b', 1_000, { pauseMs: 3_000 }).state;
    expect(viewOf('crm', state, 2_000).receiverPause).toEqual({ workers: 2, until: '1970-01-01T00:01:01.000Z' });
    expect(viewOf('crm', state, 10_000).receiverPause).toMatchObject({ workers: 1 });
    const before = ask(state, 'a', 10_000, { pauseMs: 51_000 });
    expect(before.answer.resumes).toBe(0);
    state = decide(before.state, { type: 'override', override: { type: 'resume' } }, 11_000).state;
    expect(viewOf('crm', state, 11_000).receiverPause).toBeNull();
    expect(ask(state, 'a', 12_000).answer.resumes).toBe(1);
  });

  it('sets a rate, takes it back, and has everything forgotten', () => {
    const order = (
      state: GovernorState,
      override: Parameters<typeof decide>[1] & { type: 'override' },
    ): GovernorState => decide(state, override, 1_000).state;
    let state = newGovernor({ rate: 'auto', batchSize: 1_000 }, 0);
    state = order(state, { type: 'override', override: { type: 'set-rate', rate: 70 } });
    expect(totalPerSecond(state, 1_000)).toBeCloseTo(69.3);
    state = order(state, { type: 'override', override: { type: 'set-rate', rate: null } });
    expect(totalPerSecond(state, 1_000)).toBeCloseTo(70);
    state = order(state, { type: 'override', override: { type: 'forget' } });
    expect(totalPerSecond(state, 1_000)).toBeCloseTo(10);
  });
});

describe('the task queue', () => {
  it('gets a limit with the first renewal, and another only when it matters', () => {
    const first = ask(newGovernor({ rate: 20_000, batchSize: 1_000 }, 0), 'a', 0);
    expect(first.decision.applyTaskQueueRate).toBe(40);
    const second = ask(first.state, 'a', 5_000, { delivered: 1, sent: 1, elapsedMs: 5_000 });
    expect(second.decision.applyTaskQueueRate).toBeUndefined();
    const open = ask(second.state, 'a', 10_000, { badRun: { kind: 401, count: 20 } });
    expect(open.answer.circuit).toBe('open');
    expect(open.decision.applyTaskQueueRate).toBe(1);
  });

  it('has no limit where the endpoint has none', () => {
    expect(ask(newGovernor({ rate: 'unlimited', batchSize: 1_000 }, 0), 'a', 0).decision.applyTaskQueueRate).toBeNull();
  });

  it('of which each worker has its share at once, whoever came first', () => {
    const first = ask(newGovernor({ rate: 'unlimited', batchSize: 1_000 }, 0), 'a', 0);
    const second = ask(first.state, 'b', 100);
    for (const { answer } of [first, second]) {
      expect(answer.segments).toEqual([{ fromMs: 0, toMs: LEASE_MS, ratePerSecond: SHARE_OF_NO_LIMIT }]);
      expect(isUnlimited(answer.segments[0]!.ratePerSecond)).toBe(true);
    }
  });
});
