/**
 * The settings of the bundled receiver, one table for all who set them: flags of `wds receiver`, `POST /control`, tests. Each
 * setting reads its value from text; undefined means that the text is not what it expects.
 */

import { LIMIT_HEADERS } from './limit-headers.ts';
import { RECEIVER_MODELS } from './models/model.ts';
import type { ScheduleStep } from './models/plan.ts';

export const HOSTILE_MODES = [
  'never-answers',
  'slow-body',
  'endless-body',
  'huge-headers',
  'reset-before-answer',
  'reset-after-read',
] as const;
export type HostileMode = (typeof HOSTILE_MODES)[number];

/** Users that are answered with an error status: always, or only the first `times` requests of each. */
export interface FailUsers {
  readonly pattern: RegExp;
  readonly status: number;
  readonly times: number;
}

/** How Retry-After is written: what the model knows in seconds or as a date, nothing, or always the same number of seconds. */
export type RetryAfterStyle = 'seconds' | 'date' | 'none' | number;

interface Setting<T> {
  /** What stands for the value in `--help`; undefined: a switch. */
  readonly value: string | undefined;
  readonly description: string;
  readonly expects: string;
  readonly read: (text: string) => T | undefined;
}

const setting = <T>(
  value: string | undefined,
  description: string,
  expects: string,
  read: (text: string) => T | undefined,
): Setting<T> => ({ value, description, expects, read });

const numberIn =
  (min: number, max: number) =>
  (text: string): number | undefined => {
    const number = /^[0-9]+(\.[0-9]+)?$/.test(text) ? Number(text) : Number.NaN;
    return number >= min && number <= max ? number : undefined;
  };
const integerIn =
  (min: number, max: number) =>
  (text: string): number | undefined => {
    const number = numberIn(min, max)(text);
    return Number.isInteger(number) ? number : undefined;
  };
const oneOf =
  <T extends string>(...names: readonly T[]) =>
  (text: string): T | undefined =>
    names.find((name) => name === text);

const SECONDS_OF_UNIT: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };
const RATE_TEXT = /^([0-9.]+)(?:\/([0-9]*)(s|sec|second|m|min|minute|h|hour))?$/;
function readRate(text: string): number | undefined {
  if (text === 'unlimited') return Number.POSITIVE_INFINITY;
  const [, number = ''] = RATE_TEXT.exec(text) ?? [];
  const amount = numberIn(0, 1e9)(number);
  const periodMs = periodOfRate(text);
  return amount === undefined || periodMs === 0 ? undefined : (amount * 1_000) / periodMs;
}

/** The time that a rate is given for: `100/10s` is as much a second as `10/s`, but a window of another length. */
export function periodOfRate(text: string): number {
  const [, , count = '', unit = 's'] = RATE_TEXT.exec(text) ?? [];
  return (count === '' ? 1 : Number(count)) * SECONDS_OF_UNIT[unit.charAt(0)]! * 1_000;
}

const MS_OF_UNIT: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, min: 60_000, h: 3_600_000 };
function readDuration(text: string): number | undefined {
  const [, number = '', unit = 'ms'] = /^([0-9.]+)(ms|s|m|min|h)?$/.exec(text) ?? [];
  const amount = numberIn(0, 1e9)(number);
  return amount === undefined ? undefined : amount * MS_OF_UNIT[unit]!;
}
const readWindow = (text: string): number | undefined => readDuration(text) || undefined;

function readShare(text: string): number | undefined {
  return text.endsWith('%') ? scaled(numberIn(0, 100)(text.slice(0, -1)), 0.01) : numberIn(0, 1)(text);
}
const scaled = (number: number | undefined, by: number): number | undefined =>
  number === undefined ? undefined : number * by;

function readSchedule(text: string): readonly ScheduleStep[] | undefined {
  const steps: ScheduleStep[] = [];
  for (const part of text.split(',')) {
    const [from = '', rate = '', ...rest] = part.trim().split(':');
    const fromMs = readDuration(from);
    const ratePerSecond = readRate(rate);
    const rises = fromMs !== undefined && fromMs > (steps.at(-1)?.fromMs ?? -1);
    if (!rises || ratePerSecond === undefined || !Number.isFinite(ratePerSecond) || rest.length > 0) return undefined;
    steps.push({ fromMs, ratePerSecond });
  }
  return steps;
}

const FAIL_USERS = /^(.+)=([3-5][0-9][0-9])(?:x([1-9][0-9]{0,8}))?$/s;
function readFailUsers(text: string): FailUsers | undefined {
  const [, source, status, times] = FAIL_USERS.exec(text) ?? [];
  if (source === undefined) return undefined;
  try {
    const limit = times === undefined ? Number.POSITIVE_INFINITY : Number(times);
    return { pattern: new RegExp(source, 'u'), status: Number(status), times: limit };
  } catch {
    return undefined;
  }
}

/** Standard Webhooks: `whsec_` and the base64 of 24 to 64 bytes. */
function readSecret(text: string): Uint8Array | undefined {
  const base64 = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(text)?.[1];
  if (base64 === undefined) return undefined;
  const key = Buffer.from(base64, 'base64');
  return key.length >= 24 && key.length <= 64 ? key : undefined;
}

