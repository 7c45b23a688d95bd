/**
 * What the governor believes about the receiver's limit. The belief is a curve: the rate as a function of the time since it was last
 * corrected. Nothing has to happen for the rate to climb, so it always finds its way up again, and a worker's lease can hold the climb
 * of the next seconds.
 *
 *   no ceiling known     doubles every second, and twice a second as long as nothing was ever refused
 *   a ceiling known      from base straight up to SETTLE × ceiling; rests there for restMs; then feels its way up, slowly at first and
 *                        faster and faster. DISPROVED × the ceiling without a refusal: there is none there any more, and it doubles again
 *
 * A refusal sets the ceiling to the total at which it happened. Met twice at about the same height, it is probed less often.
 * Pure; the state is plain JSON and of constant size.
 */
import type { OpenLimit } from './concurrency.ts';
import type { Episode } from './episodes.ts';
import type { WindowLimit } from './explain.ts';
import type { Stray } from './stray.ts';
import { sustainedPerSecond } from './stray.ts';

export interface Learner {
  /** The rate at `anchorMs`, from which the curve starts. */
  readonly basePerSecond: number;
  readonly anchorMs: number;
  /** The lowest total that was refused since it last had to be corrected; null: none yet. */
  readonly ceilingPerSecond: number | null;
  /** How long the curve rests under the ceiling before it feels its way up. */
  readonly restMs: number;
  /** When a refusal was last taken in. */
  readonly cutMs: number | null;
  /** Refusals in a row that came before the ceiling was probed. */
  readonly earlyRun: number;
  /** What the receiver's own headers state as its limit. */
  readonly statedPerSecond: number | null;
  /** The window of that limit. Absent: unknown. */
  readonly statedWindowMs?: number;
  /** The quickest mean answer seen, slowly forgotten. */
  readonly quickestMs: number | null;
  /** The last times of refusals, oldest first. Absent: none was told of. */
  readonly episodes?: readonly Episode[];
  /** At most so many requests at once. Absent: no such limit was met. */
  readonly open?: OpenLimit;
  /** When a limit on open requests was last found to be none. */
  readonly openDisprovedMs?: number;
  /** Refused then, and as far as is known still. Absent: it is not. */
  readonly refusingMs?: number;
  /** The first climb grows quicker at high rates. Absent: of an earlier build. */
  readonly hastens?: true;
  /** What explains them. Absent: nothing does, or nothing any more. */
  readonly window?: KnownWindow;
  /** What tells whether refusals come from the rate at all. Absent: no worker has counted its refusals (an earlier build). */
  readonly stray?: Stray;
}

export interface KnownWindow extends WindowLimit {
  readonly learnedMs: number;
  /** How long it is held before it is tried whether there is more. */
  readonly restMs: number;
}

export const START_PER_SECOND = 10;
export const MIN_PER_SECOND = 0.5;
const DOUBLING_MS = 1_000;
/** As long as nothing was ever refused. */
const FIRST_DOUBLING_MS = 500;
/** Where a second holds so many requests, a few refusals are a small part of them: 30,000 a second are reached after 4.7 s. */
const HASTENS_FROM_PER_SECOND = 1_000;
const HASTENED_DOUBLING_MS = 280;
const SETTLE = 0.96;
/** Straight up, in ceilings a second. */
const APPROACH_PER_SECOND = 0.07;
/** Rests after a refusal; twice as long each time that the ceiling proves to be where it was. */
export const SHORTEST_REST_MS = 2_500;
const LONGEST_REST_MS = 24_000;
const SAME_CEILING = 0.06;
/** Of the logarithm of the rate, per second and per second cubed of probing. */
const PROBE_LINEAR = 0.01;
const PROBE_CUBIC = 0.0002;
const DISPROVED = 1.5;
const FULL_PROBE_FROM_PER_SECOND = 10;
/** In the first climb the rate doubles while an answer is on its way: what was refused tells little. */
const KEPT_OF_FIRST_CLIMB = 0.6;
/** Kept of the total that was refused. */
const KEPT = 0.9;
const KEPT_SOON = 0.7;
const KEPT_AT_ONCE = 0.5;
const SOON_MS = 1_000;
const AT_ONCE_MS = 300;
/** Correction of a ceiling that was refused again and again without having been probed: once for each time. */
const TOO_HIGH = 0.97;
/** A refusal under a lease of before the last cut says something new only below this part of the ceiling. */
const NEWS_BELOW = 0.7;
const SLOW_FACTOR = 4;
const SLOW_MS = 400;
/** A queue takes a while to drain. */
const SLOW_AGAIN_MS = 10_000;
/** With each report: a receiver may have become slower for good. */
const QUICKEST_GROWS = 1.005;

