/** Following one delivery to its end, for as long as the caller wants to wait. */

import { MAX_TIMER_MS } from '../domain/backoff.ts';
import type { FilePriority } from '../domain/contracts.ts';
import type { FileCounts, FileProgress } from '../domain/counts.ts';
import { NO_COUNTS } from '../domain/counts.ts';
import type { Endpoint } from '../domain/endpoint.ts';
import { Fault } from '../domain/failure.ts';
import { parseKey } from '../domain/parse-options.ts';
import type { FileSigns } from '../domain/progress/waiting.ts';
import { startedMs } from '../process-start.ts';
import { deliveriesOf, readDeliveryRecord } from '../store/delivery-record.ts';
import { readRefusal } from '../store/refusals.ts';
import type { Store } from '../store/store.ts';
import type { Submitted } from '../temporal/file-deliveries.ts';
import { SignsReader } from '../temporal/file-signs.ts';
import type { Installation } from '../temporal/installation.ts';
import type { DeliveryObserver, FileEnd, FileResult, SendOptions } from './app.ts';
import { reportDelivery } from './report-delivery.ts';
import { WaitingWatch } from './waiting-watch.ts';

/** Of a file that nobody has told anything of. */
export const NO_PROGRESS: FileProgress = { phase: 'reading', counts: NO_COUNTS, openStubborn: 0 };

export interface FollowContext {
  readonly installation: Installation;
  readonly endpoint: Endpoint;
  readonly priority: FilePriority;
  readonly observer: DeliveryObserver;
  readonly deadline: StopWaiting;
  /** When this process was started, as time of day: whoever waits here pressed then. */
  readonly pressedMs: number;
}

export function followContext(
  installation: Installation,
  endpoint: Endpoint,
  { observer, priority, deadlineMs }: SendOptions,
  interrupted: AbortSignal,
): FollowContext {
  const deadline = stopWaiting(interrupted, deadlineMs);
  return { installation, endpoint, observer, priority, deadline, pressedMs: startedMs() };
}

export interface StopWaiting {
  readonly signal: AbortSignal;
  why(): 'deadline' | 'interrupted';
}

/** The deadline's timer is held here: Node 20 may collect an AbortSignal.timeout() that only AbortSignal.any() refers to. */
export function stopWaiting(interrupted: AbortSignal, deadlineMs: number | undefined): StopWaiting {
  const stop = new AbortController();
  const timer =
    deadlineMs === undefined ? undefined : setTimeout(() => stop.abort(), Math.min(deadlineMs, MAX_TIMER_MS));
  timer?.unref();
  if (interrupted.aborted) stop.abort();
  interrupted.addEventListener('abort', () => stop.abort(), { once: true });
  return { signal: stop.signal, why: () => (interrupted.aborted ? 'interrupted' : 'deadline') };
}

/** History holds no text of the file; the store has the refusal with the columns that were found. */
export async function inFull(fault: Error, sha256: string, store: Store, endpoint: string): Promise<Error> {
  if (!(fault instanceof Fault && fault.code === 'file_refused')) return fault;
  const record = await readDeliveryRecord(store, { sha256, endpoint });
  const refusal = record && (await readRefusal(store, sha256, parseKey(record.parse)));
  return refusal === undefined ? fault : new Fault(fault.code, refusal.message, fault.nextStep);
}

export interface Followed {
  readonly file: string;
  readonly sha256: string;
  readonly submitted: Submitted;
  readonly startedMs: number;
}

/** Waits for the end of a delivery, or for the deadline. */
export async function follow(followed: Followed, context: FollowContext): Promise<FileEnd> {
  const { installation, observer, deadline, endpoint } = context;
  const { file, sha256, submitted, startedMs } = followed;
  const { workflowId, outcome } = submitted;
  const { client } = installation.temporal;
  const watch = new WaitingWatch();
  const ask = (progress: FileSigns['progress']): Promise<FileSigns> =>
    new SignsReader(client).signsOf(workflowId, progress);
  let last = NO_PROGRESS;
  const end = await installation.deliveries.follow(workflowId, {
    onProgress(progress) {
      last = progress;
      observer.progress({ file, progress, ...watch.of(progress, ask) });
    },
    onSilence: () => observer.progress({ file, progress: last, ...watch.of(undefined, ask) }),
    signal: deadline.signal,
  });
  const seconds = Math.round(performance.now() - startedMs) / 1_000;
  const frame: Frame = { file, sha256, workflowId, seconds };
  switch (end.kind) {
    case 'failed':
      return { kind: 'failed', file, fault: await inFull(end.fault, sha256, installation.store, endpoint.name) };
    case 'ended': {
      // The counts of a workflow that had completed before are those of its own time.
      const counts = outcome === 'already_delivered' ? { ...end.summary, sentNow: 0 } : end.summary;
      return { kind: 'ended', result: { ...counts, ...frame, ...partsOf(counts) } };
    }
    case 'stopped_waiting': {
      const counts = end.progress?.counts ?? NO_COUNTS;
      return {
        kind: 'running',
        result: { ...counts, ...frame, ...partsOf(counts), reportDir: '' },
        why: deadline.why(),
        ...(watch.last.waiting === undefined ? {} : { waiting: watch.last.waiting }),
      };
    }
    case 'stopped': {
      // A terminated workflow told nobody; the receipts know.
      const record = (await deliveriesOf(installation.store, sha256)).find((one) => one.endpoint === endpoint.name);
      const report = await reportDelivery(installation, record!);
      const { pending, readToTheEnd } = report;
      const result = { ...report, ...frame, ...partsOf(report) };
      return { kind: 'stopped', result, pending, readToTheEnd, how: end.how };
    }
  }
}

const partsOf = ({
  delivered,
  sentNow = delivered,
}: Pick<FileCounts, 'delivered' | 'sentNow'>): Pick<FileResult, 'sentNow' | 'alreadyDelivered'> => ({
  sentNow,
  alreadyDelivered: delivered - sentNow,
});

type Frame = Pick<FileResult, 'file' | 'sha256' | 'workflowId' | 'seconds'>;
