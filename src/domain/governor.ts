/**
 * The governor of an endpoint: owns its rate, learns it, and lends it to the workers for a few seconds at a time, so that the sum over all
 * of them never exceeds it. A pure step function over plain JSON; the workflow around it supplies the clock and carries the state
 * through continue-as-new. The parts: governor-learner.ts (which rate), governor-circuit.ts (any at all), rate-share.ts (whose),
 * governor-leases.ts (what is out), and the worker's own local-brake.ts for the seconds between two visits.
 */
import { PACE_FRACTION, taskQueueRate } from './endpoint.ts';
import type { Circuit } from './governor-circuit.ts';
import { closedCircuit, observed, probeIntervalMs, returning, sortie } from './governor-circuit.ts';
import type { GovernorConfig, LeaseAnswer, LeaseRequest, Override } from './governor-contract.ts';
import { LEASE_MS, RENEW_MS, UNLIMITED_PER_SECOND } from './governor-contract.ts';
import type { Learner } from './governor-learner.ts';
import {
  curve,
  newLearner,
  refused,
  START_PER_SECOND,
  settledPerSecond,
  stated,
  untested,
  welcomed,
} from './governor-learner.ts';
import type { Borrower, LeaseBook, Span } from './governor-leases.ts';
import {
  isActive,
  lentToOthers,
  lentUntilMs,
  pruned,
  raised,
  spanAt,
  spansBetween,
  usedByOthers,
} from './governor-leases.ts';
import { nextVisitMs } from './governor-visits.ts';
import { fairShares } from './rate-share.ts';

export interface GovernorState {
  readonly config: GovernorConfig;
  readonly paused: boolean;
  /** Set by the operator; null: the configured rate holds. */
  readonly orderedRate: GovernorConfig['rate'] | null;
  readonly learner: Learner;
  readonly circuit: Circuit;
  readonly book: LeaseBook;
  /** One worker holds the whole rate, for two pacers would collide at so few requests. */
  readonly alone: boolean;
  /** When a worker was last lent anything. */
  readonly activeMs: number;
  /** Leases of an earlier governor, of which nothing is known, may be in use until then. */
  readonly quietUntilMs: number;
  /** The task queue's limit that was last asked for; null: no limit. undefined: none was asked for yet. */
  readonly taskQueueRate?: number | null;
}

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

/** Below this rate one worker holds all of it. Once shared it stays so down to a lower one: a change of hands costs a second. */
const SHARED_FROM = 100;
const ALONE_BELOW = 60;
/** The first climb to an unknown limit is one worker's up to here: it knows at once, and exactly, at which rate it was refused. */
const SEARCHED_ALONE_TO = 5_000;
/** A stated rate is believed against a single refusal; a second one within this time counts. */
const STRAY_MS = 30_000;
/** Of what a worker that is not held back really sent, so that its need can show. */
const DEMAND_SLACK = 1.5;

/**
 * A governor that knows nothing. `waitMs`: LEASE_MS where an earlier governor of this endpoint may have lent something (its state was
 * lost), 0 where there was none. A governor that continues as new passes its state on instead.
 */
export function newGovernor(config: GovernorConfig, nowMs: number, waitMs = 0): GovernorState {
  return {
    config,
    paused: false,
    orderedRate: null,
    learner: newLearner(startPerSecond(config.rate), nowMs),
    circuit: closedCircuit(nowMs),
    book: {},
    alone: true,
    activeMs: nowMs,
    quietUntilMs: nowMs + waitMs,
  };
}

/** `nowMs` never goes backwards. */
export function decide(state: GovernorState, event: GovernorEvent, nowMs: number): Decision {
  switch (event.type) {
    case 'lease': {
      const heard = hear(state, event.request, nowMs);
      const { state: next, answer } = answerTo(heard, event.request, nowMs);
      return { ...withTaskQueueRate(next, nowMs), answer };
    }
    case 'override':
      return withTaskQueueRate(overridden(state, event.override, nowMs), nowMs);
    case 'configure':
      return withTaskQueueRate(configured(state, event.config, nowMs), nowMs);
  }
}

/** What may be sent in all at `atMs`, as far as is known now. */
export function totalPerSecond(state: GovernorState, atMs: number): number {
  if (state.paused) return 0;
  if (state.circuit.name === 'open') return 1_000 / probeIntervalMs(state.circuit);
  return returning(state.circuit, atMs) * Math.min(maximumPerSecond(state), curve(state.learner, atMs));
}

