import { describe, expect, it } from 'vitest';
import type { GovernorConfig, LeaseRequest } from '../../../src/domain/governor/contract.ts';
import { LEASE_MS } from '../../../src/domain/governor/contract.ts';
import type { GovernorState } from '../../../src/domain/governor/governor.ts';
import { decide, newGovernor } from '../../../src/domain/governor/governor.ts';
import { faultOfConfig, faultOfLeaseRequest, faultOfOverride } from '../../../src/domain/governor/message-faults.ts';
import { governorDetails, viewOf } from '../../../src/domain/governor/messages.ts';

const QUIET: Omit<LeaseRequest, 'workerId'> = {
  ...{ demandPerSecond: null, delivered: 0, sent: 0, elapsedMs: 0, brake: null, badRun: null },
  ...{ latencyMs: null, ceilingPerSecond: null, episodes: [], throttled: 0 },
};
const STATED: GovernorConfig = { rate: 10, batchSize: 100, shape: 'burst', windowMs: 10_000 };
const HOURLY: GovernorConfig = { rate: 0.2777, batchSize: 100, shape: 'burst', windowMs: 3_600_000 };

function ask(state: GovernorState, workerId: string, nowMs: number, seen: Partial<LeaseRequest> = {}) {
  const decision = decide(state, { type: 'lease', request: { ...QUIET, workerId, ...seen } }, nowMs);
  return { state: decision.state, answer: decision.answer! };
}

/** What a segment allows at once. */
const quotaOf = ({ answer }: ReturnType<typeof ask>): number =>
  Math.floor((answer.segments[0]!.ratePerSecond * answer.windowMs!) / 1_000 + 1e-6);

describe('the window whose quota may be used at once', () => {
  it('is that of a stated rate, and the quota is a hair below it', () => {
    const lent = ask(newGovernor(STATED, 0), 'a', 0);
    expect(quotaOf(lent)).toBe(99);
    expect(lent.answer.windowMs).toBe(10_000);
    expect(lent.answer).not.toHaveProperty('evenly');
    const few = ask(newGovernor({ ...STATED, rate: 2.5, windowMs: 2_000 }, 0), 'a', 0);
    expect([quotaOf(few), few.answer.windowMs]).toEqual([5, 2_021]);
  });

  it('is none for a rate without one, for one of a second, where nothing is known yet, and where even is configured', () => {
    const { windowMs: _, ...rate } = STATED;
    const { shape: __, ...even } = STATED;
    for (const config of [rate, { ...STATED, windowMs: 1_000 }, { ...rate, rate: 'auto' as const }, even]) {
      expect(ask(newGovernor(config, 0), 'a', 0).answer).not.toHaveProperty('windowMs');
    }
    const { state } = ask(newGovernor(even, 0), 'a', 0, { spent: [[0, 7]] });
    expect(state).not.toHaveProperty('burst');
  });

  it('is the one that headers state, as long as they do', () => {
    const auto = newGovernor({ ...STATED, rate: 'auto' }, 0);
    const told = ask(auto, 'a', 300, {
      delivered: 3,
      sent: 3,
      ceilingPerSecond: 100 / 3_600,
      ceilingWindowMs: 3_600_000,
    });
    expect([told.answer.windowMs, quotaOf(told)]).toEqual([3_600_000, 99]);
    expect(viewOf('crm', told.state, 300).learned).toBe('its headers say 100 in 1 hour, sent in bursts');
    const untold = ask(told.state, 'a', 5_000, { delivered: 3, sent: 3 });
    expect(untold.answer).not.toHaveProperty('windowMs');
  });

  it('is the one that was learned from refusals, in which few requests are open at first', () => {
    const auto = newGovernor({ ...STATED, rate: 'auto' }, 0);
    const episode = { admitted: 100, pacePerSecond: 40, beganAgoMs: 10_200 };
    const times = { refusedAgoMs: 7_000, triedAgoMs: 400, recoveredAgoMs: 150 };
    const refused = ask(auto, 'a', 53_000, { brake: { ageMs: 0, pacePerSecond: 40, afterMs: 3_000 } });
    const learned = ask(refused.state, 'a', 60_000, { episodes: [{ ...episode, ...times }] });
    expect([quotaOf(learned), learned.answer.openLimit]).toEqual([97, 4]);
    const view = viewOf('crm', learned.state, 60_000);
    expect(view.learned).toBe('100 in 10 s, learned 00:01Z, sent in bursts');
    expect(governorDetails(view)).toContain('| shape | burst: 97 in 10 s at once');
    expect(ask(learned.state, 'a', 130_000).answer).not.toHaveProperty('openLimit');
  });

  it('is the one that an operator orders, and none where he orders a rate without', () => {
    const order = (state: GovernorState, override: { rate: number | null; windowMs?: number }): GovernorState =>
      decide(state, { type: 'override', override: { type: 'set-rate', ...override } }, 0).state;
    const ordered = order(newGovernor(STATED, 0), { rate: 20, windowMs: 60_000 });
    expect(quotaOf(ask(ordered, 'a', 0))).toBe(1_188);
    expect(ask(order(ordered, { rate: 20 }), 'a', 0).answer).not.toHaveProperty('windowMs');
    expect(quotaOf(ask(order(ordered, { rate: null }), 'a', 0))).toBe(99);
  });
});

