/** The kinds of limits that real services have, unknown to wds, and what is asked of it: much used, little refused. */
import type { ReceiverModelSpec } from '../../src/receiver/models/model.ts';
import { Chance } from '../chance.ts';
import type { SimReceiverPlan } from './sim-receiver.ts';
import type { Run, Scenario } from './simulation.ts';
import { figures, TWO_WORKERS } from './simulation.ts';

interface Kind {
  readonly name: string;
  readonly spec: Partial<ReceiverModelSpec>;
  readonly retryAfter?: SimReceiverPlan['retryAfter'];
  readonly headers?: SimReceiverPlan['headers'];
  /** The bounds hold with any seed. */
  readonly strict?: false;
}

const MINUTE = 60_000;
export const KIND_SECONDS = 150;

export const KINDS: readonly Kind[] = [
  { name: '1/s, burst 3', spec: { model: 'token-bucket', ratePerSecond: 1, burst: 3 } },
  { name: '1/s, burst 3, no hint', spec: { model: 'token-bucket', ratePerSecond: 1, burst: 3 }, retryAfter: false },
  {
    name: '100/s, burst 200, no hint',
    spec: { model: 'token-bucket', ratePerSecond: 100, burst: 200 },
    retryAfter: false,
  },
  { name: '200/s, Retry-After: 0', spec: { model: 'token-bucket', ratePerSecond: 200, burst: 10 }, retryAfter: 0 },
  {
    name: '200/s, burst 200, Retry-After: 0',
    spec: { model: 'token-bucket', ratePerSecond: 200, burst: 200 },
    retryAfter: 0,
  },
  { name: '5 in 2 s, fixed', spec: { model: 'fixed-window', ratePerSecond: 2.5, windowMs: 2_000 }, strict: false },
  { name: '5 in 2 s, sliding', spec: { model: 'sliding-window', ratePerSecond: 2.5, windowMs: 2_000 } },
  {
    name: '5 in 2 s, fixed, no hint',
    spec: { model: 'fixed-window', ratePerSecond: 2.5, windowMs: 2_000 },
    retryAfter: false,
    strict: false,
  },
  {
    name: '5 in 2 s, sliding, no hint',
    spec: { model: 'sliding-window', ratePerSecond: 2.5, windowMs: 2_000 },
    retryAfter: false,
  },
  { name: '100 in 10 s, fixed', spec: { model: 'fixed-window', ratePerSecond: 10, windowMs: 10_000 } },
  { name: '100 in 10 s, sliding', spec: { model: 'sliding-window', ratePerSecond: 10, windowMs: 10_000 } },
  {
    name: '100 in 10 s, fixed, no hint',
    spec: { model: 'fixed-window', ratePerSecond: 10, windowMs: 10_000 },
    retryAfter: false,
  },
  {
    name: '100 in 10 s, sliding, no hint',
    spec: { model: 'sliding-window', ratePerSecond: 10, windowMs: 10_000 },
    retryAfter: false,
  },
  {
    name: '100 in 10 s, own, no hint',
    spec: { model: 'own-window', ratePerSecond: 10, windowMs: 10_000 },
    retryAfter: false,
  },
  { name: '600 a minute, fixed', spec: { model: 'fixed-window', ratePerSecond: 10, windowMs: MINUTE } },
  { name: '600 a minute, sliding', spec: { model: 'sliding-window', ratePerSecond: 10, windowMs: MINUTE } },
  { name: '600 a minute, own', spec: { model: 'own-window', ratePerSecond: 10, windowMs: MINUTE } },
  {
    name: '600 a minute, fixed, no hint',
    spec: { model: 'fixed-window', ratePerSecond: 10, windowMs: MINUTE },
    retryAfter: false,
    strict: false,
  },
  {
    name: '600 a minute, sliding, no hint',
    spec: { model: 'sliding-window', ratePerSecond: 10, windowMs: MINUTE },
    retryAfter: false,
  },
  {
    name: '600 a minute, own, no hint',
    spec: { model: 'own-window', ratePerSecond: 10, windowMs: MINUTE },
    retryAfter: false,
  },
  {
    name: '1,000 a minute, draft’s headers',
    spec: { model: 'fixed-window', ratePerSecond: 1_000 / 60, windowMs: MINUTE },
    headers: 'policy',
  },
  {
    name: '1,000 a minute, remaining and reset',
    spec: { model: 'fixed-window', ratePerSecond: 1_000 / 60, windowMs: MINUTE },
    headers: 'quota',
  },
  {
    name: '100 in 10 s sliding, remaining and reset',
    spec: { model: 'sliding-window', ratePerSecond: 10, windowMs: 10_000 },
    headers: 'quota',
  },
  { name: 'bucket of 40 at 2/s', spec: { model: 'token-bucket', ratePerSecond: 2, burst: 40 } },
  {
    name: 'bucket of 40 at 2/s, no hint',
    spec: { model: 'token-bucket', ratePerSecond: 2, burst: 40 },
    strict: false,
    retryAfter: false,
  },
  { name: '50/s, 503, no hint', spec: { model: 'token-bucket', ratePerSecond: 50, burst: 50 }, retryAfter: false },
  { name: '50/s, burst 2, no hint', spec: { model: 'token-bucket', ratePerSecond: 50, burst: 2 }, retryAfter: false },
  {
    name: '50/s, burst 1, no hint',
    spec: { model: 'token-bucket', ratePerSecond: 50, burst: 1 },
    retryAfter: false,
    strict: false,
  },
  ...[20, 100, 300, 1_000].flatMap((latencyMs): Kind[] => [
    { name: `10 at a time, ${latencyMs} ms`, spec: { model: 'concurrency', concurrency: 10, latencyMs } },
    {
      name: `10 at a time, ${latencyMs} ms, no hint`,
      spec: { model: 'concurrency', concurrency: 10, latencyMs },
      retryAfter: false,
    },
  ]),
  { name: 'shield, 300 in 10 s', spec: { model: 'shield', ratePerSecond: 30, windowMs: 10_000 } },
  {
    name: 'shield, 300 in 10 s, no hint',
    spec: { model: 'shield', ratePerSecond: 30, windowMs: 10_000 },
    retryAfter: false,
  },
];

