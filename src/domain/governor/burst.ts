/**
 * Shape `burst`: a window's quota may be used at once, where the limit in force has a window. The governor knows how long that is, and what each
 * worker has sent within it, or may have: a lease says how much of the quota is others'. So the sum over all workers never exceeds the quota in
 * any window, however the rate goes from one to another; a worker that was killed is thought to have used all that it was lent. Pure.
 */
import type { LeaseAnswer, LeaseRequest, LeaseSegment } from './contract.ts';
import { LEASE_MS } from './contract.ts';
import type { LeaseBook, Span } from './leases.ts';
import { spanAt } from './leases.ts';
import type { GovernorState } from './state.ts';
import { rateInForce, totalPerSecond } from './state.ts';

/** What a worker has sent, and what it may send besides until its lease ends. */
interface Spending {
  /** When the last of so many requests was sent; oldest first. */
  readonly sent: readonly (readonly [atMs: number, count: number])[];
  /** Nothing was heard of it since it was lent so much of the quota. Absent: it has nothing. */
  readonly lent?: { readonly perSecond: number; readonly untilMs: number };
}

export interface BurstState {
  readonly spending: Readonly<Record<string, Spending>>;
  /** What was sent before is not known; it was spread evenly. Absent: all is known. */
  readonly sinceMs?: number;
  /** A burst was refused long before the quota was used: until then requests are spaced evenly. */
  readonly evenUntilMs?: number;
  /** For how long that was; twice as long the next time. */
  readonly evenMs?: number;
}

/** A window of a second is a rate. */
const SHORTEST_WINDOW_MS = 1_001;
/** A quota that was used to this part is what refused. */
const USED = 0.9;
const EVEN_MS = 60_000;
const CAREFUL_OPEN = 4;
/** In windows, and at least so long. */
const PROVEN_AFTER = 1.25;
const PROVEN_AFTER_MS = 60_000;
const LONGEST_EVEN_MS = 3_600_000;
/** What was told may have been on its way still. */
const ON_THE_WAY_MS = 1_000;
/** Workers of which it is known what each has sent; of the others only how much they have sent together. */
const MOST_WORKERS = 16;
const MOST_PIECES = 24;
/** What is sent is not remembered for longer. */
const LONGEST_WINDOW_MS = 86_400_000;
const TOGETHER = '';
const LAST_DIGIT = 1e-6;

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
  const provenMs = window.learnedMs + Math.max(PROVEN_AFTER_MS, PROVEN_AFTER * windowMs);
  return nowMs < provenMs ? CAREFUL_OPEN : undefined;
}

/** Whether requests are spaced evenly for now, though there is a window. */
export function isEven({ burst = NOTHING_SPENT, circuit }: GovernorState, windowMs: number, nowMs: number): boolean {
  const { evenUntilMs = 0, sinceMs = Number.NEGATIVE_INFINITY } = burst;
  return circuit.name !== 'closed' || nowMs < evenUntilMs || nowMs < sinceMs + windowMs;
}

export const NOTHING_SPENT: BurstState = { spending: {} };

/** What a worker says that it has sent. One that knows of no window yet says only how many since it asked last. */
export function burstHeard(
  state: GovernorState,
  { workerId, spent, ...request }: LeaseRequest,
  nowMs: number,
): GovernorState {
  if (state.config.shape !== 'burst') return state;
  const before = state.burst ?? NOTHING_SPENT;
  const spending = kept(before.spending, windowInForce(state), nowMs);
  const sent =
    spent?.map(([ageMs, count]) => [nowMs - ageMs, count] as const) ??
    fewer([...(spending[workerId]?.sent ?? []), ...(request.sent > 0 ? [[nowMs, request.sent] as const] : [])]);
  return { ...state, burst: { ...before, spending: { ...spending, [workerId]: { sent } } } };
}

/** Of too many the oldest together. */
function fewer(sent: Spending['sent']): Spending['sent'] {
  if (sent.length <= MOST_PIECES) return sent;
  const [[, first], [atMs, second], ...rest] = sent as readonly [readonly [number, number], readonly [number, number]];
  return [[atMs, first + second], ...rest];
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
  return quota <= 0 ? windowMs : Math.max(windowMs, (Math.ceil(quota - LAST_DIGIT) * 1_000) / perSecond);
}

