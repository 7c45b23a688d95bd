/** How a delivery ended, as its workflow tells it, and how far it is. */

import type { Client, WorkflowHandle } from '@temporalio/client';
import { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure, CancelledFailure, TerminatedFailure } from '@temporalio/common';
import type { FileProgress, FileSummary } from '../domain/counts.ts';
import { Fault } from '../domain/failure.ts';
import { FAILURE, PROGRESS_QUERY } from '../domain/names.ts';
import { withOwnSignal } from '../own-signal.ts';

export type DeliveryEnd =
  | { readonly kind: 'ended'; readonly summary: FileSummary }
  /** `summary`: of a file that was read to its end before it was refused. */
  | { readonly kind: 'failed'; readonly fault: Error; readonly summary?: FileSummary }
  /** By an operator, before its end: what was sent is in the receipts. */
  | { readonly kind: 'stopped'; readonly how: 'cancelled' | 'terminated' }
  | { readonly kind: 'stopped_waiting'; readonly progress: FileProgress | undefined };

/** Throws where no worker answers within the limit. */
export const queryProgress = (handle: WorkflowHandle, limitMs: number): Promise<FileProgress> =>
  handle.client.connection.withDeadline(Date.now() + limitMs, () => handle.query<FileProgress, []>(PROGRESS_QUERY));

/** How a delivery ended: a file with undelivered alerts is an end with counts, a refused file a fault. */
export async function endOf(handle: WorkflowHandle): Promise<DeliveryEnd> {
  try {
    return { kind: 'ended', summary: (await handle.result()) as FileSummary };
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) return { kind: 'failed', fault: error as Error };
    return endOfFailure(error, handle.workflowId);
  }
}

/** A wait is made of polls of at most 20 s, and Temporal's client leaves a listener of each on its signal: for days of them, a signal of its own for a few. */
const ONE_SIGNAL_MS = 120_000;

/** The same, or, as soon as the signal aborts, a failure. */
export async function endUntil(
  client: Client,
  workflowId: string,
  signal: AbortSignal,
  oneSignalMs = ONE_SIGNAL_MS,
): Promise<DeliveryEnd> {
  const some = async (own: AbortSignal): Promise<DeliveryEnd | undefined> => {
    const end = await client.connection.withAbortSignal(own, () => endOf(client.workflow.getHandle(workflowId)));
    return own.aborted && !signal.aborted ? undefined : end;
  };
  for (;;) {
    const end = await withOwnSignal(signal, some, oneSignalMs);
    if (end !== undefined) return end;
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