/** The rate in force: the operator's order, or the configured one. */
export function rateInForce(state: GovernorState): GovernorConfig['rate'] {
  return state.orderedRate ?? state.config.rate;
}

function maximumPerSecond(state: GovernorState): number {
  const rate = rateInForce(state);
  const operators = typeof rate === 'number' ? rate : UNLIMITED_PER_SECOND;
  return PACE_FRACTION * Math.min(operators, state.learner.statedPerSecond ?? operators);
}

function startPerSecond(rate: GovernorConfig['rate']): number {
  if (typeof rate === 'number') return rate;
  return rate === 'auto' ? START_PER_SECOND : UNLIMITED_PER_SECOND;
}

/** Takes in what the worker saw. */
function hear(state: GovernorState, request: LeaseRequest, nowMs: number): GovernorState {
  const book = entered(pruned(state.book, nowMs), request, nowMs);
  const circuit = observed(state.circuit, request.delivered, request.badRun, nowMs);
  let learner = state.learner;
  const idle = nowMs - state.activeMs > LEASE_MS;
  if (idle || state.paused || state.circuit.name === 'open') learner = untested(learner, 0, state.activeMs, nowMs);
  learner = stated(learner, request, nowMs);
  const borrowers = Object.values(book).filter((borrower) => isActive(borrower, nowMs));
  const { brake } = request;
  if (brake !== null) {
    const stray =
      typeof rateInForce(state) === 'number' && (learner.cutMs === null || nowMs - learner.cutMs > STRAY_MS);
    const totalPerSecond = brake.pacePerSecond + usedByOthers(book, request.workerId, nowMs);
    const leasedMs = state.book[request.workerId]?.askedMs ?? nowMs;
    const refusal = { totalPerSecond, afterMs: brake.afterMs, leasedMs };
    learner = stray ? { ...learner, cutMs: nowMs } : refused(learner, refusal, nowMs);
  } else if (borrowers.some((borrower) => borrower.demandPerSecond === null)) {
    learner = welcomed(learner, maximumPerSecond(state), nowMs);
  } else {
    const sent = borrowers.reduce((sum, borrower) => sum + borrower.sentPerSecond, 0);
    learner = untested(learner, sent, nowMs, nowMs);
  }
  return { ...state, learner, circuit, book, activeMs: nowMs };
}

function entered(book: LeaseBook, request: LeaseRequest, nowMs: number): LeaseBook {
  const borrower: Borrower = {
    lent: request.demandPerSecond === 0 ? [] : (book[request.workerId]?.lent ?? []),
    demandPerSecond: request.demandPerSecond,
    sentPerSecond: (request.sent * 1_000) / Math.max(1_000, request.elapsedMs),
    askedMs: nowMs,
    nextMs: nowMs + RENEW_MS,
  };
  return { ...book, [request.workerId]: borrower };
}

function answerTo(
  heard: GovernorState,
  request: LeaseRequest,
  nowMs: number,
): { state: GovernorState; answer: LeaseAnswer } {
  const total = totalPerSecond(heard, nowMs);
  const alone = total < (!heard.alone ? ALONE_BELOW : isFirstClimb(heard) ? SEARCHED_ALONE_TO : SHARED_FROM);
  let state: GovernorState = { ...heard, alone };
  const own = state.book[request.workerId]!;
  const holder = alone ? holderOf(state, request.workerId, nowMs) : null;
  const open = state.circuit.name === 'open';
  const lends =
    own.demandPerSecond !== 0 &&
    !state.paused &&
    nowMs >= state.quietUntilMs &&
    (holder ?? request.workerId) === request.workerId;
  if (open && lends) state = { ...state, circuit: sortie(state.circuit) };
  const leaseMs = open ? Math.max(LEASE_MS, 2 * probeIntervalMs(state.circuit) + 1_000) : LEASE_MS;
  const spans = lends ? lease(state, request.workerId, nowMs, leaseMs) : [];
  const segments = spans.map((span) => ({
    fromMs: span.fromMs - nowMs,
    toMs: span.toMs - nowMs,
    ratePerSecond: span.ratePerSecond,
  }));
  const renewAfterMs = nextVisitMs(state, request.workerId, { holder, leaseMs, lends }, nowMs);
  const borrower = { ...own, lent: raised(own.lent, spans, nowMs), nextMs: nowMs + renewAfterMs };
  return {
    state: { ...state, book: { ...state.book, [request.workerId]: borrower } },
    answer: { segments, renewAfterMs, circuit: state.circuit.name, paused: state.paused },
  };
}

