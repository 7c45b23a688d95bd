/**
 * Stands in for `@temporalio/workflow` where workflow code is simulated: the same names with the same meaning, over WorkflowRuntime. Only what
 * wds's workflows use; the failures are the real ones.
 */

import type { Duration } from '@temporalio/common';
import { msToNumber as parseDuration } from '@temporalio/common/lib/time.js';
import type { FileWork } from '../../../src/domain/contracts.ts';
import { filesTaskQueue } from '../../../src/domain/names.ts';
import { CancellationScope } from './cancellation-scope.ts';
import type { ActivityRequestOptions } from './workflow-runtime.ts';
import { ContinueAsNew, WorkflowRuntime } from './workflow-runtime.ts';

export { ActivityFailure, ApplicationFailure, CancelledFailure, isCancellation, TimeoutFailure } from './failures.ts';
export { CancellationScope, ContinueAsNew };

export const ActivityCancellationType = {
  TRY_CANCEL: 'TRY_CANCEL',
  WAIT_CANCELLATION_COMPLETED: 'WAIT_CANCELLATION_COMPLETED',
  ABANDON: 'ABANDON',
} as const;

interface Definition {
  readonly type: 'signal' | 'query' | 'update';
  readonly name: string;
}

export const defineSignal = (name: string): Definition => ({ type: 'signal', name });
export const defineQuery = (name: string): Definition => ({ type: 'query', name });
export const defineUpdate = (name: string): Definition => ({ type: 'update', name });

export function setHandler({ type, name }: Definition, handler: (...args: unknown[]) => void): void {
  const runtime = WorkflowRuntime.get();
  if (type === 'signal') runtime.handleSignals(name, handler);
  else runtime.queryHandlers.set(name, handler);
}

const parsed = new Map<Duration, number>();

function msToNumber(duration: Duration): number {
  let value = parsed.get(duration);
  if (value === undefined) {
    value = parseDuration(duration);
    if (parsed.size < 1_000) parsed.set(duration, value);
  }
  return value;
}

const msOptionalToNumber = (duration: Duration | undefined): number | undefined =>
  duration === undefined ? undefined : msToNumber(duration);

interface ActivityOptions {
  readonly taskQueue?: string;
  readonly startToCloseTimeout?: Duration;
  readonly heartbeatTimeout?: Duration;
  readonly cancellationType?: string;
  readonly retry?: {
    readonly initialInterval?: Duration;
    readonly maximumInterval?: Duration;
    readonly backoffCoefficient?: number;
    readonly maximumAttempts?: number;
    readonly nonRetryableErrorTypes?: readonly string[];
  };
}

function compiled(options: ActivityOptions): ActivityRequestOptions {
  const { retry = {} } = options;
  return {
    taskQueue: options.taskQueue ?? '',
    startToCloseMs: msOptionalToNumber(options.startToCloseTimeout) ?? Number.POSITIVE_INFINITY,
    heartbeatMs: msOptionalToNumber(options.heartbeatTimeout),
    initialIntervalMs: msOptionalToNumber(retry.initialInterval) ?? 1_000,
    maximumIntervalMs: msOptionalToNumber(retry.maximumInterval),
    backoffCoefficient: retry.backoffCoefficient ?? 2,
    maximumAttempts: retry.maximumAttempts ?? Number.POSITIVE_INFINITY,
    nonRetryableErrorTypes: retry.nonRetryableErrorTypes ?? [],
    waitsForCancellation: options.cancellationType === ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  };
}

type AnyActivities = Record<string, (input: unknown) => Promise<unknown>>;

/** An object whose every member schedules the activity of that name. */
export function proxyActivities(options: ActivityOptions): AnyActivities {
  const request = compiled(options);
  return new Proxy<AnyActivities>(
    {},
    { get: (_target, name) => (input: unknown) => schedule(String(name), input, request) },
  );
}

