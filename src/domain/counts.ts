/** Counts of a file's rows by their ends, and what a person is told of a file. Pure. */
import type { Outcome } from './alert.ts';
import type { Closed } from './restraint/schedule.ts';
import type { Findings } from './rows/findings.ts';

/** Those that have been counted from the first version on: the counts in all histories have them. */
type AlwaysCounted = Exclude<Outcome, 'suppressed'>;

export interface SentCounts extends Readonly<Record<AlwaysCounted, number>> {
  /** Absent: none. */
  readonly suppressed?: number;
  /** Of the delivered ones, those that this round did not deliver itself. */
  readonly deliveredBefore?: number;
  /** Alerts that were none: an earlier file has delivered the same to the same user. */
  readonly duplicates?: number;
}

/** The counts of a file at one endpoint, computed from receipts alone. */
export interface FileCounts extends Readonly<Record<AlwaysCounted, number>>, Findings {
  readonly rows: number;
  readonly alerts: number;
  readonly invalid: number;
  readonly duplicates: number;
  /** Alerts without an outcome yet. 0 when a file has ended. */
  readonly pending: number;
  /** Alerts to users on a suppression list: not sent, and no failure. Absent, also in histories of before: none. */
  readonly suppressed?: number;
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
  /** It is not the time for it; absent: it is. */
  readonly closed?: Closed;
}

/** The counts that people are shown, in this order: of alerts, and of the rows that are none. */
export const COUNTS_OF_ALERTS = [
  'rows',
  'alerts',
  'delivered',
  'rejected',
  'undelivered',
  'unconfirmed',
  'suppressed',
] as const;
export const COUNTS_OF_OTHER_ROWS = ['invalid', 'duplicates'] as const;

export const NOTHING_SENT: SentCounts = { delivered: 0, rejected: 0, undelivered: 0, unconfirmed: 0 };

export const NO_COUNTS: FileCounts = {
  rows: 0,
  alerts: 0,
  ...NOTHING_SENT,
  invalid: 0,
  duplicates: 0,
  pending: 0,
};

type Ends = Readonly<Record<AlwaysCounted, number>> & { readonly suppressed?: number | undefined };

/** Alerts that have ended, however. */
export const endedOf = ({ delivered, rejected, undelivered, unconfirmed, suppressed = 0 }: Ends): number =>
  delivered + rejected + undelivered + unconfirmed + suppressed;

/** Nobody is left who was to get an alert. */
export const isAllDelivered = ({
  alerts,
  delivered,
  suppressed = 0,
}: Pick<FileCounts, 'alerts' | 'delivered' | 'suppressed'>): boolean => delivered + suppressed === alerts;

export const plus = (left: SentCounts, right: SentCounts): SentCounts => ({
  delivered: left.delivered + right.delivered,
  rejected: left.rejected + right.rejected,
  undelivered: left.undelivered + right.undelivered,
  unconfirmed: left.unconfirmed + right.unconfirmed,
  suppressed: (left.suppressed ?? 0) + (right.suppressed ?? 0),
  deliveredBefore: (left.deliveredBefore ?? 0) + (right.deliveredBefore ?? 0),
  duplicates: (left.duplicates ?? 0) + (right.duplicates ?? 0),
});

export const minus = (left: SentCounts, right: SentCounts): SentCounts => ({
  delivered: left.delivered - right.delivered,
  rejected: left.rejected - right.rejected,
  undelivered: left.undelivered - right.undelivered,
  unconfirmed: left.unconfirmed - right.unconfirmed,
  suppressed: (left.suppressed ?? 0) - (right.suppressed ?? 0),
  deliveredBefore: (left.deliveredBefore ?? 0) - (right.deliveredBefore ?? 0),
  duplicates: (left.duplicates ?? 0) - (right.duplicates ?? 0),
});
