/**
 * Spaces the requests of one process to one endpoint. First come, first served; whatever asks, the sum never exceeds the rate that was lent
 * (or the restraint, where that is lower), and after a stall at most CATCH_UP_MS worth is caught up: more would be a burst in somebody's
 * window (docs/decisions/0002-pacing-at-the-socket.md). Where a quota may be used at once (window-pace.ts), the sum over any of its windows never
 * exceeds that instead. All times are of the monotonic clock.
 */
import type { Clock } from '../clock.ts';
import { systemClock } from '../clock.ts';
import type { Endpoint } from '../domain/endpoint.ts';
import { NO_LIMIT_FROM } from '../domain/governor/contract.ts';
import type { LentNow, WindowShare } from './window-pace.ts';
import { WindowPace } from './window-pace.ts';

/** Outside of its segments nothing is sent. */
export interface RateSegment {
  readonly fromMs: number;
  readonly toMs: number;
  readonly ratePerSecond: number;
  /** Of a quota that may be used at once: what others have used of it. Absent: nothing. */
  readonly spent?: number;
}

/** What this process found out by itself since the rate was lent. */
export interface Restraint {
  /** Nothing is sent before. */
  readonly untilMs: number;
  /** null: none. */
  readonly capPerSecond: number | null;
}

const CATCH_UP_MS = 10;
const MAX_TIMER_MS = 1_000;

interface Turn {
  /** undefined: cancelled, or taken. */
  go: (() => void) | undefined;
}

/** As the endpoint is configured. */
export function pacerFor({ rate, burst, shape }: Pick<Endpoint, 'rate' | 'burst' | 'shape'>): Pacer {
  const burstMs = typeof rate === 'number' ? (burst * 1_000) / rate : 0;
  return new Pacer(burstMs, systemClock, shape === 'burst' ? new WindowPace() : undefined);
}

export const isUnlimited = (ratePerSecond: number): boolean => ratePerSecond >= NO_LIMIT_FROM;

export class Pacer {
  readonly #clock: Clock;
  readonly #window: WindowPace | undefined;
  readonly #burstMs: number;
  /** After a refusal nothing is caught up, unless a burst is allowed. */
  readonly #afterStop: boolean;
  #segments: readonly RateSegment[] = [];
  #restraint: Restraint = { untilMs: Number.NEGATIVE_INFINITY, capPerSecond: null };
  /** When the last request was due: the next one is due a spacing later, at the rate that holds then. */
  #lastDueMs = Number.NEGATIVE_INFINITY;
  #waiting: Turn[] = [];
  #head = 0;
  /** In #waiting from #head on, and given up by whoever asked. */
  #cancelled = 0;
  #cancelTimer: (() => void) | undefined;

  /**
   * `burstMs`: how much of the rate may go at once after a pause, as the time it would take; at least CATCH_UP_MS. `window`: of an endpoint whose
   * quota may be used at once.
   */
  constructor(burstMs = 0, clock: Clock = systemClock, window?: WindowPace) {
    this.#window = window;
    this.#burstMs = Math.max(CATCH_UP_MS, burstMs);
    this.#afterStop = burstMs === 0;
    this.#clock = clock;
  }

  /** Replaces what was lent before. Segments are in time order and do not overlap. `share`: of a quota that may be used at once. */
  lend(segments: readonly RateSegment[], share?: WindowShare): void {
    this.#segments = segments;
    this.#window?.lend(share);
    this.#release();
  }

  /** Replaces the restraint. */
  restrain(restraint: Restraint): void {
    this.#restraint = restraint;
    this.#release();
  }

  /** Requests that wait for their turn. */
  get queued(): number {
    return this.#waiting.length - this.#head - this.#cancelled;
  }

  /** The next request need not keep its distance from the last one. */
  goNow(): void {
    this.#lastDueMs = Number.NEGATIVE_INFINITY;
    this.#release();
  }

  /** What may be sent now; 0: nothing. NO_LIMIT_FROM and above is not paced. */
  get ratePerSecond(): number {
    const nowMs = this.#clock.now();
    return nowMs < this.#restraint.untilMs ? 0 : this.#rateAt(nowMs);
  }