function schedule(name: string, input: unknown, options: ActivityRequestOptions): Promise<unknown> {
  const runtime = WorkflowRuntime.get();
  const { scope } = runtime;
  if (scope.failure !== undefined) return Promise.reject(scope.failure);
  return new Promise((resolve, reject) => {
    const settle = (run: () => void): void => {
      ignoreCancel();
      runtime.resume(scope, run);
    };
    const handle = runtime.host.startActivity({
      number: ++runtime.activities,
      name,
      input,
      options,
      done: (result) => settle(() => resolve(result)),
      failed: (error) => settle(() => reject(error)),
    });
    const ignoreCancel = scope.onCancel(() => handle.requestCancel());
  });
}

export function sleep(duration: Duration): Promise<void> {
  return new Promise((resolve, reject) => whenever(resolve, reject, msToNumber(duration)));
}

/** Waits in the current scope: for a time, or, without one, until the returned function is called. */
function whenever(resolve: () => void, reject: (error: unknown) => void, delayMs: number): () => void {
  const runtime = WorkflowRuntime.get();
  const { scope } = runtime;
  if (scope.failure !== undefined) {
    reject(scope.failure);
    return () => undefined;
  }
  const stop = runtime.host.startTimer(delayMs, () => {
    ignoreCancel();
    runtime.resume(scope, resolve);
  });
  const ignoreCancel = scope.onCancel((failure) => {
    stop();
    runtime.resume(scope, () => reject(failure));
  });
  return () => {
    stop();
    ignoreCancel();
  };
}

/** With a time limit: false when it ran out. */
export function condition(holds: () => boolean, limit?: Duration): Promise<boolean | undefined> {
  const runtime = WorkflowRuntime.get();
  const { scope } = runtime;
  if (scope.failure !== undefined) return Promise.reject(scope.failure);
  return new Promise((resolve, reject) => {
    let stopTimer: (() => void) | undefined;
    const forget = runtime.addCondition({
      holds,
      scope,
      resolve: () => {
        stopTimer?.();
        ignoreCancel();
        resolve(limit === undefined ? undefined : true);
      },
    });
    const ignoreCancel = scope.onCancel((failure) => {
      forget();
      stopTimer?.();
      runtime.resume(scope, () => reject(failure));
    });
    if (limit === undefined) return;
    stopTimer = runtime.host.startTimer(msToNumber(limit), () => {
      forget();
      ignoreCancel();
      runtime.resume(scope, () => resolve(false));
    });
  });
}

export function continueAsNew(input: unknown): Promise<never> {
  return Promise.reject(new ContinueAsNew(input));
}

/** With other words for the server, of which there is none here. */
export const makeContinueAsNewFunc = () => continueAsNew;

export function workflowInfo() {
  const { host, historyLength } = WorkflowRuntime.get();
  const { runId, workflowId } = host;
  const versions = { currentDeploymentVersion: undefined, targetWorkerDeploymentVersionChanged: false };
  return { runId, workflowId, historyLength, continueAsNewSuggested: false, ...versions };
}

export const patched = (_id: string): boolean => true;
export const deprecatePatch = (_id: string): void => undefined;
const say = (_message: string, _fields: object): void => undefined;
export const log = { warn: say, info: say };

export const upsertSearchAttributes = (_attributes: unknown): void => undefined;
export const allHandlersFinished = (): boolean => true;

export function setCurrentDetails(details: string): void {
  WorkflowRuntime.get().details = details;
}

/**
 * Run by a files worker, as an activity is: it may be run twice, its result may be lost, and the server knows nothing of it before it is there.
 */
export function proxyLocalActivities(options: ActivityOptions): AnyActivities {
  return new Proxy<AnyActivities>(
    {},
    {
      get: (_target, name) => (input: unknown) => {
        const taskQueue = filesTaskQueue((WorkflowRuntime.get().input as FileWork).installation);
        return schedule(String(name), input, compiled({ ...options, taskQueue }));
      },
    },
  );
}
