/** What a person does and sees at the Temporal service itself: its CLI, the end of a workflow, its history as text. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { temporal } from '@temporalio/proto';
import { findTemporalCli } from '../../../src/dev-server/temporal-cli.ts';
import { temporalAddress } from '../../support/dev-server.ts';
import type { Site } from './site.ts';

type History = temporal.api.history.v1.IHistory;
type HistoryEvent = temporal.api.history.v1.IHistoryEvent;
const { EventType } = temporal.api.enums.v1;

/** `temporal …`, at the namespace of the site. */
export async function temporalCli(site: Site, ...args: string[]): Promise<string> {
  const { path } = await findTemporalCli({ say: () => undefined });
  const place = ['--address', temporalAddress(), '--namespace', site.namespace];
  const { stdout } = await promisify(execFile)(path, [...args, ...place], { maxBuffer: 64 * 1024 * 1024 });
  return stdout;
}

/** The runs of a workflow, newest first. */
export async function runsOf(site: Site, workflowId: string): Promise<{ runId: string; status: string }[]> {
  const runs: { runId: string; status: string; startMs: number }[] = [];
  for await (const run of site.client.workflow.list({ query: `WorkflowId = "${workflowId}"` })) {
    runs.push({ runId: run.runId, status: run.status.name, startMs: run.startTime.getTime() });
  }
  return runs.sort((a, b) => b.startMs - a.startMs);
}

type PendingActivity = temporal.api.workflow.v1.IPendingActivityInfo;

/** Of the newest run. */
export async function pendingActivities(site: Site, workflowId: string): Promise<readonly PendingActivity[]> {
  const { raw } = await site.client.workflow.getHandle(workflowId).describe();
  return raw.pendingActivities ?? [];
}

/** `runId` undefined: the newest. */
export async function historyOf(site: Site, workflowId: string, runId?: string): Promise<History> {
  return site.client.workflow.getHandle(workflowId, runId).fetchHistory();
}

export const eventsOf = (history: History): readonly HistoryEvent[] => history.events ?? [];

export const countOf = (history: History, type: keyof typeof EventType): number =>
  eventsOf(history).filter(({ eventType }) => eventType === EventType[type]).length;

/** The `type` of the ApplicationFailure that ended the run. */
export function failureTypeOf(history: History): string | undefined {
  const end = eventsOf(history).at(-1)?.workflowExecutionFailedEventAttributes;
  return end?.failure?.applicationFailureInfo?.type ?? undefined;
}

/** All of it that a person could read, payloads decoded. They are JSON themselves, so texts in them are escaped. */
export function readableText(history: History): string {
  const decoded: string[] = [];
  const frame = JSON.stringify(history, (key, value: unknown) => {
    if (key !== 'data' || typeof value !== 'string') return value;
    decoded.push(Buffer.from(value, 'base64').toString('utf8'));
    return '';
  });
  return [frame, ...decoded].join('\n');
}
