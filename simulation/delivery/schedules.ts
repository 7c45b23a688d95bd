/** Plays many schedules, seed after seed, and keeps what they came to. */
import type { Theme } from './plan.ts';
import { planOf } from './plan-of.ts';
import { simulate } from './simulate.ts';

/** What schedules came to, together. */
export interface Tally {
  schedules: number;
  /** Seconds of processor time. */
  cpuSeconds: number;
  events: number;
  requests: number;
  /** How often things happened, and in how many schedules. */
  readonly counts: Record<string, [times: number, schedules: number]>;
  /** Seeds by kind of violation; the first ones. */
  readonly violations: Record<string, { count: number; readonly seeds: number[]; readonly example: string }>;
}

const SEEDS_KEPT = 8;

export const noTally = (): Tally => ({
  schedules: 0,
  cpuSeconds: 0,
  events: 0,
  requests: 0,
  counts: {},
  violations: {},
});

export interface ManyOptions {
  readonly firstSeed: number;
  readonly theme?: Theme | undefined;
  /** From one seed to the next. */
  readonly stride: number;
  readonly most: number;
  readonly forMs: number;
  /** Ends after the first violation. */
  readonly untilViolation?: boolean;
}

/** Not from within a promise's continuation: see simulate. */
export function playMany({ firstSeed, theme, stride, most, forMs, untilViolation = false }: ManyOptions): Tally {
  const tally = noTally();
  const endMs = performance.now() + forMs;
  for (let seed = firstSeed; tally.schedules < most && performance.now() < endMs; seed += stride) {
    const { violations, events, requests, counts } = simulate(planOf(seed, theme));
    tally.schedules++;
    tally.events += events;
    tally.requests += requests;
    for (const [what, times] of counts) addCount(tally, what, times, 1);
    for (const { kind, detail } of violations) note(tally, kind, seed, detail);
    if (untilViolation && violations.length > 0) break;
  }
  tally.cpuSeconds = (process.cpuUsage().user + process.cpuUsage().system) / 1e6;
  return tally;
}

function addCount({ counts }: Tally, what: string, times: number, schedules: number): void {
  counts[what] ??= [0, 0];
  counts[what][0] += times;
  counts[what][1] += schedules;
}

function note({ violations }: Tally, kind: string, seed: number, detail: string): void {
  violations[kind] ??= { count: 0, seeds: [], example: detail };
  const known = violations[kind];
  if (known.seeds.at(-1) === seed) return;
  known.count++;
  if (known.seeds.length < SEEDS_KEPT) known.seeds.push(seed);
}

export function addTally(sum: Tally, other: Tally): void {
  sum.schedules += other.schedules;
  sum.cpuSeconds += other.cpuSeconds;
  sum.events += other.events;
  sum.requests += other.requests;
  for (const [what, [times, schedules]] of Object.entries(other.counts)) addCount(sum, what, times, schedules);
  for (const [kind, { count, seeds, example }] of Object.entries(other.violations)) {
    sum.violations[kind] ??= { count: 0, seeds: [], example };
    const known = sum.violations[kind];
    known.count += count;
    known.seeds.push(...seeds);
  }
}

/** In a macrotask of its own, where simulations may run. */
export function outsideOfPromises<T>(work: () => T): Promise<T> {
  return new Promise((resolve, reject) => {
    setImmediate(() => {
      try {
        resolve(work());
      } catch (error) {
        reject(error);
      }
    });
  });
}
