/** The state of deliveries, as Temporal tells it. */

import type { WorkflowExecutionInfo, WorkflowHandle } from '@temporalio/client';
import { inboxPlace } from '../config/settings.ts';
import type { FileCounts, FileProgress } from '../domain/counts.ts';
import { NO_COUNTS } from '../domain/counts.ts';
import { Fault } from '../domain/failure.ts';
import { FILE_WORKFLOW, installationIn, parseFileWorkflowId } from '../domain/names.ts';
import { parseKey } from '../domain/parse-options.ts';
import type { FileWaiting } from '../domain/progress/waiting.ts';
import { fileWaiting } from '../domain/progress/waiting.ts';
import { deliveriesOf } from '../store/delivery-record.ts';
import { readRefusal } from '../store/refusals.ts';
import { endOf, queryProgress } from '../temporal/delivery-end.ts';
import { SignsReader } from '../temporal/file-signs.ts';
import type { Installation } from '../temporal/installation.ts';
import { grpcErrorIn } from '../thrown.ts';
import type { FileState, FileStatus, StatusReport } from './app.ts';
import { endpointsInUse } from './endpoints.ts';
import { storeGuard } from './store-guard.ts';

/** Of the end of a workflow that has ended. */
const END_LIMIT_MS = 6_000;
const PROGRESS_LIMIT_MS = 2_000;

/** Visibility query for the deliveries of files. */
export const FILE_WORKFLOWS = `WorkflowType = "${FILE_WORKFLOW}"`;

/** Of endpoints that nothing is on its way to, no more than this are shown. */
const MOST_ENDPOINTS = 5;

/** The newest files, and those that are under way however old they are: `limit` in all. */
export async function readStatus(installation: Installation, limit: number): Promise<StatusReport> {
  const guard = storeGuard(installation.settings);
  await guard.look();
  const { settings, temporal, devServer, store } = installation;
  const [running, all, stored] = await Promise.all([
    newestRuns(installation, `${FILE_WORKFLOWS} AND ExecutionStatus = "Running"`, limit),
    newestRuns(installation, FILE_WORKFLOWS, limit),
    store.list(''),
  ]);
  const under = running.filter(({ workflowId }) => !all.some((other) => other.workflowId === workflowId));
  const newest = [...under, ...all].slice(0, limit).sort((a, b) => b.startTime.getTime() - a.startTime.getTime());
  const inUse = running.flatMap(({ workflowId }) => parseFileWorkflowId(workflowId)?.endpoint ?? []);
  const signs = new SignsReader(temporal.client);
  const [{ endpoints, more }, files] = await Promise.all([
    endpointsInUse(installation, new Set(inUse), MOST_ENDPOINTS),
    Promise.all(newest.map((info) => fileStatus(installation, info, signs))),
  ]);
  const others = stored.filter((name) => /^[0-9a-f]{64}$/.test(name)).length - new Set(files.map((f) => f.sha256)).size;
  return {
    temporal: {
      address: temporal.address,
      namespace: temporal.namespace,
      embedded: installation.embedded,
      webUi: devServer?.uiUrl,
    },
    home: settings.home,
    ...(settings.store === undefined ? {} : { store: installation.storePlace }),
    installation: installation.id,
    inbox: settings.inbox,
    ...(guard.paused === undefined ? {} : { intakePaused: guard.paused }),
    ...(settings.inboxes.length > 1
      ? { inboxes: settings.inboxes.map((one) => ({ inbox: inboxPlace(one), endpoints: one.endpoints })) }
      : {}),
    endpoints,
    ...(more === 0 ? {} : { moreEndpoints: more }),
    files,
    ...(others > 0 ? { moreFiles: others } : {}),
  };
}

