/**
 * Receivers that count requests per window of time: fixed by the clock, begun by a request, sliding (exact, approximate, and with a penalty).
 * Pure, see model.ts.
 */
import type { Verdict } from './model.ts';
import { ADMITTED, LimitedModel, refusedFor, TOKEN_EPSILON, UNKNOWABLE_RETRY_MS } from './model.ts';

/** Windows aligned to multiples of their length on the clock, as with most counters in a shared cache. */
export class FixedWindow extends LimitedModel {
  protected used = 0;
  protected usedBefore = 0;
  protected window = Number.NaN;

  protected override moveTo(nowMs: number): void {
    this.nowMs = nowMs;
    const window = Math.floor(nowMs / this.spec.windowMs);
    if (window === this.window) return;
    this.usedBefore = window === this.window + 1 ? this.used : 0;
    this.used = 0;
    this.window = window;
  }
  protected override begin(): void {
    this.moveTo(this.nowMs);
  }
  protected free(): number {
    return this.windowLimit() - this.used;
  }
  admit(nowMs: number): Verdict {
    this.advance(nowMs);
    if (this.free() >= 1) {
      this.used += 1;
      return ADMITTED;
    }
    return refusedFor(this.windowLimit() > 0 ? this.resetMs(nowMs) : UNKNOWABLE_RETRY_MS);
  }
  remaining(nowMs: number): number {
    this.advance(nowMs);
    return Math.max(0, Math.floor(this.free()));
  }
  resetMs(nowMs: number): number {
    this.advance(nowMs);
    return (this.window + 1) * this.spec.windowMs - this.nowMs;
  }
}

/** A window begins with the first request after the last one has ended, as where each client has its own counter. */
export class OwnWindow extends LimitedModel {
  private used = 0;
  private endMs = Number.NEGATIVE_INFINITY;

  protected override moveTo(nowMs: number): void {
    this.nowMs = nowMs;
    if (nowMs >= this.endMs) this.used = 0;
  }
  admit(nowMs: number): Verdict {
    this.advance(nowMs);
    if (this.nowMs >= this.endMs) this.endMs = this.nowMs + this.spec.windowMs;
    if (this.used < this.windowLimit()) {
      this.used += 1;
      return ADMITTED;
    }
    return refusedFor(this.windowLimit() > 0 ? this.endMs - this.nowMs : UNKNOWABLE_RETRY_MS);
  }
  remaining(nowMs: number): number {
    this.advance(nowMs);
    return Math.max(0, this.windowLimit() - this.used);
  }
  resetMs(nowMs: number): number {
    this.advance(nowMs);
    return Math.max(0, this.endMs - this.nowMs);
  }
}

/** The cheap approximation of a sliding window: the window before counts by the share of it that is still in sight. */
export class SlidingCounter extends FixedWindow {
  protected override free(): number {
    const elapsed = this.nowMs / this.spec.windowMs - this.window;
    return this.windowLimit() - this.used - this.usedBefore * (1 - elapsed) + TOKEN_EPSILON;
  }
  override admit(nowMs: number): Verdict {
    const verdict = super.admit(nowMs);
    const limit = this.windowLimit();
    if (verdict.ok || limit === 0) return verdict;
    // Room comes in this window while it is not full by itself, else in the next one, where this one is the window before.
    const full = this.used >= limit;
    const room = limit - 1 - (full ? 0 : this.used);
    const fading = full ? this.used : this.usedBefore;
    const readyAtWindows = this.window + (full ? 1 : 0) + Math.max(0, 1 - room / fading);
    return refusedFor(Math.max(1, readyAtWindows * this.spec.windowMs - this.nowMs));
  }
}

/** Exactly at most `limit` in any stretch of a window's length: remembers the time of each request in it. */
export class SlidingWindow extends LimitedModel {
  private times: number[] = [];
  private first = 0;

  protected override moveTo(nowMs: number): void {
    this.nowMs = nowMs;
    const from = nowMs - this.spec.windowMs;
    while (this.first < this.times.length && this.times[this.first]! <= from) this.first += 1;
    if (this.first > 4096 && this.first * 2 > this.times.length) {
      this.times = this.times.slice(this.first);
      this.first = 0;
    }
  }
  admit(nowMs: number): Verdict {
    this.advance(nowMs);
    const limit = this.windowLimit();
    const used = this.times.length - this.first;
    if (used < limit) {
      this.times.push(this.nowMs);
      return ADMITTED;
    }
    const blocking = this.times[this.times.length - limit];
    return refusedFor(
      limit > 0 && blocking !== undefined ? blocking + this.spec.windowMs - this.nowMs : UNKNOWABLE_RETRY_MS,
    );
  }
  remaining(nowMs: number): number {
    this.advance(nowMs);
    return Math.max(0, this.windowLimit() - (this.times.length - this.first));
  }
  resetMs(nowMs: number): number {
    this.advance(nowMs);
    const last = this.times[this.times.length - 1];
    return last === undefined || this.first === this.times.length ? 0 : last + this.spec.windowMs - this.nowMs;
  }
}

/** A sliding window with a penalty: whoever passes its limit is refused everything for a while, as by a shield against floods. */
export class Shield extends SlidingWindow {
  private blockedUntilMs = Number.NEGATIVE_INFINITY;

  override admit(nowMs: number): Verdict {
    this.advance(nowMs);
    if (this.nowMs >= this.blockedUntilMs) {
      if (super.admit(nowMs).ok) return ADMITTED;
      this.blockedUntilMs = this.nowMs + this.spec.blockMs;
    }
    return refusedFor(this.blockedUntilMs - this.nowMs);
  }
  override remaining(nowMs: number): number {
    return this.isBlocked(nowMs) ? 0 : super.remaining(nowMs);
  }
  override resetMs(nowMs: number): number {
    return this.isBlocked(nowMs) ? this.blockedUntilMs - this.nowMs : super.resetMs(nowMs);
  }
  private isBlocked(nowMs: number): boolean {
    this.advance(nowMs);
    return this.nowMs < this.blockedUntilMs;
  }
}
