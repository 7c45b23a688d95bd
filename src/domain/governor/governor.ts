/**
 * The governor of an endpoint: owns its rate, learns it, and lends it to the workers for a few seconds at a time, so that the sum over all
 * of them never exceeds it. A pure step function over plain JSON; the workflow around it supplies the clock and carries the state
 * through continue-as-new. The parts: learner.ts (which rate), circuit.ts (any at all), lending.ts and rate-share.ts (whose),
 * leases.ts (what is out), renewals.ts (who comes when), and the worker's own local-brake.ts for the seconds between two renewals.
 */
import { PACE_FRACTION, taskQueueRate } from '../endpoint.ts';
import { burstHeard, burstRefused, isWindowUsed, relearned, reshaped, windowInForce } from './burst.ts';
import { closedCircuit, observed } from './circuit.ts';
import { crowded, DISPROVED_MS } from './concurrency.ts';
import type { GovernorConfig, LeaseAnswer, LeaseRequest, Override } from './contract.ts';
import { LEASE_MS, RENEW_MS, UNLIMITED_PER_SECOND } from './contract.ts';
import type { Episode } from './episodes.ts';
import { episodeAt } from './episodes.ts';
import type { Learner } from './learner.ts';
import { curve, newLearner, refused, settledPerSecond, slowed, untested, welcomed } from './learner.ts';
import type { Borrower, LeaseBook } from './leases.ts';
import { isActive, openAtOthers, pruned, usedByOthers } from './leases.ts';
import { lendTo } from './lending.ts';
import { recovered } from './recovery.ts';
import type { GovernorState } from './state.ts';
import { maximumPerSecond, rateInForce, startPerSecond } from './state.ts';
import { stated } from './stated-limit.ts';
import type { Stray } from './stray.ts';
import { NO_STRAY, strayLook, strayRefused, strayTook } from './stray.ts';

export type { GovernorState } from './state.ts';
export { newGovernor, totalPerSecond, trusted } from './state.ts';

export type GovernorEvent =
  | { readonly type: 'lease'; readonly request: LeaseRequest }
  | { readonly type: 'override'; readonly override: Override }
  /** The configuration that a newly started process brought along. */
  | { readonly type: 'configure'; readonly config: GovernorConfig };

export interface Decision {
  readonly state: GovernorState;
  /** To a `lease`. */
  readonly answer?: LeaseAnswer;
  /** Set this limit on the task queue; null: clear it. Absent: leave it. */
  readonly applyTaskQueueRate?: number | null;
}

/** A stated rate is believed against a single refusal; a second one within this time counts. */
const STRAY_MS = 30_000;
/** As long as the receiver is thought to refuse, nothing climbs. (A worker that would tell of the end may be gone.) */
const REFUSING_MS = 120_000;
/** `nowMs` never goes backwards. */
export function decide(state: GovernorState, event: GovernorEvent, nowMs: number): Decision {
  switch (event.type) {
    case 'lease': {
      const heard = hear(state, event.request, nowMs);
      const { state: next, answer } = lendTo(heard, event.request.workerId, nowMs);
      return { ...withTaskQueueRate(next, nowMs), answer };
    }
    case 'override':
      return withTaskQueueRate(overridden(state, event.override, nowMs), nowMs);
    case 'configure':
      return withTaskQueueRate(configured(state, event.config, nowMs), nowMs);
  }
}

