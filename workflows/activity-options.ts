/** Timeouts and retry policies of the activities. Only what needs a person fails; everything else is retried until it works. */

import type { ActivityOptions, LocalActivityOptions } from '@temporalio/workflow';
import {
  ActivityCancellationType,
  ActivityFailure,
  ApplicationFailure,
  patched,
  proxyActivities,
  proxyLocalActivities,
} from '@temporalio/workflow';
import type { FileWork, FileWorkflowInput } from '../src/domain/contracts.ts';
import { FAILURE, filesTaskQueue } from '../src/domain/names.ts';
import { wasCancelled } from './cancelled.ts';

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

/** Patch: what a small file needs besides sending is done by local activities; before, by activities of their own. */
const SMALL_FILE = 'small-file';

/** Asked at the first step of a run, and then for all of them. */
export const isSmall = ({ small }: FileWorkflowInput): boolean => small === true && patched(SMALL_FILE);

/** One try. Where it does not succeed, an activity of its own goes on: people can see that one, and why it is tried again. */
const LOCAL_TRY: LocalActivityOptions = { startToCloseTimeout: '20s', retry: { maximumAttempts: 1 } };

/** Lets a files worker do one step of a file: whoever has the workflow's task where the file is small, otherwise any. */
export async function byFilesWorker<Activities, Result>(
  input: FileWorkflowInput,
  summary: string,
  step: (activities: Activities) => Promise<Result>,
  options = fileOptions,
): Promise<Result> {
  if (isSmall(input)) {
    try {
      return await step(proxyLocalActivities<Activities>({ ...LOCAL_TRY, summary }) as Activities);
    } catch (error) {
      if (wasCancelled(error) || !mayPass(error)) throw error;
    }
  }
  return step(proxyActivities<Activities>({ ...options(input), summary }) as Activities);
}

/** Whether another try may succeed. */
const mayPass = (error: unknown): boolean =>
  error instanceof ActivityFailure && !(error.cause instanceof ApplicationFailure && error.cause.nonRetryable === true);

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
