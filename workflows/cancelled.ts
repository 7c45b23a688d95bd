/** Whether something ended because it was cancelled. */
import { ActivityFailure, isCancellation } from '@temporalio/workflow';

/**
 * Also an activity whose attempt was lost, or failed for a passing reason, after its cancellation was asked for: the server tries it no more,
 * and reports that failure in place of the cancellation.
 */
export const wasCancelled = (error: unknown): boolean =>
  isCancellation(error) || (error instanceof ActivityFailure && error.retryState === 'CANCEL_REQUESTED');
