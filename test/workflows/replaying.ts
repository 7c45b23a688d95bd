/** Replays a history against the workflows as they are built now. Rejects with a DeterminismViolationError where they would act otherwise. */
import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import { temporal } from '@temporalio/proto';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';

const { History } = temporal.api.history.v1;

// The SDK tells of every start and stop of a worker; what fails is thrown.
Runtime.install({
  logger: new DefaultLogger('ERROR'),
  telemetryOptions: { logging: { filter: 'ERROR', forward: {} } },
});

/** A test that is run by itself must not meet the bundle of an older source. Costs nothing when it is fresh. */
export function buildWorkflows(): void {
  execFileSync(process.execPath, ['scripts/setup.mjs'], { stdio: ['ignore', 'inherit', 'inherit'] });
}

let last: Promise<unknown> = Promise.resolve();

/**
 * `history`: as fetched, or as its JSON. (The SDK's own reader of JSON fails where npm gives it two copies of protobufjs.) One after the other: the
 * SDK's runtime ends with its last worker, and a worker that is made at that very moment gets one that is gone.
 */
export function replay(history: object, workflowId: string): Promise<void> {
  const workflowBundle = { codePath: resolve('dist/workflow-bundle.js') };
  const recorded = History.fromObject(history as Record<string, unknown>);
  const replayed = last.then(() => Worker.runReplayHistory({ workflowBundle }, recorded, workflowId));
  last = replayed.catch(() => undefined);
  return replayed;
}
