/** Counts of a file's rows by their ends, and what a person is told of a file. Pure. */
import type { Outcome } from './alert.ts';
import type { Findings } from './rows/findings.ts';

export interface SentCounts extends Readonly<Record<Outcome, number>> {
  /** Of the delivered ones, those that this round did not deliver itself. */
  readonly deliveredBefore?: number;
  /** Alerts that were none: an earlier file has delivered the same to the same user. */
  readonly duplicates?: number;
}

/** The counts of a file at one endpoint, computed from receipts alone. */
export interface FileCounts extends Readonly<Record<Outcome, number>>, Findings {
  readonly rows: number;
  readonly alerts: number;
  readonly invalid: number;
  readonly duplicates: number;
  /** Alerts without an outcome yet. 0 when a file has ended. */
  readonly pending: number;
  /** Of the delivered ones, those that this round has delivered itself. Absent in histories of before. */
  readonly sentNow?: number;
  /** Of the duplicates, those that say what an earlier file has delivered. Absent: none. */
  readonly ofEarlierFiles?: number;
}

export interface FileSummary extends FileCounts {
  readonly sha256: string;
  readonly reportDir: string;
}

/** Answer of the `progress` query and source of the workflow's current details. */
export interface FileProgress {
  /** `paused`: by an operator, or until one decides; what is left of reading goes on, nothing is sent. */
  readonly phase: 'reading' | 'sending' | 'paused' | 'reporting' | 'done' | 'cancelled';
  readonly counts: FileCounts;
  readonly openStubborn: number;
  /** What somebody has to decide before it goes on; the phase is `paused` then. Absent: nothing. */
  readonly decision?: string;
}

export const NOTHING_SENT: SentCounts = { delivered: 0, rejected: 0, undelivered: 0, unconfirmed: 0 };

export const NO_COUNTS: FileCounts = {
  rows: 0,
  alerts: 0,
  ...NOTHING_SENT,
  invalid: 0,
  duplicates: 0,
  pending: 0,
};

export const plus = (left: SentCounts, right: SentCounts): SentCounts => ({
  delivered: left.delivered + right.delivered,
  rejected: left.rejected + right.rejected,
  undelivered: left.undelivered + right.undelivered,
  unconfirmed: left.unconfirmed + right.unconfirmed,
  deliveredBefore: (left.deliveredBefore ?? 0) + (right.deliveredBefore ?? 0),
  duplicates: (left.duplicates ?? 0) + (right.duplicates ?? 0),
});

export const minus = (left: SentCounts, right: SentCounts): SentCounts => ({
  delivered: left.delivered - right.delivered,
  rejected: left.rejected - right.rejected,
  undelivered: left.undelivered - right.undelivered,
  unconfirmed: left.unconfirmed - right.unconfirmed,
  deliveredBefore: (left.deliveredBefore ?? 0) - (right.deliveredBefore ?? 0),
  duplicates: (left.duplicates ?? 0) - (right.duplicates ?? 0),
});
