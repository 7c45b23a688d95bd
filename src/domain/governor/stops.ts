/** How long a worker stops that was refused, where the receiver does not say. Pure. */
import { WAITS } from '../waits.ts';

export interface Stopped {
  readonly pacePerSecond: number;
  /** Requests that were taken since the last time of refusals. Absent: many. */
  readonly taken?: number;
}

/** Refused after so few requests, the limit is low: a shorter stop would only be refused again. */
const FEW_TAKEN = 8;
const LONGEST_FIRST_STOP_MS = 2_000;

export const nextStopMs = (stopMs: number): number =>
  Math.min(WAITS.brake.longestMs, 2 * Math.max(stopMs, WAITS.brake.refusedMs));

/** 1 s where so few were taken; where the receiver names a pause, that is the floor. */
export const firstStopMs = (refusal: Stopped): number => {
  const leastMs = (isFew(refusal) ? 4 : 1) * WAITS.brake.refusedMs;
  // It takes the time between two requests until there is room for one.
  return Math.max(leastMs, Math.min(LONGEST_FIRST_STOP_MS, 1_100 / Math.max(0.1, refusal.pacePerSecond)));
};

export const isFew = ({ taken = FEW_TAKEN + 1 }: Stopped): boolean => taken <= FEW_TAKEN;
