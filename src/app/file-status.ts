/** The state of deliveries, as Temporal tells it. */

import type { WorkflowExecutionInfo, WorkflowHandle } from '@temporalio/client';
import type { FileCounts, FileProgress } from '../domain/counts.ts';
import { NO_COUNTS } from '../domain/counts.ts';
import { Fault } from '../domain/failure.ts';
import { FILE_WORKFLOW, installationIn, parseFileWorkflowId } from '../domain/names.ts';
import { deliveriesOf } from '../store/delivery-record.ts';
import { endOf, queryProgress } from '../temporal/delivery-end.ts';
import type { Installation } from '../temporal/installation.ts';
import type { EndpointStatus, FileState, FileStatus, StatusReport } from './app.ts';

/** Visibility query for the deliveries of files. */
export const FILE_WORKFLOWS = `WorkflowType = "${FILE_WORKFLOW}"`;

export async function readStatus(
  installation: Installation,
  endpoints: readonly EndpointStatus[],
  limit: number,
): Promise<StatusReport> {
  const { settings, temporal, devServer } = installation;
  const newestRuns = new Map<string, WorkflowExecutionInfo>();
  for await (const info of temporal.client.workflow.list({ query: FILE_WORKFLOWS, pageSize: 4 * limit })) {
    // Of another installation this one knows nothing.
    if ((installationIn(info.memo) ?? installation.id) !== installation.id) continue;
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
    installation: installation.id,
    inbox: settings.inbox,
    endpoints,
    files: await Promise.all(newest.map((info) => fileStatus(installation, info))),
  };
}

/** The newest run of a delivery, as it is now. */
export async function fileStatus(installation: Installation, info: Run): Promise<FileStatus> {
  const { sha256, endpoint } = parseFileWorkflowId(info.workflowId) ?? { sha256: '', endpoint: '' };
  const records = await deliveriesOf(installation.store, sha256);
  const record = records.find((candidate) => candidate.endpoint === endpoint);
  const { fault: _why, ...state } = await stateOf(installation, info);
  return {
    file: record?.fileName ?? sha256.slice(0, 12),
    sha256,
    workflowId: info.workflowId,
    endpoint,
    startedAt: info.startTime.toISOString(),
    ...state,
  };
}

/** What `list` and `describe` both tell of a run. */
type Run = Pick<WorkflowExecutionInfo, 'workflowId' | 'status' | 'startTime'> & {
  readonly closeTime?: Date | undefined;
};
type State = FileCounts & {
  readonly reportDir?: string;
  readonly state: FileState;
  readonly seconds: number;
  /** Why it has no counts of its own. */
  readonly fault?: Error;
};

/** The state of a run, and its counts as Temporal knows them. */
export async function stateOf({ temporal }: Installation, info: Run): Promise<State> {
  const handle = temporal.client.workflow.getHandle(info.workflowId);
  const seconds = Math.max(0, (info.closeTime ?? new Date()).getTime() - info.startTime.getTime()) / 1_000;
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
  if (end.kind !== 'failed') return { state: 'stopped', seconds, ...NO_COUNTS };
  const { fault, summary } = end;
  const refused = fault instanceof Fault && fault.code === 'file_refused';
  return { state: refused ? 'refused' : 'stopped', seconds, fault, ...(summary ?? NO_COUNTS) };
}

const progressOf = (handle: WorkflowHandle): Promise<Pick<FileProgress, 'phase' | 'counts'>> =>
  within(2_000, queryProgress(handle)).catch(() => ({ phase: 'sending', counts: NO_COUNTS }));

async function within<T>(limitMs: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${limitMs} ms`)), limitMs);
  });
  return Promise.race([promise, limit]).finally(() => clearTimeout(timer));
}
