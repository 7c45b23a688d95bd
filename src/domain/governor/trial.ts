/** After a refusal requests are tried one at a time, until one is taken. Pure. */
import type { LocalBrake } from './local-brake.ts';

/** The answer to a trial is awaited for so long, then there is another. */
const TRIAL_MS = 2_000;
/** After so long a time of refusals what the old lease says is of no use: until there is a new one, so many requests a second. */
const LONG_STOP_MS = 2_000;
const AFTER_LONG_STOP_PER_SECOND = 2;
/** So is it where each refusal counts. */
const SLOW_PER_SECOND = 12;

/** A request goes out. The first one after a stop is a trial: nothing follows until it is answered. */
export function sent(brake: LocalBrake, nowMs: number): LocalBrake {
  if (!brake.trial) return brake;
  return { ...brake, triedMs: brake.triedMs ?? nowMs, untilMs: nowMs + TRIAL_MS };
}

/** The request was taken back before it was written. */
export function untried(brake: LocalBrake, sentMs: number, nowMs: number): LocalBrake {
  return brake.triedMs === sentMs ? { ...brake, triedMs: null, untilMs: nowMs } : brake;
}

/** A request was taken, whatever became of its alert. */
export function taken(brake: LocalBrake, sentMs: number, nowMs: number): LocalBrake {
  if (!brake.trial || brake.triedMs === null || sentMs < brake.triedMs) return brake;
  const slow = (brake.capPerSecond ?? Number.POSITIVE_INFINITY) < SLOW_PER_SECOND;
  const long = brake.few || slow || brake.stopMs >= LONG_STOP_MS;
  return {
    ...brake,
    trial: false,
    triedMs: null,
    untilMs: nowMs,
    recoveredMs: nowMs,
    capPerSecond: long
      ? Math.min(brake.capPerSecond ?? Number.POSITIVE_INFINITY, AFTER_LONG_STOP_PER_SECOND)
      : brake.capPerSecond,
    askAtMs: long ? nowMs : brake.askAtMs,
  };
}
