/**
 * Spaces the requests of one process to one endpoint. First come, first served; whatever asks, the sum never exceeds the rate lent by
 * the rate source, and after a stall at most CATCH_UP_MS worth is caught up (design.md: more would be a burst in somebody's window).
 *
 * The rate comes as segments {fromMs, toMs, ratePerSecond} on this process's monotonic clock; outside of them nothing is sent.
 */

export interface RateSegment {
  readonly fromMs: number;
  readonly toMs: number;
  /** Infinity: no limit. */
  readonly ratePerSecond: number;
}

export interface PacerClock {
  now(): number;
  /** Calls back once after `delayMs`; returns a canceller. */
  after(delayMs: number, callback: () => void): () => void;
}

export const monotonicClock: PacerClock = {
  now: () => performance.now(),
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};

const CATCH_UP_MS = 10;
const MAX_TIMER_MS = 1_000;

export class Pacer {
  readonly #clock: PacerClock;
  readonly #burst: number;
  #segments: readonly RateSegment[] = [];
  #brakedUntilMs = 0;
  /** When the last request was due: the next one is due a spacing later, at the rate that holds then. */
  #lastDueMs = Number.NEGATIVE_INFINITY;
  readonly #waiting: (() => void)[] = [];
  #head = 0;
  #cancelTimer: (() => void) | undefined;

  /** `burst`: requests that may go at once beyond the rate after a pause; 0 spaces evenly from the first one on. */
  constructor(burst: number, clock: PacerClock = monotonicClock) {
    this.#burst = burst;
    this.#clock = clock;
  }

  /** Replaces what was lent before. Segments are in time order and do not overlap. */
  lend(segments: readonly RateSegment[]): void {
    this.#segments = segments;
    this.#release();
  }

  /** Nothing goes for `pauseMs` from now (the receiver asked for it). Never shortens an earlier brake. */
  brake(pauseMs: number): void {
    this.#brakedUntilMs = Math.max(this.#brakedUntilMs, this.#clock.now() + pauseMs);
    this.#release();
  }

  /** How long the brake still holds. */
  get pauseMs(): number {
    return Math.max(0, this.#brakedUntilMs - this.#clock.now());
  }

  /** Requests that wait for their turn. */
  get queued(): number {
    return this.#waiting.length - this.#head;
  }

  /** How many more requests the pacer lets go within the horizon, those in the queue counted. At least one if none waits. */
  allowance(horizonMs: number): number {
    const nowMs = this.#clock.now();
    if (this.#brakedUntilMs > nowMs + horizonMs) return 0;
    const rate = this.#segmentAt(nowMs)?.ratePerSecond ?? 0;
    if (rate === 0) return 0;
    if (rate === Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY;
    const credit = Math.min(this.#burst, Math.max(0, ((nowMs - this.#lastDueMs) * rate) / 1_000 - 1));
    return Math.max(this.queued === 0 ? 1 : 0, Math.floor((rate * horizonMs) / 1_000 + credit) - this.queued);
  }

  /** Calls `go` when it is this request's turn. The order of the calls is the order of the turns. */
  enqueue(go: () => void): void {
    this.#waiting.push(go);
    if (this.queued === 1) this.#release();
  }

  #segmentAt(atMs: number): RateSegment | undefined {
    return this.#segments.find((segment) => segment.fromMs <= atMs && atMs < segment.toMs);
  }

  #release(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    while (this.queued > 0) {
      const nowMs = this.#clock.now();
      const waitMs = this.#waitMs(nowMs);
      if (waitMs > 0) {
        this.#cancelTimer = this.#clock.after(Math.min(waitMs, MAX_TIMER_MS), () => this.#release());
        return;
      }
      const go = this.#waiting[this.#head++]!;
      if (this.#head > 1_024) {
        this.#waiting.splice(0, this.#head);
        this.#head = 0;
      }
      go();
    }
    this.#waiting.length = 0;
    this.#head = 0;
  }

  /** 0: one request may go now, and is accounted for. */
  #waitMs(nowMs: number): number {
    if (this.#brakedUntilMs > nowMs) return this.#brakedUntilMs - nowMs;
    const segment = this.#segmentAt(nowMs);
    if (segment === undefined || segment.ratePerSecond <= 0) {
      const upcoming = this.#segments.find((candidate) => candidate.fromMs > nowMs && candidate.ratePerSecond > 0);
      return upcoming === undefined ? MAX_TIMER_MS : upcoming.fromMs - nowMs;
    }
    if (segment.ratePerSecond === Number.POSITIVE_INFINITY) return 0;
    const spacingMs = 1_000 / segment.ratePerSecond;
    const earliestMs = nowMs - Math.max(CATCH_UP_MS, this.#burst * spacingMs);
    const dueMs = Math.max(this.#lastDueMs + spacingMs, earliestMs);
    if (dueMs > nowMs) return dueMs - nowMs;
    this.#lastDueMs = dueMs;
    return 0;
  }
}
