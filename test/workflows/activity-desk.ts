/** The activities of a WorkflowRun: functions of the test, with the retries and the cancellation that Temporal's server gives them. */
import {
  ApplicationFailure,
  CancelledFailure,
  DefaultFailureConverter,
  defaultPayloadConverter,
} from '@temporalio/common';
import type { temporal } from '@temporalio/proto';
import { coresdk } from '@temporalio/proto';

type Payload = temporal.api.common.v1.IPayload;
type Failure = temporal.api.failure.v1.IFailure;
type Scheduled = coresdk.workflow_commands.IScheduleActivity & coresdk.workflow_commands.IScheduleLocalActivity;
type Metadata = temporal.api.sdk.v1.IUserMetadata | null | undefined;
type RetryPolicy = temporal.api.common.v1.IRetryPolicy | null | undefined;
type Resolution = coresdk.activity_result.IActivityResolution;

const { ActivityCancellationType } = coresdk.workflow_commands;
const failures = new DefaultFailureConverter();

export const toPayload = (value: unknown): Payload => defaultPayloadConverter.toPayload(value) ?? {};
export const fromPayload = (payload: Payload | null | undefined): unknown =>
  payload === null || payload === undefined ? undefined : defaultPayloadConverter.fromPayload(payload);
export const msOf = (duration: { seconds?: unknown; nanos?: number | null } | null | undefined): number =>
  Number(duration?.seconds ?? 0) * 1_000 + (duration?.nanos ?? 0) / 1e6;

export interface ActivityCall {
  readonly name: string;
  readonly input: unknown;
  readonly taskQueue: string;
  readonly summary: string;
  /** From 1. */
  readonly attempt: number;
  /** Aborts when the workflow asks for the activity's cancellation. */
  readonly cancelled: AbortSignal;
}

/** Each throws what an activity would; a `CancelledFailure` after `call.cancelled` counts as cancelled. */
export type MockedActivities = Readonly<Record<string, (input: never, call: ActivityCall) => unknown>>;

interface Activity {
  readonly cancel: AbortController;
  /** Its end is awaited after a cancellation. */
  readonly waits: boolean;
  readonly isLocal: boolean;
  done: boolean;
}

export interface DeskHost {
  after(ms: number, act: () => void): void;
  settled(resolution: coresdk.workflow_activation.IResolveActivity): void;
}

export class ActivityDesk {
  readonly calls: ActivityCall[] = [];
  readonly #mocks: MockedActivities;
  readonly #host: DeskHost;
  readonly #activities = new Map<number, Activity>();

  constructor(mocks: MockedActivities, host: DeskHost) {
    this.#mocks = mocks;
    this.#host = host;
  }

  get open(): number {
    return [...this.#activities.values()].filter(({ done }) => !done).length;
  }

  schedule(scheduled: Scheduled, metadata: Metadata, isLocal: boolean): void {
    const { activityType, taskQueue, cancellationType, retryPolicy } = scheduled;
    const seq = scheduled.seq ?? 0;
    const waits = cancellationType === ActivityCancellationType.WAIT_CANCELLATION_COMPLETED;
    const activity: Activity = { cancel: new AbortController(), waits, isLocal, done: false };
    this.#activities.set(seq, activity);
    const name = activityType ?? '';
    const frame = {
      ...{ name, input: fromPayload(scheduled.arguments?.[0]), taskQueue: taskQueue ?? '' },
      ...{ summary: String(fromPayload(metadata?.summary) ?? ''), cancelled: activity.cancel.signal },
    };
    const limitMs = msOf(scheduled.scheduleToCloseTimeout) || Number.POSITIVE_INFINITY;
    let restedMs = 0;
    const attempt = async (number: number): Promise<void> => {
      if (activity.done) return;
      const call = { ...frame, attempt: number };
      this.calls.push(call);
      try {
        const mock = this.#mocks[name];
        if (mock === undefined) throw ApplicationFailure.nonRetryable(`the test has no activity ${name}`);
        this.#settle(seq, { completed: { result: toPayload(await mock(frame.input as never, call)) } });
      } catch (error) {
        const { aborted } = activity.cancel.signal;
        const pauseMs = aborted ? undefined : retryPauseMs(error, retryPolicy, number);
        restedMs += pauseMs ?? 0;
        if (pauseMs !== undefined && restedMs < limitMs) this.#host.after(pauseMs, () => void attempt(number + 1));
        else if (aborted && error instanceof CancelledFailure) this.#settle(seq, cancelled(name));
        else this.#settle(seq, { failed: { failure: activityFailure(error, name) } });
      }
    };
    void attempt(1);
  }

  requestCancel(seq: number): void {
    const activity = this.#activities.get(seq);
    activity?.cancel.abort();
    if (activity?.waits === false) this.#settle(seq, cancelled(''));
  }

  #settle(seq: number, result: Resolution): void {
    const activity = this.#activities.get(seq);
    if (activity === undefined || activity.done) return;
    activity.done = true;
    this.#host.settled({ seq, result, isLocal: activity.isLocal });
  }
}

const cancelled = (name: string): Resolution => ({
  cancelled: { failure: activityFailure(new CancelledFailure('cancelled'), name) },
});

function activityFailure(error: unknown, name: string): Failure {
  return {
    message: 'Activity task failed',
    activityFailureInfo: { activityType: { name }, activityId: name, retryState: 1 },
    cause: failures.errorToFailure(error, defaultPayloadConverter),
  };
}

/** undefined: the server would not try again. */
function retryPauseMs(error: unknown, policy: RetryPolicy, attempt: number): number | undefined {
  if (error instanceof ApplicationFailure) {
    const final = error.nonRetryable || policy?.nonRetryableErrorTypes?.includes(error.type ?? '');
    if (final) return undefined;
    if (typeof error.nextRetryDelay === 'number') return error.nextRetryDelay;
  }
  const most = policy?.maximumAttempts ?? 0;
  if (most > 0 && attempt >= most) return undefined;
  const firstMs = msOf(policy?.initialInterval) || 1_000;
  const longestMs = msOf(policy?.maximumInterval) || 100 * firstMs;
  return Math.min(firstMs * (policy?.backoffCoefficient || 2) ** (attempt - 1), longestMs);
}
