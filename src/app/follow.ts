/** Following one delivery to its end, for as long as the caller wants to wait. */

import { MAX_TIMER_MS } from '../domain/backoff.ts';
import type { FilePriority } from '../domain/contracts.ts';
import type { FileCounts, FileProgress } from '../domain/counts.ts';
import { NO_COUNTS } from '../domain/counts.ts';
import type { Endpoint } from '../domain/endpoint.ts';
import { Fault } from '../domain/failure.ts';
import type { GovernorView } from '../domain/governor/messages.ts';
import { parseKey } from '../domain/parse-options.ts';
import { deliveriesOf, readDeliveryRecord } from '../store/delivery-record.ts';
import { readRefusal } from '../store/refusals.ts';
import type { Submitted } from '../temporal/file-deliveries.ts';
import { queryGovernor } from '../temporal/governor-client.ts';
import type { Installation } from '../temporal/installation.ts';
import type { DeliveryObserver, FileEnd, FileResult, ProgressUpdate } from './app.ts';
import { reportDelivery } from './report-delivery.ts';

/** Nothing has been settled for so long: it is asked why, so often. */
const STUCK_AFTER_MS = 1_000;
const ASK_EVERY_MS = 2_000;

export interface FollowContext {
  readonly installation: Installation;
  readonly endpoint: Endpoint;
  readonly priority: FilePriority;
  readonly observer: DeliveryObserver;
  readonly deadline: StopWaiting;
  /** When this process was started, as time of day: whoever waits here pressed then. */
  readonly pressedMs: number;
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
async function inFull(fault: Error, sha256: string, { installation, endpoint }: FollowContext): Promise<Error> {
  if (!(fault instanceof Fault && fault.code === 'file_refused')) return fault;
  const record = await readDeliveryRecord(installation.store, { sha256, endpoint: endpoint.name });
  const refusal = record && (await readRefusal(installation.store, sha256, parseKey(record.parse)));
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
  const watch = new WaitingWatch(() => queryGovernor(installation.temporal.client, endpoint.name));
  const end = await installation.deliveries.follow(workflowId, {
    onProgress: (progress) => observer.progress({ file, progress, ...watch.of(progress) }),
    signal: deadline.signal,
  });
  const seconds = Math.round(performance.now() - startedMs) / 1_000;
  const frame: Frame = { file, sha256, workflowId, seconds };
  switch (end.kind) {
    case 'failed':
      return { kind: 'failed', file, fault: await inFull(end.fault, sha256, context) };
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
        ...watch.last,
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

/** Asks the governor why nothing gets on, while nothing does. A query is no event of its history. */
class WaitingWatch {
  readonly #ask: () => Promise<GovernorView | undefined>;
  #settled = -1;
  #changedMs = performance.now();
  #askedMs = Number.NEGATIVE_INFINITY;
  #waiting: ProgressUpdate['waiting'];

  constructor(ask: () => Promise<GovernorView | undefined>) {
    this.#ask = ask;
  }

  get last(): Pick<ProgressUpdate, 'waiting'> {
    return this.#waiting === undefined ? {} : { waiting: this.#waiting };
  }

  of({ phase, counts }: FileProgress): Pick<ProgressUpdate, 'waiting'> {
    const nowMs = performance.now();
    const settled = counts.delivered + counts.rejected + counts.undelivered + counts.unconfirmed;
    if (settled !== this.#settled || phase !== 'sending') {
      this.#settled = settled;
      this.#changedMs = nowMs;
      this.#waiting = undefined;
    } else if (nowMs - this.#changedMs > STUCK_AFTER_MS && nowMs - this.#askedMs > ASK_EVERY_MS) {
      this.#askedMs = nowMs;
      this.#ask().then(
        (view) => {
          this.#waiting = view?.waiting ?? undefined;
        },
        // Nobody answers just now.
        () => undefined,
      );
    }
    return this.last;
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
