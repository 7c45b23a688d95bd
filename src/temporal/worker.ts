/**
 * What the two kinds of workers share. The files worker runs the workflows, reads files and writes reports; the alerts worker sends to one
 * endpoint. Each scales by starting more of it; both may share a process.
 */

import type { Client } from '@temporalio/client';
import type { NativeConnection, Worker, WorkerOptions } from '@temporalio/worker';
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
import type { Notices } from './notices.ts';

export interface WorkerContext {
  readonly client: Client;
  readonly connection: NativeConnection;
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
  /** Finishes what is open, takes nothing new, and resolves when the worker has ended. */
  stop(): Promise<void>;
}

export function commonOptions({ connection, client }: WorkerContext): Omit<WorkerOptions, 'taskQueue'> {
  return {
    connection,
    namespace: client.options.namespace,
    // With the default of 10 s a killed worker stalls the others' workflows for as long (measured).
    stickyQueueScheduleToStartTimeout: '1s',
    maxHeartbeatThrottleInterval: '5s',
  };
}

export function run(worker: Worker): RunningWorker {
  const ended = worker.run();
  // Whoever started the worker watches `ended`; a stop in between must not make it an unhandled rejection.
  ended.catch(() => undefined);
  return {
    ended,
    async stop() {
      if (worker.getState() === 'RUNNING') worker.shutdown();
      await ended;
    },
  };
}
