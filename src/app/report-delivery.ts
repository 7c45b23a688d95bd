/** The report of a delivery, from its receipts. */
import type { WorkflowExecutionDescription } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/client';
import type { FileCounts } from '../domain/counts.ts';
import { Fault } from '../domain/failure.ts';
import { parseKey } from '../domain/parse-options.ts';
import { ChunksMissing, readWindow } from '../store/chunks.ts';
import type { DeliveryRecord } from '../store/delivery-record.ts';
import { contentKey } from '../store/layout.ts';
import { prunedText, readPruned } from '../store/pruned.ts';
import { writeReportFiles } from '../store/report.ts';
import { REPORT_NAMES } from '../store/report-rows.ts';
import { reportFolderName } from '../store/report-shelf.ts';
import type { Store } from '../store/store.ts';
import type { Installation } from '../temporal/installation.ts';
import type { FileState, ReportedFile } from './app.ts';
import { stateOf } from './file-status.ts';

/**
 * Writes the report anew from the receipts: true also of a delivery that runs, was terminated, or was deleted from Temporal. Throws Fault
 * `not_found` where the rows are not in the store any more; the earlier report stays.
 */
export async function reportDelivery(
  installation: Installation,
  record: DeliveryRecord,
): Promise<ReportedFile & Pick<FileCounts, 'sentNow'>> {
  const { store, ledgers, reports, settings, temporal } = installation;
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
  const pruned = await readPruned(store, record.sha256);
  const then = pruned?.counts[endpoint];
  if (pruned !== undefined && then !== undefined && !(await hasRows(store, record))) {
    const earlier = await reports.earlier(reportFolderName(file, record.sha256, endpoint));
    const about = { sha256: record.sha256, file, workflowId, endpoint, state, seconds };
    const left = { reportDir: earlier?.place ?? '', reports: earlier === undefined ? [] : REPORT_NAMES };
    return { ...then, ...about, ...left, sentNow: 0, readToTheEnd: true, prunedAt: pruned.at };
  }
  const written = writeReportFiles({ store, ledgers }, reports, { ...record, ...settings.reports }, () => undefined);
  const summary = await written.catch(async (error: unknown) => {
    throw error instanceof ChunksMissing ? await rowsAreGone(installation, record, state) : error;
  });
  // The newest round may be an earlier run's: this one was stopped before it had one.
  const isOwn = summary.roundRunId === info?.runId || summary.roundRunId === firstRunId(info);
  const sentNow = isOwn ? (summary.sentNow ?? 0) : 0;
  const why = fault instanceof Fault ? { fault: { code: fault.code, message: fault.message } } : {};
  const { roundRunId: _run, ...counts } = summary;
  return { ...counts, sentNow, file, workflowId, endpoint, state, ...why, seconds, reports: REPORT_NAMES };
}

/** Of the chain of runs that continue-as-new makes: rounds belong to its first run. */
const firstRunId = (info: WorkflowExecutionDescription | undefined): string | undefined =>
  info?.raw.workflowExecutionInfo?.firstRunId ?? undefined;

async function hasRows(store: Store, { sha256, parse }: DeliveryRecord): Promise<boolean> {
  return (await readWindow(store, { sha256, parseKey: parseKey(parse), window: 1 })) !== undefined;
}

async function rowsAreGone(
  { reports, store }: Installation,
  { fileName, sha256, endpoint }: DeliveryRecord,
  state: FileState,
): Promise<Fault> {
  const earlier = await reports.earlier(reportFolderName(fileName, sha256, endpoint));
  const stays = earlier === undefined ? '' : ` The report of ${earlier.writtenAt ?? 'before'} stays: ${earlier.place}.`;
  return new Fault(
    'not_found',
    `the rows of ${fileName} are not in the store any more (chunks-… was deleted${await prunedText(store, sha256)}): there can be no new report`,
    `${await howToReadAgain(store, sha256, state)}${stays}`,
  );
}

async function howToReadAgain(store: Store, sha256: string, state: FileState): Promise<string> {
  if (state === 'completed') return 'All of it was delivered; wds find tells of each user.';
  const content = await store.exists(contentKey(sha256));
  const how = content
    ? `wds retry ${sha256.slice(0, 12)}, or dropping the file again, reads`
    : 'Dropping the file again reads';
  return `${how} them anew; what was delivered is not sent again.`;
}
