/**
 * What the receiver answers, and why: decided from the settings, the model and the request alone, at the instant at which the
 * request has arrived in full. Order: a fixed status; the limit; the signature; a repeat (dedupe); users that fail; a share that
 * fails; else 200. Only requests that get as far as the limit use it up.
 */

import type { AlertFields } from './delivery-log.ts';
import type { IdSet } from './id-set.ts';
import { limitHeaders } from './limit-headers.ts';
import type { ReceiverModel } from './models/model.ts';
import { seededFraction } from './models/plan.ts';
import type { ReceiverOptions } from './receiver-options.ts';
import type { Ending } from './receiver-stats.ts';
import { signatureIsValid } from './signature.ts';

export interface Incoming {
  readonly webhookId: string;
  readonly timestamp: string;
  readonly signature: string;
  readonly body: Buffer;
}

export interface Decision {
  readonly status: number;
  readonly ending: Ending;
  /** Beside the constant ones: name, value, name, value … */
  readonly headers: readonly string[];
  readonly text: string;
  readonly delayMs: number;
  /** The model has admitted it and must be told when it is over. */
  readonly admitted: boolean;
  readonly verified: boolean;
}

const NO_HEADERS: readonly string[] = [];
const ACCEPTED: Decision = {
  status: 200,
  ending: 'accepted',
  headers: NO_HEADERS,
  text: '',
  delayMs: 0,
  admitted: true,
  verified: false,
};

export class Decider {
  private readonly options: ReceiverOptions;
  private readonly model: ReceiverModel;
  private readonly ids: IdSet;
  private readonly failures = new Map<string, number>();
  private readonly plain: boolean;
  private drawn = 0;

  constructor(options: ReceiverOptions, model: ReceiverModel, ids: IdSet) {
    this.options = options;
    this.model = model;
    this.ids = ids;
    this.plain =
      options.status === undefined &&
      options.secret === undefined &&
      !options.dedupe &&
      options.failUsers.length === 0 &&
      options.failRate === 0 &&
      options.rateLimitHeaders === 'none' &&
      options.jitterMs === 0 &&
      options.model.latencyMs === 0 &&
      options.model.model !== 'loaded';
  }

  /** A number in [0, 1), the same sequence for the same seed. */
  random(): number {
    return seededFraction(this.options.seed, this.drawn++);
  }

  decide(nowMs: number, request: Incoming, alert: () => AlertFields | null): Decision {
    const { options, model } = this;
    if (options.status !== undefined) return this.fixed(options.status);
    const verdict = model.admit(nowMs);
    if (!verdict.ok) {
      const headers = [...this.limitHeaders(nowMs), ...retryAfterHeaders(options, verdict.retryAfterMs, nowMs)];
      const text = 'too many requests\n';
      const status = options.throttleStatus;
      return { status, ending: 'throttled', headers, text, delayMs: 0, admitted: false, verified: false };
    }
    if (this.plain) return ACCEPTED;
    const [status, text] = this.judge(nowMs, request, alert);
    return {
      status,
      ending: endingOf(status),
      headers: this.limitHeaders(nowMs),
      text,
      delayMs: model.latencyMs(nowMs) + this.jitter(),
      admitted: true,
      verified: options.secret !== undefined && status !== 401,
    };
  }

  private judge(nowMs: number, request: Incoming, alert: () => AlertFields | null): readonly [number, string] {
    const { options } = this;
    if (options.secret !== undefined && !signatureIsValid(options.secret, request, nowMs)) {
      return [401, 'wrong signature\n'];
    }
    if (options.dedupe && request.webhookId !== '' && this.ids.has(request.webhookId)) return [200, 'repeat\n'];
    const userStatus = options.failUsers.length > 0 ? this.statusForUser(alert()?.userId) : undefined;
    if (userStatus !== undefined) return [userStatus, 'this user fails\n'];
    if (options.failRate > 0 && this.random() < options.failRate) return [options.failStatus, 'failed as asked\n'];
    return [200, ''];
  }

  private statusForUser(userId: string | undefined): number | undefined {
    if (userId === undefined) return undefined;
    for (const { pattern, status, times } of this.options.failUsers) {
      if (!pattern.test(userId)) continue;
      if (times === Number.POSITIVE_INFINITY) return status;
      const key = `${pattern.source}\n${userId}`;
      const failed = this.failures.get(key) ?? 0;
      if (failed >= times) continue;
      this.failures.set(key, failed + 1);
      return status;
    }
    return undefined;
  }

  private fixed(status: number): Decision {
    const { retryAfter, model } = this.options;
    const asksToWait = (status === 429 || status === 503) && typeof retryAfter === 'number';
    const redirects = status >= 300 && status < 400;
    const headers = asksToWait
      ? ['Retry-After', `${retryAfter}`]
      : redirects
        ? ['Location', '/redirected']
        : NO_HEADERS;
    const delayMs = model.latencyMs + this.jitter();
    const text = 'answered as asked\n';
    return { status, ending: endingOf(status), headers, text, delayMs, admitted: false, verified: false };
  }

  private jitter(): number {
    return this.options.jitterMs === 0 ? 0 : this.random() * this.options.jitterMs;
  }

  private limitHeaders(nowMs: number): readonly string[] {
    const { rateLimitHeaders, model } = this.options;
    return limitHeaders(rateLimitHeaders, this.model, model, nowMs);
  }
}

/** RFC 9110, 10.2.3: whole seconds or a date; rounded up, so that who waits that long is not early. */
function retryAfterHeaders(options: ReceiverOptions, retryAfterMs: number, nowMs: number): readonly string[] {
  const style = options.retryAfter;
  if (style === 'none') return NO_HEADERS;
  if (style === 'date') return ['Retry-After', new Date(Math.ceil((nowMs + retryAfterMs) / 1000) * 1000).toUTCString()];
  return ['Retry-After', String(style === 'seconds' ? Math.max(1, Math.ceil(retryAfterMs / 1000)) : style)];
}

function endingOf(status: number): Ending {
  if (status < 300) return 'accepted';
  if (status === 429) return 'throttled';
  return status < 500 ? 'refused' : 'failed';
}
