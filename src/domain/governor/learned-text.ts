/** What the governor has learned of a receiver's limit, in words for people. Pure. */
import { isEven, windowInForce } from './burst.ts';
import { openLimitAt } from './concurrency.ts';
import { settledPerSecond } from './learner.ts';
import type { GovernorState } from './state.ts';
import { maximumPerSecond, rateInForce, totalPerSecond } from './state.ts';

/** null: nothing yet, or the rate is stated and no more is known. */
export function learnedText(state: GovernorState, nowMs: number): string | null {
  const { learner } = state;
  const strays = learner.stray?.verdict;
  if (strays !== undefined) return `${Math.max(1, Math.round(100 * strays.share))}% refused, whatever the rate`;
  if (typeof rateInForce(state) === 'number') return null;
  if (learner.open !== undefined) {
    const { sinceMs } = learner.open;
    return `${counted(openLimitAt(learner.open, nowMs), 'request')} at a time, learned ${timeOfDay(sinceMs)}`;
  }
  if (learner.statedPerSecond !== null) {
    const held = Math.min(totalPerSecond(state, nowMs), maximumPerSecond(state, nowMs));
    const { statedPerSecond: stated, statedWindowMs } = learner;
    // Where the window is to be used at once it matters; a rate says all else.
    const inBursts = state.config.shape === 'burst' && statedWindowMs !== undefined;
    const said = inBursts
      ? `${Math.round((stated * statedWindowMs) / 1_000)} in ${duration(statedWindowMs)}`
      : perSecond(stated);
    return `its headers say ${said}, ${bursts(state, nowMs) ? 'sent in bursts' : `held at ${perSecond(held)}`}`;
  }
  if (learner.ceilingPerSecond === null) return null;
  const held = perSecond(Math.min(settledPerSecond(learner), maximumPerSecond(state, nowMs)));
  const { window } = learner;
  if (window !== undefined) {
    const learned = `${window.quota} in ${duration(window.windowMs)}`;
    return `${learned}, learned ${timeOfDay(window.learnedMs)}, ${bursts(state, nowMs) ? 'sent in bursts' : `held at ${held}`}`;
  }
  const at = learner.cutMs === null ? '' : ` at ${timeOfDay(learner.cutMs)}`;
  return `refused at ${perSecond(learner.ceilingPerSecond)}${at}, held at ${held}`;
}

function bursts(state: GovernorState, nowMs: number): boolean {
  const windowMs = windowInForce(state);
  return windowMs !== undefined && !isEven(state, windowMs, nowMs);
}

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** As many digits as tell something. */
function perSecond(rate: number): string {
  const digits = rate >= 100 ? 0 : rate >= 10 ? 1 : 2;
  return `${Number(rate.toFixed(digits))}/s`;
}

export function duration(ms: number): string {
  if (ms % 86_400_000 === 0) return counted(ms / 86_400_000, 'day');
  if (ms % 3_600_000 === 0) return counted(ms / 3_600_000, 'hour');
  if (ms % 60_000 === 0) return counted(ms / 60_000, 'minute');
  return `${ms / 1_000} s`;
}

/** In UTC, as everything else that crosses processes. */
export const timeOfDay = (ms: number, seconds = false): string =>
  `${new Date(ms).toISOString().slice(11, seconds ? 19 : 16)}Z`;