export function newLearner(startPerSecond: number, nowMs: number): Learner {
  return {
    basePerSecond: startPerSecond,
    anchorMs: nowMs,
    ceilingPerSecond: null,
    restMs: SHORTEST_REST_MS,
    cutMs: null,
    earlyRun: 0,
    statedPerSecond: null,
    quickestMs: null,
  };
}

/** The rate at `atMs`, before any maximum. Never falls with time. */
export function curve(learner: Learner, atMs: number): number {
  const { basePerSecond, ceilingPerSecond } = learner;
  const sinceMs = Math.max(0, atMs - learner.anchorMs);
  if (ceilingPerSecond === null) return basePerSecond * doubled(learner, sinceMs);
  const settled = settledPerSecond(learner);
  const climbMs = approachMs(learner);
  if (sinceMs < climbMs) return basePerSecond + ((settled - basePerSecond) * sinceMs) / climbMs;
  const probingMs = Math.max(0, sinceMs - climbMs - learner.restMs) * probeSpeed(learner);
  const probed = settled * Math.exp(probeExponent(probingMs));
  const disproved = Math.max(settled, DISPROVED * ceilingPerSecond);
  if (probed <= disproved) return probed;
  return disproved * doubled(learner, probingMs - probeMsTo(Math.log(disproved / settled)));
}

/** The rate is above what was once refused, by so much that this no longer holds. */
export function isDisproved(learner: Learner, atMs: number): boolean {
  const { ceilingPerSecond } = learner;
  return ceilingPerSecond !== null && curve(learner, atMs) > DISPROVED * ceilingPerSecond;
}

function approachMs(learner: Learner): number {
  const { basePerSecond, ceilingPerSecond } = learner;
  if (ceilingPerSecond === null) return 0;
  return ((settledPerSecond(learner) - basePerSecond) * 1_000) / (APPROACH_PER_SECOND * ceilingPerSecond);
}

/** Where requests are few, it takes longer to see whether they are taken; not where far more were taken for long, not long ago. */
function probeSpeed({ ceilingPerSecond, episodes, stray, anchorMs }: Learner): number {
  if (episodes === undefined || ceilingPerSecond === null) return 1;
  const perSecond = Math.max(ceilingPerSecond, sustainedPerSecond(stray, anchorMs));
  return Math.min(1, Math.max(0.1, perSecond / FULL_PROBE_FROM_PER_SECOND));
}

function probeExponent(probingMs: number): number {
  const seconds = Math.min(60, probingMs / 1_000);
  return PROBE_LINEAR * seconds + PROBE_CUBIC * seconds ** 3;
}

/** When the probe reaches an exponent: the inverse of the above, by halving. */
function probeMsTo(exponent: number): number {
  let low = 0;
  let high = 60_000;
  while (high - low > 1) {
    const middle = (low + high) / 2;
    if (probeExponent(middle) < exponent) low = middle;
    else high = middle;
  }
  return high;
}

/** Where the curve rests: just under the ceiling. */
export function settledPerSecond(learner: Learner): number {
  const { basePerSecond, ceilingPerSecond } = learner;
  return ceilingPerSecond === null ? basePerSecond : Math.max(basePerSecond, SETTLE * ceilingPerSecond);
}

/** How many times `basePerSecond` the rate is after so long. */
function doubled({ basePerSecond, cutMs, hastens }: Learner, sinceMs: number): number {
  if (cutMs !== null) return 2 ** Math.min(40, sinceMs / DOUBLING_MS);
  const slowly = Math.max(0, Math.log2(HASTENS_FROM_PER_SECOND / basePerSecond)) * FIRST_DOUBLING_MS;
  if (hastens !== true || sinceMs <= slowly) return 2 ** Math.min(40, sinceMs / FIRST_DOUBLING_MS);
  return 2 ** Math.min(40, slowly / FIRST_DOUBLING_MS + (sinceMs - slowly) / HASTENED_DOUBLING_MS);
}

export interface RefusalNews {
  /** What all workers together are thought to have sent. */
  readonly totalPerSecond: number;
  /** How long the worker had been sending. */
  readonly afterMs: number;
  /** When the worker got the lease that it was refused with. */
  readonly leasedMs: number;
}

