import { ApplicationFailureCategory, CancelledFailure } from '@temporalio/common';
import { describe, expect, test } from 'vitest';
import type { StopContext } from '../../activities/failures.ts';
import {
  failureOf,
  staleRoundFailure,
  stopFailure,
  transientFailure,
  unknownEndpointFailure,
  unsettledFailure,
} from '../../activities/failures.ts';
import type { StopReason } from '../../activities/stop-reason.ts';
import { DEFAULT_RETRY_POLICY } from '../../src/domain/endpoint.ts';
import { Fault } from '../../src/domain/failure.ts';
import { FAILURE } from '../../src/domain/names.ts';

const context = (changes: Partial<StopContext> = {}): StopContext => ({
  endpoint: 'crm',
  left: 12,
  attempt: 1,
  retry: DEFAULT_RETRY_POLICY,
  random: 0,
  ...changes,
});
const delayOf = (stop: StopReason, changes: Partial<StopContext> = {}): number =>
  (stopFailure(stop, context(changes)) as unknown as { nextRetryDelay: number }).nextRetryDelay;

describe('a reason to stop', () => {
  test.each([
    [{ kind: 'throttled', retryAfterMs: 5_000 }, FAILURE.throttled, true],
    [{ kind: 'shutdown' }, FAILURE.shuttingDown, true],
    [{ kind: 'superseded' }, FAILURE.superseded, true],
    [{ kind: 'down', cause: 'HTTP 503' }, FAILURE.endpointUnavailable, false],
    [{ kind: 'misconfigured', cause: 'HTTP 401' }, FAILURE.endpointMisconfigured, false],
    [{ kind: 'store', error: new Fault('store', 'disk full', 'Make room.') }, FAILURE.store, false],
  ] as const)('%j is retried, and is benign where it is nobody’s fault', (stop, type, benign) => {
    const failure = stopFailure(stop, context());
    expect(failure).toMatchObject({ type, nonRetryable: false });
    const { category } = failure as { category?: unknown };
    expect(category === ApplicationFailureCategory.BENIGN).toBe(benign);
  });

  test('a batch that is left to other workers is scheduled anew, not retried', () => {
    const failure = stopFailure({ kind: 'standing_by' }, context());
    expect(failure).toMatchObject({ type: FAILURE.standingBy, nonRetryable: true });
  });

  test('cancelled is a cancellation', () => {
    expect(stopFailure({ kind: 'cancelled' }, context())).toBeInstanceOf(CancelledFailure);
  });

  test('Retry-After is a floor, and jitter adds a little only', () => {
    for (const random of [0, 0.5, 0.999]) {
      const delayMs = delayOf({ kind: 'throttled', retryAfterMs: 30_000 }, { random });
      expect(delayMs).toBeGreaterThanOrEqual(30_000);
      expect(delayMs).toBeLessThanOrEqual(30_250);
    }
  });

  test('a long pause is looked at every half minute, for an operator may end it, and says what is left of it', () => {
    const stop = { kind: 'throttled', retryAfterMs: 600_000 } as const;
    expect(delayOf(stop, { random: 0 })).toBe(30_000);
    expect(stopFailure(stop, context()).message).toContain('asked for a pause, of which 600 s are left');
    expect(stopFailure({ ...stop, retryAfterMs: 5_000 }, context()).message).toContain('asked for a pause;');
  });

  test('a pause that is not named grows up to half a minute, whatever the attempt', () => {
    const pause = { kind: 'throttled', retryAfterMs: undefined } as const;
    expect([1, 2, 3, 6, 5_000].map((attempt) => delayOf(pause, { attempt }))).toEqual([
      1_000, 2_000, 4_000, 30_000, 30_000,
    ]);
  });

  test('an endpoint that is down is probed at least every half minute', () => {
    expect(delayOf({ kind: 'down', cause: 'HTTP 503' }, { attempt: 1 })).toBe(1_000);
    expect(delayOf({ kind: 'down', cause: 'HTTP 503' }, { attempt: 1_000 })).toBe(30_000);
  });
});

test('alerts that failed are retried when the first of them is due, not by the count of the activity', () => {
  const failure = transientFailure(context({ attempt: 500 }), 4_000);
  expect(failure).toMatchObject({ type: FAILURE.transient, nextRetryDelay: 4_000, nonRetryable: false });
  expect(transientFailure(context(), 0)).toHaveProperty('nextRetryDelay', 100);
});

test('a try at the file that is over is not repeated as it is', () => {
  expect(staleRoundFailure('round 1 is over')).toMatchObject({ type: FAILURE.staleRound, nonRetryable: true });
});

test('lost requests and unknown endpoints are retried, the delay at least a millisecond', () => {
  expect(unsettledFailure(3, -50)).toMatchObject({ type: FAILURE.unsettled, nextRetryDelay: 1 });
  expect(unknownEndpointFailure('crm')).toMatchObject({ type: FAILURE.unknownEndpoint, nonRetryable: false });
});

test('only faults of the store become one; everything else is passed on as it is', () => {
  const failure = stopFailure({ kind: 'down', cause: 'HTTP 503' }, context());
  expect(failureOf(failure, 1)).toBe(failure);
  expect(failureOf('text', 1)).toBeInstanceOf(Error);
  expect(failureOf(new Fault('store', 'disk full', 'Make room.'), 1)).toMatchObject({
    type: FAILURE.store,
    message: 'disk full. Make room.',
  });
});
