/**
 * Deliveries and governors that were begun by a version in which installations had no identity are on queues that name none. They are served
 * until they end: this looks now and then whether any runs, and keeps a worker for them as long as one does.
 */
import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import { FILE_WORKFLOW, filesTaskQueue } from '../domain/names.ts';
import { reasonOf } from '../thrown.ts';
import type { RunningWorker } from './worker.ts';

/** Visibility queries. */
export const OLD_WORKFLOWS = `TaskQueue = "${filesTaskQueue(undefined)}" AND ExecutionStatus = "Running"`;
export const OLD_DELIVERIES = `${OLD_WORKFLOWS} AND WorkflowType = "${FILE_WORKFLOW}"`;

const LOOK_MS = 60_000;
const ANSWER_LIMIT_MS = 5_000;

export interface OldQueueOptions {
  readonly client: Client;
  readonly logger: Logger;
  /** Those that need the worker. */
  readonly workflows: string;
  readonly start: () => Promise<RunningWorker>;
}

export class OldQueue {
  readonly #options: OldQueueOptions;
  readonly #timer: NodeJS.Timeout;
  #worker: RunningWorker | undefined;
  #looking: Promise<void>;
  #stopped = false;

  constructor(options: OldQueueOptions) {
    this.#options = options;
    this.#looking = this.#look();
    this.#timer = setInterval(() => {
      this.#looking = this.#looking.then(() => this.#look());
    }, LOOK_MS).unref();
  }

  async #look(): Promise<void> {
    const { client, logger, workflows, start } = this.#options;
    try {
      const ask = () => client.workflow.count(workflows);
      const { count } = await client.connection.withDeadline(Date.now() + ANSWER_LIMIT_MS, ask);
      if (this.#stopped) return;
      if (count > 0 && this.#worker === undefined) {
        const worker = await start();
        this.#worker = worker;
        worker.ended.then(
          () => this.#forget(worker),
          () => this.#forget(worker),
        );
        return;
      }
      if (count === 0) await this.#worker?.stop();
    } catch (error) {
      logger.debug({ event: 'old_queue', error: reasonOf(error) }, 'looked for again in a minute');
    }
  }

  /** One that failed is started again at the next look. */
  #forget(worker: RunningWorker): void {
    if (this.#worker === worker) this.#worker = undefined;
  }

  /** As that of its worker. */
  async stop(unheardMs?: number): Promise<boolean> {
    this.#stopped = true;
    clearInterval(this.#timer);
    await this.#looking;
    return (await this.#worker?.stop(unheardMs)) ?? true;
  }
}
