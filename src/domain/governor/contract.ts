/**
 * What a worker and the governor of an endpoint say to each other (a workflow Update every few seconds), and what an operator may order.
 * All of it is stored in Temporal's history: counts and rates only, plain JSON, no Infinity.
 */
import type { Rate } from '../endpoint.ts';
import type { BadKind } from '../illness.ts';
import type { EpisodeReport } from './episodes.ts';

/** How long a share of the rate is lent. A worker that does not come back loses it then. */
export const LEASE_MS = 6_000;
/** When a worker is to come back; what is left of the lease is for a slow Update, which is five events of the governor's history. */
export const RENEW_MS = 5_250;
/** Stands for "no limit" where a number is needed. */
export const UNLIMITED_PER_SECOND = 1_000_000;
/** What each worker has of no limit: the sum over many of them is one still. */
export const SHARE_OF_NO_LIMIT = UNLIMITED_PER_SECOND / 16;
/** More than any process can send: a pacer treats this rate and above as none. */
export const NO_LIMIT_FROM = UNLIMITED_PER_SECOND / 20;

/** A worker may send so much from `fromMs` (inclusive) to `toMs` (exclusive), counted from the governor's decision; see `lentAt`. */
export interface LeaseSegment {
  readonly fromMs: number;
  readonly toMs: number;
  readonly ratePerSecond: number;
  /** Where the answer names a window: requests that other workers have sent within it, or may have. Absent: none. */
  readonly spent?: number;
}

/** The latest time a worker had to brake (local-brake.ts) since its last request. */
export interface BrakeReport {
  /** How long before this request was sent. */
  readonly ageMs: number;
  /** This worker's own rate when the receiver refused. */
  readonly pacePerSecond: number;
  /** How long it had been sending since its last stop: the shorter, the farther is the limit below the rate. */
  readonly afterMs: number;
  /** Other requests of this worker that were on their way when the refused one was sent. Absent: not counted. */
  readonly open?: number;
  /** Which part of the quota was used by then, where it may be used at once: 1 is all. Absent: no window was known. */
  readonly quotaUsed?: number;
}

/** An unbroken run of failures of one kind at the end of what the worker saw; it counts only answers since its last request. */
export interface BadRun {
  /** Passing failures (no answer, 5xx), or the status of identical refusals (`endpointSuspect`). */
  readonly kind: BadKind;
  readonly count: number;
  /** Requests went out, and nothing came back: each probe is an alert in doubt. Absent: false. */
  readonly unanswered?: boolean;
  /** Failures are those of different alerts that were asked after the last one that was answered. Absent: of an earlier build, a mere run. */
  readonly alerts?: true;
}

/** What a worker's requests come to, since none gets through any more. No text of a body, a row or a user. */
export interface Trouble {
  /** `connect ECONNREFUSED 10.0.0.7:443`, `HTTP 401`, `no answer within 15 s` … */
  readonly cause: string;
  readonly ageMs: number;
}

export interface Waiting {
  /**
   * `paused`: by an operator. `circuit`: nothing gets through, and only probes are sent. `asked`: the receiver wants to be left alone. `quota`: that
   * of a long window is used. `trouble`: what was sent last did not get through, and is tried again.
   */
  readonly why: 'paused' | 'circuit' | 'asked' | 'quota' | 'trouble';
  /** What the last requests came to; null: nobody has told. */
  readonly cause: string | null;
  /** In words, without a time: the end of a sentence about the endpoint. */
  readonly text: string;
  /** ISO 8601. */
  readonly since: string | null;
  readonly until: string | null;
}

/** Of a `Trouble`, in characters. */
export const LONGEST_CAUSE = 250;

export interface LeaseRequest {
  /** New for each process, also after a restart. */
  readonly workerId: string;
  /**
   * Requests a second that the worker can use. null: more than it was lent, the pacer is what holds it back. 0: nothing; it has dropped
   * its lease before sending this, and stays away until it has alerts again.
   */
  readonly demandPerSecond: number | null;
  /** It has dropped its lease before sending this; the answer's is its next. Absent: false. */
  readonly dropped?: boolean;
  /** Since the worker's last request. */
  readonly delivered: number;
  readonly sent: number;
  /** Answers that said that it was too much. Absent: of a build that did not count them. */
  readonly throttled?: number;
  readonly elapsedMs: number;
  readonly brake: BrakeReport | null;
  /** Times of refusals that are over, oldest first. Absent: of a build that did not count them. */
  readonly episodes?: readonly EpisodeReport[];
  readonly badRun: BadRun | null;
  /** Mean time to an answer over the delivered alerts; null: there were none. */
  readonly latencyMs: number | null;
  /** The lowest ceiling that the answers' headers stated; null: none did. */
  readonly ceilingPerSecond: number | null;
  /** The window that this ceiling is of. Absent: unknown. */
  readonly ceilingWindowMs?: number;
  /** What this worker has sent within the window that it was told of: ages of requests and how many. Absent: it was told of none. */
  readonly spent?: readonly (readonly [ageMs: number, count: number])[];
  /** The endpoint is ill, and this worker has no alerts left but those that were tried before. Absent: it has others. */
  readonly lastTries?: true;
  /** Nothing has got through since this worker's last request. Absent: something has, or nothing was sent. */
  readonly trouble?: Trouble;
  /** How much longer the receiver has asked this worker to send nothing. Absent: not at all. */
  readonly pauseMs?: number;
}

export type CircuitName = 'closed' | 'half-open' | 'open';

export interface LeaseAnswer {
  /** In time order, without overlap; outside of them the worker sends nothing. Replaces the worker's earlier lease. */
  readonly segments: readonly LeaseSegment[];
  /** Ask again so long after receiving this, or at once on the first success while the circuit is not closed. */
  readonly renewAfterMs: number;
  /**
   * A segment's quota (its rate times this window) may be used at once; in no window of this length more than that, what others have spent counted.
   * Absent: requests are spaced evenly.
   */
  readonly windowMs?: number;
  /** Both: spaced evenly, and never more than the quota in a window. */
  readonly evenly?: true;
  readonly circuit: CircuitName;
  readonly paused: boolean;
  /** How often an operator has ordered `resume`: a worker that sees it grow ends its own pause. Absent: of an earlier build. */
  readonly resumes?: number;
  /** Requests that the worker may have open at once. Absent: as many as it likes. */
  readonly openLimit?: number;
  /** Such a part of the requests is refused, whatever the rate (stray.ts): a refusal concerns its own alert. Absent: it may be the rate. */
  readonly strays?: number;
  /** Why nothing is sent just now, over all workers. Absent: of an earlier build. */
  readonly waiting?: Waiting | null;
}

export interface GovernorConfig {
  /** A number: never above it. */
  readonly rate: Rate;
  /** Alerts a batch; for the task queue's rate limit. */
  readonly batchSize: number;
  /** A window's quota may be used at once. Absent: it is spread evenly. */
  readonly shape?: 'burst';
  /** The window that the rate was stated for. Absent: for none, or for a second. */
  readonly windowMs?: number;
}

export type Override =
  | { readonly type: 'pause' }
  /** Also closes an open circuit and ends the pauses that the receiver asked for: the operator says that the endpoint is well again. */
  | { readonly type: 'resume' }
  /** null: back to the configured rate. */
  | { readonly type: 'set-rate'; readonly rate: Rate | null; readonly windowMs?: number }
  /** Everything that was learned. */
  | { readonly type: 'forget' };
