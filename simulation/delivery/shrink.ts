/** Makes a plan that violates a promise smaller, as long as a violation of the same kind stays. */
import type { Noise, Plan, Step } from './plan.ts';

/** A smaller plan is played with so many seeds of noise: leaving something out shifts all that is random after it. */
const RESEEDS = 4;
const MOST_TRIES = 2_000;

/** `violates`: whether the kind of violation is still there. */
export function shrink(plan: Plan, violates: (plan: Plan) => boolean): Plan {
  let smallest = plan;
  let tries = 0;
  const accept = (candidate: Plan): boolean => {
    for (let reseed = 0; reseed <= RESEEDS && tries < MOST_TRIES; reseed++) {
      tries++;
      const reseeded = reseed === 0 ? candidate : { ...candidate, seed: candidate.seed + 1_000_003 * reseed };
      if (!violates(reseeded)) continue;
      smallest = reseeded;
      return true;
    }
    return false;
  };
  for (let changed = true; changed; ) {
    changed = false;
    for (let index = smallest.steps.length - 1; index >= 0; index--) {
      if (accept({ ...smallest, steps: without(smallest.steps, index) })) changed = true;
    }
    for (let index = smallest.moods.length - 1; index >= 0; index--) {
      if (accept({ ...smallest, moods: without(smallest.moods, index) })) changed = true;
    }
    for (const user of Object.keys(smallest.kinds)) {
      const { [user]: _gone, ...kinds } = smallest.kinds;
      if (accept({ ...smallest, kinds })) changed = true;
    }
    for (const user of Object.keys(smallest.listed)) {
      const { [user]: _gone, ...listed } = smallest.listed;
      if (accept({ ...smallest, listed })) changed = true;
    }
    for (const key of Object.keys(smallest.noise) as (keyof Noise)[]) {
      if (smallest.noise[key] > 0 && accept({ ...smallest, noise: { ...smallest.noise, [key]: 0 } })) changed = true;
    }
    for (const simpler of simplerSites(smallest)) if (accept(simpler)) changed = true;
    for (let index = 0; index < smallest.steps.length; index++) {
      for (const step of simplerSteps(smallest.steps[index]!)) {
        if (accept({ ...smallest, steps: smallest.steps.with(index, step) })) changed = true;
      }
    }
    if (tries >= MOST_TRIES) break;
  }
  return smallest;
}

const without = <T>(list: readonly T[], index: number): T[] => list.filter((_, other) => other !== index);

function* simplerSites(plan: Plan): Generator<Plan> {
  if (plan.files.length > 1) yield { ...plan, files: plan.files.slice(0, -1) };
  for (const [index, rows] of plan.files.entries()) {
    if (rows > 1) yield { ...plan, files: plan.files.with(index, Math.ceil(rows / 2)) };
  }
  if (plan.workers > 1) yield { ...plan, workers: plan.workers - 1 };
  if (plan.receipts !== 'folder') yield { ...plan, receipts: 'folder' };
  if (plan.homes > 1) yield { ...plan, homes: 1 };
  if (plan.lastRetry) yield { ...plan, lastRetry: false };
  if (plan.foldFrom < 24) yield { ...plan, foldFrom: 24 };
  if (plan.schedule !== undefined) yield { ...plan, schedule: undefined };
  if (plan.listGone !== undefined) yield { ...plan, listGone: undefined };
  if (plan.apart) yield { ...plan, apart: false };
  if (plan.parallelChunks > 1) yield { ...plan, parallelChunks: 1 };
  if (plan.ratePerSecond !== undefined) yield { ...plan, ratePerSecond: undefined };
  if (plan.maxHistoryEvents < 10_000) yield { ...plan, maxHistoryEvents: 10_000 };
  if (plan.maxConnections > 1) yield { ...plan, maxConnections: 1 };
  if (plan.quietAtMs > 20_000) yield { ...plan, quietAtMs: 20_000 };
}

/** Earlier, and for a shorter time. */
function* simplerSteps(step: Step): Generator<Step> {
  if (step.atMs > 100) yield { ...step, atMs: Math.round(step.atMs / 2) };
  if ('forMs' in step && step.forMs > 200) yield { ...step, forMs: Math.round(step.forMs / 2) };
  if ('backAfterMs' in step && step.backAfterMs > 200) {
    yield { ...step, backAfterMs: Math.round(step.backAfterMs / 2) };
  }
}
