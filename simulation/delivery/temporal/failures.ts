/** How errors look on the other side of the server, as the real converter makes them. */
import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  TemporalFailure,
  TimeoutFailure,
} from '@temporalio/common';

export { ActivityFailure, ApplicationFailure, CancelledFailure, TimeoutFailure };

/** As in the SDK: a cancellation itself, or an activity that ended by one. */
export function isCancellation(error: unknown): boolean {
  return (
    error instanceof CancelledFailure || (error instanceof ActivityFailure && error.cause instanceof CancelledFailure)
  );
}

/** What an activity threw. */
export function crossed(error: unknown): TemporalFailure {
  if (error instanceof TemporalFailure) return error;
  const { name, message } = error instanceof Error ? error : { name: 'Error', message: String(error) };
  return ApplicationFailure.create({ type: name, message, nonRetryable: false });
}
