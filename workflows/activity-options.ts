/** Timeouts and retry policies of the activities. Only what needs a person fails; everything else is retried until it works. */

import type { ActivityOptions } from '@temporalio/workflow';
import { ActivityCancellationType, ActivityFailure, ApplicationFailure } from '@temporalio/workflow';
import type { FileWork } from '../src/domain/contracts.ts';
import { FAILURE, filesTaskQueue } from '../src/domain/names.ts';

/** A worker that is gone is noticed within this; sending and reading pulse every second. */
const HEARTBEAT_TIMEOUT_MS = 10_000;

/** Reading and reporting, by a worker of the installation that the file belongs to. */
export const fileOptions = ({ installation }: FileWork): ActivityOptions => ({
  taskQueue: filesTaskQueue(installation),
  startToCloseTimeout: '2 hours',
  heartbeatTimeout: HEARTBEAT_TIMEOUT_MS,
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: {
    initialInterval: '1s',
    maximumInterval: '30s',
    nonRetryableErrorTypes: [FAILURE.fileRefused, FAILURE.contentMissing],
  },
});

/** What every activity of a file is told. */
export const fileWork = ({ installation, sha256 }: FileWork): FileWork =>
  installation === undefined ? { sha256 } : { installation, sha256 };

/** The same for a file that is cancelled: it ends, also where these do not succeed. */
export const lastOptions = (work: FileWork): ActivityOptions => ({
  ...fileOptions(work),
  scheduleToCloseTimeout: '10 minutes',
});

/**
 * Sending. Attempts of alerts are counted in their receipts, so Temporal's own number of attempts is not limited. Never eager: an eager
 * activity bypasses the task queue's rate limit (measured: 203/s through a limit of 5/s).
 */
export const sendOptions: ActivityOptions = {
  startToCloseTimeout: '2 hours',
  heartbeatTimeout: HEARTBEAT_TIMEOUT_MS,
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  allowEagerDispatch: false,
  // What fails says when it wants to come back; this is for what cannot say it: a worker that is gone.
  retry: { initialInterval: '1s', backoffCoefficient: 1 },
};

/** Sends, and again for as long as it was a worker that stands by who got it: such a one takes nothing more until it has a rate. */
export async function untilTaken<Result>(send: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await send();
    } catch (error) {
      const cause = error instanceof ActivityFailure ? error.cause : undefined;
      if (!(cause instanceof ApplicationFailure && cause.type === FAILURE.standingBy)) throw error;
    }
  }
}
