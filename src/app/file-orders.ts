/** `wds pause`, `wds resume`, `wds cancel`: orders to the delivery of one file. */
import { Fault } from '../domain/failure.ts';
import type { DeliveryRecord } from '../store/delivery-record.ts';
import type { Installation } from '../temporal/installation.ts';
import type { FileStatus } from './app.ts';
import { fileStatus } from './file-status.ts';
import { stopWaiting } from './follow.ts';
import { reportDelivery } from './report-delivery.ts';

/** Open requests are answered within their deadline; a worker that died is noticed within ten seconds. */
const END_LIMIT_MS = 30_000;

/** Gives an order to one delivery, and tells how it stands after that. */
export type FileOrder = (installation: Installation, record: DeliveryRecord) => Promise<FileStatus>;

/** Throws Fault `not_found` where nothing runs. */
export async function pauseDelivery(
  installation: Installation,
  record: DeliveryRecord,
  paused: boolean,
): Promise<FileStatus> {
  const runs = await installation.deliveries.pause(record.workflowId, paused);
  const status = await statusOf(installation, record);
  if (!runs) throw notRunning(record, status, paused ? 'pause' : 'resume');
  // Where nobody answers just now the order waits for whoever comes.
  return { ...status, state: paused ? 'paused' : 'running' };
}

/** Throws Fault `not_found` where nothing waits for it. */
export async function approveDelivery(installation: Installation, record: DeliveryRecord): Promise<FileStatus> {
  const before = await statusOf(installation, record);
  if (before.waiting?.why !== 'decision') {
    const { fileName, sha256 } = record;
    throw new Fault(
      'not_found',
      `${fileName} waits for no decision (it is ${before.state}): there is nothing to approve`,
      `See: wds report ${sha256.slice(0, 12)}`,
    );
  }
  await installation.deliveries.approve(record.workflowId);
  const { waiting: _decided, ...status } = before;
  return { ...status, state: 'running' };
}

/** Throws Fault `not_found` where nothing runs. */
export async function cancelDelivery(
  installation: Installation,
  record: DeliveryRecord,
  interrupted: AbortSignal,
): Promise<FileStatus> {
  const { deliveries } = installation;
  if (!(await deliveries.cancel(record.workflowId))) {
    throw notRunning(record, await statusOf(installation, record), 'cancel');
  }
  const { signal } = stopWaiting(interrupted, END_LIMIT_MS);
  const end = await deliveries.follow(record.workflowId, { onProgress: () => undefined, signal });
  // A worker still writes the report: a second one beside it would double that work.
  if (end.kind === 'stopped_waiting') return { ...(await statusOf(installation, record)), state: 'running' };
  // From the receipts: a workflow that has ended is replayed for a query, and where that takes long its counts are not known.
  const {
    reports: _files,
    reportDir: _folder,
    fault: _why,
    sentNow: _now,
    readToTheEnd: _all,
    ...status
  } = await reportDelivery(installation, record);
  const { startTime } = await runOf(installation, record);
  return { ...status, startedAt: startTime.toISOString() };
}

async function statusOf(installation: Installation, record: DeliveryRecord): Promise<FileStatus> {
  return fileStatus(installation, await runOf(installation, record));
}

const runOf = ({ temporal }: Installation, { workflowId }: DeliveryRecord) =>
  temporal.client.workflow.getHandle(workflowId).describe();

function notRunning(record: DeliveryRecord, { state }: FileStatus, order: string): Fault {
  const next = state === 'completed' ? 'See: wds report' : 'To send what was not delivered, run: wds retry';
  return new Fault(
    'not_found',
    `${record.fileName} is not being delivered (it is ${state}): there is nothing to ${order}`,
    `${next} ${record.sha256.slice(0, 12)}`,
  );
}