/** Takes in what the worker saw. */
function hear(state: GovernorState, request: LeaseRequest, nowMs: number): GovernorState {
  const book = entered(pruned(state.book, nowMs), request, nowMs);
  const othersWell = Object.entries(book).some(
    ([id, { wellMs }]) => id !== request.workerId && wellMs !== undefined && nowMs - wellMs < LEASE_MS,
  );
  const circuit = observed(state.circuit, request.delivered, request.badRun, nowMs, othersWell);
  let learner = state.learner;
  // Said by the worker, so that the history of a governor that runs is replayed as it was.
  if (request.episodes !== undefined) learner = { ...learner, hastens: true };
  const idle = nowMs - state.activeMs > LEASE_MS;
  if (idle || state.paused || state.circuit.name === 'open') learner = untested(learner, 0, state.activeMs, nowMs);
  learner = stated(learner, request, nowMs);
  const borrowers = Object.values(book).filter((borrower) => isActive(borrower, nowMs));
  const bursts = windowInForce(state) !== undefined;
  const sentLately = borrowers.reduce((sum, borrower) => sum + borrower.sentPerSecond, 0);
  // A burst says nothing of what is taken in the long run.
  const sent = bursts ? Math.min(sentLately, curve(learner, nowMs)) : sentLately;
  const { brake } = request;
  const othersPerSecond = usedByOthers(book, request.workerId, nowMs);
  learner = strayHeard(learner, request, othersPerSecond, nowMs);
  const strays = learner.stray?.verdict !== undefined;
  const open = brake === null || strays ? undefined : openRefused(state, book, request, nowMs);
  if (brake !== null && strays) {
    learner = untested(learner, sent, nowMs, nowMs);
  } else if (open !== undefined) {
    learner = untested({ ...learner, open }, sent, nowMs, nowMs);
  } else if (brake !== null) {
    const { open: disproved, ...rest } = learner;
    learner = disproved === undefined ? learner : { ...rest, openDisprovedMs: nowMs };
    const stray =
      typeof rateInForce(state) === 'number' && (learner.cutMs === null || nowMs - learner.cutMs > STRAY_MS);
    const totalPerSecond = brake.pacePerSecond + othersPerSecond;
    const leasedMs = state.book[request.workerId]?.askedMs ?? nowMs;
    const refusal = { totalPerSecond, afterMs: brake.afterMs, leasedMs };
    learner = stray ? { ...learner, cutMs: nowMs } : refused(learner, refusal, nowMs);
  } else if (learner.refusingMs !== undefined && nowMs - learner.refusingMs < REFUSING_MS) {
    learner = untested(learner, 0, nowMs, nowMs);
  } else if (sent > 0 && borrowers.some((borrower) => borrower.demandPerSecond === null && borrower.lent.length > 0)) {
    learner = welcomed(learner, maximumPerSecond(state, nowMs), nowMs);
  } else {
    learner = untested(learner, sent, nowMs, nowMs);
  }
  if (brake !== null && request.episodes !== undefined && !strays) learner = { ...learner, refusingMs: nowMs };
  const marked = bursts ? { bursts: true as const } : {};
  for (const report of strays ? [] : (request.episodes ?? [])) {
    const { refusingMs: _, ...free } = learner;
    learner =
      learner.open === undefined
        ? recovered(
            free,
            { ...ofAll(episodeAt(report, nowMs), othersPerSecond), ...marked },
            othersPerSecond > 0,
            nowMs,
          )
        : free;
  }
  // In a burst answers take longer, and the queue ends with it.
  if (request.latencyMs !== null && typeof rateInForce(state) !== 'number' && !bursts) {
    learner = slowed(learner, request.latencyMs, Math.min(sent, curve(learner, nowMs)), nowMs);
  }
  const next = { ...burstHeard(state, request, nowMs), learner, circuit, book, activeMs: nowMs };
  const elsewhere = brake?.quotaUsed !== undefined && !strays && open === undefined;
  return relearned(elsewhere ? burstRefused(next, brake.quotaUsed!, nowMs) : next, state);
}

/** Whether refusals come from the rate at all. */
function strayHeard(learner: Learner, request: LeaseRequest, othersPerSecond: number, nowMs: number): Learner {
  const { brake, throttled, delivered, elapsedMs, sent } = request;
  if (throttled === undefined) return learner;
  const before = learner.stray ?? NO_STRAY;
  if (before.verdict === undefined) {
    const took = strayTook(before, delivered, nowMs);
    if (brake === null) return { ...learner, stray: took };
    const lateMs = othersPerSecond > 0 ? RENEW_MS : 0;
    const stray = strayRefused(took, brake.pacePerSecond + othersPerSecond, lateMs, nowMs - brake.ageMs);
    return stray.verdict === undefined ? { ...learner, stray } : freed(learner, stray, nowMs);
  }
  const pacePerSecond = (sent * 1_000) / Math.max(1_000, elapsedMs) + othersPerSecond;
  const seen = { taken: delivered, refused: throttled, pacePerSecond, braked: brake !== null };
  const look = strayLook(before, before.verdict, seen, nowMs);
  const heard = { ...learner, stray: look.stray };
  if (look.kind !== 'cut') return heard;
  return refused(heard, { totalPerSecond: pacePerSecond, afterMs: Number.MAX_SAFE_INTEGER, leasedMs: nowMs }, nowMs);
}

/** What was learned of refusals that are strays is nothing: it climbs, and is watched while it does. */
function freed(learner: Learner, stray: Stray, nowMs: number): Learner {
  const { episodes: _episodes, window: _window, open: _open, refusingMs: _refusing, ...rest } = learner;
  return { ...rest, ceilingPerSecond: null, basePerSecond: curve(learner, nowMs), anchorMs: nowMs, earlyRun: 0, stray };
}

/** The limit on open requests that explains a refusal; undefined: none does. */
function openRefused(state: GovernorState, book: LeaseBook, request: LeaseRequest, nowMs: number) {
  const { brake, latencyMs } = request;
  const { open, openDisprovedMs } = state.learner;
  if (brake?.open === undefined || latencyMs === null) return undefined;
  if (brake.quotaUsed !== undefined && isWindowUsed(brake.quotaUsed)) return undefined;
  if (openDisprovedMs !== undefined && nowMs - openDisprovedMs < DISPROVED_MS) return undefined;
  const others = openAtOthers(book, request.workerId, latencyMs, nowMs);
  return crowded(open, { open: brake.open + others, alone: others === 0, latencyMs }, nowMs);
}

