/** Input of the governor's workflow, its one activity, and what a person is shown of it. Pure. */

import type { CircuitName, GovernorConfig, Waiting } from './contract.ts';
import { UNLIMITED_PER_SECOND } from './contract.ts';
import type { GovernorState } from './governor.ts';
import { totalPerSecond } from './governor.ts';
import { learnedText } from './learned-text.ts';
import { isActive } from './leases.ts';
import { shapeText } from './quota-use.ts';
import { waitingOf } from './waiting.ts';

export interface GovernorInput {
  readonly endpoint: string;
  readonly config: GovernorConfig;
  /** Leases of a lost governor may be in use for this long. */
  readonly waitMs: number;
  /** Whose endpoint it is; messages of others are refused. Absent in histories of earlier builds, until one adopts it. */
  readonly installation?: string;
  /** Set by continue-as-new only. */
  readonly state?: GovernorState;
}

export interface ApplyTaskQueueRateInput {
  readonly endpoint: string;
  /** Absent: on the queue of an earlier version. */
  readonly installation?: string;
  /** null: no limit. */
  readonly activitiesPerSecond: number | null;
}
export interface GovernorActivities {
  applyTaskQueueRate(input: ApplyTaskQueueRateInput): Promise<void>;
}

/** What an operator is told of an endpoint. */
export interface GovernorView {
  readonly endpoint: string;
  readonly configured: GovernorConfig['rate'];
  /** Ordered by an operator; null: the configured rate holds. */
  readonly ordered: GovernorConfig['rate'] | null;
  /** Requests a second over all workers, now; null: no limit. */
  readonly ratePerSecond: number | null;
  readonly paused: boolean;
  readonly circuit: CircuitName;
  /** Why the circuit is not closed. */
  readonly reason: string | null;
  readonly activeWorkers: number;
  /** What was learned of its limit, in words; null, or absent in answers of an earlier build: nothing yet. */
  readonly learned?: string | null;
  /** How a limit with a window is used, in words; null, or absent in answers of an earlier build: evenly. */
  readonly shape?: string | null;
  /** The receiver has asked workers to send nothing for a while; null, or absent in answers of an earlier build: it has not. */
  readonly receiverPause?: {
    readonly workers: number;
    /** ISO 8601: the last of them. */
    readonly until: string;
  } | null;
  /** Why nothing is sent just now; null, or absent in answers of an earlier build: it is sent what there is. */
  readonly waiting?: Waiting | null;
}

export function viewOf(endpoint: string, state: GovernorState, nowMs: number): GovernorView {
  const total = totalPerSecond(state, nowMs);
  const { name } = state.circuit;
  const waiting = waitingOf(state, nowMs);
  return {
    endpoint,
    configured: state.config.rate,
    ordered: state.orderedRate,
    ratePerSecond: total >= UNLIMITED_PER_SECOND / 10 ? null : Math.round(total * 100) / 100,
    paused: state.paused,
    circuit: name,
    reason: waiting?.why === 'circuit' ? waiting.text : null,
    activeWorkers: Object.values(state.book).filter((borrower) => isActive(borrower, nowMs)).length,
    learned: learnedText(state, nowMs),
    shape: shapeText(state, nowMs),
    receiverPause: receiverPause(state, nowMs),
    waiting,
  };
}

function receiverPause(state: GovernorState, nowMs: number): NonNullable<GovernorView['receiverPause']> | null {
  const ends = Object.values(state.book).flatMap(({ pausedUntilMs = 0 }) =>
    pausedUntilMs > nowMs ? [pausedUntilMs] : [],
  );
  return ends.length === 0 ? null : { workers: ends.length, until: new Date(Math.max(...ends)).toISOString() };
}

/** Markdown for the Web UI. */
export function governorDetails(view: GovernorView): string {
  const rate = view.ratePerSecond === null ? 'no limit' : `${view.ratePerSecond} a second`;
  const state = view.paused
    ? 'Paused by an operator'
    : view.circuit === 'open'
      ? `**Circuit open**: ${view.reason}; probing now and then`
      : view.circuit === 'half-open'
        ? 'Coming back after a failure'
        : view.receiverPause
          ? `The receiver asked for a pause until ${view.receiverPause.until}`
          : view.waiting
            ? `Waiting: ${view.waiting.text}`
            : 'Sending';
  return [
    `**Endpoint ${view.endpoint}**: ${state}`,
    '',
    '| | |',
    '|---|---:|',
    `| rate now | ${rate} |`,
    `| configured | ${view.configured} |`,
    ...(view.ordered === null ? [] : [`| ordered | ${view.ordered} |`]),
    ...(view.learned ? [`| learned | ${view.learned} |`] : []),
    ...(view.shape ? [`| shape | ${view.shape} |`] : []),
    `| active workers | ${view.activeWorkers} |`,
  ].join('\n');
}