/** A worker was refused. On a lease from before the last correction that is no news, unless it came soon after a stop, or at a far lower rate. */
export function refused(learner: Learner, refusal: RefusalNews, nowMs: number): Learner {
  const total = Math.max(refusal.totalPerSecond, MIN_PER_SECOND);
  const known = learner.cutMs !== null && refusal.leasedMs < learner.cutMs && refusal.afterMs >= SOON_MS;
  if (known && total > NEWS_BELOW * (learner.ceilingPerSecond ?? 0)) return learner;
  const before = learner.ceilingPerSecond;
  // Refused while the curve rests: the ceiling is lower than it was thought to be.
  const early = before !== null && nowMs - learner.anchorMs < approachMs(learner) + learner.restMs;
  const earlyRun = early ? learner.earlyRun + 1 : 0;
  const same = before !== null && Math.abs(total / before - 1) < SAME_CEILING;
  const ceiling = total * TOO_HIGH ** Math.min(3, Math.max(0, earlyRun - 1));
  const kept = before === null ? KEPT_OF_FIRST_CLIMB : keptAfter(refusal, same);
  return {
    ...learner,
    ceilingPerSecond: ceiling,
    basePerSecond: Math.max(MIN_PER_SECOND, Math.min(kept * ceiling, curve(learner, nowMs))),
    anchorMs: nowMs,
    restMs: !same ? SHORTEST_REST_MS : early ? learner.restMs : Math.min(LONGEST_REST_MS, 2 * learner.restMs),
    cutMs: nowMs,
    earlyRun,
  };
}

/** The sooner the receiver refused again, the farther below is its limit. */
function keptAfter({ afterMs, totalPerSecond }: RefusalNews, same: boolean): number {
  if (afterMs < AT_ONCE_MS + 2_000 / totalPerSecond) return KEPT_AT_ONCE;
  return afterMs < SOON_MS && !same ? KEPT_SOON : KEPT;
}

/**
 * The mean time to an answer. A receiver that answers far more slowly than it can is working off a queue that grows: that is taken for
 * a refusal of `totalPerSecond`, long before it times out.
 */
export function slowed(learner: Learner, latencyMs: number, totalPerSecond: number, nowMs: number): Learner {
  const quickestMs = Math.max(0.1, Math.min(latencyMs, (learner.quickestMs ?? latencyMs) * QUICKEST_GROWS));
  const heard = { ...learner, quickestMs };
  const lately = learner.cutMs !== null && nowMs - learner.cutMs < SLOW_AGAIN_MS;
  if (lately || latencyMs < SLOW_FACTOR * quickestMs + SLOW_MS) return heard;
  return refused(heard, { totalPerSecond, afterMs: Number.MAX_SAFE_INTEGER, leasedMs: nowMs }, nowMs);
}

/** The workers were held back by the rate and met no refusal: what was passed for good is no ceiling. */
export function welcomed(learner: Learner, maximumPerSecond: number, nowMs: number): Learner {
  if (learner.ceilingPerSecond !== null && !isDisproved(learner, nowMs - 2_000)) return learner;
  const basePerSecond = Math.max(MIN_PER_SECOND, Math.min(maximumPerSecond, curve(learner, nowMs)));
  return { ...learner, ceilingPerSecond: null, basePerSecond, anchorMs: nowMs };
}

/**
 * Nobody tested the rate since `sinceMs` (no alerts, or fewer than it allows): the curve goes back to what was known then, and its
 * clock starts anew. `testedPerSecond`: what was sent.
 */
export function untested(learner: Learner, testedPerSecond: number, sinceMs: number, nowMs: number): Learner {
  const { ceilingPerSecond } = learner;
  // More was sent than was once refused, and all of it was taken.
  if (learner.stray !== undefined && ceilingPerSecond !== null && testedPerSecond > DISPROVED * ceilingPerSecond) {
    const basePerSecond = Math.min(testedPerSecond, curve(learner, sinceMs));
    return { ...learner, ceilingPerSecond: null, basePerSecond, anchorMs: nowMs };
  }
  const known =
    ceilingPerSecond === null ? Math.max(learner.basePerSecond, testedPerSecond) : settledPerSecond(learner);
  return { ...learner, basePerSecond: Math.min(known, curve(learner, sinceMs)), anchorMs: nowMs };
}