const readRetryAfter = (text: string): RetryAfterStyle | undefined =>
  oneOf('seconds', 'date', 'none')(text) ?? integerIn(0, 1e9)(text);
const readSwitch = (text: string): boolean | undefined =>
  text === 'true' ? true : text === 'false' ? false : undefined;

const STATUS = 'a status from 200 to 599';
const DURATION = 'a duration such as 250ms, 5s or 2m';
const SHARE = 'a share such as 0.1 or 10%';
const RATE = 'requests such as 100, 100/s, 100/10s or 600/min, or unlimited';
export const RECEIVER_SETTINGS = {
  port: setting('N', 'port to listen on; 0 finds a free one', 'a port from 0 to 65535', integerIn(0, 65_535)),
  controlPort: setting(
    'N',
    'second port, for /control and /stats while the first is down',
    'a port',
    integerIn(0, 65_535),
  ),
  host: setting('ADDRESS', 'address to listen on', 'an address', (text) => text || undefined),
  model: setting(
    'NAME',
    `how requests are limited: ${RECEIVER_MODELS.join(', ')}`,
    `one of ${RECEIVER_MODELS.join(', ')}`,
    oneOf(...RECEIVER_MODELS),
  ),
  rate: setting('N', 'the limit: 100, 100/s, 100/10s, 600/min, unlimited', RATE, readRate),
  burst: setting(
    'N',
    'depth of the token bucket (default: one second of the rate)',
    'a number from 1',
    numberIn(1, 1e9),
  ),
  windowMs: setting('TIME', 'length of the windows (default: what the rate is given for)', DURATION, readWindow),
  blockMs: setting('TIME', 'shield: how long it refuses everything (default 30s)', DURATION, readWindow),
  concurrency: setting(
    'N',
    'open requests at most, for the model concurrency',
    'a whole number from 1',
    integerIn(1, 1e6),
  ),
  schedule: setting(
    'STEPS',
    'a limit that moves, from the first request on: 0s:200,60s:20,120s:400',
    'steps such as 0s:200,60s:20, in rising order',
    readSchedule,
  ),
  seed: setting('N', 'of all that is random here', 'a whole number', integerIn(0, 2 ** 32 - 1)),
  latencyMs: setting('TIME', 'answer after this time', DURATION, readDuration),
  jitterMs: setting('TIME', 'and up to this much later', DURATION, readDuration),
  failRate: setting('SHARE', 'answer this share with --fail-status', SHARE, readShare),
  failStatus: setting('STATUS', 'for --fail-rate (default 500)', STATUS, integerIn(200, 599)),
  failUsers: setting(
    'REGEX=STATUS[xN]',
    'answer matching users with STATUS, always or the first N times; may be repeated',
    'a regular expression, =, a status from 300 to 599, and maybe xN',
    readFailUsers,
  ),
  status: setting('STATUS', 'answer everything with this', STATUS, integerIn(200, 599)),
  throttleStatus: setting('STATUS', 'for requests above the limit: 429 (default) or 503', '429 or 503', (text) =>
    text === '429' ? 429 : text === '503' ? 503 : undefined,
  ),
  rateLimitHeaders: setting(
    'STYLE',
    `what answers say of the limit: ${LIMIT_HEADERS.join(', ')} (legacy: X-RateLimit-*; used: X-Api-Call-Limit)`,
    `one of ${LIMIT_HEADERS.join(', ')}`,
    oneOf(...LIMIT_HEADERS),
  ),
  retryAfter: setting(
    'STYLE',
    'seconds (default), date, none, or a fixed number of seconds',
    'seconds, date, none or a whole number',
    readRetryAfter,
  ),
  dedupe: setting(
    undefined,
    'answer a webhook-id that was accepted before with 200, and count it',
    'true or false',
    readSwitch,
  ),
  secret: setting(
    'SECRET',
    'verify Standard Webhooks signatures; 401 when wrong',
    'whsec_ and base64 of 24 to 64 bytes',
    readSecret,
  ),
  hostile: setting(
    'MODE',
    `misbehave: ${HOSTILE_MODES.join(', ')}`,
    `one of ${HOSTILE_MODES.join(', ')}`,
    oneOf(...HOSTILE_MODES),
  ),
  hostileRate: setting('SHARE', 'to this share of the requests (default 100%)', SHARE, readShare),
  log: setting('FILE', 'append a line for each request', 'a file name', (text) => text || undefined),
  down: setting(undefined, 'refuse connections', 'true or false', readSwitch),
  downForMs: setting('TIME', 'refuse connections for this time', DURATION, readWindow),
} as const;

export type ReceiverSettingName = keyof typeof RECEIVER_SETTINGS;

/** `latencyMs` is `--latency`: its values carry their unit. */
export const flagName = (name: ReceiverSettingName): string =>
  name.replace(/Ms$/, '').replaceAll(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`);

export type ReceiverSettingValue<K extends ReceiverSettingName> = Exclude<
  ReturnType<(typeof RECEIVER_SETTINGS)[K]['read']>,
  undefined
>;
