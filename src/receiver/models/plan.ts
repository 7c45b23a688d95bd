/**
 * A receiver's limit over time: constant, by a schedule, and with a noisy neighbour who takes a share of it at times. Piecewise
 * constant and pure: the same spec gives the same limits in every run. Times are milliseconds since the plan's start.
 */

export interface ScheduleStep {
  readonly fromMs: number;
  readonly ratePerSecond: number;
}

/** Another client of the same limit. Time is cut in slices; in each the seed decides whether it is there. */
export interface NoisyNeighbour {
  /** Of the limit, while it is there: 0 … 1. */
  readonly share: number;
  /** That it is there in a slice: 0 … 1. */
  readonly probability: number;
  readonly sliceMs: number;
  readonly seed: number;
}

export interface RatePlan {
  rateAt(sinceStartMs: number): number;
  /** The first instant after `sinceStartMs` at which the rate may change; Infinity: never again. */
  nextChangeMs(sinceStartMs: number): number;
}

/** A number in [0, 1) for an integer: the finaliser of MurmurHash3, which spreads neighbouring integers well. */
export function seededFraction(seed: number, index: number): number {
  let h = (Math.imul(index + 1, 0x9e3779b1) ^ seed) | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return ((h ^ (h >>> 16)) >>> 0) / 2 ** 32;
}

/** `schedule` is in rising order of `fromMs`; before its first step, and without one, `ratePerSecond` holds. */
export function ratePlan(
  ratePerSecond: number,
  schedule: readonly ScheduleStep[] = [],
  neighbour?: NoisyNeighbour,
): RatePlan {
  const scheduledAt = (ms: number): number =>
    schedule.findLast((step) => step.fromMs <= ms)?.ratePerSecond ?? ratePerSecond;
  const nextStepMs = (ms: number): number =>
    schedule.find((step) => step.fromMs > ms)?.fromMs ?? Number.POSITIVE_INFINITY;
  if (neighbour === undefined) return { rateAt: scheduledAt, nextChangeMs: nextStepMs };
  const { share, probability, sliceMs, seed } = neighbour;
  /** The hair's breadth keeps k × sliceMs out of slice k − 1, where its quotient is rounded down. */
  const slice = (ms: number): number => Math.floor(ms / sliceMs + 1e-9);
  const nextSliceMs = (ms: number): number => {
    const nextMs = (slice(ms) + 1) * sliceMs;
    return nextMs > ms ? nextMs : ms + sliceMs;
  };
  return {
    rateAt: (ms) => scheduledAt(ms) * (seededFraction(seed, slice(ms)) < probability ? 1 - share : 1),
    nextChangeMs: (ms) => Math.min(nextStepMs(ms), nextSliceMs(ms)),
  };
}
