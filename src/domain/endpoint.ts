/** An endpoint as the rest of wds sees it: compiled from the configuration, frozen for the life of a process. */

import type { BodyTemplate } from './body/template.ts';
import type { RateHeaderAliases } from './rate-hints.ts';

/** What to do with an alert whose request was sent and whose answer is unknown. */
export type AmbiguousPolicy = 'resend' | 'hold';

/** Retry of one alert that failed for a passing reason. Backoff doubles from initial to maximum; jitter only lengthens it. */
export interface RetryPolicy {
  readonly initialIntervalMs: number;
  readonly maximumIntervalMs: number;
  /** Attempts of one alert, the first one included. Throttled answers are not attempts. */
  readonly maximumAttempts: number;
  /** From the first failure of an alert (or of a dead endpoint) to `undelivered`. */
  readonly giveUpAfterMs: number;
}

export const DEFAULT_RETRY_POLICY: RetryPolicy = {
  initialIntervalMs: 1_000,
  maximumIntervalMs: 300_000,
  maximumAttempts: 10,
  giveUpAfterMs: 24 * 3_600_000,
};

/** Requests a second: a number the operator states, `auto` (learned by the governor), or no limit. */
export type Rate = number | 'auto' | 'unlimited';

/** `100/s`, `16.667/s`, `auto`, `unlimited`. */
export const rateText = (rate: Rate): string => (typeof rate === 'number' ? `${Number(rate.toFixed(3))}/s` : rate);

const RATE_TEXT = /^(\d+(?:\.\d+)?)(?: ?(?:\/|per) ?(\d+ ?)?(s|sec|seconds?|m|min|minutes?|h|hours?|d|days?))?$/i;
const SECONDS_OF_UNIT: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };
export const RATE_EXPECTED = 'requests a second from 0.001 to 1000000 (100, 100/s, 6000/min), or auto, or unlimited';

/** `100`, `100/s`, `6000/min`, `100/10s`, `100 per second`, `auto`, `unlimited`. undefined: it is none, or out of bounds. */
export function rateOf(text: string): Rate | undefined {
  const trimmed = text.trim();
  if (trimmed === 'auto' || trimmed === 'unlimited') return trimmed;
  const { amount, seconds } = partsOf(trimmed);
  const rate = amount / seconds;
  return rate >= 0.001 && rate <= 1_000_000 ? rate : undefined;
}

/** The window for which a rate is stated: 60,000 ms of `600/min`. undefined: for none, for a second is none, or it is no rate. */
export function windowOf(text: string): number | undefined {
  const { seconds } = partsOf(text.trim());
  return seconds > 1 ? seconds * 1_000 : undefined;
}

function partsOf(text: string): { amount: number; seconds: number } {
  const [, amount, periods = '1', unit = 's'] = RATE_TEXT.exec(text) ?? [];
  const seconds = Number(periods) * SECONDS_OF_UNIT[unit.charAt(0).toLowerCase()]!;
  return { amount: Number(amount), seconds: amount === undefined ? Number.NaN : seconds };
}

/** Header names, as the endpoint spells them. */
export interface RateHeaderSettings {
  /** `used/limit`, such as `32/40`. */
  readonly usage?: string;
  readonly limit?: string;
  readonly remaining?: string;
  /** When the quota is renewed: seconds from now, a duration such as `6m0s`, or a time since 1970. */
  readonly reset?: string;
}

/** OAuth 2.0 client credentials (RFC 6749, section 4.4). */
export interface OAuth2Settings {
  readonly tokenUrl: string;
  readonly clientId: string;
  /** Never logged. */
  readonly clientSecret: string;
  readonly scope?: string;
  readonly audience?: string;
  /** How the client shows itself: by HTTP Basic, or in the body. */
  readonly clientAuth: 'basic' | 'body';
  /** As of the endpoint, for the way to the token server. */
  readonly proxy?: string;
}

/** What may be replaced while a process runs. */
export type EndpointCredentials = Pick<Endpoint, 'secrets' | 'headers'> & {
  /** Of `oauth2`, where there is one. */
  readonly clientSecret?: string;
};

