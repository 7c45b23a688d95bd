/** Looking at deliveries: finding one by what a person calls it, its state in Temporal, and its report from the receipts. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import type { WorkflowExecutionInfo, WorkflowHandle } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/client';
import type { FileCounts, FileProgress } from '../domain/contracts.ts';
import { Fault } from '../domain/failure.ts';
import { NO_COUNTS } from '../domain/file-plan.ts';
import type { DeliveryRecord } from '../store/delivery-record.ts';
import { deliveriesOf } from '../store/delivery-record.ts';
import { writeReportFiles } from '../store/report.ts';
import { endOf, queryProgress } from '../temporal/file-deliveries.ts';
import type { Installation } from '../temporal/installation.ts';
import type { EndpointStatus, FileState, FileStatus, ReportedFile, StatusReport } from './app.ts';

const WORKFLOW_ID = /^file-([0-9a-f]{64})-(.+)$/;
const FILE_WORKFLOWS = 'WorkflowType = "fileWorkflow"';

/** `file`: a path, a SHA-256 (8 digits or more) or a workflow ID. Throws Fault `not_found`. */
export async function findDelivery(
  { store }: Installation,
  file: string,
  endpoint: string | undefined,
): Promise<DeliveryRecord> {
  const [, idSha, idEndpoint] = WORKFLOW_ID.exec(file) ?? [];
  const sha256 = idSha ?? (await hashOf(file)) ?? (await storedHash(await store.list(''), file));
  const records = sha256 === undefined ? [] : await deliveriesOf(store, sha256);
  const wanted = idEndpoint ?? endpoint;
  const found = records.find((record) => record.endpoint === wanted) ?? (records.length === 1 ? records[0] : undefined);
  if (found !== undefined) return found;
  if (records.length > 1) {
    const ids = records.map((record) => record.workflowId).join(', ');
    throw new Fault('not_found', `${file} was delivered to several endpoints`, `Name one by its workflow ID: ${ids}`);
  }
  throw new Fault(
    'not_found',
    `wds knows no delivery of ${file}`,
    'Name the file by its path, its SHA-256 (8 digits or more) or its workflow ID; `wds status` lists them. Check --home, too.',
  );
}

async function hashOf(path: string): Promise<string | undefined> {
  const isFile = await stat(path).then(
    (stats) => stats.isFile(),
    () => false,
  );
  if (!isFile) return undefined;
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path)) hash.update(piece as Buffer);
  return hash.digest('hex');
}

async function storedHash(hashes: readonly string[], prefix: string): Promise<string | undefined> {
  if (!/^[0-9a-f]{8,64}$/.test(prefix)) return undefined;
  const found = hashes.filter((hash) => hash.startsWith(prefix));
  if (found.length > 1) throw new Fault('not_found', `${prefix} stands for ${found.length} files`, 'Give more digits.');
  return found[0];
}

/** Deliveries whose newest run failed, was terminated, cancelled or timed out. */
export async function findRetryable({ store, temporal }: Installation): Promise<DeliveryRecord[]> {
  const records: DeliveryRecord[] = [];
  const query = `${FILE_WORKFLOWS} AND ExecutionStatus IN ("Failed", "Terminated", "Canceled", "TimedOut")`;
  const seen = new Set<string>();
  for await (const { workflowId } of temporal.client.workflow.list({ query })) {
    const [, sha256 = '', endpoint = ''] = WORKFLOW_ID.exec(workflowId) ?? [];
    if (seen.has(workflowId)) continue;
    seen.add(workflowId);
    // An older failed run of a delivery that was retried is not a failed delivery.
    const newest = await temporal.client.workflow.getHandle(workflowId).describe();
    if (newest.status.name === 'RUNNING' || newest.status.name === 'COMPLETED') continue;
    const record = (await deliveriesOf(store, sha256)).find((candidate) => candidate.endpoint === endpoint);
    if (record !== undefined) records.push(record);
  }
  return records;
}

