/** The files worker: runs the workflows, reads files and writes reports. It scales by starting more of it. */

import { fileURLToPath } from 'node:url';
import { Context } from '@temporalio/activity';
import type { WorkerOptions } from '@temporalio/worker';
import { Worker } from '@temporalio/worker';
import { createApplyTaskQueueRate } from '../../activities/apply-task-queue-rate.ts';
import { createBeginRound } from '../../activities/begin-round.ts';
import { createLookBack } from '../../activities/look-back.ts';
import { createOwnWork } from '../../activities/own-work.ts';
import { createReadChunks } from '../../activities/read-chunks.ts';
import type { RefusedFile } from '../../activities/refusals.ts';
import { createSettleOrigins } from '../../activities/settle-origins.ts';
import { createTakeOverOrigins } from '../../activities/take-over-origins.ts';
import { createWriteReport } from '../../activities/write-report.ts';
import { systemClock } from '../clock.ts';
import { filesTaskQueue } from '../domain/names.ts';
import type { WatchedSecrets } from '../notify/watched-secrets.ts';
import { FaultLog } from './fault-log.ts';
import { isRunning, runIsOpen } from './file-deliveries.ts';
import { FileLog } from './file-log.ts';
import { noticeActivities, noticeSecrets, tellEnd, tellRefusal } from './file-notices.ts';
import { OLD_WORKFLOWS, OldQueue } from './old-queue.ts';
import { setTaskQueueLimit } from './task-queue-limit.ts';
import type { RunningWorker, WorkerContext } from './worker.ts';
import { commonOptions, run } from './worker.ts';

const bundleOf = (name: string) => ({ codePath: fileURLToPath(new URL(`../../${name}.js`, import.meta.url)) });

/** Files that one process reads, or reports on, at the same time: each costs memory and a core. */
const READING_SLOTS = 2;
/** The same for small files, whose steps are local activities. */
const SMALL_FILE_SLOTS = 4;
/** Each takes some 0.3 MB; what is not kept is played again from its history when it goes on. */
const CACHED_WORKFLOWS = 200;
/** Reading and reporting are begun anew by another worker; they need not end. */
const SHUTDOWN_GRACE_MS = 5_000;

export interface FilesWorkerOptions {
  /** The longest of the endpoints', or the default where this process has none. */
  readonly requestTimeoutMs: number;
  /** False for a worker that only moves workflows on and answers for them. */
  readonly reading: boolean;
  /** Names: those of the settings. */
  readonly endpoints: readonly string[];
}

export async function startFilesWorker(context: WorkerContext, options: FilesWorkerOptions): Promise<RunningWorker> {
  const { client, logger, ownStore } = context;
  const secrets = noticeSecrets(context);
  const create = async (from: string | undefined): Promise<RunningWorker> =>
    run(await createFilesWorker(context, options, filesTaskQueue(from), secrets), context);
  const own = await create(ownStore.installation);
  const start = (): Promise<RunningWorker> => create(undefined);
  const old = new OldQueue({ client, logger, workflows: OLD_WORKFLOWS, start });
  return {
    ended: own.ended,
    async stop(unheardMs) {
      secrets.close();
      return (await Promise.all([own.stop(unheardMs), old.stop(unheardMs)])).every(Boolean);
    },
  };
}

function createFilesWorker(
  context: WorkerContext,
  { requestTimeoutMs, reading, endpoints }: FilesWorkerOptions,
  taskQueue: string,
  secrets: WatchedSecrets,
): Promise<Worker> {
  const { store, ownStore, ledgers, reports, reportForm, logger, monitoring, refused } = context;
  const scope = () => ({
    attempt: Context.current().info.attempt,
    heartbeat: () => Context.current().heartbeat(),
  });
  const fileLog = new FileLog(logger, refused, monitoring.metrics, endpoints);
  const { notices } = context;
  const onRefusal = async (file: RefusedFile): Promise<void> => {
    fileLog.refused(file);
    await tellRefusal(notices, file);
  };
  const origins = { store, ledgers, scope, clock: systemClock, requestTimeoutMs, onRefusal };
  const own = new FaultLog(logger, monitoring.metrics).telling(createOwnWork({ store, ownStore, scope }));
  const { readChunks } = createReadChunks({
    store,
    heartbeat: (details) => Context.current().heartbeat(details),
    cancellation: () => Context.current().cancellationSignal,
    onRefusal,
  });
  return Worker.create({
    ...commonOptions(context),
    ...workflowsOf(context),
    taskQueue,
    enableNonLocalActivities: reading,
    maxConcurrentActivityTaskExecutions: READING_SLOTS,
    maxConcurrentLocalActivityExecutions: SMALL_FILE_SLOTS,
    maxCachedWorkflows: CACHED_WORKFLOWS,
    shutdownGraceTime: SHUTDOWN_GRACE_MS,
    activities: {
      readChunks: own(readChunks),
      beginRound: own(
        createBeginRound({
          store,
          scope,
          clock: systemClock,
          runIsOpen: (workflowId, runId) => runIsOpen(context.client, workflowId, runId),
        }),
      ),
      writeReport: own(
        createWriteReport({
          store,
          ledgers,
          clock: systemClock,
          reports,
          ...reportForm,
          scope,
          onReport: async (input, summary) => {
            fileLog.reported(input, summary);
            await tellEnd(notices, input, summary);
          },
        }),
      ),
      takeOverOrigins: own(createTakeOverOrigins(origins)),
      settleOrigins: own(createSettleOrigins(origins)),
      lookBack: own(
        createLookBack({ ...origins, readChunks, isRunning: (workflowId) => isRunning(context.client, workflowId) }),
      ),
      ...noticeActivities(context, secrets),
      ...createApplyTaskQueueRate({
        setTaskQueueLimit: (taskQueue, limit) => setTaskQueueLimit(context.client, taskQueue, limit, 'set by wds'),
      }),
    },
  });
}

/**
 * The workflows. Where a deployment is named, they say how each moves between versions. The alerts workers are never versioned: a file of any
 * version is sent by whichever of them is there.
 */
function workflowsOf({ deploymentVersion }: WorkerContext): Partial<WorkerOptions> {
  if (deploymentVersion === undefined) return { workflowBundle: bundleOf('workflow-bundle') };
  const versioning = { useWorkerVersioning: true, defaultVersioningBehavior: 'PINNED' } as const;
  return {
    workflowBundle: bundleOf('workflow-bundle-versioned'),
    workerDeploymentOptions: { version: deploymentVersion, ...versioning },
  };
}
