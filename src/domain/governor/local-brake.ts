/**
 * How a worker brakes by itself, at once, between two renewals. On a refusal it stops for as long as the receiver asks and
 * goes on a little slower; refused again soon after, clearly slower. What it found out goes to the governor with the next request, and
 * the next lease lifts the brake. It also stops spending alerts on an endpoint that fails everything. Pure: one value, replaced by each call.
 */
import type { Sign } from '../answers.ts';
import { PACE_FRACTION } from '../endpoint.ts';
import { isFirstReport, isWorthReporting } from '../illness.ts';
import { WAITS } from '../waits.ts';
import type { BadRun, BrakeReport } from './contract.ts';
import { LEASE_MS } from './contract.ts';
import { firstStopMs, isFew, nextStopMs } from './stops.ts';

export interface LocalBrake {
  /** Nothing is sent before. */
  readonly untilMs: number;
  /** The end of the pause that the receiver itself asked for, by Retry-After or a reset. */
  readonly pauseUntilMs: number;
  /** This worker's own limit until its next lease. */
  readonly capPerSecond: number | null;
  /** Refusals in quick succession, each of which cuts deeper. */
  readonly strikes: number;
  readonly strike: (Omit<BrakeReport, 'ageMs'> & { readonly atMs: number }) | null;
  /** Like failures since the last other answer, and how many of them the governor has been told of. */
  readonly run: BadRun;
  readonly runReported: number;
  /** The governor should be asked then, if not before. */
  readonly askAtMs: number;
  /** When it was last asked. */
  readonly askedMs: number;
  /** Refused, and nothing was taken since: requests go out one at a time, farther and farther apart. */
  readonly trial: boolean;
  /** When the first request after the stop went out; null: none has. */
  readonly triedMs: number | null;
  /** How long the last stop was meant to be. */
  readonly stopMs: number;
  /** Few had been taken before it. */
  readonly few: boolean;
  /** When it last found out what a lease of before does not know: that refusals ended, or a limit was stated. */
  readonly recoveredMs: number;
}

export const RELEASED_BRAKE: LocalBrake = {
  untilMs: Number.NEGATIVE_INFINITY,
  pauseUntilMs: Number.NEGATIVE_INFINITY,
  capPerSecond: null,
  strikes: 0,
  strike: null,
  run: { kind: 'failure', count: 0 },
  runReported: 0,
  askAtMs: Number.POSITIVE_INFINITY,
  askedMs: Number.NEGATIVE_INFINITY,
  trial: false,
  triedMs: null,
  stopMs: 0,
  few: false,
  recoveredMs: Number.NEGATIVE_INFINITY,
};

/** Jitter, upward only, so that workers do not return as one. */
const MAX_JITTER_MS = 50;
/** Refused again within this time of going on, the rate is not a little too high but far off. */
const QUICK_MS = 2_000;
/** A process that never had to stop has been sending for longer than anybody asks. */
const LONG_MS = 3_600_000;
/** A refusal is worth an extra renewal, but no more often: each costs history. */
const ASK_AGAIN_MS = 1_500;
const CUTS = [0.9, 0.7, 0.5] as const;

export interface Refusal {
  readonly nowMs: number;
  readonly sentMs: number;
  /** What this worker was allowed when it sent the request (unlimited: what it really sent). */
  readonly pacePerSecond: number;
  /** null: not stated. */
  readonly retryAfterMs: number | null;
  /** Requests that were taken since the last time of refusals. Absent: many. */
  readonly taken?: number;
  /** Other requests that were on their way when this one was sent. Absent: not counted. */
  readonly open?: number;
  /** Which part of the quota was used by then, where it may be used at once. Absent: no window was known. */
  readonly quotaUsed?: number | undefined;
  /** 0 … 1. */
  readonly random: number;
}

/** A 429, or 503 with Retry-After. */
export function throttled(brake: LocalBrake, refusal: Refusal): LocalBrake {
  const { nowMs, pacePerSecond } = refusal;
  const inVain = brake.trial && brake.triedMs !== null && refusal.sentMs >= brake.triedMs;
  const stopMs = Math.max(refusal.retryAfterMs ?? 0, inVain ? nextStopMs(brake.stopMs) : firstStopMs(refusal));
  const stoppedMs = nowMs + stopMs + refusal.random * MAX_JITTER_MS;
  const untilMs = inVain ? stoppedMs : Math.max(brake.untilMs, stoppedMs);
  const pauseUntilMs = refusal.retryAfterMs === null ? brake.pauseUntilMs : untilMs;
  const alive: LocalBrake = { ...brake, pauseUntilMs, run: RELEASED_BRAKE.run, runReported: 0 };
  if (inVain) return { ...alive, untilMs, triedMs: null, stopMs };
  // Sent before the last stop was over: an echo of what is already known.
  if (refusal.sentMs < brake.untilMs) {
    return refusal.retryAfterMs === null ? alive : { ...alive, untilMs };
  }
  const quick = nowMs - brake.untilMs < QUICK_MS + 4_000 / Math.max(pacePerSecond, 1);
  const strikes = quick ? brake.strikes + 1 : 0;
  const cut = CUTS[Math.min(strikes, CUTS.length - 1)]!;
  return {
    ...alive,
    untilMs,
    trial: true,
    triedMs: null,
    stopMs,
    few: isFew(refusal),
    strikes,
    capPerSecond: pacePerSecond * cut,
    strike: {
      atMs: nowMs,
      pacePerSecond,
      afterMs: Math.max(0, Math.min(nowMs - brake.untilMs, LONG_MS)),
      ...(refusal.open === undefined ? {} : { open: refusal.open }),
      ...(refusal.quotaUsed === undefined ? {} : { quotaUsed: refusal.quotaUsed }),
    },
    // The answer is there before the stop is over, and the other workers slow down too.
    askAtMs: Math.min(brake.askAtMs, Math.max(nowMs, brake.askedMs + ASK_AGAIN_MS)),
  };
}

