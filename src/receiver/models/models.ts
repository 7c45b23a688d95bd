/**
 * How receivers limit what they take: the models behind `wds receiver`, and what the governor is simulated against. Pure, see
 * model.ts. Refused requests use nothing up, as with most real limiters.
 */
import type { ReceiverModel, ReceiverModelName, ReceiverModelSpec, Verdict } from './model.ts';
import { ADMITTED, LimitedModel, refusedFor, TOKEN_EPSILON, UNKNOWABLE_RETRY_MS } from './model.ts';
import { FixedWindow, OwnWindow, Shield, SlidingCounter, SlidingWindow } from './windows.ts';

export const DEFAULT_MODEL_SPEC: ReceiverModelSpec = {
  model: 'unlimited',
  ratePerSecond: 0,
  windowMs: 1000,
  blockMs: 30_000,
  concurrency: 10,
  latencyMs: 0,
};

/** `burst` at once, then `rate` a second: never more than burst + rate × t in any stretch of t. */
class TokenBucket extends LimitedModel {
  private tokens = 0;

  protected depth(): number {
    return Math.max(1, this.spec.burst ?? this.rate);
  }
  protected override begin(): void {
    this.tokens = this.depth();
  }
  protected override moveTo(nowMs: number): void {
    this.tokens = Math.min(this.depth(), this.tokens + ((nowMs - this.nowMs) * this.rate) / 1000);
    this.nowMs = nowMs;
  }
  admit(nowMs: number): Verdict {
    this.advance(nowMs);
    if (this.tokens >= 1 - TOKEN_EPSILON) {
      this.tokens -= 1;
      return ADMITTED;
    }
    return refusedFor(this.rate > 0 ? ((1 - this.tokens) * 1000) / this.rate : UNKNOWABLE_RETRY_MS);
  }
  remaining(nowMs: number): number {
    this.advance(nowMs);
    return Math.max(0, Math.floor(this.tokens + TOKEN_EPSILON));
  }
  resetMs(nowMs: number): number {
    return this.rate > 0 ? (this.missing(nowMs) * 1000) / this.rate : UNKNOWABLE_RETRY_MS;
  }
  /** Tokens short of a full bucket: for `loaded`, the requests that wait. */
  protected missing(nowMs: number): number {
    this.advance(nowMs);
    return Math.max(0, this.depth() - this.tokens);
  }
}

/** One server that works off a queue of `burst` requests: the answers become slower before the first is refused. */
class Loaded extends TokenBucket {
  override latencyMs(nowMs: number): number {
    const waiting = this.missing(nowMs);
    return this.spec.latencyMs + (this.rate > 0 ? (waiting * 1000) / this.rate : 0);
  }
}

/** At most so many requests at once, however fast they come. */
class ConcurrencyLimit extends LimitedModel {
  private open = 0;

  admit(_nowMs: number): Verdict {
    if (this.open >= this.spec.concurrency) return refusedFor(Math.max(1, this.spec.latencyMs));
    this.open += 1;
    return ADMITTED;
  }
  override release(_nowMs: number): void {
    this.open = Math.max(0, this.open - 1);
  }
  remaining(_nowMs: number): number {
    return this.spec.concurrency - this.open;
  }
  resetMs(_nowMs: number): number {
    return this.open === 0 ? 0 : this.spec.latencyMs;
  }
  override ratePerSecond(_nowMs: number): number {
    return Number.POSITIVE_INFINITY;
  }
}

class Unlimited extends LimitedModel {
  admit(_nowMs: number): Verdict {
    return ADMITTED;
  }
  remaining(_nowMs: number): number {
    return Number.POSITIVE_INFINITY;
  }
  resetMs(_nowMs: number): number {
    return 0;
  }
  override ratePerSecond(_nowMs: number): number {
    return Number.POSITIVE_INFINITY;
  }
}

const CLASSES: Record<ReceiverModelName, new (spec: ReceiverModelSpec) => ReceiverModel> = {
  unlimited: Unlimited,
  'token-bucket': TokenBucket,
  'fixed-window': FixedWindow,
  'own-window': OwnWindow,
  'sliding-window': SlidingWindow,
  'sliding-counter': SlidingCounter,
  concurrency: ConcurrencyLimit,
  loaded: Loaded,
  shield: Shield,
};

/** A model in its first state: full bucket, empty windows. */
export function createReceiverModel(spec: ReceiverModelSpec): ReceiverModel {
  return new CLASSES[spec.model](spec);
}
