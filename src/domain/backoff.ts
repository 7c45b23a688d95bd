/** How long to wait before an alert, or an endpoint, is tried again. Pure: randomness is a parameter. */
import type { RetryPolicy } from './endpoint.ts';

/** The longest delay that a timer takes: one millisecond more, and `setTimeout` fires at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** Up to this share of the backoff is added, so that alerts that failed together do not come back together. */
export const JITTER_FRACTION = 0.25;

export interface BackoffInput {
  /** Failed attempts so far, 1 or more. */
  readonly failures: number;
  /** In [0, 1), such as `Math.random()`. */
  readonly random: number;
  /** What the receiver asked for: never waited less. */
  readonly retryAfterMs?: number | undefined;
}

/**
 * Whole milliseconds until the next attempt: the initial interval doubled per failure up to the maximum, or Retry-After where that is
 * longer, plus jitter. Jitter only lengthens (even beyond the maximum); the result never exceeds MAX_TIMER_MS.
 */
export function backoffMs(
  policy: Pick<RetryPolicy, 'initialIntervalMs' | 'maximumIntervalMs'>,
  { failures, random, retryAfterMs = 0 }: BackoffInput,
): number {
  // The exponent is bounded so that 0 × 2^1024 does not become NaN.
  const doublings = Math.min(Math.max(0, failures - 1), 52);
  const intervalMs = Math.min(policy.initialIntervalMs * 2 ** doublings, policy.maximumIntervalMs);
  // Jitter is measured by the backoff, not by Retry-After: a quarter of an hour on top of an hour would only waste time.
  const delayMs = Math.max(intervalMs, retryAfterMs) + random * JITTER_FRACTION * intervalMs;
  return Math.min(Math.ceil(delayMs), MAX_TIMER_MS);
}