/**
 * A success that says that nothing remains: no refusal, so nothing is learned from it. Resets are whole seconds, rounded up: the last of them
 * is not waited for.
 */
export function exhausted(brake: LocalBrake, resetMs: number | undefined, nowMs: number): LocalBrake {
  const named = resetMs !== undefined && resetMs > 1_000;
  const untilMs = Math.max(brake.untilMs, nowMs + (named ? resetMs : WAITS.brake.refusedMs));
  return { ...brake, untilMs, pauseUntilMs: named ? untilMs : brake.pauseUntilMs };
}

/** The receiver states a lower limit than this worker goes at: it is kept from now on, and the governor is told at once. */
export function stated(brake: LocalBrake, ceilingPerSecond: number, pacePerSecond: number, nowMs: number): LocalBrake {
  const capPerSecond = PACE_FRACTION * ceilingPerSecond;
  if (pacePerSecond <= ceilingPerSecond || (brake.capPerSecond ?? Number.POSITIVE_INFINITY) <= capPerSecond) {
    return brake;
  }
  return { ...brake, capPerSecond, recoveredMs: nowMs, askAtMs: Math.min(brake.askAtMs, nowMs) };
}

/** Any other end of a request. With an open circuit a delivered alert is news for the governor, each one until it has answered. */
export function answered(
  brake: LocalBrake,
  sign: Exclude<Sign, { readonly kind: 'throttled' }>,
  nowMs: number,
  circuitClosed: boolean,
): LocalBrake {
  if (sign.kind === 'none') return brake;
  if (sign.kind === 'success' || sign.kind === 'alive') {
    const good = sign.kind === 'success' && !circuitClosed;
    if (brake.run.count === 0 && !good) return brake;
    return { ...brake, run: RELEASED_BRAKE.run, runReported: 0, askAtMs: good ? nowMs : brake.askAtMs };
  }
  const kind: BadRun['kind'] = sign.kind === 'failure' ? 'failure' : sign.status;
  const same = kind === brake.run.kind;
  const count = same ? brake.run.count + 1 : 1;
  const unanswered = (same && brake.run.unanswered === true) || (sign.kind === 'failure' && sign.unanswered);
  const run: BadRun = {
    kind,
    count,
    ...(unanswered ? { unanswered } : {}),
    ...(kind === 'failure' ? { alerts: true } : {}),
  };
  const next: LocalBrake = { ...brake, run, runReported: same ? brake.runReported : 0 };
  if (!circuitClosed || !isWorthReporting(kind, count)) return next;
  return {
    ...next,
    untilMs: Math.max(brake.untilMs, nowMs + (kind === 'failure' ? WAITS.brake.doubtMs : LEASE_MS)),
    askAtMs: isFirstReport(kind, count) ? nowMs : brake.askAtMs,
  };
}

/** An operator says that the receiver is well again: what it asked for before is not waited for any longer. */
export function resumed(brake: LocalBrake, nowMs: number): LocalBrake {
  return {
    ...brake,
    untilMs: Math.min(brake.untilMs, nowMs),
    pauseUntilMs: Math.min(brake.pauseUntilMs, nowMs),
    capPerSecond: null,
    strikes: 0,
  };
}

/** What of the lease may be used now. */
export function braked(brake: LocalBrake, lentPerSecond: number, nowMs: number): number {
  return nowMs < brake.untilMs ? 0 : Math.min(lentPerSecond, brake.capPerSecond ?? lentPerSecond);
}

/**
 * What the governor is to hear with a request that is sent now. `dropped`: the lease is to be dropped before. After a refusal it promises too
 * much, and mostly the worker has to pause anyway; where the governor knows that it is out of use, others can have the rate at once, and
 * not when it would have ended.
 */
export function reportOf(
  brake: LocalBrake,
  nowMs: number,
): { dropped: boolean; brake: BrakeReport | null; badRun: BadRun | null; pauseMs?: number } {
  const { strike, run, runReported, pauseUntilMs } = brake;
  const count = run.count - runReported;
  return {
    dropped: strike !== null,
    brake: strike && {
      ageMs: nowMs - strike.atMs,
      pacePerSecond: strike.pacePerSecond,
      afterMs: strike.afterMs,
      ...(strike.open === undefined ? {} : { open: strike.open }),
      ...(strike.quotaUsed === undefined ? {} : { quotaUsed: strike.quotaUsed }),
    },
    badRun: count > 0 ? { ...run, count } : null,
    ...(pauseUntilMs > nowMs ? { pauseMs: pauseUntilMs - nowMs } : {}),
  };
}

/** After the request was sent. What it said is not said again, unless it fails: then keep the earlier value. */
export function reported(brake: LocalBrake, nowMs: number): LocalBrake {
  return { ...brake, strike: null, runReported: brake.run.count, askAtMs: Number.POSITIVE_INFINITY, askedMs: nowMs };
}

/** An answer came: its lease knows of all strikes but those after the request. A pause that the receiver asked for goes on. */
export function renewed(brake: LocalBrake): LocalBrake {
  const released =
    brake.strike === null && brake.recoveredMs <= brake.askedMs ? { ...brake, capPerSecond: null } : brake;
  return typeof brake.run.kind === 'number' && brake.run.count > 0 ? { ...released, untilMs: 0 } : released;
}