describe('of a quota', () => {
  const spentAt = ({ answer }: ReturnType<typeof ask>, atMs: number): number =>
    answer.segments.find(({ fromMs, toMs }) => fromMs <= atMs && atMs < toMs)?.spent ?? 0;

  it('what a worker has sent is not lent to another, until it has left the window', () => {
    let { state } = ask(newGovernor(STATED, 0), 'a', 0);
    state = ask(state, 'a', 2_000, {
      demandPerSecond: 0,
      sent: 80,
      spent: [
        [1_900, 50],
        [500, 30],
      ],
    }).state;
    const next = ask(state, 'b', 8_000);
    expect([spentAt(next, 0), spentAt(next, 3_050), spentAt(next, 3_200)]).toEqual([80, 80, 30]);
    expect(spentAt(ask(next.state, 'b', 12_600), 0)).toBe(0);
  });

  it('all that a worker was lent counts as sent where nothing more is heard of it', () => {
    let { state } = ask(newGovernor(STATED, 0), 'a', 0);
    state = ask(state, 'b', 3_000).state;
    const after = ask(state, 'b', LEASE_MS + 200);
    expect(spentAt(after, 1_500)).toBe(99);
    const late = ask(after.state, 'b', LEASE_MS + 10_500);
    expect([spentAt(late, 0), spentAt(late, 1_000)]).toEqual([99, 0]);
  });

  it('shared by several the shares are the whole, whoever comes and goes', () => {
    const shared: GovernorConfig = { rate: 200, batchSize: 100, shape: 'burst', windowMs: 60_000 };
    let lent = ask(newGovernor(shared, 0), 'a', 0, { sent: 0 });
    expect(quotaOf(lent)).toBe(11_880);
    lent = ask(lent.state, 'a', 5_250, { sent: 9_000, delivered: 9_000, spent: [[4_000, 9_000]] });
    lent = ask(lent.state, 'b', 6_000);
    lent = ask(lent.state, 'a', 10_500, { spent: [[9_250, 9_000]] });
    lent = ask(lent.state, 'b', 11_400);
    lent = ask(lent.state, 'a', 15_750, { spent: [[14_500, 9_000]] });
    expect(quotaOf(lent)).toBeLessThan(6_500);
    const own = ask(lent.state, 'b', 17_000);
    expect(quotaOf(own) - spentAt(own, 0) + 9_000).toBeLessThanOrEqual(11_880);
    expect(quotaOf(own)).toBeGreaterThan(spentAt(own, 0));
  });

  it('of very many workers the oldest count together', () => {
    let state = newGovernor({ ...HOURLY, rate: 10 }, 0);
    for (let worker = 0; worker < 60; worker++) {
      const nowMs = worker * 20_000;
      state = ask(state, `w${worker}`, nowMs).state;
      state = ask(state, `w${worker}`, nowMs + 100, { demandPerSecond: 0, sent: 5, spent: [[0, 5]] }).state;
    }
    expect(Object.keys(state.burst!.spending).length).toBeLessThanOrEqual(17);
    expect(spentAt(ask(state, 'new', 1_300_000), 0)).toBe(300);
  });

  it('what was sent by a worker that knew of no window counts from when it told', () => {
    let { state } = ask(newGovernor({ ...STATED, rate: 'auto' }, 0), 'a', 0);
    for (let nowMs = 100; nowMs <= 5_000; nowMs += 100) state = ask(state, 'a', nowMs, { sent: 1 }).state;
    expect(state.burst!.spending.a!.sent.length).toBeLessThanOrEqual(24);
    const header = { ceilingPerSecond: 10, ceilingWindowMs: 10_000, sent: 1, delivered: 1 };
    state = ask(state, 'a', 5_100, { ...header, demandPerSecond: 0 }).state;
    expect(spentAt(ask(state, 'b', 5_200, header), 0)).toBe(51);
  });
});

