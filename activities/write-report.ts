/** Writes the report of a file from its receipts, and returns the counts that decide how the file ends. */

import type { Clock } from '../src/clock.ts';
import type { WriteReportInput } from '../src/domain/contracts.ts';
import type { FileSummary } from '../src/domain/counts.ts';
import { failpoint } from '../src/failpoint.ts';
import type { Ledgers } from '../src/store/ledger.ts';
import { OtherStore, writeReportFiles } from '../src/store/report.ts';
import type { ReportShelf } from '../src/store/report-shelf.ts';
import { roundOfRun } from '../src/store/rounds.ts';
import type { Store } from '../src/store/store.ts';
import { failureOf, receiptsMissingFailure } from './failures.ts';
import { pulsing } from './pulse.ts';

export interface ReportDependencies {
  readonly store: Store;
  readonly ledgers: Ledgers;
  readonly clock: Clock;
  readonly reports: ReportShelf;
  /** Whether each CSV begins with one; absent: no. */
  readonly byteOrderMark?: boolean;
  /** Tells the log, and whoever is to be notified. */
  onReport(input: WriteReportInput, summary: FileSummary): void | Promise<void>;
  scope(): { readonly attempt: number; heartbeat(): void };
}

/** Twice a minute, a day long: a folder that is not mounted by then will not be. */
const MOST_LOOKS = 2_880;

export function createWriteReport(dependencies: ReportDependencies) {
  return async function writeReport(input: WriteReportInput): Promise<FileSummary> {
    const { store, ledgers, reports, byteOrderMark = false, clock } = dependencies;
    const scope = dependencies.scope();
    try {
      // Where rounds were run IDs: its number, if it has got one since.
      const round = typeof input.round === 'number' ? input.round : (await roundOfRun(store, input))(input.round);
      const beat = (): void => scope.heartbeat();
      const {
        readToTheEnd: _all,
        roundRunId: _run,
        ...summary
      } = await pulsing(clock, beat, () =>
        writeReportFiles({ store, ledgers }, reports, { ...input, round, byteOrderMark }, beat),
      );
      failpoint('reporting.published');
      await dependencies.onReport(input, summary);
      return summary;
    } catch (error) {
      if (error instanceof OtherStore && scope.attempt >= MOST_LOOKS) {
        throw receiptsMissingFailure(error);
      }
      throw failureOf(error, scope.attempt);
    }
  };
}
