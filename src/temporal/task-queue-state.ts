/** What the server knows of a task queue: the rate limit that is set, and whether anybody takes its tasks. Both outlive wds. */
import type { Client } from '@temporalio/client';
import proto from '@temporalio/proto';

const { TASK_QUEUE_TYPE_ACTIVITY, TASK_QUEUE_TYPE_WORKFLOW } = proto.temporal.api.enums.v1.TaskQueueType;
const VERSIONED = proto.temporal.api.enums.v1.WorkerVersioningMode.WORKER_VERSIONING_MODE_VERSIONED;
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
  /** `deployment:build`; undefined: it is not versioned. */
  readonly version?: string;
}

type TaskKind = 'workflow' | 'activity';

interface VersionOfWorkers {
  readonly deploymentName?: string | null;
  readonly buildId?: string | null;
}
/** As Temporal's own tools write it. */
export const versionText = ({ deploymentName, buildId }: VersionOfWorkers): string => `${deploymentName}:${buildId}`;

export interface QueueVersions {
  readonly pollers: readonly Poller[];
  /** The version that workflows begin on; undefined: workers that are not versioned. */
  readonly current: string | undefined;
}

/** Who has asked for workflow tasks within the last minute, and for whom new ones are. */
export async function workflowPollers(client: Client, taskQueue: string, nowMs: number): Promise<QueueVersions> {
  const { pollers, versioningInfo } = await describe(client, taskQueue, 'workflow');
  const { deploymentName, buildId } = versioningInfo?.currentDeploymentVersion ?? {};
  const current = deploymentName && buildId ? versionText({ deploymentName, buildId }) : undefined;
  return { pollers: seen(pollers, nowMs), current };
}

/** Who has asked for tasks within the last minute, a worker that has died since included. */
export async function pollersOf(client: Client, taskQueue: string, kind: TaskKind, nowMs: number): Promise<Poller[]> {
  return seen((await describe(client, taskQueue, kind)).pollers, nowMs);
}

function describe(
  client: Client,
  taskQueue: string,
  kind: TaskKind,
): Promise<proto.temporal.api.workflowservice.v1.IDescribeTaskQueueResponse> {
  return client.workflowService.describeTaskQueue({
    namespace: client.options.namespace,
    taskQueue: { name: taskQueue },
    taskQueueType: kind === 'workflow' ? TASK_QUEUE_TYPE_WORKFLOW : TASK_QUEUE_TYPE_ACTIVITY,
  });
}

function seen(
  pollers: readonly proto.temporal.api.taskqueue.v1.IPollerInfo[] | null | undefined,
  nowMs: number,
): Poller[] {
  return (
    (pollers ?? [])
      .map(({ identity, lastAccessTime, deploymentOptions }) => ({
        identity: identity ?? '',
        seenMs: Number(lastAccessTime?.seconds ?? 0) * 1_000,
        ...(deploymentOptions?.workerVersioningMode === VERSIONED ? { version: versionText(deploymentOptions) } : {}),
      }))
      // A time in the future is from before the clock was set back: it says nothing.
      .filter(({ seenMs }) => Math.abs(nowMs - seenMs) < POLLER_SEEN_MS)
  );
}

export const hasPollers = async (client: Client, taskQueue: string, kind: TaskKind, nowMs: number): Promise<boolean> =>
  (await pollersOf(client, taskQueue, kind, nowMs)).length > 0;