describe('requests are spaced evenly all the same', () => {
  it('after a burst that was refused before its quota was used, for longer each time; not where it was used', () => {
    const brake = { ageMs: 0, pacePerSecond: 9.9, afterMs: 5_000 };
    const refused = (state: GovernorState, nowMs: number, quotaUsed: number) =>
      ask(state, 'a', nowMs, { brake: { ...brake, quotaUsed } });
    let lent = refused(newGovernor(STATED, 0), 100_000, 0.97);
    expect(lent.answer).not.toHaveProperty('evenly');
    lent = refused(lent.state, 200_000, 0.2);
    expect(lent.answer.evenly).toBe(true);
    const text = 'burst, but evenly for now: a burst was refused before its quota was used; again at 00:04Z';
    expect(viewOf('crm', lent.state, 200_000).shape).toBe(text);
    lent = ask(lent.state, 'a', 261_000);
    expect(lent.answer).not.toHaveProperty('evenly');
    lent = refused(lent.state, 300_000, 0.2);
    expect(ask(lent.state, 'a', 419_000).answer.evenly).toBe(true);
    expect(ask(lent.state, 'a', 421_000).answer).not.toHaveProperty('evenly');
  });

  it('a whole window long after the governor was lost, or the configuration was another one', () => {
    const lost = newGovernor(STATED, 0, LEASE_MS);
    expect(ask(lost, 'a', 7_000).answer.evenly).toBe(true);
    expect(ask(lost, 'a', 16_100).answer).not.toHaveProperty('evenly');
    const { shape: _, ...even } = STATED;
    const { state } = ask(newGovernor(even, 0), 'a', 50_000);
    const shaped = decide(state, { type: 'configure', config: STATED }, 52_000).state;
    expect(ask(shaped, 'a', 61_000).answer.evenly).toBe(true);
    expect(ask(shaped, 'a', 62_500).answer).not.toHaveProperty('evenly');
    const back = decide(shaped, { type: 'configure', config: even }, 70_000).state;
    expect(back).not.toHaveProperty('burst');
  });

  it('while an endpoint that was ill is probed', () => {
    const badRun = { kind: 'failure' as const, count: 10, alerts: true as const };
    const ill = ask(newGovernor(STATED, 0), 'a', 5_000, { sent: 10, badRun });
    expect([ill.answer.circuit, ill.answer.evenly]).toEqual(['open', true]);
    expect(viewOf('crm', ill.state, 5_000).shape).toBe('burst, but evenly for now: it has been ill');
  });
});

it('a quota of a long window that is used is why files wait, and until when', () => {
  let lent = ask(newGovernor(HOURLY, 0), 'a', 0);
  lent = ask(lent.state, 'a', 5_000, { sent: 990, delivered: 990, spent: [[4_000, 990]] });
  expect(lent.answer.waiting).toEqual({
    ...{ why: 'quota', cause: null, text: 'its quota of 990 in 1 hour is used', since: null },
    until: '1970-01-01T01:00:01.000Z',
  });
  expect(viewOf('crm', lent.state, 5_000).shape).toBe('burst: 990 in 1 hour at once, all used, room from 01:00:01Z on');
  lent = ask(lent.state, 'a', 3_599_000, { spent: [[3_598_000, 990]] });
  expect(lent.answer.waiting).toBeNull();
  expect(viewOf('crm', ask(newGovernor(HOURLY, 0), 'a', 0).state, 0).shape).toBe(
    'burst: 990 in 1 hour at once, 990 left',
  );
});

it('what is no message of this kind is refused', () => {
  const request = { ...QUIET, workerId: 'a' };
  expect(faultOfLeaseRequest({ ...request, spent: [[5, 3]], ceilingWindowMs: 9 })).toBeUndefined();
  expect(faultOfLeaseRequest({ ...request, spent: [[5, -3]] })).toContain('spent');
  expect(faultOfLeaseRequest({ ...request, spent: 'all' })).toContain('spent');
  expect(faultOfLeaseRequest({ ...request, ceilingWindowMs: 'long' })).toContain('ceilingWindowMs');
  expect(faultOfConfig(STATED)).toBeUndefined();
  expect(faultOfConfig({ ...STATED, shape: 'round' })).toContain('shape');
  expect(faultOfConfig({ ...STATED, windowMs: -1 })).toContain('windowMs');
  expect(faultOfOverride({ type: 'set-rate', rate: 10, windowMs: 60_000 })).toBeUndefined();
  expect(faultOfOverride({ type: 'set-rate', rate: 10, windowMs: 'a minute' })).toContain('windowMs');
});
