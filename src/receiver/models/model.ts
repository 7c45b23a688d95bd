/**
 * What every model of a rate-limited receiver answers, and what they have in common: a rate that may move, and a clock that is a
 * parameter of every call (milliseconds, any origin); time that runs backwards counts as standing still. Pure.
 */
import type { NoisyNeighbour, RatePlan, ScheduleStep } from './plan.ts';
import { ratePlan } from './plan.ts';

export const RECEIVER_MODELS = [
  'unlimited',
  'token-bucket',
  'fixed-window',
  'own-window',
  'sliding-window',
  'sliding-counter',
  'concurrency',
  'loaded',
  'shield',
] as const;
export type ReceiverModelName = (typeof RECEIVER_MODELS)[number];

export interface ReceiverModelSpec {
  readonly model: ReceiverModelName;
  /** Requests a second. Ignored by `unlimited` and `concurrency`. */
  readonly ratePerSecond: number;
  /** Token bucket: its depth; loaded: its queue. Left out: one second's worth of the rate, which then moves with the rate. */
  readonly burst?: number;
  /** The windows' length; the limit of a window is the rate times its length, rounded down. */
  readonly windowMs: number;
  /** Shield: how long everything is refused after the window's limit was passed. */
  readonly blockMs: number;
  /** Concurrency: open requests at most. */
  readonly concurrency: number;
  /** What an unloaded request takes. */
  readonly latencyMs: number;
  /** The limit over time; the clock of the steps starts at the model's first use. */
  readonly schedule?: readonly ScheduleStep[];
  readonly neighbour?: NoisyNeighbour;
}

export type Verdict = { readonly ok: true } | { readonly ok: false; readonly retryAfterMs: number };

export interface ReceiverModel {
  /** May a request that arrives now be served? When yes, it is counted. */
  admit(nowMs: number): Verdict;
  /** An admitted request is over. Only `concurrency` cares. */
  release(nowMs: number): void;
  /** How long the request admitted last takes to be answered. */
  latencyMs(nowMs: number): number;
  /** Requests that would be admitted now, one right after the other. Infinity: no limit. */
  remaining(nowMs: number): number;
  /** Until the quota is whole again. */
  resetMs(nowMs: number): number;
  /** The sustained requests a second in force. Infinity: none is set (unlimited, concurrency). */
  ratePerSecond(nowMs: number): number;
}

/** Retry-After of a limit of 0 a second: nobody knows when it is lifted. */
export const UNKNOWABLE_RETRY_MS = 60_000;

/**
 * Milliseconds since 1970 are exact to 0.00024 ms only; without this thousandth of a request a sender on the very rate would meet
 * false refusals. It does not add up: what is granted early is missing later.
 */
export const TOKEN_EPSILON = 1e-3;
export const ADMITTED: Verdict = { ok: true };
export const refusedFor = (retryAfterMs: number): Verdict => ({ ok: false, retryAfterMs });

/** What the models have in common: a rate that may move, a clock that never runs backwards. */
export abstract class LimitedModel implements ReceiverModel {
  protected readonly spec: ReceiverModelSpec;
  private readonly plan: RatePlan;
  protected rate: number;
  protected nowMs = Number.NEGATIVE_INFINITY;
  private startMs = 0;
  /** Since startMs, as the plan says it: adding and subtracting startMs again would round. */
  private nextChangeMs = Number.POSITIVE_INFINITY;

  constructor(spec: ReceiverModelSpec) {
    this.spec = spec;
    this.plan = ratePlan(spec.ratePerSecond, spec.schedule, spec.neighbour);
    this.rate = this.plan.rateAt(0);
  }

  /** Brings the model to `nowMs`; every change of the rate on the way takes place at its own instant. */
  protected advance(nowMs: number): void {
    if (this.nowMs === Number.NEGATIVE_INFINITY) {
      this.startMs = nowMs;
      this.nowMs = nowMs;
      this.nextChangeMs = this.plan.nextChangeMs(0);
      this.begin();
    }
    while (nowMs >= this.startMs + this.nextChangeMs) {
      const changeMs = this.nextChangeMs;
      this.moveTo(Math.max(this.nowMs, this.startMs + changeMs));
      this.rate = this.plan.rateAt(changeMs);
      this.nextChangeMs = this.plan.nextChangeMs(changeMs);
    }
    if (nowMs > this.nowMs) this.moveTo(nowMs);
  }

  protected begin(): void {}
  protected moveTo(nowMs: number): void {
    this.nowMs = nowMs;
  }
  protected windowLimit(): number {
    return Math.floor((this.rate * this.spec.windowMs) / 1000 + 1e-6);
  }
  release(_nowMs: number): void {}
  latencyMs(_nowMs: number): number {
    return this.spec.latencyMs;
  }
  ratePerSecond(nowMs: number): number {
    this.advance(nowMs);
    return this.rate;
  }
  abstract admit(nowMs: number): Verdict;
  abstract remaining(nowMs: number): number;
  abstract resetMs(nowMs: number): number;
}
