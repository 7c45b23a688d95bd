/** Sets the task queue's rate limit of an endpoint, as its governor decided: coarse back-pressure that keeps the backlog in Temporal. */
import type { ApplyTaskQueueRateInput, GovernorActivities } from '../src/domain/governor/messages.ts';
import { alertsTaskQueue } from '../src/domain/names.ts';

export interface TaskQueueRateDependencies {
  /** undefined clears the limit. */
  setTaskQueueLimit(taskQueue: string, activitiesPerSecond: number | undefined): Promise<void>;
}

export function createApplyTaskQueueRate({ setTaskQueueLimit }: TaskQueueRateDependencies): GovernorActivities {
  return {
    async applyTaskQueueRate({ endpoint, installation, activitiesPerSecond }: ApplyTaskQueueRateInput): Promise<void> {
      await setTaskQueueLimit(alertsTaskQueue(endpoint, installation), activitiesPerSecond ?? undefined);
    },
  };
}
