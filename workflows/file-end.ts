/** How a file ends when it does not complete: in words for people, and with the counts for programs. */

import { ActivityFailure, ApplicationFailure } from '@temporalio/workflow';
import type { WindowResult } from '../src/domain/contracts.ts';
import type { FileCounts, FileSummary } from '../src/domain/counts.ts';
import { differenceFrom } from '../src/domain/file-plan.ts';
import { FAILURE } from '../src/domain/names.ts';
import { refusedFor } from '../src/domain/rows/max-invalid.ts';
import { grouped, noValidRowText, tooManyInvalidText } from '../src/domain/rows/words.ts';

/** Whether an activity failed for good with one of wds's own failures. */
export const failedWith = (error: unknown, type: string): boolean =>
  error instanceof ActivityFailure && error.cause instanceof ApplicationFailure && error.cause.type === type;

const OWN_TYPES: ReadonlySet<string> = new Set(Object.values(FAILURE));

/** One of wds's own failures that ended an activity, in place of "Activity task failed": a workflow's failure is what people see first. */
export function inItsOwnWords(error: unknown): unknown {
  const cause = error instanceof ActivityFailure ? error.cause : undefined;
  return cause instanceof ApplicationFailure && OWN_TYPES.has(cause.type ?? '') ? cause : error;
}

/** Some alerts were rejected, undelivered or unconfirmed; undefined: all were delivered. */
export function undeliveredAlerts(summary: FileSummary): ApplicationFailure | undefined {
  const { alerts, rejected, undelivered, unconfirmed, pending, reportDir } = summary;
  const parts: [string, number][] = [
    ['rejected', rejected],
    ['undelivered', undelivered],
    ['unconfirmed', unconfirmed],
    ['without an outcome', pending],
  ];
  const listed = parts.filter(([, count]) => count > 0).map(([label, count]) => `${grouped(count)} ${label}`);
  if (listed.length === 0) return undefined;
  return ApplicationFailure.create({
    type: FAILURE.undeliveredAlerts,
    message: `${listed.join(', ')} of ${grouped(alerts)} alerts; see ${reportDir}, then retry with: wds retry`,
    nonRetryable: true,
    details: [summary],
  });
}

/**
 * The rows that were read refuse the file, before anything of it is sent; undefined: they do not. `summary` is of a report written then:
 * whoever was alerted in an earlier run is in it, and then the file goes on, whatever is stated now.
 */
export function refusedRows(
  read: FileCounts,
  summary: FileSummary,
  maxInvalid: number | undefined,
): ApplicationFailure | undefined {
  const code = refusedFor(read, maxInvalid);
  if (code === undefined || summary.delivered + summary.unconfirmed > 0) return undefined;
  const list = `${summary.reportDir}/invalid.csv`;
  const message =
    code === 'no_valid_row' ? noValidRowText(read, list) : tooManyInvalidText(read, maxInvalid ?? 1, list);
  const [commonest] = read.invalidReasons ?? [];
  const where = { code, ...(commonest === undefined ? {} : { line: commonest.firstLine }) };
  return ApplicationFailure.nonRetryable(message, FAILURE.fileRefused, where, summary);
}

/** The report shows less than was done; undefined: it does not. An activity that is asked to compare waits with such a report. */
export function receiptsMissing(seen: FileCounts, summary: FileSummary): ApplicationFailure | undefined {
  const difference = differenceFrom(seen, summary);
  if (difference === undefined) return undefined;
  const message = `the store does not hold what this delivery has done: ${difference}`;
  return ApplicationFailure.nonRetryable(message, FAILURE.receiptsMissing, summary);
}

/** Chunks that were read again are not those that were read first: receipts would not fit. */
export function otherContent(window: WindowResult): ApplicationFailure {
  const message = `window ${window.window} was read again and is not what it was; drop the file again`;
  return ApplicationFailure.nonRetryable(message, FAILURE.contentMissing);
}
