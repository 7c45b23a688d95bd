/**
 * Deliveries of files as Temporal sees them: starting a FileWorkflow so that a file is never delivered twice, and following it to its
 * end. One workflow ID a file and endpoint; Temporal's reuse policy is the lock.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, WorkflowExecutionDescription, WorkflowHandle } from '@temporalio/client';
import { WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError } from '@temporalio/client';
import type { DeliveryOptions, FilePriority } from '../domain/contracts.ts';
import type { FileProgress } from '../domain/counts.ts';
import { Fault } from '../domain/failure.ts';
import { APPROVE_SIGNAL, FILE_WORKFLOW, fileWorkflowId, installationIn, PAUSE_SIGNAL } from '../domain/names.ts';
import type { ParseOptions } from '../domain/parse-options.ts';
import type { DeliveryRecord } from '../store/delivery-record.ts';
import { requireInSight, settleDeliveryRecord } from '../store/delivery-record.ts';
import type { OwnStore } from '../store/installation-identity.ts';
import type { StagedFile } from '../store/staged-file.ts';
import type { Store } from '../store/store.ts';
import type { DeliveryEnd } from './delivery-end.ts';
import { endOf, endUntil, queryProgress } from './delivery-end.ts';
import type { EndpointOwners } from './endpoint-owners.ts';
import type { FileStart } from './file-workflow-start.ts';
import { fileWorkflowStart } from './file-workflow-start.ts';
import { beganMs, isAnsweredBy, reopensIn } from './press.ts';

const PROGRESS_INTERVAL_MS = 500;
/** Whoever runs the workflow answers sooner, or not at all. */
const PROGRESS_LIMIT_MS = 2_000;

export type SubmitOutcome = 'started' | 'attached' | 'already_delivered' | 'retried';

export interface Submitted {
  readonly outcome: SubmitOutcome;
  readonly workflowId: string;
}

export interface SubmitRequest {
  readonly staged: StagedFile;
  readonly fileName: string;
  readonly endpoint: string;
  readonly parse: Omit<ParseOptions, 'format'>;
  readonly delivery: DeliveryOptions;
  readonly reopenUnconfirmed?: boolean;
  /** Default normal. */
  readonly priority?: FilePriority;
  /** When the process was started that somebody asks by, as time of day. undefined: nobody waits who could have been answered already. */
  readonly pressedMs?: number;
}

export interface FollowOptions {
  onProgress(progress: FileProgress): void;
  /** Nobody answers for the workflow. */
  onSilence?(): void;
  /** Stop waiting, not delivering. */
  readonly signal: AbortSignal;
}

export interface FileDeliveriesParts {
  readonly client: Client;
  readonly store: Store;
  readonly ownStore: OwnStore;
  readonly owners: EndpointOwners;
  /** Whether the namespace has them; without, files are still delivered, only harder to find. */
  readonly searchAttributes: boolean;
  /** Whether the Temporal server has the clock of this host. */
  readonly sameClock: boolean;
}

export class FileDeliveries {
  readonly #parts: FileDeliveriesParts;
  readonly #client: Client;

  constructor(parts: FileDeliveriesParts) {
    this.#parts = parts;
    this.#client = parts.client;
  }

  /** Starts the delivery; attaches where it runs; begins a new round where it failed; does nothing where it completed. */
  async submit(request: SubmitRequest): Promise<Submitted> {
    const { staged, fileName, endpoint } = request;
    const { store, ownStore } = this.#parts;
    const workflowId = fileWorkflowId(staged.sha256, endpoint);
    await this.#permit(endpoint);
    const record = await settleDeliveryRecord(store, {
      sha256: staged.sha256,
      endpoint,
      fileName,
      workflowId,
      parse: { ...request.parse, format: staged.format },
      firstSubmittedAt: new Date().toISOString(),
    });
    await ownStore.confirm();
    await requireInSight(store, record);
    const { contentBytes } = staged;
    return this.start(record, request.delivery, { ...request, contentBytes });
  }

