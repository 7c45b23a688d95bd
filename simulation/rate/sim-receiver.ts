/** A receiver model (src/receiver/models/models.ts) behind a simulated network, with times when it is down or refuses everybody. */
import type { ReceiverModel, ReceiverModelSpec } from '../../src/receiver/models/model.ts';
import { createReceiverModel, DEFAULT_MODEL_SPEC } from '../../src/receiver/models/models.ts';
import type { EventQueue } from './event-queue.ts';

export type SimAnswer = { readonly ceilingPerSecond?: number; readonly ceilingWindowMs?: number } & (
  | { readonly kind: 'delivered'; readonly left?: { remaining: number; limit: number; resetMs: number } }
  | { readonly kind: 'throttled'; readonly retryAfterMs: number | null }
  | { readonly kind: 'failure' | 'refused' }
);

export interface SimReceiverPlan {
  readonly spec: Partial<ReceiverModelSpec>;
  /** Retry-After in whole seconds, rounded up, as real receivers send it; false: none; a number: always that. */
  readonly retryAfter?: boolean | number;
  /** The receiver's clock is ahead by so much. */
  readonly phaseMs?: number;
  /** Of the latency, either way; default 0.05. */
  readonly jitter?: number;
  /** `RateLimit` (nothing left, for how long) and, with `policy`, `RateLimit-Policy`. */
  readonly headers?: 'none' | 'quota' | 'policy';
  readonly down?: readonly (readonly [fromMs: number, toMs: number])[];
  readonly refuses?: readonly (readonly [fromMs: number, toMs: number])[];
  /** 429 to a part of all requests, by chance, whatever the rate. */
  readonly strays?: readonly (readonly [fromMs: number, toMs: number, share: number])[];
}

/** Counts per whole second of simulated time. */
export interface SecondCounts {
  requests: number;
  accepted: number;
  throttled: number;
  failed: number;
  /** What the receiver would have taken. */
  capacity: number;
}

/** Of a message, between 0.5 and 2. */
const MEAN_WAY_MS = 1.25;

export class SimReceiver {
  readonly seconds: SecondCounts[] = [];
  readonly #plan: SimReceiverPlan;
  readonly #spec: ReceiverModelSpec;
  readonly #model: ReceiverModel;
  readonly #queue: EventQueue;
  readonly #random: () => number;

  constructor(plan: SimReceiverPlan, seconds: number, queue: EventQueue, random: () => number) {
    this.#plan = plan;
    this.#spec = { ...DEFAULT_MODEL_SPEC, latencyMs: 10, ...plan.spec };
    this.#model = createReceiverModel(this.#spec);
    this.#queue = queue;
    this.#random = random;
    for (let second = 0; second < seconds; second++) {
      this.seconds.push({ requests: 0, accepted: 0, throttled: 0, failed: 0, capacity: 0 });
      for (let step = 0; step < 10; step++) queue.at(second * 1_000 + step * 100, () => this.#sample(second));
    }
  }

  #sample(second: number): void {
    const rate = this.#model.ratePerSecond(this.#queue.nowMs + (this.#plan.phaseMs ?? 0));
    const { concurrency, latencyMs, model } = this.#spec;
    // Each request is held for its latency, of which the jitter (below) averages out; its place is taken again after a way back and forth.
    this.seconds[second]!.capacity +=
      (model === 'concurrency' ? (concurrency * 1_000) / (latencyMs + 2 * MEAN_WAY_MS) : rate) / 10;
  }

  request(answer: (answer: SimAnswer) => void): void {
    this.#queue.after(0.5 + 1.5 * this.#random(), () => this.#arrive(answer));
  }

  #arrive(answer: (answer: SimAnswer) => void): void {
    const nowMs = this.#queue.nowMs;
    const modelMs = nowMs + (this.#plan.phaseMs ?? 0);
    const counts = this.seconds[Math.min(this.seconds.length - 1, Math.floor(nowMs / 1_000))]!;
    const back = 0.5 + 1.5 * this.#random();
    counts.requests++;
    for (const kind of ['failure', 'refused'] as const) {
      const times = (kind === 'failure' ? this.#plan.down : this.#plan.refuses) ?? [];
      if (times.some(([fromMs, toMs]) => nowMs >= fromMs && nowMs < toMs)) {
        counts.failed++;
        this.#queue.after(back, () => answer({ kind }));
        return;
      }
    }
    const { headers } = this.#plan;
    const rate = this.#model.ratePerSecond(modelMs);
    const hint =
      headers === 'policy' && Number.isFinite(rate)
        ? { ceilingPerSecond: rate, ceilingWindowMs: this.#spec.windowMs }
        : {};
    const share = this.#plan.strays?.find(([fromMs, toMs]) => nowMs >= fromMs && nowMs < toMs)?.[2] ?? 0;
    const verdict =
      share > 0 && this.#random() < share ? ({ ok: false, retryAfterMs: 1_000 } as const) : this.#model.admit(modelMs);
    if (!verdict.ok) {
      counts.throttled++;
      const { retryAfter = true } = this.#plan;
      const askedSeconds = retryAfter === true ? Math.ceil(verdict.retryAfterMs / 1_000) : retryAfter;
      const retryAfterMs = askedSeconds === false ? null : askedSeconds * 1_000;
      this.#queue.after(back, () => answer({ kind: 'throttled', retryAfterMs, ...hint }));
      return;
    }
    counts.accepted++;
    const quota = Math.max(1, Math.floor((rate * this.#spec.windowMs) / 1_000));
    const remaining = Math.min(quota, this.#model.remaining(modelMs));
    const resetMs = Math.ceil(this.#model.resetMs(modelMs) / 1_000) * 1_000;
    const left = headers === undefined || headers === 'none' ? {} : { left: { remaining, limit: quota, resetMs } };
    this.#queue.after(
      this.#model.latencyMs(modelMs) * (1 + (this.#plan.jitter ?? 0.05) * (2 * this.#random() - 1)),
      () => {
        this.#model.release(this.#queue.nowMs + (this.#plan.phaseMs ?? 0));
        this.#queue.after(back, () => answer({ kind: 'delivered', ...left, ...hint }));
      },
    );
  }
}
