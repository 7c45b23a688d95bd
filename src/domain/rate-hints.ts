/**
 * What a receiver says about its rate limit in the headers of an answer. Pure; a hint only ever lowers a rate, and a malformed one is no
 * hint. Sources: draft-ietf-httpapi-ratelimit-headers (`RateLimit`, `RateLimit-Policy`, and the forms of its earlier versions) and the
 * unwritten custom of `X-RateLimit-*`.
 */
import type { StructuredItem } from './structured-fields.ts';
import { parseItems } from './structured-fields.ts';

export const RATE_HEADER_NAMES = [
  'ratelimit',
  'ratelimit-policy',
  'ratelimit-limit',
  'ratelimit-remaining',
  'ratelimit-reset',
  'x-ratelimit-limit',
  'x-ratelimit-remaining',
  'x-ratelimit-reset',
] as const;

/** The headers of one answer that speak of rates, by lower-case name; only those present. Repeated ones are joined with `, `. */
export type RateHeaders = { readonly [Name in (typeof RATE_HEADER_NAMES)[number]]?: string };

/** Every number is finite and not negative. An empty object: no hint. */
export interface RateHint {
  /** Requests that may still be sent before `resetMs` has passed. */
  readonly remaining?: number;
  /** From now until the quota is renewed; at most what the endpoint is believed. */
  readonly resetMs?: number;
  /** Never more requests a second than this, in the long run. */
  readonly ceilingPerSecond?: number;
}

/**
 * `nowMs` is the wall clock (better: the answer's Date), for resets that are given as a point in time. A longer reset than `maxResetMs` is
 * taken for that: a receiver that says "in a year" must not silence an endpoint for a year.
 */
export function parseRateHint(headers: RateHeaders, nowMs: number, maxResetMs: number): RateHint {
  const said = quotaOfRateLimit(headers.ratelimit) ?? quotaOfSeparateHeaders(headers, nowMs) ?? {};
  const quota = said.resetMs === undefined ? said : { ...said, resetMs: Math.min(said.resetMs, maxResetMs) };
  const ceilingPerSecond = ceilingOfPolicies(headers['ratelimit-policy'], headers['ratelimit-limit']);
  return ceilingPerSecond === undefined ? quota : { ...quota, ceilingPerSecond };
}

/** `"default";r=50;t=30`, several of them, or the earlier `limit=100, remaining=50, reset=30`. */
function quotaOfRateLimit(field: string | undefined): RateHint | undefined {
  const items = field === undefined ? undefined : parseItems(field);
  if (items === undefined) return undefined;
  const earlier = quota(keyed(items, 'remaining'), keyed(items, 'reset'));
  if (earlier) return earlier;
  let tightest: RateHint | undefined;
  for (const item of items) {
    const next = quota(item.params.get('r'), item.params.get('t'));
    if (next && (tightest === undefined || isTighter(next, tightest))) tightest = next;
  }
  return tightest;
}

function keyed(items: readonly StructuredItem[], key: string): unknown {
  return items.find((item) => item.key === key)?.value;
}

function quota(remaining: unknown, resetSeconds: unknown): RateHint | undefined {
  if (!isCount(remaining)) return undefined;
  return isCount(resetSeconds) ? { remaining, resetMs: wholeMs(resetSeconds * 1000) } : { remaining };
}

/** Of several quotas the one that is used up first; of two such, the one that is renewed later. */
function isTighter(a: RateHint, b: RateHint): boolean {
  if (a.remaining !== b.remaining) return (a.remaining ?? Infinity) < (b.remaining ?? Infinity);
  return (a.resetMs ?? 0) > (b.resetMs ?? 0);
}

/** `RateLimit-Remaining` and `-Reset` (draft versions before 7), then the same with `X-`. */
function quotaOfSeparateHeaders(headers: RateHeaders, nowMs: number): RateHint | undefined {
  return (
    separate(headers['ratelimit-remaining'], headers['ratelimit-reset'], nowMs) ??
    separate(headers['x-ratelimit-remaining'], headers['x-ratelimit-reset'], nowMs)
  );
}

function separate(
  remainingText: string | undefined,
  resetText: string | undefined,
  nowMs: number,
): RateHint | undefined {
  const remaining = decimal(remainingText);
  const reset = decimal(resetText);
  if (remaining === undefined) return undefined;
  const count = Math.floor(remaining);
  return reset === undefined ? { remaining: count } : { remaining: count, resetMs: resetMs(reset, nowMs) };
}

/** A reset is seconds from now, seconds since 1970, or milliseconds since 1970: told apart by size (10^9 s is 2001, or 31 years ahead). */
function resetMs(reset: number, nowMs: number): number {
  if (reset < 1e9) return wholeMs(reset * 1000);
  return wholeMs((reset < 1e11 ? reset * 1000 : reset) - nowMs);
}

/** `"burst";q=100;w=60`, and the earlier `100;w=60` in either header: the lowest of all q / w that count requests. */
function ceilingOfPolicies(...fields: (string | undefined)[]): number | undefined {
  let lowest: number | undefined;
  for (const field of fields) {
    for (const item of (field === undefined ? undefined : parseItems(field)) ?? []) {
      const unit = item.params.get('qu') ?? 'request';
      const count = item.params.get('q') ?? item.value;
      const windowSeconds = item.params.get('w');
      // A quota of nothing at all is a mistake, not a rate to pace at.
      if (unit !== 'request' && unit !== 'requests') continue;
      if (!isCount(count) || count === 0 || !isCount(windowSeconds) || windowSeconds === 0) continue;
      lowest = Math.min(lowest ?? Infinity, count / windowSeconds);
    }
  }
  return lowest;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function decimal(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}(?:\.\d{1,9})?$/.test(text.trim()) ? Number(text) : undefined;
}

function wholeMs(ms: number): number {
  return Math.max(0, Math.ceil(ms));
}