/** What one of several workers counted is not all that was taken. */
function ofAll(own: Episode, othersPerSecond: number): Episode {
  const factor = 1 + othersPerSecond / Math.max(0.1, own.pacePerSecond);
  return { ...own, admitted: factor * own.admitted, pacePerSecond: factor * own.pacePerSecond };
}

function entered(book: LeaseBook, request: LeaseRequest, nowMs: number): LeaseBook {
  const borrower: Borrower = {
    lent: request.demandPerSecond === 0 || request.dropped === true ? [] : (book[request.workerId]?.lent ?? []),
    demandPerSecond: request.demandPerSecond,
    demandBeforePerSecond: book[request.workerId]?.demandPerSecond ?? null,
    sentPerSecond: (request.sent * 1_000) / Math.max(1_000, request.elapsedMs),
    askedMs: nowMs,
    nextMs: nowMs + RENEW_MS,
    ...(request.lastTries ? { lastTries: true as const } : {}),
    ...troubleOf(book[request.workerId], request, nowMs),
    ...wellSince(book[request.workerId], request, nowMs),
    ...(request.pauseMs === undefined ? {} : { pausedUntilMs: nowMs + request.pauseMs }),
  };
  return { ...book, [request.workerId]: borrower };
}

/** It lasts until something gets through. */
function troubleOf(before: Borrower | undefined, request: LeaseRequest, nowMs: number): Pick<Borrower, 'trouble'> {
  const { trouble, delivered } = request;
  if (trouble !== undefined) return { trouble: { cause: trouble.cause, sinceMs: nowMs - trouble.ageMs } };
  return delivered > 0 || before?.trouble === undefined ? {} : { trouble: before.trouble };
}

function wellSince(before: Borrower | undefined, request: LeaseRequest, nowMs: number): Pick<Borrower, 'wellMs'> {
  if (request.badRun !== null) return {};
  if (request.delivered > 0) return { wellMs: nowMs };
  return before?.wellMs === undefined ? {} : { wellMs: before.wellMs };
}

function overridden(state: GovernorState, override: Override, nowMs: number): GovernorState {
  switch (override.type) {
    case 'pause':
      return { ...state, paused: true };
    case 'resume':
      return {
        ...state,
        paused: false,
        resumes: (state.resumes ?? 0) + 1,
        circuit: { ...closedCircuit(nowMs), name: 'half-open' },
        book: unpaused(state.book),
      };
    case 'set-rate': {
      const { orderedWindowMs: _, ...before } = state;
      const window = override.windowMs === undefined ? {} : { orderedWindowMs: override.windowMs };
      const ordered = { ...before, ...window, orderedRate: override.rate };
      // What was learned is kept where it is asked for.
      if (rateInForce(ordered) === 'auto') return ordered;
      return { ...ordered, learner: newLearner(startPerSecond(rateInForce(ordered)), nowMs) };
    }
    case 'forget':
      return { ...state, learner: newLearner(startPerSecond(rateInForce(state)), nowMs) };
  }
}

/** The workers end their pauses when they next come. */
function unpaused(book: LeaseBook): LeaseBook {
  return Object.fromEntries(
    Object.entries(book).map(([id, { pausedUntilMs: _over, ...borrower }]): [string, Borrower] => [id, borrower]),
  );
}

function configured(state: GovernorState, config: GovernorConfig, nowMs: number): GovernorState {
  const next = { ...state, config };
  const shaped = config.shape === state.config.shape ? next : reshaped(next, nowMs);
  if (config.rate === state.config.rate) return shaped;
  return { ...shaped, learner: newLearner(startPerSecond(config.rate), nowMs) };
}

/** The task queue's limit is coarse, and each change costs history: only a change that matters is made. */
function withTaskQueueRate(state: GovernorState, nowMs: number): Decision {
  const wanted = wantedTaskQueueRate(state, nowMs);
  const applied = state.taskQueueRate;
  if (
    applied !== undefined &&
    (wanted === applied || (wanted !== null && applied !== null && isNear(wanted, applied)))
  ) {
    return { state };
  }
  return { state: { ...state, taskQueueRate: wanted }, applyTaskQueueRate: wanted };
}

function wantedTaskQueueRate(state: GovernorState, nowMs: number): number | null {
  if (state.paused || state.circuit.name === 'open') return 1;
  const settled =
    state.learner.ceilingPerSecond === null ? curve(state.learner, nowMs) : settledPerSecond(state.learner);
  const total = Math.min(maximumPerSecond(state, nowMs), settled);
  if (total >= PACE_FRACTION * UNLIMITED_PER_SECOND) return null;
  return Math.ceil(taskQueueRate(total, state.config.batchSize) ?? 8);
}

function isNear(a: number, b: number): boolean {
  return Math.max(a, b) < 1.5 * Math.min(a, b);
}
