/**
 * The two kinds of workers. The files worker runs the workflows, reads files and writes reports; the alerts worker sends to one endpoint
 * and runs no workflows. Each scales by starting more of it; both may share a process.
 */
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Context } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import type { NativeConnection, WorkerOptions } from '@temporalio/worker';
import { Worker } from '@temporalio/worker';
import type { Logger } from 'pino';
import { createApplyTaskQueueRate } from '../../activities/apply-task-queue-rate.ts';
import { createBeginRound } from '../../activities/begin-round.ts';
import { createReadChunks } from '../../activities/read-chunks.ts';
import { createSendAlert } from '../../activities/send-alert.ts';
import { createSendAlerts } from '../../activities/send-alerts.ts';
import { createSettleOrigins } from '../../activities/settle-origins.ts';
import { createTakeOverOrigins } from '../../activities/take-over-origins.ts';
import { createWriteReport } from '../../activities/write-report.ts';
import { systemClock } from '../clock.ts';
import type { FileSummary, WriteReportInput } from '../domain/contracts.ts';
import type { Endpoint, Rate } from '../domain/endpoint.ts';
import { isFast } from '../domain/endpoint.ts';
import { alertsTaskQueue, FILES_TASK_QUEUE } from '../domain/names.ts';
import { createEndpointClient } from '../endpoint/endpoint-client.ts';
import { EndpointSession } from '../endpoint/endpoint-session.ts';
import { Pacer } from '../endpoint/pacer.ts';
import { createProbe } from '../endpoint/probe.ts';
import { RateLease } from '../endpoint/rate-lease.ts';
import type { Ledgers } from '../store/ledger.ts';
import type { Store } from '../store/store.ts';
import { runIsOpen } from './file-deliveries.ts';
import { GovernorClient } from './governor-client.ts';
import { SendingSlots } from './sending-slots.ts';
import { setTaskQueueLimit } from './task-queue-limit.ts';

const WORKFLOW_BUNDLE = fileURLToPath(new URL('../../workflow-bundle.js', import.meta.url));

/** Files that one process reads, or reports on, at the same time: each costs memory and a core. */
const READING_SLOTS = 2;
/** Batches that one process sends at the same time: with more, one worker hoards them and the others idle (docs/decisions/0002-pacing-at-the-socket.md). */
const sendingSlots = (rate: Rate): number => (rate === 'unlimited' ? 8 : isFast(rate) ? 4 : 2);
/**
 * A process that hangs still has its polls in the server, and each swallows a batch until its heartbeat is missed: with the usual ten, the
 * only batch of a file came to the other worker after more than 80 s (measured). With a single one, where the queue has four partitions, the
 * next batch is there up to 200 ms late: at 5,000 a second that cost up to 3% of the rate.
 */
const sendingPolls = (rate: Rate): number => (isFast(rate) ? 2 : 1);
const UNUSED_SLOTS = { type: 'fixed-size', numSlots: 1 } as const;
/** Reading and reporting are begun anew by another worker; they need not end. */
const FAREWELL_MS = 5_000;

export interface WorkerContext {
  readonly client: Client;
  readonly connection: NativeConnection;
  readonly store: Store;
  readonly ledgers: Ledgers;
  readonly reportsRoot: string;
  readonly logger: Logger;
}

export interface RunningWorker {
  /** Settles when the worker has ended; rejects when it failed. */
  readonly ended: Promise<void>;
  /** Finishes what is open, takes nothing new, and resolves when the worker has ended. */
  stop(): Promise<void>;
}

function commonOptions({ connection, client }: WorkerContext): Omit<WorkerOptions, 'taskQueue'> {
  return {
    connection,
    namespace: client.options.namespace,
    // With the default of 10 s a killed worker stalls the others' workflows for as long (measured).
    stickyQueueScheduleToStartTimeout: '1s',
    maxHeartbeatThrottleInterval: '5s',
  };
}

/**
 * `requestTimeoutMs`: the endpoint's, or the default where this process has none. `reading`: false for a worker that only moves workflows on
 * and answers for them.
 */
