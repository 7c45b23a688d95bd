/**
 * Deliveries of files as Temporal sees them: starting a FileWorkflow so that a file is never delivered twice, and following it to its
 * end. One workflow ID a file and endpoint; Temporal's reuse policy is the lock.
 */
import type { Client, WorkflowHandle } from '@temporalio/client';
import { WorkflowExecutionAlreadyStartedError, WorkflowFailedError, WorkflowNotFoundError } from '@temporalio/client';
import type { Priority } from '@temporalio/common';
import {
  ApplicationFailure,
  CancelledFailure,
  defineSearchAttributeKey,
  TerminatedFailure,
  TypedSearchAttributes,
} from '@temporalio/common';
import type {
  DeliveryOptions,
  FilePriority,
  FileProgress,
  FileSummary,
  FileWorkflowInput,
} from '../domain/contracts.ts';
import { Fault } from '../domain/failure.ts';
import {
  FAILURE,
  FILE_WORKFLOW,
  FILES_TASK_QUEUE,
  fileWorkflowId,
  PAUSE_SIGNAL,
  PROGRESS_QUERY,
  SEARCH_ATTRIBUTES,
} from '../domain/names.ts';
import type { ParseOptions } from '../domain/parse-options.ts';
import type { DeliveryRecord } from '../store/delivery-record.ts';
import { settleDeliveryRecord } from '../store/delivery-record.ts';
import type { StagedFile } from '../store/staged-file.ts';
import type { Store } from '../store/store.ts';

/** With the default of 10 s, a task given to a worker that was just killed comes back only then (measured). */
const WORKFLOW_TASK_TIMEOUT = '3s';
const PROGRESS_INTERVAL_MS = 500;

export type SubmitOutcome = 'started' | 'attached' | 'already_delivered' | 'retried';

export interface Submitted {
  readonly outcome: SubmitOutcome;
  readonly workflowId: string;
}

export type DeliveryEnd =
  | { readonly kind: 'ended'; readonly summary: FileSummary }
  /** `summary`: of a file that was read to its end before it was refused. */
  | { readonly kind: 'failed'; readonly fault: Error; readonly summary?: FileSummary }
  /** By an operator, before its end: what was sent is in the receipts. */
  | { readonly kind: 'stopped'; readonly how: 'cancelled' | 'terminated' }
  | { readonly kind: 'stopped_waiting'; readonly progress: FileProgress | undefined };

export interface SubmitRequest {
  readonly staged: StagedFile;
  readonly fileName: string;
  readonly endpoint: string;
  readonly parse: Omit<ParseOptions, 'format'>;
  readonly delivery: DeliveryOptions;
  readonly reopenUnconfirmed?: boolean;
  /** Default normal. */
  readonly priority?: FilePriority;
}

export interface FollowOptions {
  onProgress(progress: FileProgress): void;
  /** Stop waiting, not delivering. */
  readonly signal: AbortSignal;
}

export class FileDeliveries {
  readonly #client: Client;
  readonly #store: Store;
  readonly #searchAttributes: boolean;

  /** `searchAttributes`: whether the namespace has them; without, files are still delivered, only harder to find. */
  constructor(client: Client, store: Store, searchAttributes: boolean) {
    this.#client = client;
    this.#store = store;
    this.#searchAttributes = searchAttributes;
  }

