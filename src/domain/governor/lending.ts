/**
 * Lends a worker its share of the rate for the seconds to come, as far as others do not have it still. Low rates, and the first climb to
 * an unknown one, are one worker's alone. Pure.
 */
import { PACE_FRACTION } from '../endpoint.ts';
import { withWindow } from './burst.ts';
import { probeIntervalMs, withProbe } from './circuit.ts';
import { openLimitAt, openShare } from './concurrency.ts';
import type { LeaseAnswer } from './contract.ts';
import { LEASE_MS, SHARE_OF_NO_LIMIT, UNLIMITED_PER_SECOND } from './contract.ts';
import type { Borrower, Span } from './leases.ts';
import { isActive, LentOverTime, lendable, lentUntilMs, openAtOthers, raised, spansBetween } from './leases.ts';
import { fairShares } from './rate-share.ts';
import { nextRenewalMs } from './renewals.ts';
import type { GovernorState } from './state.ts';
import { isSearching, onlyLastTries, totalPerSecond } from './state.ts';
import { waitingOf } from './waiting.ts';

/** Below this rate one worker holds all of it. Once shared it stays so down to a lower one: a change of hands costs a second. */
const SHARED_FROM = 100;
const ALONE_BELOW = 60;
/** The climb to an unknown limit is one worker's up to here: it knows at once, and exactly, at which rate it was refused. */
const SEARCHED_ALONE_TO = 5_000;
/** A worker that was refused is waited for so long. */
const REFUSING_MS = 900_000;
/** Of what a worker that is not held back really sent, so that its need can show. */
const DEMAND_SLACK = 1.5;

/** Of its share: less beyond that is not lent, for each change of a rate is a segment of a lease. */
const WORTH_MORE = 1.001;

/** The worker that asks is in the book. */
export function lendTo(
  heard: GovernorState,
  workerId: string,
  nowMs: number,
): { state: GovernorState; answer: LeaseAnswer } {
  const total = totalPerSecond(heard, nowMs);
  // Nobody else is to find out that it refuses. (Where the rate is shared, the end of most refusals is told with the next renewal.)
  const refusingMs = nowMs - (heard.learner.refusingMs ?? Number.NEGATIVE_INFINITY);
  const refusing = refusingMs < REFUSING_MS && (heard.alone || refusingMs > LEASE_MS);
  const low =
    refusing || total < (!heard.alone ? ALONE_BELOW : isSearching(heard, nowMs) ? SEARCHED_ALONE_TO : SHARED_FROM);
  const open = heard.circuit.name === 'open';
  const alone =
    low && (open || heard.learner.open !== undefined || !leavesSome(heard, holderOf(heard, workerId, nowMs), nowMs));
  let state: GovernorState = { ...heard, alone };
  const own = state.book[workerId]!;
  const holder = alone ? holderOf(state, workerId, nowMs) : null;
  const lends =
    own.demandPerSecond !== 0 && !state.paused && nowMs >= state.quietUntilMs && (holder ?? workerId) === workerId;
  if (open && lends) state = { ...state, circuit: withProbe(state.circuit) };
  const leaseMs = open
    ? Math.max(LEASE_MS, 2 * probeIntervalMs(state.circuit, onlyLastTries(state)) + 1_000)
    : LEASE_MS;
  const spans = lends ? lease(state, workerId, nowMs, leaseMs) : [];
  const segments = spans.map((span) => ({
    fromMs: span.fromMs - nowMs,
    toMs: span.toMs - nowMs,
    ratePerSecond: span.ratePerSecond,
  }));
  const renewAfterMs = nextRenewalMs(state, workerId, { holder, leaseMs, lends }, nowMs);
  const openLimit = openLimitOf(state, workerId, nowMs);
  const borrower: Borrower = { ...own, lent: raised(own.lent, spans, nowMs), nextMs: nowMs + renewAfterMs };
  const entry = openLimit === undefined ? borrower : { ...borrower, openLimit };
  const strays = state.learner.stray?.verdict?.share;
  const after = { ...state, book: { ...state.book, [workerId]: entry } };
  const answer: LeaseAnswer = {
    segments,
    renewAfterMs,
    circuit: state.circuit.name,
    paused: state.paused,
    resumes: state.resumes ?? 0,
    ...(openLimit === undefined ? {} : { openLimit }),
    ...(strays === undefined ? {} : { strays }),
    waiting: waitingOf(after, nowMs),
  };
  return withWindow(after, workerId, { answer, lent: entry.lent }, nowMs);
}

/** undefined: there is no such limit. */
function openLimitOf(state: GovernorState, workerId: string, nowMs: number): number | undefined {
  const { open } = state.learner;
  if (open === undefined) return undefined;
  const limit = openLimitAt(open, nowMs);
  if (state.alone) return limit;
  const others = Object.entries(state.book).filter(([id, other]) => id !== workerId && isActive(other, nowMs));
  return openShare(limit, 1 + others.length, openAtOthers(state.book, workerId, 0, nowMs));
}