export interface Endpoint {
  /** Matches ENDPOINT_NAME_PATTERN. */
  readonly name: string;
  readonly url: string;
  readonly rate: Rate;
  /** Requests that the receiver is known to take at once beyond the rate (a token bucket's depth). 0: none, the safe choice. */
  readonly burst: number;
  /** The quota of a window may be used at once. Absent: it is spread evenly. */
  readonly shape?: 'burst';
  /** The window that the rate was stated for. Absent: for none, or for a second. */
  readonly windowMs?: number;
  readonly ambiguous: AmbiguousPolicy;
  /** Under `resend`: requests of one alert whose outcome is unknown, at most. Then it is unconfirmed. */
  readonly maximumUnanswered: number;
  /** What counts as delivered; undefined: any 2xx. */
  readonly success?: {
    /** undefined: 2xx. */
    readonly statuses?: readonly number[];
    /** A regular expression (flag u) that the beginning of the body must match. */
    readonly bodyMatches?: string;
  };
  /** Asked by GET, in place of an alert, whether an endpoint that seemed ill is well again. */
  readonly probeUrl?: string;
  /** One total deadline for connect, headers and body. */
  readonly timeoutMs: number;
  /** Open requests per process, at most. */
  readonly maxConnections: number;
  /** `whsec_…` secrets, newest first; each signs. Empty: unsigned. */
  readonly secrets: readonly string[];
  readonly idempotencyKey: 'quoted' | 'bare' | 'off';
  /** Extra request headers, e.g. Authorization. Never logged. */
  readonly headers: Readonly<Record<string, string>>;
  /** Longest pause that a Retry-After, or the reset of a rate header, is believed for. */
  readonly maxRetryAfterMs: number;
  /** The endpoint's own names of headers that speak of rates. Absent: it has none. */
  readonly rateHeaders?: RateHeaderSettings;
  readonly retry: RetryPolicy;
  /** Absent: `{"userId":…,"alertMessage":…}`. */
  readonly body?: BodyTemplate;
  /** Of the body. Absent: `application/json`. */
  readonly contentType?: string;
  /** Through which connections are made: `http://user:password@proxy:3128`. Absent: none. Never logged. */
  readonly proxy?: string;
  /** Files (PEM): authorities in place of the usual ones, and the certificate by which wds shows itself. Read again when they change. */
  readonly tls?: { readonly ca?: readonly string[]; readonly cert?: string; readonly key?: string };
  /** Private networks are refused. Absent: they are not. */
  readonly publicOnly?: true;
  /** Addresses and networks that are not refused, whatever they are. */
  readonly allowAddresses?: readonly string[];
  /** Where secrets or headers are from files: these, and how they are read again. Rejects with what is wrong, without a secret. */
  readonly credentialFiles?: { readonly paths: readonly string[]; readonly read: () => Promise<EndpointCredentials> };
  /** Spans of its requests. Absent: as usual. */
  readonly tracing?: {
    /** Share of those that go well. */
    readonly requests?: number;
    /** Requests tell the receiver which trace they belong to. */
    readonly traceparent?: boolean;
  };
  /** Each request carries a token that is fetched with these. Absent: none does. */
  readonly oauth2?: OAuth2Settings;
}

/** Part of a stated limit that is really used: at 1.00 fixed-window receivers answer some 429s, at 0.99 none (docs/decisions/0002-pacing-at-the-socket.md). */
export const PACE_FRACTION = 0.99;

/** Where there is no limit; an activity costs the server some 10 ms of CPU time (docs/decisions/0016-larger-chunks-without-a-limit.md). */
const UNLIMITED_BATCH = 5_000;
const LARGEST_BATCH = 1_000;

/** Of a store in a bucket, where each batch costs requests: so many seconds of the rate, for a batch and for a chunk. */
const BUCKET_SECONDS = 4;

/** Requests that may go within a second: where a quota may be used at once, all of it. By it batches are cut. */
export const quickest = ({ rate, shape, windowMs = 1_000 }: Pick<Endpoint, 'rate' | 'shape' | 'windowMs'>): Rate =>
  typeof rate === 'number' && shape === 'burst' ? Math.max(rate, (rate * windowMs) / 1_000) : rate;

/** One batch is about one second of the rate (docs/decisions/0001-batches-not-an-activity-an-alert.md). */
export function defaultBatchSize(rate: Rate, inBucket = false): number {
  if (rate === 'unlimited') return UNLIMITED_BATCH;
  if (typeof rate !== 'number') return LARGEST_BATCH;
  return Math.max(1, Math.min(LARGEST_BATCH, Math.round(inBucket ? rate * BUCKET_SECONDS : rate)));
}

const SMALLEST_CHUNK = 100;

/**
 * Half a second of the rate. A batch lies within a chunk, and a chunk is one worker's at a time: the last ones of a file are sent at that
 * worker's share of the rate, so they should be small.
 */
export function defaultChunkSize(rate: Rate, inBucket = false): number {
  if (rate === 'unlimited') return UNLIMITED_BATCH;
  if (typeof rate !== 'number') return LARGEST_BATCH;
  return Math.max(SMALLEST_CHUNK, Math.min(LARGEST_BATCH, Math.round(inBucket ? rate * BUCKET_SECONDS : rate / 2)));
}

/** From here on a batch is sent so quickly that a worker with two of them may stand idle until the next one is there. */
export const isFast = (rate: Rate): boolean => rate === 'unlimited' || (typeof rate === 'number' && rate >= 1_000);

/**
 * Coarse back-pressure: activity starts a second on the endpoint's task queue, or undefined for no limit. Twice what is needed: at 1.1 to 1.2
 * times it cost 20 to 40% of the throughput (docs/decisions/0002-pacing-at-the-socket.md).
 */
export function taskQueueRate(rate: Rate, batchSize: number): number | undefined {
  return typeof rate === 'number' ? Math.max((2 * rate) / batchSize, 8) : undefined;
}

/** By the name that the endpoint uses, in lower case: the one under which wds knows it. */
export function rateHeaderAliases({ rateHeaders = {} }: Pick<Endpoint, 'rateHeaders'>): RateHeaderAliases {
  const known = {
    usage: 'usage',
    limit: 'ratelimit-limit',
    remaining: 'ratelimit-remaining',
    reset: 'ratelimit-reset',
  } as const;
  return new Map(
    (Object.keys(known) as (keyof typeof known)[]).flatMap((key) => {
      const name = rateHeaders[key];
      return name === undefined ? [] : [[name.toLowerCase(), known[key]] as const];
    }),
  );
}
