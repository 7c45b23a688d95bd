/** What a learner takes from the receiver's own headers. Pure. */
import type { Learner } from './learner.ts';
import { curve, MIN_PER_SECOND } from './learner.ts';

/** Where the window is known, the limit is: a thousand a day is a limit. */
const LEAST_PER_SECOND = 0.001;

export interface StatedLimit {
  readonly delivered: number;
  /** The lowest that the headers said; null: they said none. */
  readonly ceilingPerSecond: number | null;
  /** The window of that. Absent: unknown. */
  readonly ceilingWindowMs?: number;
}

/** A higher limit than before: what was learned below it no longer holds. */
export function stated(learner: Learner, report: StatedLimit, nowMs: number): Learner {
  const { ceilingPerSecond: after, ceilingWindowMs } = report;
  if (after === null && report.delivered === 0) return learner;
  const { statedWindowMs: _before, statedPerSecond: before, ...rest } = learner;
  const window = after === null || ceilingWindowMs === undefined ? {} : { statedWindowMs: ceilingWindowMs };
  if (after === null || after === before) return { ...rest, ...window, statedPerSecond: after };
  const raised = before !== null && after > before;
  const restart = raised
    ? { ceilingPerSecond: null, basePerSecond: Math.min(before, curve(learner, nowMs)), anchorMs: nowMs }
    : {};
  const least = ceilingWindowMs === undefined ? MIN_PER_SECOND : LEAST_PER_SECOND;
  return { ...rest, ...restart, ...window, statedPerSecond: Math.max(least, after) };
}
