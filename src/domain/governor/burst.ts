/**
 * Shape `burst`: a window's quota may be used at once, where the limit in force has a window. The governor knows how long that is, and what each
 * worker has sent within it, or may have: a lease says how much of the quota is others'. So the sum over all workers never exceeds the quota in
 * any window, however the rate goes from one to another; a worker that was killed is thought to have used all that it was lent. Pure.
 */
import type { LeaseAnswer, LeaseRequest } from './contract.ts';
import { LEASE_MS } from './contract.ts';
import type { Span } from './leases.ts';
import type { Spending } from './spending.ts';
import { cut, LAST_DIGIT, LONGEST_WINDOW_MS, NOTHING_SPENT, spendingHeard } from './spending.ts';
import type { GovernorState } from './state.ts';
import { rateInForce, totalPerSecond } from './state.ts';

/** A window of a second is a rate. */
const SHORTEST_WINDOW_MS = 1_001;
/** A quota that was used to this part is what refused. */
const USED = 0.9;
const EVEN_MS = 60_000;
const LONGEST_EVEN_MS = 3_600_000;
/** Requests at a time in a window that was learned just now. It is believed after so many of its lengths, and no sooner than that. */
const CAREFUL_OPEN = 4;
const BELIEVED_AFTER = 1.25;
const BELIEVED_AFTER_MS = 60_000;

/** The window whose quota may be used at once; undefined: requests are spaced evenly, for the limit in force has none, or that is wanted. */
export function windowInForce(state: GovernorState): number | undefined {
  if (state.config.shape !== 'burst') return undefined;
  const { statedPerSecond, statedWindowMs, window } = state.learner;
  const rate = rateInForce(state);
  const limits: { perSecond: number; windowMs: number | undefined }[] = [];
  if (window !== undefined) {
    limits.push({ perSecond: (window.quota * 1_000) / window.windowMs, windowMs: window.windowMs });
  }
  if (statedPerSecond !== null) limits.push({ perSecond: statedPerSecond, windowMs: statedWindowMs });
  if (typeof rate === 'number') {
    const windowMs = state.orderedRate === null ? state.config.windowMs : state.orderedWindowMs;
    limits.push({ perSecond: rate, windowMs });
  }
  const lowest = limits.sort((a, b) => a.perSecond - b.perSecond)[0]?.windowMs;
  return lowest === undefined || lowest < SHORTEST_WINDOW_MS || lowest > LONGEST_WINDOW_MS ? undefined : lowest;
}

/**
 * What was learned by refusals may be a shorter window than it is, until a whole one has passed. So long few requests are open at a time, for a
 * burst that is too much costs a refusal for each. undefined: it is known.
 */
function carefulOpen({ learner }: GovernorState, windowMs: number, nowMs: number): number | undefined {
  const { window } = learner;
  if (window === undefined || window.windowMs !== windowMs) return undefined;
  const believedMs = window.learnedMs + Math.max(BELIEVED_AFTER_MS, BELIEVED_AFTER * windowMs);
  return nowMs < believedMs ? CAREFUL_OPEN : undefined;
}

/** Whether requests are spaced evenly for now, though there is a window. */
export function isEven({ burst = NOTHING_SPENT, circuit }: GovernorState, windowMs: number, nowMs: number): boolean {
  const { evenUntilMs = 0, sinceMs = Number.NEGATIVE_INFINITY } = burst;
  return circuit.name !== 'closed' || nowMs < evenUntilMs || nowMs < sinceMs + windowMs;
}

/** What a worker says that it has sent. */
export function burstHeard(state: GovernorState, request: LeaseRequest, nowMs: number): GovernorState {
  if (state.config.shape !== 'burst') return state;
  const before = state.burst ?? NOTHING_SPENT;
  const spending = spendingHeard(before.spending, request, windowInForce(state), nowMs);
  return { ...state, burst: { ...before, spending } };
}

/** What was learned anew explains the refusals: bursts are tried again. */
export function relearned(state: GovernorState, before: GovernorState): GovernorState {
  const { window } = state.learner;
  if (state.burst === undefined || window === undefined || window.learnedMs === before.learner.window?.learnedMs) {
    return state;
  }
  const { evenMs: _, evenUntilMs: __, ...burst } = state.burst;
  return { ...state, burst };
}

/** A burst was refused: whether that was its window. If not, there is another limit, which a burst meets at once. */
export function burstRefused(state: GovernorState, quotaUsed: number, nowMs: number): GovernorState {
  const windowMs = windowInForce(state);
  if (windowMs === undefined || isWindowUsed(quotaUsed) || isEven(state, windowMs, nowMs)) return state;
  const before = state.burst ?? NOTHING_SPENT;
  const longestMs = Math.max(LONGEST_EVEN_MS, windowMs);
  const evenMs = Math.min(longestMs, before.evenMs === undefined ? Math.max(EVEN_MS, windowMs) : 2 * before.evenMs);
  return { ...state, burst: { ...before, evenMs, evenUntilMs: nowMs + evenMs } };
}

export const isWindowUsed = (quotaUsed: number): boolean => quotaUsed >= USED;

/** From now on the quota may be used at once, or no longer; what was sent of late is not known, but was spread evenly. */
export function reshaped(state: GovernorState, nowMs: number): GovernorState {
  const { burst: _, ...even } = state;
  if (state.config.shape !== 'burst') return even;
  return { ...even, burst: { ...NOTHING_SPENT, sinceMs: Math.min(nowMs, state.activeMs + LEASE_MS) } };
}

/** A lease, as one of a quota that may be used at once. `spans`: all that the worker may use, until it hears of this one. */
export function withWindow(
  state: GovernorState,
  workerId: string,
  { answer, lent }: { readonly answer: LeaseAnswer; readonly lent: readonly Span[] },
  nowMs: number,
): { readonly state: GovernorState; readonly answer: LeaseAnswer } {
  const exactMs = windowInForce(state);
  if (exactMs === undefined) return { state, answer };
  const windowMs = state.alone ? wholeMs(exactMs, totalPerSecond(state, nowMs)) : exactMs;
  const before = state.burst ?? NOTHING_SPENT;
  const own = before.spending[workerId] ?? { sent: [] };
  const perSecond = Math.max(0, ...lent.map(({ ratePerSecond }) => ratePerSecond));
  const next: Spending = lent.length === 0 ? own : { ...own, lent: { perSecond, untilMs: lent.at(-1)!.toMs } };
  const others = Object.entries(before.spending).filter(([id]) => id !== workerId);
  const segments = answer.segments.flatMap((segment) => cut(segment, state.book, others, windowMs, nowMs));
  const even = isEven(state, windowMs, nowMs) ? { evenly: true as const } : {};
  const careful = carefulOpen(state, exactMs, nowMs);
  const open = careful === undefined ? {} : { openLimit: Math.min(careful, answer.openLimit ?? careful) };
  return {
    state: { ...state, burst: { ...before, spending: { ...before.spending, [workerId]: next } } },
    answer: { ...answer, segments, windowMs, ...even, ...open },
  };
}

/** A share of a quota of few is no whole number: so many more are for so much longer a window. */
function wholeMs(windowMs: number, perSecond: number): number {
  const quota = (perSecond * windowMs) / 1_000;
  if (quota <= 0) return windowMs;
  return Math.max(windowMs, Math.ceil((Math.ceil(quota - LAST_DIGIT) * 1_000) / perSecond - LAST_DIGIT));
}