  /** Starts the delivery; attaches where it runs; begins a new round where it failed; does nothing where it completed. */
  async submit(request: SubmitRequest): Promise<Submitted> {
    const { staged, fileName, endpoint } = request;
    const workflowId = fileWorkflowId(staged.sha256, endpoint);
    const record = await settleDeliveryRecord(this.#store, {
      sha256: staged.sha256,
      endpoint,
      fileName,
      workflowId,
      parse: { ...request.parse, format: staged.format },
      firstSubmittedAt: new Date().toISOString(),
    });
    return this.start(record, request.delivery, request);
  }

  /** The same for a file that was submitted before. */
  async start(
    record: DeliveryRecord,
    delivery: DeliveryOptions,
    { reopenUnconfirmed = false, priority = 'normal' }: Pick<SubmitRequest, 'reopenUnconfirmed' | 'priority'> = {},
  ): Promise<Submitted> {
    const { workflowId, sha256, fileName, endpoint, parse } = record;
    const searchAttributes = this.#searchAttributes;
    const input: FileWorkflowInput = {
      sha256,
      fileName,
      endpoint,
      parse,
      delivery,
      reopenUnconfirmed,
      searchAttributes,
    };
    const before = await this.#statusOf(workflowId);
    if (before === 'COMPLETED') return { outcome: 'already_delivered', workflowId };
    try {
      await this.#client.workflow.start(FILE_WORKFLOW, {
        workflowId,
        taskQueue: FILES_TASK_QUEUE,
        args: [input],
        workflowIdReusePolicy: 'ALLOW_DUPLICATE_FAILED_ONLY',
        workflowIdConflictPolicy: 'FAIL',
        workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
        priority: priorityOf(sha256, priority),
        staticSummary: `${fileName} → ${endpoint}`,
        staticDetails: `File **${fileName}** (SHA-256 \`${sha256}\`), delivered to endpoint **${endpoint}**.`,
        ...(searchAttributes ? { typedSearchAttributes: attributesOf(record) } : {}),
      });
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      const completed = (await this.#statusOf(workflowId)) === 'COMPLETED';
      return { outcome: completed ? 'already_delivered' : 'attached', workflowId };
    }
    return { outcome: before === undefined ? 'started' : 'retried', workflowId };
  }

  /** Whether anything runs that could be paused. Nothing is under way any more once the progress says `paused`. */
  async pause(workflowId: string, paused: boolean): Promise<boolean> {
    return this.#order(workflowId, (handle) => handle.signal(PAUSE_SIGNAL, paused));
  }

  /** Asks for the end; the answers to open requests are still recorded. Whether anything runs that could be cancelled. */
  async cancel(workflowId: string): Promise<boolean> {
    return this.#order(workflowId, (handle) => handle.cancel());
  }

  async #order(workflowId: string, order: (handle: WorkflowHandle) => Promise<unknown>): Promise<boolean> {
    if ((await this.#statusOf(workflowId)) !== 'RUNNING') return false;
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
  async follow(workflowId: string, { onProgress, signal }: FollowOptions): Promise<DeliveryEnd> {
    const handle = this.#client.workflow.getHandle(workflowId);
    let progress: FileProgress | undefined;
    const poll = setInterval(() => {
      queryProgress(handle).then(
        (value) => {
          progress = value;
          onProgress(value);
        },
        // No worker can answer just now; the next poll may find one.
        () => undefined,
      );
    }, PROGRESS_INTERVAL_MS);
    const stopped = new Promise<DeliveryEnd>((resolve) => {
      const stop = (): void => resolve({ kind: 'stopped_waiting', progress });
      if (signal.aborted) stop();
      signal.addEventListener('abort', stop, { once: true });
    });
    try {
      return await Promise.race([endOf(handle), stopped]);
    } finally {
      clearInterval(poll);
    }
  }

  /** Temporal's name of the state of the newest run; undefined: it knows no such workflow. */
  async #statusOf(workflowId: string): Promise<string | undefined> {
    try {
      return (await this.#client.workflow.getHandle(workflowId).describe()).status.name;
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return undefined;
      throw error;
    }
  }
}

/** Whether this very run is open: another run of the same workflow is not it. */
export async function runIsOpen(client: Client, workflowId: string, runId: string): Promise<boolean> {
  try {
    return (await client.workflow.getHandle(workflowId, runId).describe()).status.name === 'RUNNING';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

/** Inherited by the file's activities, and by the runs that continue it. Files of one priority take turns, whatever their size. */
const priorityOf = (sha256: string, priority: FilePriority): Priority => ({
  priorityKey: priority === 'urgent' ? 1 : 3,
  fairnessKey: sha256.slice(0, 16),
});

const attributesOf = ({ fileName, endpoint }: DeliveryRecord): TypedSearchAttributes =>
  new TypedSearchAttributes([
    { key: defineSearchAttributeKey(SEARCH_ATTRIBUTES.fileName, 'KEYWORD'), value: fileName },
    { key: defineSearchAttributeKey(SEARCH_ATTRIBUTES.endpoint, 'KEYWORD'), value: endpoint },
  ]);

/** Throws where no worker answers. */
export const queryProgress = (handle: WorkflowHandle): Promise<FileProgress> =>
  handle.query<FileProgress, []>(PROGRESS_QUERY);

/** How a delivery ended: a file with undelivered alerts is an end with counts, a refused file a fault. */
export async function endOf(handle: WorkflowHandle): Promise<DeliveryEnd> {
  try {
    return { kind: 'ended', summary: (await handle.result()) as FileSummary };
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) return { kind: 'failed', fault: error as Error };
    return endOfFailure(error, handle.workflowId);
  }
}

/** What a person can do about a delivery that failed for what the store does not hold any more. */
const NEXT_STEPS: Readonly<Record<string, string>> = {
  [FAILURE.contentMissing]: 'Drop the file again, or wds send it. What was delivered is not sent again.',
  [FAILURE.receiptsMissing]: 'Mount or restore the store; wds retry then sends what its receipts do not know.',
};

function endOfFailure(error: WorkflowFailedError, workflowId: string): DeliveryEnd {
  for (let cause: unknown = error.cause; cause instanceof Error; cause = cause.cause) {
    if (!(cause instanceof ApplicationFailure)) continue;
    if (cause.type === FAILURE.undeliveredAlerts) {
      return { kind: 'ended', summary: cause.details?.[0] as FileSummary };
    }
    if (cause.type === FAILURE.fileRefused) {
      const fault = new Fault(
        'file_refused',
        cause.message,
        'Nothing of it was sent. Mend the file and drop it again.',
      );
      const summary = cause.details?.[1] as FileSummary | undefined;
      return summary === undefined ? { kind: 'failed', fault } : { kind: 'failed', fault, summary };
    }
    const nextStep = NEXT_STEPS[cause.type ?? ''];
    if (nextStep !== undefined) return { kind: 'failed', fault: new Fault('store', cause.message, nextStep) };
  }
  if (error.cause instanceof CancelledFailure) return { kind: 'stopped', how: 'cancelled' };
  if (error.cause instanceof TerminatedFailure) return { kind: 'stopped', how: 'terminated' };
  const reason = error.cause?.message ?? error.message;
  return {
    kind: 'failed',
    fault: new Fault('unexpected', `${workflowId} ended: ${reason}`, 'Look at it in the Web UI; then run: wds retry'),
  };
}
