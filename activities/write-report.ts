/** Writes the report of a file from its receipts, and returns the counts that decide how the file ends. */
import type { FileSummary, WriteReportInput } from '../src/domain/contracts.ts';
import { failpoint } from '../src/failpoint.ts';
import { writeReportFiles } from '../src/store/report.ts';
import type { Store } from '../src/store/store.ts';
import { storeFailure } from './failures.ts';
import { pulsing } from './pulse.ts';

export interface ReportDependencies {
  readonly store: Store;
  /** Folder that holds a folder of reports a file. */
  readonly reportsRoot: string;
  /** For the log. */
  onReport(input: WriteReportInput, summary: FileSummary): void;
  scope(): { readonly attempt: number; heartbeat(): void };
}

export function createWriteReport(dependencies: ReportDependencies) {
  return async function writeReport(input: WriteReportInput): Promise<FileSummary> {
    const { store, reportsRoot } = dependencies;
    const scope = dependencies.scope();
    try {
      const beat = (): void => scope.heartbeat();
      const summary = await pulsing(beat, () => writeReportFiles(store, reportsRoot, input, beat));
      failpoint('reporting.published');
      dependencies.onReport(input, summary);
      return summary;
    } catch (error) {
      throw storeFailure(error, scope.attempt);
    }
  };
}