export async function startFilesWorker(
  context: WorkerContext,
  requestTimeoutMs: number,
  reading = true,
): Promise<RunningWorker> {
  const { store, ledgers, reportsRoot, logger } = context;
  const scope = () => ({
    attempt: Context.current().info.attempt,
    heartbeat: () => Context.current().heartbeat(),
  });
  const origins = { store, ledgers, scope, clock: systemClock, requestTimeoutMs };
  const worker = await Worker.create({
    ...commonOptions(context),
    taskQueue: FILES_TASK_QUEUE,
    workflowBundle: { codePath: WORKFLOW_BUNDLE },
    enableNonLocalActivities: reading,
    maxConcurrentActivityTaskExecutions: READING_SLOTS,
    shutdownGraceTime: FAREWELL_MS,
    activities: {
      ...createReadChunks({
        store,
        heartbeat: (details) => Context.current().heartbeat(details),
        cancellation: () => Context.current().cancellationSignal,
      }),
      beginRound: createBeginRound({
        store,
        scope,
        clock: systemClock,
        runIsOpen: (workflowId, runId) => runIsOpen(context.client, workflowId, runId),
      }),
      writeReport: createWriteReport({
        store,
        ledgers,
        clock: systemClock,
        reportsRoot,
        scope,
        onReport: (input, summary) => logEnd(logger, input, summary),
      }),
      takeOverOrigins: createTakeOverOrigins(origins),
      settleOrigins: createSettleOrigins(origins),
      ...createApplyTaskQueueRate({
        setTaskQueueLimit: (taskQueue, limit) => setTaskQueueLimit(context.client, taskQueue, limit, 'set by wds'),
      }),
    },
  });
  return run(worker, () => undefined);
}

export async function startAlertsWorker(
  context: WorkerContext,
  endpoint: Endpoint,
  { batchSize, shutdownGraceMs }: { readonly batchSize: number; readonly shutdownGraceMs: number },
): Promise<RunningWorker> {
  const { client, store, ledgers, logger } = context;
  const governor = new GovernorClient(client, endpoint.name, { rate: endpoint.rate, batchSize });
  const pacer = new Pacer(typeof endpoint.rate === 'number' ? (endpoint.burst * 1_000) / endpoint.rate : 0);
  const lease = new RateLease({
    pacer,
    workerId: randomUUID(),
    ask: (request) => governor.lease(request),
    random: Math.random,
    maxPauseMs: endpoint.maxRetryAfterMs,
    onStandBy: (standingBy) => {
      slots.open = !standingBy;
      session.wake();
    },
    onResume: () => session.resume(),
    onTrouble: (error) =>
      logger.warn(
        { event: 'no_lease', endpoint: endpoint.name, error: (error as Error).message },
        'the governor of the rate does not answer: is a files worker running? Sending waits for it',
      ),
  });
  const slots = new SendingSlots(sendingSlots(endpoint.rate));
  const probe = createProbe(endpoint);
  const session = new EndpointSession({ endpoint, client: createEndpointClient(endpoint), pacer, lease, probe });
  const dependencies = {
    store,
    ledgers,
    session: (name: string) => (name === endpoint.name ? session : undefined),
    scope: () => {
      const activity = Context.current();
      return {
        attempt: activity.info.attempt,
        cancellationSignal: activity.cancellationSignal,
        heartbeat: () => activity.heartbeat(),
      };
    },
    clock: systemClock,
    random: Math.random,
  };
  const worker = await Worker.create({
    ...commonOptions(context),
    taskQueue: alertsTaskQueue(endpoint.name),
    tuner: {
      activityTaskSlotSupplier: slots,
      workflowTaskSlotSupplier: UNUSED_SLOTS,
      localActivityTaskSlotSupplier: UNUSED_SLOTS,
      nexusTaskSlotSupplier: UNUSED_SLOTS,
    },
    activityTaskPollerBehavior: { type: 'simple-maximum', maximum: sendingPolls(endpoint.rate) },
    shutdownGraceTime: shutdownGraceMs,
    activities: { sendAlerts: createSendAlerts(dependencies), sendAlert: createSendAlert(dependencies) },
  });
  // A governor that runs already may have been told another rate by an earlier configuration.
  governor.configure().catch((error: unknown) => {
    logger.debug(
      { event: 'configure', endpoint: endpoint.name, error: String(error) },
      'told again with the next start',
    );
  });
  return run(
    worker,
    () => session.stop(),
    () => session.close(),
  );
}

/** The one line about a file that everybody looks for. */
function logEnd(logger: Logger, { fileName, endpoint }: WriteReportInput, summary: FileSummary): void {
  const { sha256, alerts, delivered, rejected, undelivered, unconfirmed, invalid, duplicates, pending } = summary;
  const counts = { alerts, delivered, rejected, undelivered, unconfirmed, invalid, duplicates, pending };
  const unusable = alerts === 0 && invalid > 0;
  const level = delivered === alerts && !unusable ? 'info' : 'warn';
  logger[level]({ event: 'file_reported', file: fileName, sha256, endpoint, ...counts }, 'file reported');
}

/** `before` runs when a stop is asked for, `after` when the worker has ended, however it did. */
function run(worker: Worker, before: () => void, after?: () => Promise<void>): RunningWorker {
  const ended = worker.run().finally(() => after?.());
  // Whoever started the worker watches `ended`; a stop in between must not make it an unhandled rejection.
  ended.catch(() => undefined);
  return {
    ended,
    async stop() {
      before();
      if (worker.getState() === 'RUNNING') worker.shutdown();
      await ended;
    },
  };
}
