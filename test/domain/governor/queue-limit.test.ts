/**
 * When the governor sets the task queue's limit. Each time is a command in its history, and governors that run are replayed by the next
 * release: what is expected here is not to be brought up to date, but to be kept for histories of before (CONTRIBUTING, "Change the
 * governor's state").
 */
import { expect, test } from 'vitest';
import type { GovernorConfig, LeaseRequest } from '../../../src/domain/governor/contract.ts';
import type { GovernorEvent } from '../../../src/domain/governor/governor.ts';
import { decide, newGovernor } from '../../../src/domain/governor/governor.ts';

/** Batches of one, so that the limit is twice the rate. */
const config = (rate: GovernorConfig['rate']): GovernorConfig => ({ rate, batchSize: 1 });
const ordered = (rate: number): GovernorEvent => ({ type: 'override', override: { type: 'set-rate', rate } });
const SEEN = {
  demandPerSecond: null,
  delivered: 5,
  sent: 5,
  elapsedMs: 1_000,
  badRun: null,
  latencyMs: null,
  ceilingPerSecond: null,
};
const lease = (brake: LeaseRequest['brake'] = null): GovernorEvent => ({
  type: 'lease',
  request: { ...SEEN, workerId: 'a', brake },
});

/** The limits that the events set, in order; `-`: none was set. */
function limitsSet(rate: GovernorConfig['rate'], events: readonly GovernorEvent[], everyMs = 5_000): string {
  let state = newGovernor(config(rate), 0);
  const limits = events.map((event, index) => {
    const decision = decide(state, event, (index + 1) * everyMs);
    state = decision.state;
    return decision.applyTaskQueueRate === undefined ? '-' : String(decision.applyTaskQueueRate);
  });
  return limits.join(' ');
}

test('with rates that are ordered: where they differ by half or more', () => {
  const rates = [100, 149, 151, 150, 101, 100, 99, 66, 67, 4, 3, 6, 6_000, 100_000, 100];
  expect(limitsSet(100, [lease(), ...rates.map(ordered)])).toBe('198 - - 299 - - 198 - 131 - 8 - 12 11880 198000 198');
});

test('with a rate that is learned', () => {
  const brake = { pacePerSecond: 60, afterMs: 0, ageMs: 0 };
  const refusedAt = new Set([8, 9, 20]);
  const events = Array.from({ length: 30 }, (_, at) => lease(refusedAt.has(at) ? brake : null));
  expect(limitsSet('auto', events, 1_000)).toBe(`20 80 320 1280 5120 20480 81920 327680 116${' -'.repeat(21)}`);
});

test('while it is paused, and when that is over', () => {
  const events: GovernorEvent[] = [lease(), { type: 'override', override: { type: 'pause' } }, lease(), lease()];
  const resumed: GovernorEvent[] = [{ type: 'override', override: { type: 'resume' } }, lease()];
  expect(limitsSet(100, [...events, ...resumed])).toBe('198 1 - - 198 -');
});
