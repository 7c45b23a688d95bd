/**
 * What the two kinds of workers share. The files worker runs the workflows, reads files and writes reports; the alerts worker sends to one
 * endpoint. Each scales by starting more of it; both may share a process.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { Worker, WorkerOptions } from '@temporalio/worker';
import type { Logger } from 'pino';
import type { SendDependencies } from '../../activities/send-activity.ts';
import type { NotifySettings, ReportForm } from '../config/settings.ts';
import type { DeploymentVersion } from '../config/versioning-schema.ts';
import type { Monitoring } from '../monitoring/monitoring.ts';
import type { OwnStore } from '../store/installation-identity.ts';
import type { Ledgers } from '../store/ledger.ts';
import type { ReportShelf } from '../store/report-shelf.ts';
import type { Store } from '../store/store.ts';
import type { AccessWatch } from './access-watch.ts';
import { ActivitySpans, fileNamesIn } from './activity-spans.ts';
import type { Notices } from './notices.ts';
import type { WorkerConnection } from './worker-connection.ts';

export interface WorkerContext {
  readonly client: Client;
  readonly connection: WorkerConnection;
  readonly store: Store;
  readonly ownStore: OwnStore;
  readonly ledgers: Ledgers;
  readonly reports: ReportShelf;
  readonly reportForm: ReportForm;
  /** undefined: files workers are not versioned. */
  readonly deploymentVersion: DeploymentVersion | undefined;
  readonly logger: Logger;
  /** Who is to be told of events. */
  readonly notices: Notices;
  /** How; undefined: nobody is. */
  readonly notify: NotifySettings | undefined;
  readonly monitoring: Monitoring;
  readonly access: AccessWatch;
  /** Who is not to be alerted. */
  readonly suppressed: SendDependencies['suppressed'];
  /** IDs of the workflows of files that were logged as refused. */
  readonly refused: Set<string>;
}

export interface RunningWorker {
  /** Settles when the worker has ended; rejects when it failed. */
  readonly ended: Promise<void>;
  /**
   * Finishes what is open, takes nothing new, and resolves to true when the worker has ended. To false where it has not, though nothing is open here any more:
   * Temporal does not answer. What was done is in the receipts; it is told by whoever is given the work next. `unheardMs`: how long Temporal is given to
   * answer once nothing is open.
   */
  stop(unheardMs?: number): Promise<boolean>;
}

export function commonOptions({ connection, client, store }: WorkerContext): Omit<WorkerOptions, 'taskQueue'> {
  const names = fileNamesIn(store);
  return {
    interceptors: { activity: [({ info }) => ({ inbound: new ActivitySpans(info, names) })] },
    connection: connection.native,
    namespace: client.options.namespace,
    // With the default of 10 s a killed worker stalls the others' workflows for as long (measured).
    stickyQueueScheduleToStartTimeout: '1s',
    maxHeartbeatThrottleInterval: '5s',
  };
}

/** Nothing is open, and the worker has not ended: so long Temporal is given to hear of it. Polls of a server that hangs last a minute. */
const UNHEARD_MS = 4_000;
const LOOK_MS = 200;

async function unheard(worker: Worker, unheardMs: number, signal: AbortSignal): Promise<false> {
  let idleSinceMs: number | undefined;
  for (;;) {
    await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
    const { numInFlightActivities } = worker.getStatus();
    if (numInFlightActivities > 0) idleSinceMs = undefined;
    else idleSinceMs ??= performance.now();
    if (signal.aborted || (idleSinceMs !== undefined && performance.now() - idleSinceMs > unheardMs)) return false;
  }
}

export function run(worker: Worker, { connection }: Pick<WorkerContext, 'connection'>): RunningWorker {
  const ended = worker.run();
  void connection.whileRuns(worker, ended);
  // Whoever started the worker watches `ended`; a stop in between must not make it an unhandled rejection.
  ended.catch(() => undefined);
  return {
    ended,
    async stop(unheardMs = UNHEARD_MS) {
      if (worker.getState() === 'RUNNING') worker.shutdown();
      const done = new AbortController();
      try {
        return await Promise.race([ended.then(() => true), unheard(worker, unheardMs, done.signal)]);
      } finally {
        done.abort();
      }
    },
  };
}