type Other = readonly [id: string, spending: Spending];

/** In pieces, within which others have spent about the same: the most that it was. */
function cut(
  segment: LeaseSegment,
  book: LeaseBook,
  others: readonly Other[],
  windowMs: number,
  nowMs: number,
): LeaseSegment[] {
  const [fromMs, toMs] = [nowMs + segment.fromMs, nowMs + segment.toMs];
  const edges = others.flatMap(([id, { sent, lent }]) => [
    ...sent.map(([atMs]) => atMs + windowMs + ON_THE_WAY_MS),
    ...(lent === undefined ? [] : [lent.untilMs + windowMs + ON_THE_WAY_MS]),
    ...(book[id]?.lent ?? []).flatMap((span) => [span.fromMs, span.toMs]),
  ]);
  const ordered = [...new Set([fromMs, toMs, ...edges])].filter((atMs) => atMs >= fromMs && atMs <= toMs);
  ordered.sort((a, b) => a - b);
  return ordered.slice(0, -1).map((atMs, index) => {
    const spent = others.reduce((sum, [id, one]) => sum + beyond(one, book[id]?.lent ?? [], windowMs, atMs), 0);
    const piece = { ...segment, fromMs: atMs - nowMs, toMs: ordered[index + 1]! - nowMs };
    return spent === 0 ? piece : { ...piece, spent: Math.ceil(spent - LAST_DIGIT) };
  });
}

/** What a worker has in the window that ends at `atMs`, beyond the share that it is lent then: that one is taken from the rate already. */
function beyond({ sent, lent }: Spending, spans: readonly Span[], windowMs: number, atMs: number): number {
  const sinceMs = atMs - windowMs - ON_THE_WAY_MS;
  const heard = sent.reduce((sum, [sentMs, count]) => (sentMs > sinceMs ? sum + count : sum), 0);
  const may = lent !== undefined && lent.untilMs > sinceMs ? (lent.perSecond * windowMs) / 1_000 : 0;
  const share = ((spanAt(spans, atMs)?.ratePerSecond ?? 0) * windowMs) / 1_000;
  return Math.max(0, Math.max(heard, may) - share);
}

/** Without what has left any window; of very many workers the oldest together. */
function kept(spending: BurstState['spending'], windowMs: number | undefined, nowMs: number): BurstState['spending'] {
  const sinceMs = nowMs - 2 * (windowMs ?? LONGEST_WINDOW_MS) - ON_THE_WAY_MS;
  const current = Object.entries(spending).flatMap(([id, { sent, lent }]): [string, Spending][] => {
    const late = sent.filter(([atMs]) => atMs > sinceMs);
    const known = lent !== undefined && lent.untilMs > sinceMs ? { lent } : {};
    return late.length === 0 && !('lent' in known) ? [] : [[id, { sent: late, ...known }]];
  });
  if (current.length <= MOST_WORKERS) return Object.fromEntries(current);
  const byAge = current.sort(([, a], [, b]) => lastMs(b) - lastMs(a));
  const old = byAge.slice(MOST_WORKERS - 1);
  const count = old.reduce((sum, [, { sent }]) => sum + sent.reduce((all, [, each]) => all + each, 0), 0);
  const may = old.map(([, { lent }]) => lent).filter((lent) => lent !== undefined);
  const together: Spending = {
    sent: [[Math.max(...old.map(([, one]) => lastMs(one))), count]],
    ...(may.length === 0
      ? {}
      : {
          lent: {
            perSecond: may.reduce((sum, { perSecond }) => sum + perSecond, 0),
            untilMs: Math.max(...may.map(({ untilMs }) => untilMs)),
          },
        }),
  };
  return Object.fromEntries([...byAge.slice(0, MOST_WORKERS - 1), [TOGETHER, together]]);
}

const lastMs = ({ sent, lent }: Spending): number => Math.max(sent.at(-1)?.[0] ?? 0, lent?.untilMs ?? 0);