/** Those whose quota may be used at once (shape `burst`). */
export const WINDOW_KINDS: readonly Kind[] = KINDS.filter(({ spec }) => spec.model?.endsWith('-window'));

/** The windows of a clock begin at another instant with each seed. */
export function kindScenario(kind: Kind, seed: number, workers: 1 | 2, shape: 'even' | 'burst' = 'even'): Scenario {
  const phaseMs = new Chance(seed).next() * (kind.spec.windowMs ?? 0);
  return {
    name: kind.name,
    seconds: KIND_SECONDS + 60,
    rate: 'auto',
    ...(shape === 'burst' ? { burst: {} } : {}),
    receiver: { spec: kind.spec, phaseMs, retryAfter: kind.retryAfter ?? true, headers: kind.headers ?? 'none' },
    workers: TWO_WORKERS.slice(0, workers),
  };
}

export interface KindFigures {
  readonly used: number;
  readonly refused: number;
  readonly allowed: number;
  readonly refusedLate: number;
  readonly allowedLate: number;
}

/** Used: after a minute; of windows of a minute a whole one, the second that begins after the start. */
export function kindFigures(run: Run, scenario: Scenario): KindFigures {
  const { spec, phaseMs = 0 } = scenario.receiver;
  const whole = spec.windowMs === MINUTE;
  const from = whole ? Math.round((2 * MINUTE - phaseMs) / 1_000) : 60;
  const { used } = figures(run, from, whole ? from + 60 : KIND_SECONDS);
  const all = figures(run, 0, KIND_SECONDS);
  const late = figures(run, 60, KIND_SECONDS);
  return {
    used,
    refused: Math.round(all.throttled * all.requests),
    allowed: Math.max(5, 0.02 * all.requests),
    refusedLate: Math.round(late.throttled * late.requests),
    allowedLate: Math.max(3, 0.01 * late.requests),
  };
}
