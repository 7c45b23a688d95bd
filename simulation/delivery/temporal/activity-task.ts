/**
 * One activity as the server sees it: scheduled, dispatched to a worker, timed out, retried after its backoff, completed. As the server does
 * it: an attempt that fails or times out after a cancellation was asked for is not retried, and what comes from an attempt that is not the
 * present one is not heard.
 */
import { ActivityFailure, ApplicationFailure, CancelledFailure, RetryState, TimeoutFailure } from '@temporalio/common';
import { crossed } from './failures.ts';
import type { ActivityRequest } from './workflow-runtime.ts';

export interface TaskServer {
  readonly nowMs: number;
  after(delayMs: number, run: () => void): () => void;
  /** Hands it to a worker when one is free. */
  dispatch(task: ActivityTask): void;
  trace: ((text: string) => void) | undefined;
  /** Notes that something of this kind has happened. */
  count(what: string): void;
}

export class ActivityTask {
  readonly label: string;
  readonly request: ActivityRequest;
  attempt = 1;
  /** Attempts that ended without the end of the activity, for whatever reason. */
  failures = 0;
  state: 'waiting' | 'backoff' | 'started' | 'closed' = 'waiting';
  cancelRequested = false;
  readonly #server: TaskServer;
  readonly #onClosed: () => void;
  #cancelTimers: (() => void)[] = [];
  #heardMs = 0;

  constructor(server: TaskServer, label: string, request: ActivityRequest, onClosed: () => void) {
    this.#server = server;
    this.#onClosed = onClosed;
    this.label = label;
    this.request = request;
  }

  /** A worker has it now. Returns the number of the attempt. */
  started(): number {
    this.state = 'started';
    this.#heardMs = this.#server.nowMs;
    const { heartbeatMs, startToCloseMs } = this.request.options;
    const attempt = this.attempt;
    if (heartbeatMs !== undefined) this.#watchHeartbeat(attempt, heartbeatMs);
    if (Number.isFinite(startToCloseMs)) {
      this.#cancelTimers.push(this.#server.after(startToCloseMs, () => this.#timedOut(attempt, 'START_TO_CLOSE')));
    }
    return attempt;
  }

  #watchHeartbeat(attempt: number, heartbeatMs: number): void {
    const leftMs = this.#heardMs + heartbeatMs - this.#server.nowMs;
    if (leftMs <= 0) this.#timedOut(attempt, 'HEARTBEAT');
    else this.#cancelTimers.push(this.#server.after(leftMs, () => this.#watchHeartbeat(attempt, heartbeatMs)));
  }

  #timedOut(attempt: number, type: 'HEARTBEAT' | 'START_TO_CLOSE'): void {
    if (!this.#isPresent(attempt)) return;
    this.#server.trace?.(`server: ${this.label} #${attempt} timed out (${type})`);
    this.#server.count(`attempt timed out`);
    this.#attemptFailed(new TimeoutFailure(`activity ${type} timeout`, undefined, type));
  }

  /** `gone`: the attempt is not the present one. `cancel`: it is asked to end. */
  heartbeat(attempt: number): 'ok' | 'cancel' | 'gone' {
    if (!this.#isPresent(attempt)) return 'gone';
    this.#heardMs = this.#server.nowMs;
    return this.cancelRequested ? 'cancel' : 'ok';
  }

  completed(attempt: number, result: unknown): void {
    if (!this.#isPresent(attempt)) return;
    this.#close();
    this.request.done(result);
  }

  failed(attempt: number, error: unknown): void {
    this.#server.count(`attempt failed: ${(error as { type?: string }).type ?? (error as Error).name}`);
    if (!this.#isPresent(attempt)) return;
    if (error instanceof CancelledFailure) {
      if (this.cancelRequested) this.#closeWith(error, RetryState.CANCEL_REQUESTED);
      // The server refuses such an answer; the attempt is lost.
      return;
    }
    this.#attemptFailed(crossed(error));
  }

  requestCancel(): void {
    if (this.state === 'closed' || this.cancelRequested) return;
    this.cancelRequested = true;
    if (this.state === 'started' && this.request.options.waitsForCancellation) return;
    this.#closeWith(new CancelledFailure('cancelled'), RetryState.CANCEL_REQUESTED);
  }

  /** Its workflow has ended. */
  abandon(): void {
    this.#close();
  }

  #isPresent(attempt: number): boolean {
    return this.state === 'started' && attempt === this.attempt;
  }

  #attemptFailed(failure: Error): void {
    this.failures++;
    const { options } = this.request;
    const final = this.#finalState(failure);
    if (final !== undefined) {
      this.#closeWith(failure, final);
      return;
    }
    let delayMs = Math.min(
      options.initialIntervalMs * options.backoffCoefficient ** Math.min(this.attempt - 1, 30),
      options.maximumIntervalMs ?? options.initialIntervalMs * 100,
    );
    if (failure instanceof ApplicationFailure && failure.nextRetryDelay !== undefined) {
      delayMs = Number(failure.nextRetryDelay);
    }
    this.#stopTimers();
    this.state = 'backoff';
    this.attempt++;
    this.#cancelTimers.push(
      this.#server.after(delayMs, () => {
        this.state = 'waiting';
        this.#server.dispatch(this);
      }),
    );
  }

  /** Why it is not tried again; undefined: it is. */
  #finalState(failure: Error): RetryState | undefined {
    const { nonRetryableErrorTypes, maximumAttempts } = this.request.options;
    if (this.cancelRequested) return RetryState.CANCEL_REQUESTED;
    if (failure instanceof ApplicationFailure) {
      const { nonRetryable, type } = failure;
      if (nonRetryable || nonRetryableErrorTypes.includes(type ?? '')) return RetryState.NON_RETRYABLE_FAILURE;
    }
    return this.attempt >= maximumAttempts ? RetryState.MAXIMUM_ATTEMPTS_REACHED : undefined;
  }

  #closeWith(cause: Error, retryState: RetryState): void {
    const { name, number, failed } = this.request;
    this.#close();
    failed(new ActivityFailure('Activity task failed', name, String(number), retryState, undefined, cause));
  }

  #close(): void {
    if (this.state === 'closed') return;
    this.state = 'closed';
    this.#stopTimers();
    this.#onClosed();
  }

  #stopTimers(): void {
    for (const cancel of this.#cancelTimers.splice(0)) cancel();
  }
}
