/**
 * Limits on how many requests are open at a time. They show where a request is refused while others are on their way, and taken as soon as
 * one of those is answered, at whatever rate. So a refusal among several open requests is first taken for such a limit: no more are opened
 * at once, and the rate is left as it is. A refusal with clearly fewer open says that it was the rate after all. Pure.
 */

export interface OpenLimit {
  readonly requests: number;
  readonly sinceMs: number;
  /** After so long it is tried whether there may be more. */
  readonly restMs: number;
  /** Refusals that made it lower, since it was first met. */
  readonly lowered: number;
}

/** Requests that are answered sooner are hardly ever open together, and if so by chance. */
const SLOWEST_CHANCE_MS = 15;
const FEWEST = 2;
const ROOM = 1.3;
/** What is open here may not have arrived there: the first sight is a little too high. */
const ABOUT_THE_SAME = 0.85;
const MOST_LOWERED = 6;
const FIRST_REST_MS = 30_000;
const LONGEST_REST_MS = 600_000;
/** Disproved, it is not thought of again for so long. */
export const DISPROVED_MS = 300_000;

export interface Crowd {
  /** Over all workers. */
  readonly open: number;
  /** Only one worker was sending: the number is exact. */
  readonly alone: boolean;
  readonly latencyMs: number;
}

/** A request was refused while `open` others were on their way, over all workers. undefined: that is no reason. */
export function crowded(
  before: OpenLimit | undefined,
  { open, alone, latencyMs }: Crowd,
  nowMs: number,
): OpenLimit | undefined {
  if (before === undefined) {
    if (open < FEWEST || latencyMs < SLOWEST_CHANCE_MS) return undefined;
    return { requests: open, sinceMs: nowMs, restMs: FIRST_REST_MS, lowered: 0 };
  }
  const limit = openLimitAt(before, nowMs);
  if (open < ABOUT_THE_SAME * before.requests - 1) return undefined;
  const probed = limit > before.requests;
  const lowered = probed ? 0 : before.lowered + 1;
  if (lowered > MOST_LOWERED) return undefined;
  const least = alone ? open : Math.max(open, (probed ? limit : before.requests) - 1);
  return {
    requests: Math.max(1, Math.min(least, probed ? limit : before.requests)),
    sinceMs: nowMs,
    restMs: probed ? Math.min(LONGEST_REST_MS, 2 * before.restMs) : before.restMs,
    lowered,
  };
}

/** A tenth more for each rest that went by without a refusal. */
export function openLimitAt({ requests, sinceMs, restMs }: OpenLimit, atMs: number): number {
  const rests = Math.floor(Math.max(0, atMs - sinceMs) / restMs);
  return rests === 0 ? requests : Math.max(requests + rests, Math.floor(requests * 1.1 ** Math.min(40, rests)));
}

/** More than so many a second cannot be answered; with room for latencies that fall. */
export function openPerSecond(limit: OpenLimit, latencyMs: number, atMs: number): number {
  return (ROOM * openLimitAt(limit, atMs) * 1_000) / Math.max(1, latencyMs);
}

/** A worker's part, where others have theirs until their leases end. */
export function openShare(limit: number, workers: number, lentToOthers: number): number {
  return Math.max(0, Math.min(Math.max(1, Math.floor(limit / Math.max(1, workers))), limit - lentToOthers));
}
