/** Quotas that may be used at once (shape `burst`): stated ones, with workers that come, go, pause and are killed at random. */
import { Chance } from '../chance.ts';
import type { SimWorkerPlan } from './sim-worker.ts';
import type { Run, Scenario } from './simulation.ts';

const QUOTAS = [
  [100, 10_000],
  [600, 60_000],
  [5, 2_000],
  [1_000, 10_000],
  [6_000, 60_000],
  [50, 30_000],
  [400, 2_000],
] as const;
const MODELS = ['fixed-window', 'sliding-window', 'own-window'] as const;

/** The limit is stated with its window, so nothing is ever to be refused. Another course of events with each seed. */
export function burstTurmoil(seed: number): Scenario {
  const chance = new Chance(seed);
  const upTo = (most: number): number => most * chance.next();
  const pick = <T>(from: readonly T[]): T => from[Math.floor(upTo(from.length))]!;
  const often = (share: number): boolean => chance.next() < share;
  const [quota, windowMs] = pick(QUOTAS);
  const ratePerSecond = (quota * 1_000) / windowMs;
  const worker = (joinsAtMs: number): SimWorkerPlan => {
    const fromMs = joinsAtMs + upTo(100_000);
    return {
      joinsAtMs,
      ...(often(0.4) ? { diesAtMs: joinsAtMs + upTo(120_000) } : {}),
      ...(often(0.5) ? { idle: [[fromMs, fromMs + upTo(60_000)]] as const } : {}),
      ...(often(0.4) ? { alertsPerSecond: 0.01 + upTo(2 * ratePerSecond) } : {}),
    };
  };
  return {
    name: `${quota} in ${windowMs / 1_000} s, stated, used at once`,
    seconds: 240,
    rate: ratePerSecond,
    burst: { windowMs },
    messageMs: pick([[10, 55] as const, [10, 400] as const]),
    receiver: {
      spec: { model: pick(MODELS), ratePerSecond, windowMs, latencyMs: pick([5, 50, 300]) },
      phaseMs: upTo(windowMs),
      jitter: pick([0.05, 0.9]),
    },
    workers: [worker(0), ...Array.from({ length: Math.floor(upTo(4)) }, () => worker(upTo(120_000)))],
  };
}

/** The most that was taken in one second, from `fromSecond` on, of the quota of a window. */
export function fullestSecond(run: Run, { receiver: { spec } }: Scenario, fromSecond: number): number {
  const quota = (spec.ratePerSecond! * spec.windowMs!) / 1_000;
  return Math.max(...run.seconds.slice(fromSecond).map(({ accepted }) => accepted)) / quota;
}
