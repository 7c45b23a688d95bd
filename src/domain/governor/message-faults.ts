/**
 * Whether a message to the governor is one. Anybody may send it an Update (`temporal workflow update execute`), and what it has taken in
 * stays in its state: a rate that is a text would be no limit at all. Each function answers with what is wrong, in words for whoever sent
 * it; undefined: nothing is. Pure.
 */
import type { Rate } from '../endpoint.ts';
import { LONGEST_CAUSE } from './contract.ts';

const LOWEST_RATE = 0.001;
const HIGHEST_RATE = 1_000_000;
const LARGEST_BATCH = 100_000;
const LONGEST_WORKER_ID = 200;
const MOST_EPISODES = 20;
const MOST_SPENT = 100;
const SOMETIMES = ['demandPerSecond', 'latencyMs', 'ceilingPerSecond', 'ceilingWindowMs', 'pauseMs', 'throttled'];
const ORDERS = ['pause', 'resume', 'set-rate', 'forget'] as const;
const RATE_WORDS = `a number of requests a second (no text) from ${LOWEST_RATE} to ${HIGHEST_RATE}, or the word auto or unlimited`;

type Fields = Readonly<Record<string, unknown>>;

export const isRate = (value: unknown): value is Rate =>
  value === 'auto' ||
  value === 'unlimited' ||
  (typeof value === 'number' && value >= LOWEST_RATE && value <= HIGHEST_RATE);

/** An operator's order. */
export function faultOfOverride(value: unknown): string | undefined {
  const fields = fieldsOf(value);
  if (fields === undefined) return `an order is an object such as {"type":"pause"}, and not ${shown(value)}`;
  const { type, rate, windowMs } = fields;
  if (!ORDERS.some((order) => order === type)) {
    return `the order's type is one of ${ORDERS.join(', ')}, and not ${shown(type)}`;
  }
  const wrongWindow = faultOfWindow(windowMs);
  if (wrongWindow !== undefined) return wrongWindow;
  if (type !== 'set-rate' || rate === null || isRate(rate)) return undefined;
  return `the order's rate is ${RATE_WORDS}, or null for the configured one, and not ${shown(rate)}`;
}

/** The configuration of a process. */
export function faultOfConfig(value: unknown): string | undefined {
  const fields = fieldsOf(value);
  if (fields === undefined) return `a configuration is an object, and not ${shown(value)}`;
  if (!isRate(fields.rate)) return `the rate is ${RATE_WORDS}, and not ${shown(fields.rate)}`;
  const { batchSize, shape, windowMs } = fields;
  if (shape !== undefined && shape !== 'burst') return `shape is "burst" or left out, and not ${shown(shape)}`;
  const wrongWindow = faultOfWindow(windowMs);
  if (wrongWindow !== undefined) return wrongWindow;
  if (Number.isSafeInteger(batchSize) && isAmount(batchSize) && batchSize >= 1 && batchSize <= LARGEST_BATCH) {
    return undefined;
  }
  return `batchSize is a whole number from 1 to ${LARGEST_BATCH}, and not ${shown(batchSize)}`;
}

/** A worker's renewal. What later builds may add is not looked at. */
export function faultOfLeaseRequest(value: unknown): string | undefined {
  const fields = fieldsOf(value);
  if (fields === undefined) return `a request for a lease is an object, and not ${shown(value)}`;
  const { workerId } = fields;
  if (typeof workerId !== 'string' || workerId === '' || workerId.length > LONGEST_WORKER_ID) {
    return `workerId is a text of 1 to ${LONGEST_WORKER_ID} characters, and not ${shown(workerId)}`;
  }
  return (
    faultOfAmounts(fields, ['sent', 'delivered', 'elapsedMs']) ??
    faultOfAmounts(present(fields, SOMETIMES)) ??
    faultOfSpent(fields.spent) ??
    faultOfBrake(fields.brake) ??
    faultOfTrouble(fields.trouble) ??
    faultOfRun(fields.badRun) ??
    faultOfEpisodes(fields.episodes)
  );
}

function faultOfSpent(value: unknown): string | undefined {
  if (value === null || value === undefined) return undefined;
  const isPair = (each: unknown): boolean => Array.isArray(each) && each.length === 2 && each.every(isAmount);
  if (Array.isArray(value) && value.length <= MOST_SPENT && value.every(isPair)) return undefined;
  return `spent is a list of at most ${MOST_SPENT} pairs of an age and a count, and not ${shown(value)}`;
}

function faultOfBrake(value: unknown): string | undefined {
  if (value === null || value === undefined) return undefined;
  const fields = fieldsOf(value);
  if (fields === undefined) return `brake is an object or null, and not ${shown(value)}`;
  return (
    faultOfAmounts(fields, ['ageMs', 'pacePerSecond', 'afterMs']) ??
    faultOfAmounts(present(fields, ['open', 'quotaUsed']))
  );
}

function faultOfEpisodes(value: unknown): string | undefined {
  if (value === null || value === undefined) return undefined;
  if (!Array.isArray(value) || value.length > MOST_EPISODES) {
    return `episodes is a list of at most ${MOST_EPISODES}, and not ${shown(value)}`;
  }
  const names = ['admitted', 'pacePerSecond', 'beganAgoMs', 'refusedAgoMs', 'triedAgoMs', 'recoveredAgoMs'];
  return value.map((each) => faultOfAmounts(fieldsOf(each) ?? {}, names)).find((fault) => fault !== undefined);
}

function faultOfTrouble(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  const fields = fieldsOf(value);
  if (fields === undefined) return `trouble is an object, and not ${shown(value)}`;
  const { cause } = fields;
  if (typeof cause !== 'string' || cause === '' || cause.length > 2 * LONGEST_CAUSE) {
    return `trouble.cause is a short text, and not ${shown(cause)}`;
  }
  return faultOfAmounts(fields, ['ageMs']);
}

function faultOfRun(value: unknown): string | undefined {
  if (value === null || value === undefined) return undefined;
  const fields = fieldsOf(value);
  if (fields === undefined) return `badRun is an object or null, and not ${shown(value)}`;
  if (fields.kind !== 'failure' && !isAmount(fields.kind)) {
    return `badRun.kind is "failure" or a status, and not ${shown(fields.kind)}`;
  }
  return faultOfAmounts(fields, ['count']);
}

function faultOfAmounts(fields: Fields, names: readonly string[] = Object.keys(fields)): string | undefined {
  const name = names.find((each) => !isAmount(fields[each]));
  return name === undefined ? undefined : `${name} is a number from 0 on, and not ${shown(fields[name])}`;
}

const faultOfWindow = (windowMs: unknown): string | undefined =>
  windowMs === undefined ? undefined : faultOfAmounts({ windowMs });

const isAmount = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value) && value >= 0;

/** Of these fields the ones that say something. */
const present = (fields: Fields, names: readonly string[]): Fields =>
  Object.fromEntries(
    names.flatMap((name) => (fields[name] === null || fields[name] === undefined ? [] : [[name, fields[name]]])),
  );

const fieldsOf = (value: unknown): Fields | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;

/** Short, and on one line. */
const shown = (value: unknown): string => (value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 60));
