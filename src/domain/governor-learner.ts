/**
 * What the governor believes about the receiver's limit. The belief is a curve: the rate as a function of the time since it was last
 * corrected. Nothing has to happen for the rate to climb, so it always finds its way up again, and a worker's lease can hold the climb
 * of the next seconds.
 *
 *   no ceiling known     doubles every second
 *   a ceiling known      from base straight up to SETTLE × ceiling; rests there for restMs; then feels its way up, slowly at first and
 *                        faster and faster. DISPROVED × the ceiling without a refusal: there is none there any more, and it doubles again
 *
 * A refusal sets the ceiling to the total at which it happened. Met twice at about the same height, it is probed less often.
 * Pure; the state is plain JSON and of constant size.
 */
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
  /** Refusals that followed one another quickly, each far below the one before. */
  readonly quickRun: number;
  /** What the receiver's own headers state as its limit. */
  readonly statedPerSecond: number | null;
  /** The quickest mean answer seen, slowly forgotten. */
  readonly quickestMs: number | null;
}

export const START_PER_SECOND = 10;
export const MIN_PER_SECOND = 0.5;
const DOUBLING_MS = 1_000;
const SETTLE = 0.96;
/** Straight up, in ceilings a second. */
const APPROACH_PER_SECOND = 0.07;
/** Rests after a refusal; twice as long each time that the ceiling proves to be where it was. */
const SHORTEST_REST_MS = 5_000;
const LONGEST_REST_MS = 20_000;
const SAME_CEILING = 0.06;
/** Of the logarithm of the rate, per second and per second cubed of probing. */
const PROBE_LINEAR = 0.01;
const PROBE_CUBIC = 0.0002;
const DISPROVED = 1.5;
/** In the first climb the rate doubles while an answer is on its way: what was refused tells little. */
const KEPT_OF_FIRST_CLIMB = 0.6;
/** Kept of the total that was refused; less when refusals follow one another quickly: the limit is far below. */
const KEPT = [0.9, 0.7, 0.5] as const;
const QUICK_MS = 4_000;

export function newLearner(startPerSecond: number, nowMs: number): Learner {
  return {
    basePerSecond: startPerSecond,
    anchorMs: nowMs,
    ceilingPerSecond: null,
    restMs: SHORTEST_REST_MS,
    cutMs: null,
    quickRun: 0,
    statedPerSecond: null,
    quickestMs: null,
  };
}

/** The rate at `atMs`, before any maximum. Never falls with time. */
export function curve(learner: Learner, atMs: number): number {
  const { basePerSecond, ceilingPerSecond } = learner;
  const sinceMs = Math.max(0, atMs - learner.anchorMs);
  if (ceilingPerSecond === null) return basePerSecond * doubled(sinceMs);
  const settled = settledPerSecond(learner);
  const approachMs = ((settled - basePerSecond) * 1_000) / (APPROACH_PER_SECOND * ceilingPerSecond);
  if (sinceMs < approachMs) return basePerSecond + ((settled - basePerSecond) * sinceMs) / approachMs;
  const probingMs = Math.max(0, sinceMs - approachMs - learner.restMs);
  const probed = settled * Math.exp(probeExponent(probingMs));
  const disproved = Math.max(settled, DISPROVED * ceilingPerSecond);
  if (probed <= disproved) return probed;
  return disproved * doubled(probingMs - probeMsTo(Math.log(disproved / settled)));
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

function doubled(sinceMs: number): number {
  return 2 ** Math.min(40, sinceMs / DOUBLING_MS);
}

/**
 * A worker was refused at `atMs`, when all workers together sent `totalPerSecond`, Several workers
 * that meet the same refusal are one lesson.
 */
export function refused(
  learner: Learner,
  refusal: { readonly totalPerSecond: number; readonly atMs: number },
  nowMs: number,
): Learner {
  const total = Math.max(refusal.totalPerSecond, MIN_PER_SECOND);
  const known = learner.cutMs !== null && refusal.atMs <= learner.cutMs;
  if (known && total > 0.7 * (learner.ceilingPerSecond ?? 0)) return learner;
  const before = learner.ceilingPerSecond;
  const same = before !== null && Math.abs(total / before - 1) < SAME_CEILING;
  const quick = learner.cutMs !== null && refusal.atMs - learner.cutMs < QUICK_MS;
  const quickRun = quick && !same ? learner.quickRun + 1 : 0;
  const keeps = before === null ? KEPT_OF_FIRST_CLIMB : KEPT[Math.min(quickRun, KEPT.length - 1)]!;
  return {
    ...learner,
    ceilingPerSecond: total,
    basePerSecond: Math.max(MIN_PER_SECOND, Math.min(keeps * total, SETTLE * total, curve(learner, nowMs))),
    anchorMs: nowMs,
    restMs: same ? Math.min(LONGEST_REST_MS, 2 * learner.restMs) : SHORTEST_REST_MS,
    cutMs: nowMs,
    quickRun,
  };
}

/** The workers were held back by the rate and met no refusal: what was passed for good is no ceiling. */
export function welcomed(learner: Learner, maximumPerSecond: number, nowMs: number): Learner {
  const { ceilingPerSecond } = learner;
  const passed = ceilingPerSecond !== null && curve(learner, nowMs - 2_000) > DISPROVED * ceilingPerSecond;
  if (ceilingPerSecond !== null && !passed) return learner;
  const basePerSecond = Math.max(MIN_PER_SECOND, Math.min(maximumPerSecond, curve(learner, nowMs)));
  return { ...learner, ceilingPerSecond: null, basePerSecond, anchorMs: nowMs };
}

/**
 * Nobody tested the rate since `sinceMs` (no alerts, or fewer than it allows): the curve goes back to what was known then, and its
 * clock starts anew. `testedPerSecond`: what was sent.
 */
export function untested(learner: Learner, testedPerSecond: number, sinceMs: number, nowMs: number): Learner {
  const known =
    learner.ceilingPerSecond === null ? Math.max(learner.basePerSecond, testedPerSecond) : settledPerSecond(learner);
  return { ...learner, basePerSecond: Math.min(known, curve(learner, sinceMs)), anchorMs: nowMs };
}

/** What the receiver's headers say. A higher limit than before: what was learned below it no longer holds. */
export function stated(
  learner: Learner,
  report: { delivered: number; ceilingPerSecond: number | null },
  nowMs: number,
): Learner {
  const before = learner.statedPerSecond;
  const after = report.ceilingPerSecond;
  if (after === null || after === before)
    return report.delivered > 0 ? { ...learner, statedPerSecond: after } : learner;
  const raised = before !== null && after > before;
  const restart = raised
    ? { ceilingPerSecond: null, basePerSecond: Math.min(before, curve(learner, nowMs)), anchorMs: nowMs }
    : {};
  return { ...learner, ...restart, statedPerSecond: Math.max(MIN_PER_SECOND, after) };
}
