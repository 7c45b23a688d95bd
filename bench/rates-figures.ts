/** What a receiver's log says about the rate at which it was sent to. Pure counting; times in ms, seconds count from the first request. */
import { readDeliveryLog } from '../src/receiver/delivery-log.ts';

/** The requests of a run, in the order of their arrival. */
export interface Traffic {
  readonly atMs: readonly number[];
  readonly statuses: readonly number[];
}

export async function readTraffic(logFile: string): Promise<Traffic> {
  const entries: [number, number][] = [];
  for await (const { atMs, status } of readDeliveryLog(logFile)) entries.push([atMs, status]);
  entries.sort(([a], [b]) => a - b);
  return { atMs: entries.map(([atMs]) => atMs), statuses: entries.map(([, status]) => status) };
}

/** From `fromMs` (inclusive) to `toMs` (exclusive), times since 1970. */
export function between({ atMs, statuses }: Traffic, fromMs: number, toMs: number): Traffic {
  const inside = (_: number, index: number): boolean => atMs[index]! >= fromMs && atMs[index]! < toMs;
  return { atMs: atMs.filter(inside), statuses: statuses.filter(inside) };
}

export const firstMs = ({ atMs }: Traffic): number => atMs[0] ?? Number.NaN;
export const lastMs = ({ atMs }: Traffic): number => atMs.at(-1) ?? Number.NaN;

export const accepted = ({ statuses }: Traffic): number => statuses.filter((status) => status === 200).length;

/** Of the limit, from the first request to the last, or over the stretch that is given. */
export function used(traffic: Traffic, limitPerSecond: number, stretchMs?: number): number {
  if (stretchMs !== undefined) return accepted(traffic) / ((limitPerSecond * stretchMs) / 1_000);
  return (accepted(traffic) - 1) / ((limitPerSecond * (lastMs(traffic) - firstMs(traffic))) / 1_000);
}

/** The share of answers with this status. */
export const shareOf = ({ statuses }: Traffic, status: number): number =>
  statuses.length === 0 ? 0 : statuses.filter((one) => one === status).length / statuses.length;

/** Requests, whatever was answered, in each second from `fromMs` on. */
export function perSecond({ atMs }: Traffic, fromMs: number): number[] {
  const counts: number[] = [];
  for (const at of atMs) {
    const second = Math.floor((at - fromMs) / 1_000);
    if (second >= 0) counts[second] = (counts[second] ?? 0) + 1;
  }
  return Array.from(counts, (count) => count ?? 0);
}

/** The most requests in any stretch of a second, wherever it begins. */
export function busiestSecond({ atMs }: Traffic): number {
  let most = 0;
  for (let to = 0, from = 0; to < atMs.length; to++) {
    while (atMs[to]! - atMs[from]! >= 1_000) from++;
    most = Math.max(most, to - from + 1);
  }
  return most;
}

/** The longest time without a request, and when it began. */
export function longestGap({ atMs }: Traffic): { readonly fromMs: number; readonly gapMs: number } {
  let longest = { fromMs: Number.NaN, gapMs: 0 };
  for (let index = 1; index < atMs.length; index++) {
    const gapMs = atMs[index]! - atMs[index - 1]!;
    if (gapMs > longest.gapMs) longest = { fromMs: atMs[index - 1]!, gapMs };
  }
  return longest;
}

/** How long after `sinceMs` the accepted requests of two seconds first come within `part` of the limit (and not above `most` of it). */
export function reachedAfterMs(
  { atMs, statuses }: Traffic,
  sinceMs: number,
  limitPerSecond: number,
  part: number,
  most = Number.POSITIVE_INFINITY,
): number {
  const STEP_MS = 500;
  const STRETCH_MS = 2_000;
  const times = atMs.filter((at, index) => at >= sinceMs && statuses[index] === 200);
  const all = atMs.filter((at) => at >= sinceMs);
  const end = lastMs({ atMs, statuses });
  const count = (of: readonly number[], fromMs: number): number =>
    of.filter((at) => at >= fromMs && at < fromMs + STRETCH_MS).length / ((limitPerSecond * STRETCH_MS) / 1_000);
  for (let fromMs = sinceMs; fromMs + STRETCH_MS <= end; fromMs += STEP_MS) {
    if (count(times, fromMs) >= part && count(all, fromMs) <= most) return fromMs - sinceMs;
  }
  return Number.POSITIVE_INFINITY;
}
