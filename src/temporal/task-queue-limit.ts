/**
 * The task queue's rate limit: coarse back-pressure that keeps the backlog in Temporal. It lives in the server and outlives wds. Requests
 * themselves are paced at the socket.
 */
import type { Client } from '@temporalio/client';
import proto from '@temporalio/proto';

/** Sets the limit on activity starts a second, or clears it (undefined). Takes effect within about a second. */
export async function setTaskQueueLimit(
  client: Client,
  taskQueue: string,
  activitiesPerSecond: number | undefined,
  reason: string,
): Promise<void> {
  await client.workflowService.updateTaskQueueConfig({
    namespace: client.options.namespace,
    identity: 'wds',
    taskQueue,
    taskQueueType: proto.temporal.api.enums.v1.TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
    updateQueueRateLimit: {
      reason,
      ...(activitiesPerSecond === undefined ? {} : { rateLimit: { requestsPerSecond: activitiesPerSecond } }),
    },
  });
}