  /** The same for a file that was submitted before. */
  async start(
    record: DeliveryRecord,
    delivery: DeliveryOptions,
    how: Pick<SubmitRequest, 'reopenUnconfirmed' | 'priority' | 'pressedMs'> & Pick<FileStart, 'contentBytes'> = {},
  ): Promise<Submitted> {
    const { workflowId } = record;
    await this.#permit(record.endpoint);
    const before = await this.#newestRun(workflowId);
    if (before?.status === 'COMPLETED') return { outcome: 'already_delivered', workflowId };
    this.#refuseForeign(record, before);
    if (before !== undefined && (await this.#isAnswered(before, how))) return { outcome: 'attached', workflowId };
    const { searchAttributes, ownStore } = this.#parts;
    const { installation } = ownStore;
    try {
      const start = fileWorkflowStart(record, { ...how, delivery, searchAttributes, installation });
      await this.#client.workflow.start(FILE_WORKFLOW, start);
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      const now = await this.#newestRun(workflowId);
      if (now?.status === 'COMPLETED') return { outcome: 'already_delivered', workflowId };
      this.#refuseForeign(record, now);
      return { outcome: 'attached', workflowId };
    }
    return { outcome: before === undefined ? 'started' : 'retried', workflowId };
  }

  /** Whether a try that has ended by now began after the press: whoever pressed is told how that one ended. */
  async #isAnswered(
    { status, description }: NewestRun,
    { pressedMs, reopenUnconfirmed = false }: Pick<SubmitRequest, 'reopenUnconfirmed' | 'pressedMs'>,
  ): Promise<boolean> {
    if (pressedMs === undefined || status === 'RUNNING') return false;
    const { workflow } = this.#client;
    const began = beganMs(description, (runId) => workflow.getHandle(description.workflowId, runId).describe());
    const round = { beganMs: await began, reopens: reopensIn(description) };
    return isAnsweredBy({ startedMs: pressedMs, sameClock: this.#parts.sameClock, reopenUnconfirmed }, round);
  }

  /** Nothing is submitted to an endpoint of another installation, or from a store that is not the one this process began with. */
  async #permit(endpoint: string): Promise<void> {
    await this.#parts.ownStore.confirm();
    await this.#parts.owners.checkNowAndThen(endpoint);
  }

  /** What another installation has sent of the file is in its receipts, not in ours: whoever goes on here would alert everybody again. */
  #refuseForeign({ fileName, endpoint }: DeliveryRecord, run: NewestRun | undefined): void {
    const { installation } = this.#parts.ownStore;
    if (run === undefined || !this.#isForeign(run)) return;
    throw new Fault(
      'config',
      `${fileName} was begun for endpoint ${endpoint} by installation ${run.installation}; this is installation ${installation}`,
      'Its receipts are in that store: deliver it from there. Under another endpoint.name it is delivered to everybody.',
    );
  }

  /** Whether anything runs that could be paused. Nothing is under way any more once the progress says `paused`. */
  async pause(workflowId: string, paused: boolean): Promise<boolean> {
    return this.#order(workflowId, (handle) => handle.signal(PAUSE_SIGNAL, paused));
  }

  /** Whether anything runs that could be waiting for it. */
  async approve(workflowId: string): Promise<boolean> {
    return this.#order(workflowId, (handle) => handle.signal(APPROVE_SIGNAL));
  }

  /** Asks for the end; the answers to open requests are still recorded. Whether anything runs that could be cancelled. */
  async cancel(workflowId: string): Promise<boolean> {
    return this.#order(workflowId, (handle) => handle.cancel());
  }

  async #order(workflowId: string, order: (handle: WorkflowHandle) => Promise<unknown>): Promise<boolean> {
    const run = await this.#newestRun(workflowId);
    if (run?.status !== 'RUNNING' || this.#isForeign(run)) return false;
    try {
      await order(this.#client.workflow.getHandle(workflowId));
      return true;
    } catch (error) {
      // It ended just now.
      if (error instanceof WorkflowNotFoundError) return false;
      throw error;
    }
  }

  /** Waits for the end of a delivery, through continue-as-new, or until the signal aborts. */
  async follow(workflowId: string, { onProgress, onSilence, signal }: FollowOptions): Promise<DeliveryEnd> {
    const handle = this.#client.workflow.getHandle(workflowId);
    let progress: FileProgress | undefined;
    const over = new AbortController();
    const look = async (): Promise<void> => {
      while (!over.signal.aborted) {
        await sleep(PROGRESS_INTERVAL_MS, undefined, { signal: over.signal }).catch(() => undefined);
        if (over.signal.aborted) return;
        try {
          progress = await queryProgress(handle, PROGRESS_LIMIT_MS);
          if (!over.signal.aborted) onProgress(progress);
        } catch {
          // No worker can answer just now; the next look may find one.
          if (!over.signal.aborted) onSilence?.();
        }
      }
    };
    const stopped = new Promise<DeliveryEnd>((resolve) => {
      const stop = (): void => resolve({ kind: 'stopped_waiting', progress });
      if (signal.aborted) stop();
      signal.addEventListener('abort', stop, { once: true, signal: over.signal });
    });
    try {
      void look();
      return await Promise.race([endOf(handle), stopped]);
    } finally {
      over.abort();
    }
  }

  /** How the delivery ended, when it has; rejects at the signal. Where that cannot be told at present it is an end of kind `failed`. */
  untilEnded(workflowId: string, signal: AbortSignal): Promise<DeliveryEnd> {
    return endUntil(this.#client, workflowId, signal);
  }

  #isForeign({ installation }: NewestRun): boolean {
    return installation !== undefined && installation !== this.#parts.ownStore.installation;
  }

  /** undefined: Temporal knows no such workflow. */
  async #newestRun(workflowId: string): Promise<NewestRun | undefined> {
    try {
      const description = await this.#client.workflow.getHandle(workflowId).describe();
      return { status: description.status.name, installation: installationIn(description.memo), description };
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return undefined;
      throw error;
    }
  }
}

interface NewestRun {
  /** Temporal's name of its state. */
  readonly status: string;
  /** undefined: begun by an earlier version. */
  readonly installation: string | undefined;
  readonly description: WorkflowExecutionDescription;
}

/** Whether this very run is open: another run of the same workflow is not it. */
export const runIsOpen = (client: Client, workflowId: string, runId: string): Promise<boolean> =>
  isRunning(client, workflowId, runId);

/** Whether a workflow runs; with `runId`: whether this run of it does. */
export async function isRunning(client: Client, workflowId: string, runId?: string): Promise<boolean> {
  try {
    return (await client.workflow.getHandle(workflowId, runId).describe()).status.name === 'RUNNING';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}