/** The newest run of each delivery of this installation, newest first. */
export async function newestRuns(
  { temporal, id }: Installation,
  query: string,
  limit: number,
): Promise<WorkflowExecutionInfo[]> {
  const found = new Map<string, WorkflowExecutionInfo>();
  for await (const info of temporal.client.workflow.list({ query, pageSize: Math.min(1_000, 4 * limit) })) {
    // Of another installation this one knows nothing.
    if ((installationIn(info.memo) ?? id) !== id) continue;
    const known = found.get(info.workflowId);
    if (known === undefined || known.startTime < info.startTime) found.set(info.workflowId, info);
    if (found.size > limit) break;
  }
  return [...found.values()].sort((a, b) => b.startTime.getTime() - a.startTime.getTime()).slice(0, limit);
}

/** The newest run of a delivery, as it is now. */
export async function fileStatus(
  installation: Installation,
  info: Run,
  signs = new SignsReader(installation.temporal.client),
): Promise<FileStatus> {
  const { sha256, endpoint } = parseFileWorkflowId(info.workflowId) ?? { sha256: '', endpoint: '' };
  const records = await deliveriesOf(installation.store, sha256);
  const record = records.find((candidate) => candidate.endpoint === endpoint);
  const { fault: _why, progress, ...state } = await stateOf(installation, info);
  const isRunning = info.status.name === 'RUNNING';
  const waiting = isRunning ? await whyWaiting(signs, info.workflowId, progress) : undefined;
  const refusal =
    state.state === 'refused' && record !== undefined
      ? await readRefusal(installation.store, sha256, parseKey(record.parse))
      : undefined;
  return {
    file: record?.fileName ?? sha256.slice(0, 12),
    sha256,
    workflowId: info.workflowId,
    endpoint,
    startedAt: info.startTime.toISOString(),
    ...state,
    ...(waiting === undefined ? {} : { waiting }),
    ...(refusal === undefined ? {} : { reason: refusal.message }),
  };
}

/** undefined: it gets on, or Temporal does not tell. */
async function whyWaiting(
  signs: SignsReader,
  workflowId: string,
  progress: FileProgress | undefined,
): Promise<FileWaiting | undefined> {
  const known = await signs.signsOf(workflowId, progress).catch(() => undefined);
  return known && fileWaiting(known);
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
  /** Of one that runs; absent: nobody answers for it. */
  readonly progress?: FileProgress;
};

/** The state of a run, and its counts as Temporal knows them. */
export async function stateOf({ temporal }: Installation, info: Run): Promise<State> {
  const handle = temporal.client.workflow.getHandle(info.workflowId);
  const seconds = Math.max(0, (info.closeTime ?? new Date()).getTime() - info.startTime.getTime()) / 1_000;
  if (info.status.name === 'RUNNING') {
    // Where no worker runs nobody can answer; the state is known all the same.
    const progress = await progressOf(handle);
    if (progress === undefined) return { state: 'running', seconds, ...NO_COUNTS };
    return { state: progress.phase === 'paused' ? 'paused' : 'running', seconds, ...progress.counts, progress };
  }
  const end = await temporal.connection.withDeadline(Date.now() + END_LIMIT_MS, () => endOf(handle));
  if (end.kind === 'ended') {
    return { ...end.summary, state: info.status.name === 'COMPLETED' ? 'completed' : 'failed', seconds };
  }
  if (end.kind === 'stopped') {
    const counts = (await progressOf(handle))?.counts ?? NO_COUNTS;
    return { state: end.how === 'cancelled' ? 'cancelled' : 'stopped', seconds, ...counts };
  }
  if (end.kind !== 'failed') return { state: 'stopped', seconds, ...NO_COUNTS };
  const { fault, summary } = end;
  // Not how it ended, but that Temporal does not tell.
  if (grpcErrorIn(fault) !== undefined) throw fault;
  const refused = fault instanceof Fault && fault.code === 'file_refused';
  return { state: refused ? 'refused' : 'stopped', seconds, fault, ...(summary ?? NO_COUNTS) };
}

const progressOf = (handle: WorkflowHandle): Promise<FileProgress | undefined> =>
  queryProgress(handle, PROGRESS_LIMIT_MS).catch(() => undefined);