  /** How many more requests the pacer lets go within the horizon, those in its queue counted. */
  allowance(horizonMs: number): number {
    const nowMs = this.#clock.now();
    const atMs = Math.max(nowMs, this.#restraint.untilMs);
    const rate = this.#rateAt(atMs);
    if (rate >= NO_LIMIT_FROM) return atMs > nowMs ? 0 : Number.POSITIVE_INFINITY;
    if (rate <= 0) return 0;
    const room = this.#window?.room(atMs, Math.max(0, nowMs + horizonMs - atMs), this.#lentAt(atMs));
    const spacingMs = 1_000 / rate;
    const firstDueMs = Math.max(this.#lastDueMs + spacingMs, this.#earliestMs(atMs));
    const due = Math.floor((nowMs + horizonMs - firstDueMs) / spacingMs) + 1;
    const paced = this.#isSpaced ? due : atMs < nowMs + horizonMs ? Number.POSITIVE_INFINITY : 0;
    return Math.max(0, Math.min(paced, room ?? paced) - this.queued);
  }

  /** A request of `sentMs` has ended. `sent`: false where it was taken back; `remaining`: so many are left, as the receiver says. */
  ended(sent: boolean, remaining: number | undefined, sentMs: number): void {
    if (this.#window === undefined) return;
    this.#window.ended(this.#clock.now(), sent);
    // A receiver that no longer says so is not waited for.
    if (sent) this.#window.told(remaining ?? Number.POSITIVE_INFINITY, sentMs);
    if (this.queued > 0) this.#release();
  }

  /** What of the window was used, for the governor. */
  get spentReport(): [ageMs: number, count: number][] | undefined {
    return this.#window?.report(this.#clock.now());
  }

  /** Which part of the quota is used; undefined: there is none. */
  get quotaUsed(): number | undefined {
    const nowMs = this.#clock.now();
    const lent = this.#segmentAt(nowMs);
    if (lent === undefined || lent.ratePerSecond <= 0) return undefined;
    return this.#window?.usedPart(nowMs, { ratePerSecond: lent.ratePerSecond, spent: lent.spent ?? 0 });
  }

  /** Whether a request may go at once, ahead of none; then it is accounted for. */
  takes(): boolean {
    return this.queued === 0 && this.#waitMs(this.#clock.now()) === 0;
  }

  /** Calls `go` when it is this request's turn. The order of the calls is the order of the turns. Returns a canceller. */
  enqueue(go: () => void): () => void {
    const turn: Turn = { go };
    this.#waiting.push(turn);
    if (this.queued === 1) this.#release();
    return () => {
      if (turn.go === undefined) return;
      turn.go = undefined;
      this.#cancelled++;
    };
  }

  /** What is due was due then at the earliest. */
  #earliestMs(nowMs: number): number {
    const caughtUpMs = nowMs - this.#burstMs;
    return this.#afterStop ? Math.max(caughtUpMs, Math.min(nowMs, this.#restraint.untilMs)) : caughtUpMs;
  }

  #nextSegmentMs(nowMs: number): number {
    return this.#segments.find(({ fromMs }) => fromMs > nowMs)?.fromMs ?? Number.POSITIVE_INFINITY;
  }

  #segmentAt(atMs: number): RateSegment | undefined {
    return this.#segments.find((candidate) => candidate.fromMs <= atMs && atMs < candidate.toMs);
  }

  #rateAt(atMs: number): number {
    const lent = this.#segmentAt(atMs)?.ratePerSecond ?? 0;
    return Math.min(lent, this.#restraint.capPerSecond ?? lent);
  }

  #lentAt(atMs: number): LentNow {
    return { ratePerSecond: this.#rateAt(atMs), spent: this.#segmentAt(atMs)?.spent ?? 0 };
  }

  get #isSpaced(): boolean {
    return this.#window?.evenly ?? true;
  }

  #release(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    while (this.#head < this.#waiting.length) {
      const turn = this.#waiting[this.#head]!;
      if (turn.go === undefined) {
        this.#cancelled--;
        this.#advance();
        continue;
      }
      const waitMs = this.#waitMs(this.#clock.now());
      if (waitMs > 0) {
        this.#sleep(waitMs);
        return;
      }
      const { go } = turn;
      turn.go = undefined;
      this.#advance();
      go();
    }
  }

  /** Letting one go may have called `restrain`, which sleeps, too. */
  #sleep(ms: number): void {
    this.#cancelTimer?.();
    this.#cancelTimer = this.#clock.after(Math.min(ms, MAX_TIMER_MS), () => this.#release());
  }

  #advance(): void {
    this.#head++;
    if (this.#head === this.#waiting.length || this.#head > 1_024) {
      this.#waiting = this.#waiting.slice(this.#head);
      this.#head = 0;
    }
  }

  /** 0: one request may go now, and is accounted for. */
  #waitMs(nowMs: number): number {
    if (nowMs < this.#restraint.untilMs) return this.#restraint.untilMs - nowMs;
    const rate = this.#rateAt(nowMs);
    if (rate >= NO_LIMIT_FROM) {
      this.#window?.sends();
      return 0;
    }
    if (rate <= 0) {
      return Math.min(this.#nextSegmentMs(nowMs) - nowMs, MAX_TIMER_MS);
    }
    const dueMs = this.#isSpaced ? Math.max(this.#lastDueMs + 1_000 / rate, this.#earliestMs(nowMs)) : nowMs;
    // A later segment may lend more, and the request be due earlier by it.
    if (dueMs > nowMs) return Math.min(dueMs, this.#nextSegmentMs(nowMs)) - nowMs;
    if (this.#window !== undefined) {
      const waitMs = this.#window.waitMs(nowMs, this.#lentAt(nowMs));
      if (waitMs > 0) return Math.min(waitMs, this.#nextSegmentMs(nowMs) - nowMs);
      this.#window.sends();
    }
    this.#lastDueMs = dueMs;
    return 0;
  }
}