/** The one who would have everything has not needed it at two renewals, and others wait. (At one: a moment without a batch.) */
function leavesSome(state: GovernorState, holder: string, nowMs: number): boolean {
  const { demandPerSecond, demandBeforePerSecond } = state.book[holder]!;
  if (demandBeforePerSecond === null) return false;
  const others = Object.entries(state.book).filter(([id, other]) => id !== holder && isActive(other, nowMs));
  return demandPerSecond !== null && demandPerSecond > 0 && others.length > 0;
}

/** Who has the whole rate, where one worker has it: whoever was lent it for longest, or else the one that asks. */
function holderOf(state: GovernorState, workerId: string, nowMs: number): string {
  let holder = workerId;
  for (const [id, borrower] of Object.entries(state.book)) {
    if (isActive(borrower, nowMs) && lentUntilMs(borrower) > lentUntilMs(state.book[holder])) holder = id;
  }
  return holder;
}

/** The worker's share of each second to come, as far as others do not have it still. */
function lease(state: GovernorState, workerId: string, nowMs: number, leaseMs: number): Span[] {
  const endMs = nowMs + leaseMs;
  const others = Object.entries(state.book).flatMap(([id, other]) => (id === workerId ? [] : [other]));
  const othersUntilMs = others.reduce((latest, other) => Math.max(latest, lentUntilMs(other)), nowMs);
  // Whoever takes over a low rate keeps the distance that the last holder's last request is owed.
  const takesOver = state.alone && othersUntilMs > nowMs;
  const fromMs = takesOver ? othersUntilMs + Math.min(1_000, 1_000 / totalPerSecond(state, nowMs)) : nowMs;
  const lent = new LentOverTime(others);
  const edges = [nowMs, endMs, fromMs, ...lent.edges];
  // The climb of the next seconds, in steps of a second.
  for (let atMs = Math.ceil(nowMs / 1_000) * 1_000; atMs < endMs; atMs += 1_000) edges.push(atMs);
  const shareAt = sharesOf(state, workerId, nowMs);
  return spansBetween(new Set(edges.filter((atMs) => atMs >= nowMs && atMs <= endMs)), (atMs) => {
    const total = totalPerSecond(state, atMs);
    const { perSecond, ofTotal } = lent.at(atMs);
    const left = atMs < fromMs ? 0 : Math.max(total, ofTotal) - perSecond;
    // Whoever comes need not wait for what another was lent of no limit.
    const most = isNoLimit(total) && !state.alone ? SHARE_OF_NO_LIMIT : Math.min(shareAt(atMs, total), left);
    const rate = Math.max(0, lendable(most));
    return { ratePerSecond: rate, latestPerSecond: rate, totalPerSecond: Math.max(total, ofTotal) };
  });
}

const isNoLimit = (totalPerSecond: number): boolean => totalPerSecond >= PACE_FRACTION * UNLIMITED_PER_SECOND;

/**
 * What the worker should have at a time: an equal share among those who need one, or more as long as somebody's lease leaves more: one
 * who has just come takes his share only when it is free. To be asked at rising times.
 */
function sharesOf(state: GovernorState, workerId: string, nowMs: number): (atMs: number, total: number) => number {
  if (state.alone) return (_, total) => total;
  const others = Object.entries(state.book)
    .flatMap(([id, other]) => (id !== workerId && isActive(other, nowMs) ? [other] : []))
    // Who has nothing yet takes his share when he comes.
    .map((borrower) => ({ borrower, comesMs: Math.max(lentUntilMs(borrower), borrower.nextMs) }))
    .sort((a, b) => a.comesMs - b.comesMs);
  const lent = new LentOverTime(others.map(({ borrower }) => borrower));
  const demands = [...others.map(({ borrower }) => demandOf(borrower)), demandOf(state.book[workerId]!)];
  let shares: readonly number[] = [];
  let sharedTotal = Number.NaN;
  let come = 0;
  let sharesOfCome = 0;
  return (atMs, total) => {
    if (sharedTotal !== total) {
      shares = sharesAmong(total, demands);
      sharedTotal = total;
      come = 0;
      sharesOfCome = 0;
    }
    for (; come < others.length && others[come]!.comesMs <= atMs; come++) sharesOfCome += shares[come]!;
    const claimed = lent.at(atMs).perSecond + sharesOfCome;
    const own = shares.at(-1)!;
    const more = Math.min(demands.at(-1)!, total - claimed);
    return more > WORTH_MORE * own ? more : own;
  };
}

const demandOf = ({ demandPerSecond }: Borrower): number =>
  demandPerSecond === null ? Number.POSITIVE_INFINITY : DEMAND_SLACK * demandPerSecond + 1;

/** Those that are needed; what nobody seems to need is there for whoever's need grows before he comes again. */
function sharesAmong(total: number, demands: readonly number[]): number[] {
  const needed = fairShares(total, demands);
  const spare = Math.max(0, total - needed.reduce((sum, share) => sum + share, 0)) / demands.length;
  return needed.map((share) => lendable(share + spare));
}
