/** When a simulated worker's next request may go: spaced evenly within its lease, or, of a quota that may be used at once, as the window has room. */
import type { LeaseAnswer } from '../../src/domain/governor/contract.ts';
import { NO_LIMIT_FROM } from '../../src/domain/governor/contract.ts';
import { lentAt } from '../../src/domain/governor/rate-share.ts';
import { ownClock, shareOfWindow } from '../../src/endpoint/lease-clock.ts';
import type { RateSegment } from '../../src/endpoint/pacer.ts';
import { WindowPace } from '../../src/endpoint/window-pace.ts';

const CATCH_UP_MS = 10;

export class SimPace {
  readonly #window: WindowPace | undefined;
  #lease: { readonly answer: LeaseAnswer; readonly sentMs: number; readonly receivedMs: number } | null = null;
  /** The lease on the worker's clock. */
  #segments: readonly RateSegment[] = [];
  #lastDueMs = Number.NEGATIVE_INFINITY;

  constructor(bursts: boolean) {
    this.#window = bursts ? new WindowPace() : undefined;
  }

  get isLent(): boolean {
    return this.#lease !== null;
  }

  lend(answer: LeaseAnswer, sentMs: number, receivedMs: number): void {
    this.#lease = { answer, sentMs, receivedMs };
    this.#segments = ownClock(answer, sentMs, receivedMs);
    this.#window?.lend(shareOfWindow(answer));
  }

  drop(): void {
    this.#lease = null;
    this.#segments = [];
  }

  lentAt(nowMs: number): number | undefined {
    const lease = this.#lease;
    if (lease === null) return undefined;
    return lentAt(lease.answer.segments, nowMs - lease.sentMs, nowMs - lease.receivedMs)?.ratePerSecond;
  }

  /** When the segments of the lease begin. */
  get startsMs(): number[] {
    return this.#lease?.answer.segments.map(({ fromMs }) => this.#lease!.receivedMs + fromMs) ?? [];
  }

  /** Of a rate that is lent. */
  dueMs(nowMs: number, ratePerSecond: number, stoppedUntilMs: number): number {
    if (ratePerSecond >= NO_LIMIT_FROM) return nowMs;
    const spacedMs = Math.max(this.#lastDueMs + 1_000 / ratePerSecond, nowMs - CATCH_UP_MS, stoppedUntilMs);
    const dueMs = this.#window?.evenly === false ? Math.max(nowMs, stoppedUntilMs) : spacedMs;
    if (dueMs > nowMs || this.#window === undefined) return dueMs;
    const waitMs = this.#window.waitMs(nowMs, { ratePerSecond, spent: this.#spentAt(nowMs) });
    return waitMs > 0 ? nowMs + Math.min(waitMs, 100) : dueMs;
  }

  sends(dueMs: number): void {
    this.#lastDueMs = dueMs;
    this.#window?.sends();
  }

  ended(nowMs: number, sentMs: number, remaining: number | undefined): void {
    this.#window?.ended(nowMs, true);
    this.#window?.told(remaining ?? Number.POSITIVE_INFINITY, sentMs);
  }

  quotaUsed(nowMs: number): number | undefined {
    const ratePerSecond = this.lentAt(nowMs);
    return ratePerSecond ? this.#window?.usedPart(nowMs, { ratePerSecond, spent: this.#spentAt(nowMs) }) : undefined;
  }

  spent(nowMs: number): [ageMs: number, count: number][] | undefined {
    return this.#window?.report(nowMs);
  }

  #spentAt(atMs: number): number {
    return this.#segments.find(({ fromMs, toMs }) => fromMs <= atMs && atMs < toMs)?.spent ?? 0;
  }
}