export async function readStatus(
  installation: Installation,
  endpoints: readonly EndpointStatus[],
  limit: number,
): Promise<StatusReport> {
  const { settings, temporal, devServer } = installation;
  const newestRuns = new Map<string, WorkflowExecutionInfo>();
  for await (const info of temporal.client.workflow.list({ query: FILE_WORKFLOWS, pageSize: 4 * limit })) {
    const known = newestRuns.get(info.workflowId);
    if (known === undefined || known.startTime < info.startTime) newestRuns.set(info.workflowId, info);
    if (newestRuns.size > limit) break;
  }
  const newest = [...newestRuns.values()].sort((a, b) => b.startTime.getTime() - a.startTime.getTime()).slice(0, limit);
  return {
    temporal: {
      address: temporal.address,
      namespace: temporal.namespace,
      embedded: installation.embedded,
      webUi: devServer?.uiUrl,
    },
    home: settings.home,
    inbox: settings.inbox,
    endpoints,
    files: await Promise.all(newest.map((info) => fileStatus(installation, info))),
  };
}

/** The newest run of a delivery, as it is now. */
export async function fileStatus(installation: Installation, info: Run): Promise<FileStatus> {
  const [, sha256 = '', endpoint = ''] = WORKFLOW_ID.exec(info.workflowId) ?? [];
  const records = await deliveriesOf(installation.store, sha256);
  const record = records.find((candidate) => candidate.endpoint === endpoint);
  return {
    file: record?.fileName ?? sha256.slice(0, 12),
    sha256,
    workflowId: info.workflowId,
    endpoint,
    startedAt: info.startTime.toISOString(),
    ...(await stateOf(installation, info)),
  };
}

/** What `list` and `describe` both tell of a run. */
type Run = Pick<WorkflowExecutionInfo, 'workflowId' | 'status' | 'startTime'> & {
  readonly closeTime?: Date | undefined;
};
type State = FileCounts & { readonly state: FileState; readonly seconds: number };

async function stateOf({ temporal }: Installation, info: Run): Promise<State> {
  const handle = temporal.client.workflow.getHandle(info.workflowId);
  const seconds = ((info.closeTime ?? new Date()).getTime() - info.startTime.getTime()) / 1_000;
  if (info.status.name === 'RUNNING') {
    // Where no worker runs nobody can answer; the state is known all the same.
    const { phase, counts } = await progressOf(handle);
    return { state: phase === 'paused' ? 'paused' : 'running', seconds, ...counts };
  }
  const end = await endOf(handle);
  if (end.kind === 'ended') {
    return { ...end.summary, state: info.status.name === 'COMPLETED' ? 'completed' : 'failed', seconds };
  }
  if (end.kind === 'stopped') {
    const { counts } = await progressOf(handle);
    return { state: end.how === 'cancelled' ? 'cancelled' : 'stopped', seconds, ...counts };
  }
  const refused = end.kind === 'failed' && end.fault instanceof Fault && end.fault.code === 'file_refused';
  return { state: refused ? 'refused' : 'stopped', seconds, ...NO_COUNTS };
}

const progressOf = (handle: WorkflowHandle): Promise<Pick<FileProgress, 'phase' | 'counts'>> =>
  within(2_000, queryProgress(handle)).catch(() => ({ phase: 'sending', counts: NO_COUNTS }));

/** Writes the report anew from the receipts: true also of a delivery that runs, was terminated, or was deleted from Temporal. */
export async function reportDelivery(installation: Installation, record: DeliveryRecord): Promise<ReportedFile> {
  const { store, reportsRoot, temporal } = installation;
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
  const summary = await writeReportFiles(store, reportsRoot, record, () => undefined);
  const reports = (await readdir(summary.reportDir)).filter((name) => !name.startsWith('.')).sort();
  return { ...summary, file, workflowId, endpoint, state, seconds, reports };
}

async function within<T>(limitMs: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${limitMs} ms`)), limitMs);
  });
  return Promise.race([promise, limit]).finally(() => clearTimeout(timer));
}
