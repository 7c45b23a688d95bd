/** The report of a delivery, from its receipts. */
import { readdir } from 'node:fs/promises';
import { WorkflowNotFoundError } from '@temporalio/client';
import type { DeliveryRecord } from '../store/delivery-record.ts';
import { writeReportFiles } from '../store/report.ts';
import type { Installation } from '../temporal/installation.ts';
import type { ReportedFile } from './app.ts';
import { stateOf } from './file-status.ts';

/** Writes the report anew from the receipts: true also of a delivery that runs, was terminated, or was deleted from Temporal. */
export async function reportDelivery(installation: Installation, record: DeliveryRecord): Promise<ReportedFile> {
  const { store, ledgers, reportsRoot, temporal } = installation;
  const { workflowId, fileName: file, endpoint } = record;
  const info = await temporal.client.workflow
    .getHandle(workflowId)
    .describe()
    .catch((error: unknown) => {
      if (error instanceof WorkflowNotFoundError) return undefined;
      throw error;
    });
  const { state, seconds } =
    info === undefined ? { state: 'unknown' as const, seconds: 0 } : await stateOf(installation, info);
  const summary = await writeReportFiles({ store, ledgers }, reportsRoot, record, () => undefined);
  const reports = (await readdir(summary.reportDir)).filter((name) => !name.startsWith('.')).sort();
  return { ...summary, file, workflowId, endpoint, state, seconds, reports };
}
