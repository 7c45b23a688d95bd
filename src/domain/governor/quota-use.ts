/** How much of a quota that may be used at once is used, as far as the workers have told, and that in words for people. Pure. */
import { isEven, windowInForce } from './burst.ts';
import { duration, timeOfDay } from './learned-text.ts';
import type { GovernorState } from './state.ts';
import { totalPerSecond } from './state.ts';

interface QuotaUse {
  readonly windowMs: number;
  readonly quota: number;
  readonly used: number;
  /** When the first of those leave the window. */
  readonly roomMs: number;
}

/** Used up to this part there is nothing left that is worth the name. */
const USED_UP = 0.98;
/** A shorter wait is the pace. */
const LONG_MS = 120_000;

function quotaUse(state: GovernorState, nowMs: number): QuotaUse | undefined {
  const windowMs = windowInForce(state);
  if (windowMs === undefined) return undefined;
  const sent = Object.values(state.burst?.spending ?? {})
    .flatMap((one) => one.sent)
    .filter(([atMs]) => atMs > nowMs - windowMs);
  return {
    windowMs,
    quota: Math.max(1, Math.round((totalPerSecond(state, nowMs) * windowMs) / 1_000)),
    used: sent.reduce((sum, [, count]) => sum + count, 0),
    roomMs: Math.min(...sent.map(([atMs]) => atMs)) + windowMs,
  };
}

/** Somebody waits for long, since the quota is used; undefined: nobody does. */
export function usedUp(
  state: GovernorState,
  nowMs: number,
): { readonly text: string; readonly untilMs: number } | undefined {
  const use = quotaUse(state, nowMs);
  if (use === undefined || use.used < USED_UP * use.quota || use.roomMs < nowMs + LONG_MS) return undefined;
  if (Object.values(state.book).every(({ demandPerSecond }) => demandPerSecond !== null)) return undefined;
  return { text: `its quota of ${inWindow(use)} is used`, untilMs: use.roomMs };
}

/** How a limit with a window is used. null: evenly, as configured. */
export function shapeText(state: GovernorState, nowMs: number): string | null {
  if (state.config.shape !== 'burst') return null;
  const use = quotaUse(state, nowMs);
  if (use === undefined) return 'burst, as soon as a window is known; evenly until then';
  if (isEven(state, use.windowMs, nowMs)) return `burst, but evenly for now: ${whyEven(state, use.windowMs, nowMs)}`;
  const left = Math.max(0, use.quota - use.used);
  const room =
    left > 0 || use.roomMs <= nowMs ? `${left} left` : `all used, room from ${timeOfDay(use.roomMs, true)} on`;
  return `burst: ${inWindow(use)} at once, ${room}`;
}

function whyEven({ burst, circuit }: GovernorState, windowMs: number, nowMs: number): string {
  if (circuit.name !== 'closed') return 'it has been ill';
  const { evenUntilMs = 0, sinceMs = 0 } = burst ?? {};
  return nowMs < evenUntilMs
    ? `a burst was refused before its quota was used; again at ${timeOfDay(evenUntilMs)}`
    : `what was sent before is not known; from ${timeOfDay(sinceMs + windowMs)} on`;
}

const inWindow = ({ quota, windowMs }: QuotaUse): string => `${quota} in ${duration(windowMs)}`;
