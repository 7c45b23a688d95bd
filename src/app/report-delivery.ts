/** The report of a delivery, from its receipts. */

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { WorkflowExecutionDescription } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/client';
import type { FileCounts } from '../domain/counts.ts';
import { Fault } from '../domain/failure.ts';
import { ChunksMissing } from '../store/chunks.ts';
import type { DeliveryRecord } from '../store/delivery-record.ts';
import { writeReportFiles } from '../store/report.ts';
import { readEarlierReport, reportFolderName } from '../store/report-files.ts';
import type { Installation } from '../temporal/installation.ts';
import type { ReportedFile } from './app.ts';
import { stateOf } from './file-status.ts';

/**
 * Writes the report anew from the receipts: true also of a delivery that runs, was terminated, or was deleted from Temporal. Throws Fault
 * `not_found` where the rows are not in the store any more; the earlier report stays.
 */
export async function reportDelivery(
  installation: Installation,
  record: DeliveryRecord,
): Promise<ReportedFile & Pick<FileCounts, 'sentNow'>> {
  const { store, ledgers, reportsRoot, settings, temporal } = installation;
  const { workflowId, fileName: file, endpoint } = record;
  const info = await temporal.client.workflow
    .getHandle(workflowId)
    .describe()
    .catch((error: unknown) => {
      if (error instanceof WorkflowNotFoundError) return undefined;
      throw error;
    });
  const { state, seconds, fault } =
    info === undefined
      ? { state: 'unknown' as const, seconds: 0, fault: undefined }
      : await stateOf(installation, info);
  const written = writeReportFiles(
    { store, ledgers },
    reportsRoot,
    { ...record, ...settings.reports },
    () => undefined,
  );
  const summary = await written.catch(async (error: unknown) => {
    throw error instanceof ChunksMissing ? await rowsAreGone(installation, record) : error;
  });
  const reports = (await readdir(summary.reportDir)).filter((name) => !name.startsWith('.')).sort();
  // The newest round may be an earlier run's: this one was stopped before it had one.
  const isOwn = summary.roundRunId === info?.runId || summary.roundRunId === firstRunId(info);
  const sentNow = isOwn ? (summary.sentNow ?? 0) : 0;
  const why = fault instanceof Fault ? { fault: { code: fault.code, message: fault.message } } : {};
  const { roundRunId: _run, ...counts } = summary;
  return { ...counts, sentNow, file, workflowId, endpoint, state, ...why, seconds, reports };
}

/** Of the chain of runs that continue-as-new makes: rounds belong to its first run. */
const firstRunId = (info: WorkflowExecutionDescription | undefined): string | undefined =>
  info?.raw.workflowExecutionInfo?.firstRunId ?? undefined;

async function rowsAreGone(
  { reportsRoot }: Installation,
  { fileName, sha256, endpoint }: DeliveryRecord,
): Promise<Fault> {
  const reportDir = join(reportsRoot, reportFolderName(fileName, sha256, endpoint));
  const earlier = await readEarlierReport(reportDir);
  const stays = earlier === undefined ? '' : ` The report of ${earlier.writtenAt ?? 'before'} stays: ${reportDir}.`;
  return new Fault(
    'not_found',
    `the rows of ${fileName} are not in the store any more (chunks-… was deleted): there can be no new report`,
    `wds retry ${sha256.slice(0, 12)}, or dropping the file again, reads them anew; what was delivered is not sent again.${stays}`,
  );
}
