/** What the server knows of a task queue: the rate limit that is set, and whether anybody takes its tasks. Both outlive wds. */
import type { Client } from '@temporalio/client';
import proto from '@temporalio/proto';

const { TASK_QUEUE_TYPE_ACTIVITY, TASK_QUEUE_TYPE_WORKFLOW } = proto.temporal.api.enums.v1.TaskQueueType;
/** A poll lasts a minute at most; whoever was not seen for longer is gone. */
const POLLER_SEEN_MS = 60_000;

/** Activity starts a second that the server lets through; null: no limit is set, or the server is too old to have any. */
export async function taskQueueLimit(client: Client, taskQueue: string): Promise<number | null> {
  const { config } = await client.workflowService.describeTaskQueue({
    namespace: client.options.namespace,
    taskQueue: { name: taskQueue },
    taskQueueType: TASK_QUEUE_TYPE_ACTIVITY,
    reportConfig: true,
  });
  return config?.queueRateLimit?.rateLimit?.requestsPerSecond ?? null;
}

export interface Poller {
  /** `process@host` */
  readonly identity: string;
  readonly seenMs: number;
}

type TaskKind = 'workflow' | 'activity';

/** Who has asked for tasks within the last minute, a worker that has died since included. */
export async function pollersOf(client: Client, taskQueue: string, kind: TaskKind, nowMs: number): Promise<Poller[]> {
  const { pollers } = await client.workflowService.describeTaskQueue({
    namespace: client.options.namespace,
    taskQueue: { name: taskQueue },
    taskQueueType: kind === 'workflow' ? TASK_QUEUE_TYPE_WORKFLOW : TASK_QUEUE_TYPE_ACTIVITY,
  });
  return (
    (pollers ?? [])
      .map(({ identity, lastAccessTime }) => ({
        identity: identity ?? '',
        seenMs: Number(lastAccessTime?.seconds ?? 0) * 1_000,
      }))
      // A time in the future is from before the clock was set back: it says nothing.
      .filter(({ seenMs }) => Math.abs(nowMs - seenMs) < POLLER_SEEN_MS)
  );
}

export const hasPollers = async (client: Client, taskQueue: string, kind: TaskKind, nowMs: number): Promise<boolean> =>
  (await pollersOf(client, taskQueue, kind, nowMs)).length > 0;
