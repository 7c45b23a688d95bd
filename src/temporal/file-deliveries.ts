/**
 * Deliveries of files as Temporal sees them: starting a FileWorkflow so that a file is never delivered twice, and following it to its
 * end. One workflow ID a file and endpoint; Temporal's reuse policy is the lock.
 */
import type { Client, WorkflowHandle } from '@temporalio/client';
import { WorkflowExecutionAlreadyStartedError, WorkflowFailedError, WorkflowNotFoundError } from '@temporalio/client';
import { ApplicationFailure, defineSearchAttributeKey, TypedSearchAttributes } from '@temporalio/common';
import type { DeliveryOptions, FileProgress, FileSummary, FileWorkflowInput } from '../domain/contracts.ts';
import { Fault } from '../domain/failure.ts';
import { FAILURE, FILES_TASK_QUEUE, fileWorkflowId, PROGRESS_QUERY, SEARCH_ATTRIBUTES } from '../domain/names.ts';
import type { ParseOptions } from '../domain/parse-options.ts';
import type { DeliveryRecord } from '../store/delivery-record.ts';
import { settleDeliveryRecord } from '../store/delivery-record.ts';
import type { StagedFile } from '../store/staged-file.ts';
import type { Store } from '../store/store.ts';

/** With the default of 10 s, a task given to a worker that was just killed comes back only then (design.md). */
const WORKFLOW_TASK_TIMEOUT = '3s';
const PROGRESS_INTERVAL_MS = 500;

export type SubmitOutcome = 'started' | 'attached' | 'already_delivered' | 'retried';

export interface Submitted {
  readonly outcome: SubmitOutcome;
  readonly workflowId: string;
}

export type DeliveryEnd =
  | { readonly kind: 'ended'; readonly summary: FileSummary }
  | { readonly kind: 'failed'; readonly fault: Error }
  | { readonly kind: 'stopped_waiting'; readonly progress: FileProgress | undefined };

export interface SubmitRequest {
  readonly staged: StagedFile;
  readonly fileName: string;
  readonly endpoint: string;
  readonly parse: Omit<ParseOptions, 'format'>;
  readonly delivery: DeliveryOptions;
  readonly reopenUnconfirmed?: boolean;
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
    return this.start(record, request.delivery, request.reopenUnconfirmed ?? false);
  }

  /** The same for a file that was submitted before. */
  async start(record: DeliveryRecord, delivery: DeliveryOptions, reopenUnconfirmed: boolean): Promise<Submitted> {
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
      await this.#client.workflow.start('fileWorkflow', {
        workflowId,
        taskQueue: FILES_TASK_QUEUE,
        args: [input],
        workflowIdReusePolicy: 'ALLOW_DUPLICATE_FAILED_ONLY',
        workflowIdConflictPolicy: 'FAIL',
        workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
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
      return { kind: 'failed', fault };
    }
  }
  const reason = error.cause?.message ?? error.message;
  return {
    kind: 'failed',
    fault: new Fault('unexpected', `${workflowId} ended: ${reason}`, 'Look at it in the Web UI; then run: wds retry'),
  };
}
