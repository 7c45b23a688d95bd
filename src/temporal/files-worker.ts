/** The files worker: runs the workflows, reads files and writes reports. It scales by starting more of it. */

import { fileURLToPath } from 'node:url';
import { Context } from '@temporalio/activity';
import type { WorkerOptions } from '@temporalio/worker';
import { Worker } from '@temporalio/worker';
import type { Logger } from 'pino';
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
import type { WriteReportInput } from '../domain/contracts.ts';
import type { FileSummary } from '../domain/counts.ts';
import { isAllDelivered } from '../domain/counts.ts';
import { filesTaskQueue, fileWorkflowId } from '../domain/names.ts';
import { plainText } from '../domain/plain-text.ts';
import { countsText } from '../domain/progress/counts-text.ts';
import { invalidLines, warningLines } from '../domain/rows/words.ts';
import { FaultLog } from './fault-log.ts';
import { isRunning, runIsOpen } from './file-deliveries.ts';
import { firstLine, isRefused, noticeActivities, TOO_MANY, tellEnd, tellRefusal } from './file-notices.ts';
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
}

export async function startFilesWorker(context: WorkerContext, options: FilesWorkerOptions): Promise<RunningWorker> {
  const { client, logger, ownStore } = context;
  const create = (taskQueue: string): Promise<Worker> => createFilesWorker(context, options, taskQueue);
  const own = run(await create(filesTaskQueue(ownStore.installation)));
  const start = async (): Promise<RunningWorker> => run(await create(filesTaskQueue(undefined)));
  const old = new OldQueue({ client, logger, workflows: OLD_WORKFLOWS, start });
  return {
    ended: own.ended,
    async stop() {
      await Promise.all([own.stop(), old.stop()]);
    },
  };
}

function createFilesWorker(
  context: WorkerContext,
  { requestTimeoutMs, reading }: FilesWorkerOptions,
  taskQueue: string,
): Promise<Worker> {
  const { store, ownStore, ledgers, reports, reportForm, logger, refused } = context;
  const scope = () => ({
    attempt: Context.current().info.attempt,
    heartbeat: () => Context.current().heartbeat(),
  });
  const { notices } = context;
  const onRefusal = async (file: RefusedFile): Promise<void> => {
    logRefusal(logger, refused, file);
    await tellRefusal(notices, file);
  };
  const origins = { store, ledgers, scope, clock: systemClock, requestTimeoutMs, onRefusal };
  const own = new FaultLog(logger).telling(createOwnWork({ store, ownStore, scope }));
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
            logEnd(logger, refused, input, summary);
            await tellEnd(notices, input, summary);
          },
        }),
      ),
      takeOverOrigins: own(createTakeOverOrigins(origins)),
      settleOrigins: own(createSettleOrigins(origins)),
      lookBack: own(
        createLookBack({ ...origins, readChunks, isRunning: (workflowId) => isRunning(context.client, workflowId) }),
      ),
      ...noticeActivities(context),
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

/** Beyond these, the SDK's lines about them come through, too. */
const MOST_REFUSED = 10_000;

/** The one line about a file that is refused. */
function logRefusal(logger: Logger, refused: Set<string>, file: Omit<RefusedFile, 'code'> & object): void {
  const { sha256, endpoint, line, reason } = file;
  if (endpoint !== undefined && refused.size < MOST_REFUSED) refused.add(fileWorkflowId(sha256, endpoint));
  const name = plainText(file.file);
  const where = line === undefined ? '' : ` (line ${line})`;
  const nextStep = 'Mend the file and drop it again.';
  logger.warn(
    { event: 'file_refused', ...file, nextStep },
    `${name}: refused${where}, nothing of it is sent: ${plainText(reason)}`,
  );
}

/** The one line about a file that everybody looks for. */
function logEnd(
  logger: Logger,
  refused: Set<string>,
  { fileName, endpoint, round }: WriteReportInput,
  summary: FileSummary,
): void {
  const { sha256, alerts, delivered, rejected, undelivered, unconfirmed, invalid, duplicates, pending } = summary;
  const { suppressed = 0 } = summary;
  const counts = { alerts, delivered, rejected, undelivered, unconfirmed, suppressed, invalid, duplicates, pending };
  const { reportDir } = summary;
  const warnings = warningLines(summary);
  const found = {
    ...(invalid === 0 ? {} : { invalidReasons: invalidLines(summary), invalidRows: `${reportDir}/invalid.csv` }),
    ...(warnings.length === 0 ? {} : { warnings }),
  };
  // Its rows were read and found wanting; whoever was alerted by an earlier run lets it go on.
  if (isRefused(round, summary)) {
    logRefusal(logger, refused, {
      file: fileName,
      sha256,
      endpoint,
      line: firstLine(summary),
      reason: TOO_MANY,
      ...found,
    });
    return;
  }
  refused.delete(fileWorkflowId(sha256, endpoint));
  const level = isAllDelivered(summary) && invalid === 0 && warnings.length === 0 ? 'info' : 'warn';
  const fields = { event: 'file_reported', file: fileName, sha256, endpoint, ...counts, ...found, reportDir };
  logger[level](fields, `${plainText(fileName)}: ${countsText(counts, pending)}; report ${reportDir}`);
}