function isFirstClimb(state: GovernorState): boolean {
  return (
    typeof rateInForce(state) !== 'number' &&
    state.learner.ceilingPerSecond === null &&
    state.learner.statedPerSecond === null
  );
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
  const others = Object.entries(state.book).filter(([id]) => id !== workerId);
  const othersUntilMs = Math.max(nowMs, ...others.map(([, other]) => lentUntilMs(other)));
  // Whoever takes over a low rate keeps the distance that the last holder's last request is owed.
  const takesOver = state.alone && othersUntilMs > nowMs;
  const fromMs = takesOver ? othersUntilMs + Math.min(1_000, 1_000 / totalPerSecond(state, nowMs)) : nowMs;
  const edges = [
    nowMs,
    endMs,
    fromMs,
    ...others.flatMap(([, { lent }]) => lent.flatMap((span) => [span.fromMs, span.toMs])),
  ];
  // The climb of the next seconds, in steps of a second.
  for (let atMs = Math.ceil(nowMs / 1_000) * 1_000; atMs < endMs; atMs += 1_000) edges.push(atMs);
  return spansBetween(new Set(edges.filter((atMs) => atMs >= nowMs && atMs <= endMs)), (atMs) => {
    const total = totalPerSecond(state, atMs);
    const { sum, ofTotal } = lentToOthers(state.book, workerId, atMs);
    const left = atMs < fromMs ? 0 : Math.max(total, ofTotal) - sum;
    const rate = Math.max(0, Math.min(shareOf(state, workerId, total, atMs, nowMs), left));
    return { ratePerSecond: rate, latestPerSecond: rate, totalPerSecond: Math.max(total, ofTotal) };
  });
}

/**
 * What the worker should have at `atMs`: an equal share among those who need one, or more as long as somebody's lease leaves more: one
 * who has just come takes his share only when it is free.
 */
function shareOf(state: GovernorState, workerId: string, total: number, atMs: number, nowMs: number): number {
  if (state.alone) return total;
  const sharers = Object.entries(state.book).filter(
    ([id, borrower]) => id === workerId || (isActive(borrower, nowMs) && lentUntilMs(borrower) > nowMs),
  );
  const demands = sharers.map(([, { demandPerSecond }]) =>
    demandPerSecond === null ? Number.POSITIVE_INFINITY : DEMAND_SLACK * demandPerSecond + 1,
  );
  const shares = fairShares(total, demands);
  let claimed = 0;
  let own = 0;
  let demand = 0;
  sharers.forEach(([id, borrower], index) => {
    if (id === workerId) {
      own = shares[index]!;
      demand = demands[index]!;
    } else {
      claimed += atMs < lentUntilMs(borrower) ? (spanAt(borrower.lent, atMs)?.ratePerSecond ?? 0) : shares[index]!;
    }
  });
  return Math.min(demand, Math.max(own, total - claimed));
}

function overridden(state: GovernorState, override: Override, nowMs: number): GovernorState {
  switch (override.type) {
    case 'pause':
      return { ...state, paused: true };
    case 'resume':
      return { ...state, paused: false, circuit: { ...closedCircuit(nowMs), name: 'half-open' } };
    case 'set-rate': {
      const ordered = { ...state, orderedRate: override.rate };
      return typeof override.rate === 'number' ? { ...ordered, learner: newLearner(override.rate, nowMs) } : ordered;
    }
    case 'forget':
      return { ...state, learner: newLearner(startPerSecond(rateInForce(state)), nowMs) };
  }
}

function configured(state: GovernorState, config: GovernorConfig, nowMs: number): GovernorState {
  if (config.rate === state.config.rate) return { ...state, config };
  return { ...state, config, learner: newLearner(startPerSecond(config.rate), nowMs) };
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
  const total = Math.min(maximumPerSecond(state), settled);
  if (total >= PACE_FRACTION * UNLIMITED_PER_SECOND) return null;
  return Math.ceil(taskQueueRate(total, state.config.batchSize) ?? 8);
}

function isNear(a: number, b: number): boolean {
  return Math.max(a, b) < 1.5 * Math.min(a, b);
}
