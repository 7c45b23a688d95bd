/**
 * What a receiver says about its rate limit in the headers of an answer. Pure; a hint only ever lowers a rate, and a malformed one is no
 * hint. Sources: draft-ietf-httpapi-ratelimit-headers (`RateLimit`, `RateLimit-Policy`, and the forms of its earlier versions) and the
 * unwritten custom of `X-RateLimit-*`.
 */
import type { StructuredItem } from './structured-fields.ts';
import { parseItems } from './structured-fields.ts';

/** The same three headers in three spellings. */
const FAMILIES = ['ratelimit', 'x-ratelimit', 'x-rate-limit'] as const;
const PERIODS = { second: 1, minute: 60, hour: 3_600, day: 86_400 } as const;
type Family = (typeof FAMILIES)[number];
type Period = keyof typeof PERIODS;

export type RateHeaderName =
  | 'ratelimit'
  | 'ratelimit-policy'
  | 'x-ratelimit-reset-after'
  | `${Family}-${'limit' | 'remaining' | 'reset'}`
  | `x-ratelimit-limit-${Period}`
  /** What an endpoint writes as `used/limit`, under the name that is configured. */
  | 'usage';

export const RATE_HEADER_NAMES: readonly RateHeaderName[] = [
  'ratelimit',
  'ratelimit-policy',
  'x-ratelimit-reset-after',
  ...FAMILIES.flatMap((family) => [`${family}-limit`, `${family}-remaining`, `${family}-reset`] as const),
  ...(Object.keys(PERIODS) as Period[]).map((period) => `x-ratelimit-limit-${period}` as const),
];

/** The headers of one answer that speak of rates, by lower-case name; only those present. Repeated ones are joined with `, `. */
export type RateHeaders = { readonly [Name in RateHeaderName]?: string };

/** An endpoint's own names, lower case, of what is known by another one here. */
export type RateHeaderAliases = ReadonlyMap<string, RateHeaderName>;

/** Every number is finite and not negative. An empty object: no hint. */
export interface RateHint {
  /** Requests that may still be sent before `resetMs` has passed. */
  readonly remaining?: number;
  /** Of how many, where that is said beside. */
  readonly limit?: number;
  /** From now until the quota is renewed; at most what the endpoint is believed. */
  readonly resetMs?: number;
  /** Never more requests a second than this, in the long run. */
  readonly ceilingPerSecond?: number;
  /** What that comes to in a window of this length may be sent at once: of several quotas it is the shortest. */
  readonly ceilingWindowMs?: number;
}

/**
 * `nowMs` is the wall clock (better: the answer's Date), for resets that are given as a point in time. A longer reset than `maxResetMs` is
 * taken for that: a receiver that says "in a year" must not silence an endpoint for a year.
 */
export function parseRateHint(headers: RateHeaders, nowMs: number, maxResetMs: number): RateHint {
  const said = quotaOfRateLimit(headers.ratelimit) ?? quotaOfSeparateHeaders(headers, nowMs) ?? {};
  const quota = said.resetMs === undefined ? said : { ...said, resetMs: Math.min(said.resetMs, maxResetMs) };
  const lowest = lowestOf([
    ...policies(headers['ratelimit-policy'], headers['ratelimit-limit']),
    ...(Object.keys(PERIODS) as Period[]).flatMap((period) => policyOf(headers[`x-ratelimit-limit-${period}`], period)),
  ]);
  if (lowest === undefined) return quota;
  return { ...quota, ceilingPerSecond: lowest.perSecond, ceilingWindowMs: lowest.windowSeconds * 1_000 };
}

interface Policy {
  readonly perSecond: number;
  readonly windowSeconds: number;
}

/** `X-RateLimit-Limit-Minute: 600`. */
function policyOf(text: string | undefined, period: Period): Policy[] {
  const count = decimal(text);
  if (count === undefined || count === 0) return [];
  return [{ perSecond: count / PERIODS[period], windowSeconds: PERIODS[period] }];
}

/** The lowest rate, in the shortest window: whoever keeps to that keeps to all of them. undefined: there are none. */
function lowestOf(all: readonly Policy[]): Policy | undefined {
  if (all.length === 0) return undefined;
  return {
    perSecond: Math.min(...all.map(({ perSecond }) => perSecond)),
    windowSeconds: Math.min(...all.map(({ windowSeconds }) => windowSeconds)),
  };
}

