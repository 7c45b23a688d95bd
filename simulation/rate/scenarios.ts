/** The situations that the governor has to master, as the tests and `bench/simulate.ts` run them. */
import type { ReceiverModelSpec } from '../../src/receiver/models/model.ts';
import type { SimReceiverPlan } from './sim-receiver.ts';
import type { Run, Scenario } from './simulation.ts';
import { TWO_WORKERS } from './simulation.ts';

type Model = 'token-bucket' | 'fixed-window' | 'sliding-window';

/** Buckets hold 50 ms of the limit, at least 2 requests: an unforgiving receiver. */
export function limitedReceiver(model: Model, ratePerSecond: number): Partial<ReceiverModelSpec> {
  return { model, ratePerSecond, burst: Math.max(2, 0.05 * ratePerSecond) };
}

/** The operator states the receiver's limit. */
export function knownLimit(model: Model, ratePerSecond: number, seconds = 120): Scenario {
  return {
    name: `known ${ratePerSecond}/s, ${model}`,
    seconds,
    rate: ratePerSecond,
    receiver: { spec: limitedReceiver(model, ratePerSecond) },
    workers: TWO_WORKERS,
  };
}

/** A stated limit of 20 a second for each of them, who come within a renewal's time. */
export function manyWorkers(count: number, seconds = 60): Scenario {
  const joinsAtMs = (worker: number): number => Math.round((worker * 5_000) / count);
  return {
    ...knownLimit('token-bucket', 20 * count, seconds),
    name: `${count} workers`,
    workers: Array.from({ length: count }, (_, worker) => ({ joinsAtMs: joinsAtMs(worker) })),
  };
}

/** Nobody states it. `headers`: the receiver does, in `RateLimit-Policy`. */
export function unknownLimit(
  model: Model,
  ratePerSecond: number,
  headers: NonNullable<SimReceiverPlan['headers']> = 'none',
  seconds = 300,
): Scenario {
  return {
    name: `unknown ${ratePerSecond}/s, ${model}${headers === 'none' ? '' : `, ${headers}`}`,
    seconds,
    rate: 'auto',
    receiver: { spec: limitedReceiver(model, ratePerSecond), headers },
    workers: TWO_WORKERS,
  };
}

export const MOVES_DOWN_AT = 60;
export const MOVES_UP_AT = 120;

/** 200 → 20 → 400 a second. */
export function movingLimit(model: Model): Scenario {
  const schedule = [
    { fromMs: MOVES_DOWN_AT * 1_000, ratePerSecond: 20 },
    { fromMs: MOVES_UP_AT * 1_000, ratePerSecond: 400 },
  ];
  return {
    name: `200 → 20 → 400/s, ${model}`,
    seconds: 220,
    rate: 'auto',
    receiver: { spec: { model, ratePerSecond: 200, burst: 10, schedule } },
    workers: TWO_WORKERS,
  };
}

/** Seconds from `fromSecond` until five seconds in a row are, on average, within 10% of the limit: taken as well as asked for. */
export function secondsToReach(run: Run, fromSecond: number, limit: number): number {
  for (let second = fromSecond; second + 5 <= run.seconds.length; second++) {
    const five = run.seconds.slice(second, second + 5);
    const accepted = five.reduce((sum, counts) => sum + counts.accepted, 0) / 5;
    const requests = five.reduce((sum, counts) => sum + counts.requests, 0) / 5;
    if (accepted >= 0.9 * limit && requests <= 1.1 * limit) return second - fromSecond;
  }
  return Number.POSITIVE_INFINITY;
}

export const RESTART_AT = 120;
/** All workers die; ten seconds later new ones start. The governor's state is in Temporal, so it is still there. */
export function restartOfEverything(ratePerSecond: number): Scenario {
  const diesAtMs = RESTART_AT * 1_000;
  return {
    ...unknownLimit('token-bucket', ratePerSecond, 'none', 200),
    name: `restart in the middle, ${ratePerSecond}/s`,
    workers: [
      { joinsAtMs: 0, diesAtMs },
      { joinsAtMs: 120, diesAtMs },
      { joinsAtMs: diesAtMs + 10_000 },
      { joinsAtMs: diesAtMs + 10_120 },
    ],
  };
}

export const OUTAGE = { fromSecond: 60, toSecond: 360 } as const;
export function outage(rate: number | 'auto', ratePerSecond: number): Scenario {
  const { fromSecond, toSecond } = OUTAGE;
  return {
    ...knownLimit('token-bucket', ratePerSecond, 450),
    name: `down for five minutes, ${ratePerSecond}/s`,
    rate,
    receiver: { spec: limitedReceiver('token-bucket', ratePerSecond), down: [[fromSecond * 1_000, toSecond * 1_000]] },
  };
}

/** Everything is refused with 401 until the secret is mended. */
export function wrongSecret(untilSecond: number): Scenario {
  return {
    ...knownLimit('token-bucket', 500, 150),
    name: 'wrong secret',
    receiver: { spec: limitedReceiver('token-bucket', 500), refuses: [[0, untilSecond * 1_000]] },
  };
}

/** The first of two workers is killed. */
export function workerDies(ratePerSecond: number, atSecond: number): Scenario {
  return {
    ...knownLimit('token-bucket', ratePerSecond, 60),
    name: `a worker dies, ${ratePerSecond}/s`,
    workers: [{ joinsAtMs: 0, diesAtMs: atSecond * 1_000 }, { joinsAtMs: 120 }],
  };
}

/** Receivers of every kind, rate unknown, ten minutes. */
export function receiverModels(seed: number): Scenario[] {
  const models: [string, SimReceiverPlan][] = [
    ['token bucket', { spec: limitedReceiver('token-bucket', 200) }],
    ['fixed window', { spec: limitedReceiver('fixed-window', 200) }],
    ['sliding window', { spec: limitedReceiver('sliding-window', 200) }],
    ['concurrency limit', { spec: { model: 'concurrency', concurrency: 100, latencyMs: 200 } }],
    ['rising latency', { spec: { model: 'loaded', ratePerSecond: 200 } }],
    [
      'noisy neighbour',
      {
        spec: {
          ...limitedReceiver('token-bucket', 200),
          neighbour: { share: 0.25, probability: 0.3, sliceMs: 30_000, seed },
        },
      },
    ],
  ];
  return models.map(([name, receiver]) => ({ name, seconds: 600, rate: 'auto', receiver, workers: TWO_WORKERS }));
}

/** A receiver without a limit refuses a part of all requests with 429, by chance and not by the rate. */
export function strayRefusals(
  share: number,
  workers: 1 | 2,
  [fromSecond, toSecond]: readonly [number, number],
): Scenario {
  return {
    name: `429 to ${100 * share}% by chance`,
    seconds: 300,
    rate: 'auto',
    receiver: { spec: { model: 'unlimited', latencyMs: 50 }, strays: [[1_000 * fromSecond, 1_000 * toSecond, share]] },
    workers: TWO_WORKERS.slice(0, workers).map((worker) => ({ ...worker, connections: 16 })),
  };
}
