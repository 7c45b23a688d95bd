import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide, newGovernor } from '../../../src/domain/governor/governor.ts';
import { faultOfConfig, faultOfLeaseRequest, faultOfOverride } from '../../../src/domain/governor/message-faults.ts';

const NOBODY_ORDERS = [undefined, null, 7, 'pause', [], [{ type: 'pause' }]];

describe('an order', () => {
  it.each([
    { type: 'pause' },
    { type: 'resume' },
    { type: 'forget' },
    { type: 'set-rate', rate: 20 },
    { type: 'set-rate', rate: 0.5 },
    { type: 'set-rate', rate: 'auto' },
    { type: 'set-rate', rate: 'unlimited' },
    { type: 'set-rate', rate: null },
  ])('is one: %j', (order) => expect(faultOfOverride(order)).toBeUndefined());

  it.each([...NOBODY_ORDERS, {}, { type: 'stop' }, { type: 7 }])('is none: %j', (order) => {
    expect(faultOfOverride(order)).toMatch(/^an order is|^the order's type is one of pause, resume, set-rate, forget/);
  });

  it.each(['20', '20/s', 0, -1, 1e7, Number.NaN, Number.POSITIVE_INFINITY, undefined, {}, [20], true])(
    'with the rate %j is refused in words',
    (rate) => expect(faultOfOverride({ type: 'set-rate', rate })).toContain("the order's rate is a number of requests"),
  );

  it('is quoted shortly, and on one line', () => {
    const fault = faultOfOverride({ type: 'set-rate', rate: 'x\n'.repeat(5_000) });
    expect(fault?.length).toBeLessThan(300);
    expect(fault).not.toContain('\n');
  });
});

describe('a configuration', () => {
  it('is a rate and a batch size', () => {
    for (const rate of [100, 'auto', 'unlimited']) expect(faultOfConfig({ rate, batchSize: 1_000 })).toBeUndefined();
    for (const rate of ['100', null, undefined, 0]) expect(faultOfConfig({ rate, batchSize: 1 })).toContain('the rate');
    for (const batchSize of ['1', 0, 1.5, null]) expect(faultOfConfig({ rate: 1, batchSize })).toContain('batchSize');
    for (const value of NOBODY_ORDERS) expect(faultOfConfig(value)).toContain('a configuration is an object');
  });
});

describe('a request for a lease', () => {
  const request = {
    ...{ workerId: 'w', demandPerSecond: null, delivered: 1, sent: 2, elapsedMs: 5_000.5, brake: null, badRun: null },
    ...{ latencyMs: null, ceilingPerSecond: null },
  };
  it('is one with and without what it may leave out', () => {
    expect(faultOfLeaseRequest(request)).toBeUndefined();
    const brake = { ageMs: 1, pacePerSecond: 0.5, afterMs: 3 };
    const badRun = { kind: 401, count: 2 };
    const full = { ...request, demandPerSecond: 0, dropped: true, brake, badRun, latencyMs: 3.5, ceilingPerSecond: 9 };
    expect(faultOfLeaseRequest({ ...full, pauseMs: 3_000 })).toBeUndefined();
    expect(faultOfLeaseRequest({ ...full, whatComesLater: {} })).toBeUndefined();
  });

  it.each([
    {},
    { workerId: 'w' },
    { ...request, workerId: '' },
    { ...request, workerId: 7 },
    { ...request, sent: '2' },
    { ...request, delivered: -1 },
    { ...request, elapsedMs: null },
    { ...request, demandPerSecond: 'all' },
    { ...request, brake: 1 },
    { ...request, brake: { ageMs: 1 } },
    { ...request, badRun: { kind: 'bad', count: 1 } },
    { ...request, badRun: { kind: 'failure' } },
    { ...request, latencyMs: [] },
    { ...request, pauseMs: '1 h' },
  ])('is none: %j', (value) => expect(faultOfLeaseRequest(value)).toEqual(expect.any(String)));
});

it('no message that is let through breaks the governor, and no other one gets there', () => {
  const anything = fc.oneof(fc.jsonValue(), fc.record({ type: fc.constant('set-rate'), rate: fc.jsonValue() }));
  fc.assert(
    fc.property(anything, (message) => {
      const state = newGovernor({ rate: 50, batchSize: 50 }, 0);
      const nowMs = 1_000;
      if (faultOfOverride(message) === undefined)
        decide(state, { type: 'override', override: message as never }, nowMs);
      if (faultOfConfig(message) === undefined) decide(state, { type: 'configure', config: message as never }, nowMs);
      if (faultOfLeaseRequest(message) === undefined)
        decide(state, { type: 'lease', request: message as never }, nowMs);
    }),
    { numRuns: 2_000 },
  );
});