/** `"default";r=50;t=30`, in later drafts `"default";a=50;w=30`, several of them, or the earlier `limit=100, remaining=50, reset=30`. */
function quotaOfRateLimit(field: string | undefined): RateHint | undefined {
  const items = field === undefined ? undefined : parseItems(field);
  if (items === undefined) return undefined;
  const earlier = quota(keyed(items, 'remaining'), keyed(items, 'reset'));
  if (earlier) return limited(earlier, keyed(items, 'limit'));
  let tightest: RateHint | undefined;
  for (const item of items) {
    const { params } = item;
    const next = params.has('a') ? quota(params.get('a'), params.get('w')) : quota(params.get('r'), params.get('t'));
    if (next && (tightest === undefined || isTighter(next, tightest))) tightest = next;
  }
  return tightest;
}

const limited = (hint: RateHint, limit: unknown): RateHint => (isCount(limit) && limit > 0 ? { ...hint, limit } : hint);

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

/** `RateLimit-Remaining` and `-Reset` (draft versions before 7), then the same with `X-`; last what was used of how many. */
function quotaOfSeparateHeaders(headers: RateHeaders, nowMs: number): RateHint | undefined {
  for (const family of FAMILIES) {
    const after = family === 'x-ratelimit' ? headers['x-ratelimit-reset-after'] : undefined;
    const reset = durationMs(after) ?? resetOf(headers[`${family}-reset`], nowMs);
    const said = separate(headers[`${family}-remaining`], reset, headers[`${family}-limit`]);
    if (said !== undefined) return said;
  }
  return quotaOfUsage(headers.usage);
}

function separate(
  remainingText: string | undefined,
  resetMs: number | undefined,
  limitText: string | undefined,
): RateHint | undefined {
  const remaining = decimal(remainingText);
  if (remaining === undefined) return undefined;
  const said = { remaining: Math.floor(remaining), ...(resetMs === undefined ? {} : { resetMs }) };
  // Earlier drafts wrote policies behind the number.
  return limited(said, decimal(limitText?.split(',')[0]));
}

/** `32/40`: used, and of how many. */
function quotaOfUsage(text: string | undefined): RateHint | undefined {
  const [, used = '', limit = ''] = /^\s*(\d{1,15})\s*\/\s*(\d{1,15})\s*$/.exec(text ?? '') ?? [];
  if (limit === '' || Number(limit) === 0) return undefined;
  return { remaining: Math.max(0, Number(limit) - Number(used)), limit: Number(limit) };
}

const MS_OF_UNIT: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Seconds, or a number with units: `12.5`, `250ms`, `6m0s`. */
function durationMs(text: string | undefined): number | undefined {
  const seconds = decimal(text);
  if (seconds !== undefined) return wholeMs(seconds * 1_000);
  const parts = [...(text ?? '').trim().matchAll(/(\d{1,9}(?:\.\d{1,9})?)(ms|s|m|h|d)/gy)];
  if (parts.length === 0 || parts.reduce((sum, [part]) => sum + part.length, 0) !== text!.trim().length)
    return undefined;
  return wholeMs(parts.reduce((sum, [, count, unit]) => sum + Number(count) * MS_OF_UNIT[unit!]!, 0));
}

function resetOf(text: string | undefined, nowMs: number): number | undefined {
  const reset = decimal(text);
  return reset === undefined ? durationMs(text) : resetMs(reset, nowMs);
}

/** A reset is seconds from now, seconds since 1970, or milliseconds since 1970: told apart by size (10^9 s is 2001, or 31 years ahead). */
function resetMs(reset: number, nowMs: number): number {
  if (reset < 1e9) return wholeMs(reset * 1000);
  return wholeMs((reset < 1e11 ? reset * 1000 : reset) - nowMs);
}

/** `"burst";q=100;w=60`, and the earlier `100;w=60` in either header: all that count requests. */
function policies(...fields: (string | undefined)[]): Policy[] {
  const found: Policy[] = [];
  for (const field of fields) {
    for (const item of (field === undefined ? undefined : parseItems(field)) ?? []) {
      const unit = item.params.get('qu') ?? 'request';
      const count = item.params.get('q') ?? item.value;
      const windowSeconds = item.params.get('w');
      // A quota of nothing at all is a mistake, not a rate to pace at.
      if (unit !== 'request' && unit !== 'requests') continue;
      if (!isCount(count) || count === 0 || !isCount(windowSeconds) || windowSeconds === 0) continue;
      found.push({ perSecond: count / windowSeconds, windowSeconds });
    }
  }
  return found;
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
