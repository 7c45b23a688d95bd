import { describe, expect, it } from 'vitest';
import type { LeaseRequest, Override } from '../../../src/domain/governor/contract.ts';
import type { GovernorState } from '../../../src/domain/governor/governor.ts';
import { decide, newGovernor } from '../../../src/domain/governor/governor.ts';
import { faultOfLeaseRequest } from '../../../src/domain/governor/message-faults.ts';
import { viewOf } from '../../../src/domain/governor/messages.ts';
import { waitingOf } from '../../../src/domain/governor/waiting.ts';

const NOW = Date.UTC(2026, 0, 1, 12, 0, 0);
const QUIET: LeaseRequest = {
  ...{ workerId: 'a', demandPerSecond: null, sent: 1, delivered: 0, elapsedMs: 5_000, brake: null, badRun: null },
  ...{ latencyMs: null, ceilingPerSecond: null },
};
const told = (state: GovernorState, seen: Partial<LeaseRequest>, nowMs = NOW): GovernorState =>
  decide(state, { type: 'lease', request: { ...QUIET, ...seen } }, nowMs).state;
const ordered = (state: GovernorState, override: Override): GovernorState =>
  decide(state, { type: 'override', override }, NOW).state;
const refused = { cause: 'connect ECONNREFUSED 127.0.0.1:9', ageMs: 2_000 };

describe('why an endpoint is sent nothing', () => {
  const fresh = newGovernor({ rate: 100, batchSize: 100 }, NOW);

  it('is nothing where alerts get through, or nobody has told', () => {
    expect(waitingOf(fresh, NOW)).toBeNull();
    expect(waitingOf(told(fresh, { delivered: 5 }), NOW)).toBeNull();
  });

  it('is what the last requests came to, since when, though the worker has gone idle, until something gets through', () => {
    const text = 'the last request did not get through: connect ECONNREFUSED 127.0.0.1:9';
    const trouble = { why: 'trouble', cause: refused.cause, text, since: '2026-01-01T11:59:58.000Z', until: null };
    const first = told(fresh, { trouble: refused });
    expect(waitingOf(first, NOW)).toEqual(trouble);
    const idle = told(first, { demandPerSecond: 0, sent: 0 }, NOW + 2_000);
    expect(waitingOf(idle, NOW + 2_000)).toEqual(trouble);
    expect(viewOf('crm', idle, NOW + 2_000).waiting).toEqual(trouble);
    expect(waitingOf(told(idle, { delivered: 1 }, NOW + 9_000), NOW + 9_000)).toBeNull();
    expect(waitingOf(told(idle, { workerId: 'b', delivered: 1 }, NOW + 9_000), NOW + 9_000)).toBeNull();
  });

  it('is an open circuit, with the cause and what to look at', () => {
    const down = told(fresh, { badRun: { kind: 'failure', count: 10, alerts: true }, trouble: refused });
    expect(waitingOf(down, NOW)).toMatchObject({
      why: 'circuit',
      cause: refused.cause,
      since: '2026-01-01T12:00:00.000Z',
    });
    expect(viewOf('crm', down, NOW).reason).toBe('nothing gets through: connect ECONNREFUSED 127.0.0.1:9');
    const words = (kind: number, cause: string) =>
      viewOf('crm', told(fresh, { badRun: { kind, count: 20 }, trouble: { cause, ageMs: 0 } }), NOW).reason;
    expect(words(301, 'HTTP 301, a redirect to https://new.example/hook')).toBe(
      'it refuses everything (HTTP 301, a redirect to https://new.example/hook): redirects are not followed: is its URL the right one?',
    );
    expect(words(405, 'HTTP 405')).toBe('it refuses everything (HTTP 405): it takes no POST there: check its URL');
    expect(words(401, 'HTTP 401')).toContain('check its secret');
  });

  it('is a pause that the receiver asked for, until its end, unless somebody sends meanwhile', () => {
    const paused = told(fresh, { demandPerSecond: 0, pauseMs: 600_000, trouble: { cause: 'HTTP 429', ageMs: 0 } });
    expect(waitingOf(paused, NOW)).toEqual({
      ...{ why: 'asked', cause: 'HTTP 429', text: 'the receiver asked for a pause (HTTP 429)' },
      ...{ since: null, until: '2026-01-01T12:10:00.000Z' },
    });
    expect(waitingOf(told(paused, { workerId: 'b', delivered: 9 }), NOW)).toBeNull();
  });

  it('is an operator before all else', () => {
    const down = told(fresh, { badRun: { kind: 'failure', count: 10 }, trouble: refused });
    expect(waitingOf(ordered(down, { type: 'pause' }), NOW)).toEqual({
      ...{ why: 'paused', cause: null, text: 'paused by an operator', since: null, until: null },
    });
  });

  it('is told by workers in a short text, and in nothing else', () => {
    expect(faultOfLeaseRequest({ ...QUIET, trouble: refused })).toBeUndefined();
    for (const trouble of [null, 'x', { cause: '', ageMs: 0 }, { cause: 'x'.repeat(600), ageMs: 0 }, { cause: 'x' }]) {
      expect(faultOfLeaseRequest({ ...QUIET, trouble })).toMatch(/^trouble|^ageMs/);
    }
  });
});
