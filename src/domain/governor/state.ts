/** All that the governor of an endpoint knows, as plain JSON of bounded size, and the rate that follows from it at an instant. Pure. */
import { PACE_FRACTION } from '../endpoint.ts';
import type { Circuit } from './circuit.ts';
import { closedCircuit, probeIntervalMs, returning } from './circuit.ts';
import { openPerSecond } from './concurrency.ts';
import type { GovernorConfig } from './contract.ts';
import { UNLIMITED_PER_SECOND } from './contract.ts';
import type { Learner } from './learner.ts';
import { curve, isDisproved, newLearner, START_PER_SECOND } from './learner.ts';
import type { LeaseBook } from './leases.ts';
import { isRate } from './message-faults.ts';
import type { BurstState } from './spending.ts';

export interface GovernorState {
  readonly config: GovernorConfig;
  readonly paused: boolean;
  /** Orders to resume. Absent: none, or none since an earlier build. */
  readonly resumes?: number;
  /** Set by the operator; null: the configured rate holds. */
  readonly orderedRate: GovernorConfig['rate'] | null;
  /** The window that it was ordered for. Absent: for none. */
  readonly orderedWindowMs?: number;
  /** What was sent of a quota that may be used at once. Absent: nothing, or it is spread evenly. */
  readonly burst?: BurstState;
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
    ...(config.shape === 'burst' && waitMs > 0 ? { burst: { spending: {}, sinceMs: nowMs + waitMs } } : {}),
  };
}

/** What is handed on to the next run. A build that did not look at orders may have let a rate in that is none. */
export function trusted(state: GovernorState): GovernorState {
  return state.orderedRate === null || isRate(state.orderedRate) ? state : { ...state, orderedRate: null };
}

/** What may be sent in all at `atMs`, as far as is known now. */
export function totalPerSecond(state: GovernorState, atMs: number): number {
  if (state.paused) return 0;
  if (state.circuit.name === 'open') return 1_000 / probeIntervalMs(state.circuit, onlyLastTries(state));
  return returning(state.circuit, atMs) * Math.min(maximumPerSecond(state, atMs), curve(state.learner, atMs));
}

/** Nobody who asks has other alerts. */
export function onlyLastTries({ book }: GovernorState): boolean {
  const borrowers = Object.values(book).filter(({ demandPerSecond }) => demandPerSecond !== 0);
  return borrowers.length > 0 && borrowers.every(({ lastTries }) => lastTries === true);
}

/** The rate in force: the operator's order, or the configured one. */
export function rateInForce(state: GovernorState): GovernorConfig['rate'] {
  return state.orderedRate ?? state.config.rate;
}

/** Never more than this, whatever is learned: the operator's rate or the receiver's own statement, and a hair below it. */
export function maximumPerSecond(state: GovernorState, atMs: number): number {
  const rate = rateInForce(state);
  const operators = typeof rate === 'number' ? rate : UNLIMITED_PER_SECOND;
  const { open, quickestMs, statedPerSecond } = state.learner;
  const answered = open === undefined || quickestMs === null ? operators : openPerSecond(open, quickestMs, atMs);
  return PACE_FRACTION * Math.min(operators, answered, statedPerSecond ?? operators);
}

/** Where learning begins. */
export function startPerSecond(rate: GovernorConfig['rate']): number {
  if (typeof rate === 'number') return rate;
  return rate === 'auto' ? START_PER_SECOND : UNLIMITED_PER_SECOND;
}

/** The limit is anywhere above: no operator's rate, no header, and no refusal yet, or none that still holds. */
export function isSearching(state: GovernorState, nowMs: number): boolean {
  const { ceilingPerSecond, statedPerSecond } = state.learner;
  if (typeof rateInForce(state) === 'number' || statedPerSecond !== null) return false;
  return ceilingPerSecond === null || isDisproved(state.learner, nowMs);
}
