import { describe, expect, it } from 'vitest';
import {
  answered,
  braked,
  exhausted,
  RELEASED_BRAKE,
  renewed,
  reported,
  reportOf,
  throttled,
} from '../../../src/domain/governor/local-brake.ts';

const FAILURE = { kind: 'failure', unanswered: false } as const;
const refusal = { nowMs: 10_000, sentMs: 9_980, pacePerSecond: 100, retryAfterMs: 1_000, random: 0 };

describe('a worker that is refused', () => {
  it('stops for as long as it is asked to, jitter only longer, and goes on a little slower', () => {
    const brake = throttled(RELEASED_BRAKE, { ...refusal, random: 0.5 });
    expect(braked(brake, 100, 10_999)).toBe(0);
    expect(braked(brake, 100, 11_024)).toBe(0);
    expect(braked(brake, 100, 11_025)).toBe(90);
  });
  it('takes answers to requests from before the stop for one refusal', () => {
    const first = throttled(RELEASED_BRAKE, refusal);
    const echo = throttled(first, { ...refusal, nowMs: 10_040, sentMs: 9_999 });
    expect(echo.strikes).toBe(0);
    expect(echo.untilMs).toBe(11_040);
  });
  it('cuts deeper each time that it is refused again soon', () => {
    let brake = throttled(RELEASED_BRAKE, refusal);
    const caps: number[] = [];
    for (const nowMs of [11_100, 12_200, 13_300]) {
      brake = throttled(brake, { ...refusal, nowMs, sentMs: nowMs - 20, pacePerSecond: braked(brake, 100, nowMs) });
      caps.push(brake.capPerSecond!);
    }
    expect(caps.map(Math.round)).toEqual([63, 31, 16]);
  });
  it('tells the governor once, and is released by the lease that follows', () => {
    const brake = throttled(RELEASED_BRAKE, refusal);
    expect(brake.askAtMs).toBe(10_000);
    expect(reportOf(brake, 10_050).brake).toEqual({ ageMs: 50, pacePerSecond: 100, afterMs: 3_600_000 });
    const told = reported(brake, 10_050);
    expect(reportOf(told, 10_100).brake).toBeNull();
    const lifted = renewed(told);
    expect(braked(lifted, 80, 10_500)).toBe(0);
    expect(braked(lifted, 80, 11_500)).toBe(80);
  });
  it('keeps its brake when it was refused after it had asked', () => {
    const brake = renewed(throttled(reported(RELEASED_BRAKE, 9_990), refusal));
    expect(braked(brake, 100, 11_500)).toBe(90);
  });
  it('waits for a reset with nothing remaining, but not for the last second of it', () => {
    expect(exhausted(RELEASED_BRAKE, 30_000, 10_000).untilMs).toBe(40_000);
    expect(exhausted(RELEASED_BRAKE, 1_000, 10_000).untilMs).toBe(10_250);
  });
});

describe('a worker whose requests all fail', () => {
  it('sends one a second after ten failures and asks the governor at once', () => {
    let brake = RELEASED_BRAKE;
    for (let n = 0; n < 10; n++) brake = answered(brake, FAILURE, 5_000, true);
    expect(brake.askAtMs).toBe(5_000);
    expect(braked(brake, 100, 5_999)).toBe(0);
    expect(braked(brake, 100, 6_000)).toBe(100);
    expect(reportOf(brake, 5_000).badRun).toEqual({ kind: 'failure', count: 10, alerts: true });
  });
  it('says that requests were not answered, if one of them was not', () => {
    let brake = RELEASED_BRAKE;
    for (let n = 0; n < 3; n++) brake = answered(brake, { kind: 'failure', unanswered: n === 1 }, 5_000, true);
    expect(reportOf(brake, 5_000).badRun).toEqual({ kind: 'failure', count: 3, unanswered: true, alerts: true });
  });
  it('waits for the governor after ten identical refusals, and counts on from there', () => {
    let brake = RELEASED_BRAKE;
    for (let n = 0; n < 10; n++) brake = answered(brake, { kind: 'refusal', status: 401 }, 5_000, true);
    expect(braked(brake, 100, 9_000)).toBe(0);
    brake = renewed(reported(brake, 5_000));
    expect(braked(brake, 100, 5_100)).toBe(100);
    for (let n = 0; n < 10; n++) brake = answered(brake, { kind: 'refusal', status: 401 }, 5_200, true);
    expect(reportOf(brake, 5_200).badRun).toEqual({ kind: 401, count: 10 });
  });
  it('forgets the run with the first success, and asks at once where the circuit was open', () => {
    let brake = RELEASED_BRAKE;
    for (let n = 0; n < 9; n++) brake = answered(brake, FAILURE, 5_000, true);
    brake = answered(brake, { kind: 'success' }, 5_100, true);
    expect(brake.run.count).toBe(0);
    expect(brake.askAtMs).toBe(Number.POSITIVE_INFINITY);
    expect(answered(brake, { kind: 'success' }, 5_200, false).askAtMs).toBe(5_200);
  });
});
