/**
 * The one place where what stops an activity becomes an ApplicationFailure. Messages are for people who read the Web UI; they hold counts and
 * statuses, never user data. What is retried says when; throttling is benign: it is no fault of anybody's.
 */
import { ApplicationFailure, ApplicationFailureCategory, CancelledFailure } from '@temporalio/common';
import { NO_TOKEN } from '../src/domain/answers.ts';
import { backoffMs, JITTER_FRACTION } from '../src/domain/backoff.ts';
import type { RetryPolicy } from '../src/domain/endpoint.ts';
import { Fault, FileRefusal, SuppressionListFault } from '../src/domain/failure.ts';
import { FAILURE } from '../src/domain/names.ts';
import type { Closed } from '../src/domain/restraint/schedule.ts';
import { doubled, WAITS } from '../src/domain/waits.ts';
import { ChunksMissing } from '../src/store/chunks.ts';
import { StoreMismatch } from '../src/store/installation-identity.ts';
import { StaleRound } from '../src/store/ledger.ts';
import type { StopReason } from './stop-reason.ts';

interface Retryable {
  readonly type: string;
  readonly message: string;
  readonly delayMs: number;
  readonly benign?: boolean;
  readonly cause?: unknown;
}

function retryable({ type, message, delayMs, benign = false, cause }: Retryable): ApplicationFailure {
  return ApplicationFailure.create({
    type,
    message,
    nonRetryable: false,
    nextRetryDelay: Math.max(1, Math.round(delayMs)),
    ...(benign ? { category: ApplicationFailureCategory.BENIGN } : {}),
    ...(cause instanceof Error ? { cause } : {}),
  });
}

export interface StopContext {
  readonly endpoint: string;
  /** Alerts of the batch that are not settled. */
  readonly left: number;
  /** Temporal's attempt at the activity, from 1. */
  readonly attempt: number;
  readonly retry: RetryPolicy;
  readonly random: number;
  /** Somebody may have got each of them already, but for those that fail again and again. */
  readonly onlyRisky?: boolean;
}

/** What a stopped batch, or stubborn alert, reports. */
export function stopFailure(stop: StopReason, context: StopContext): Error {
  const { endpoint, left, attempt, random } = context;
  const waiting = `${left} alerts of this batch wait`;
  const probe = (): number =>
    backoffMs(
      {
        initialIntervalMs: context.retry.initialIntervalMs,
        maximumIntervalMs: Math.min(
          context.retry.maximumIntervalMs,
          context.onlyRisky ? WAITS.attempt.illRiskyLongestMs : WAITS.attempt.illLongestMs,
        ),
      },
      { failures: attempt, random },
    );
  switch (stop.kind) {
    case 'store':
      return failureOf(stop.error, attempt);
    case 'cancelled':
      return new CancelledFailure(`cancelled; ${waiting}`);
    case 'shutdown':
      return retryable({
        type: FAILURE.shuttingDown,
        message: `this worker is shutting down; ${waiting} for the next one`,
        delayMs: WAITS.attempt.shuttingDownMs,
        benign: true,
      });
    case 'standing_by':
      // Not retried by Temporal, which takes a second at least, but scheduled again at once by the workflow (activity-options.ts).
      return ApplicationFailure.create({
        type: FAILURE.standingBy,
        message: `other workers have the whole rate of endpoint ${endpoint}; ${waiting} for them`,
        nonRetryable: true,
        category: ApplicationFailureCategory.BENIGN,
      });
    case 'superseded':
      return supersededFailure();
    case 'throttled': {
      const askedMs = stop.retryAfterMs ?? doubled(WAITS.attempt.unnamedPauseMs, attempt);
      const pauseMs = Math.min(askedMs, WAITS.attempt.namedPauseLookMs);
      const left = askedMs > pauseMs ? `, of which ${Math.ceil(askedMs / 1_000)} s are left` : '';
      return retryable({
        type: FAILURE.throttled,
        message: `endpoint ${endpoint} asked for a pause${left}; ${waiting}`,
        delayMs: pauseMs + random * Math.min(pauseMs, 1_000) * 0.25,
        benign: true,
      });
    }
    case 'local_fault':
      return retryable({
        type: FAILURE.localFault,
        message: `${stop.reason.startsWith(NO_TOKEN) ? '' : 'this machine is at its limits, not the endpoint: '}${stop.reason}; ${waiting}`,
        delayMs: doubled(WAITS.attempt.localFaultMs, attempt),
      });
    case 'misconfigured':
      return retryable({
        type: FAILURE.endpointMisconfigured,
        message: `endpoint ${endpoint} refuses everything (${stop.cause}): check its URL and secret; ${waiting}`,
        delayMs: probe(),
      });
    case 'down':
      return retryable({
        type: FAILURE.endpointUnavailable,
        message: `endpoint ${endpoint} does not answer, or fails every request (${stop.cause}); ${waiting}`,
        delayMs: probe(),
      });
  }
}

/** Others have been faster. */
export function supersededFailure(): ApplicationFailure {
  const { supersededMs } = WAITS.attempt;
  const message = 'a newer attempt is at work';
  return retryable({ type: FAILURE.superseded, message, delayMs: supersededMs, benign: true });
}

/** Alerts that failed for a passing reason and have attempts left. `dueInMs`: until the first of them may be sent again. */
export function transientFailure(context: StopContext, dueInMs: number): ApplicationFailure {
  const restMs = Math.max(WAITS.attempt.shortestRestMs, dueInMs);
  return retryable({
    type: FAILURE.transient,
    message: `${context.left} alerts failed for a passing reason and are tried again`,
    delayMs: restMs * (1 + JITTER_FRACTION * context.random),
  });
}

/** Not retried by Temporal, which would have a timer for each batch: the workflow waits, and says why. */
export function closedFailure({ opensMs, text }: Closed): ApplicationFailure {
  return ApplicationFailure.create({
    type: FAILURE.closed,
    message: `${text}; it goes on at ${new Date(opensMs).toISOString()}`,
    nonRetryable: true,
    category: ApplicationFailureCategory.BENIGN,
    details: [{ opensMs, text }],
  });
}

/** Nothing of a delivery: it is tried again, for a day. */
export const notificationFailure = (way: string, reason: string): ApplicationFailure =>
  ApplicationFailure.create({
    type: FAILURE.notification,
    message: `notification by ${way}: ${reason}`,
    nonRetryable: false,
  });

/** A newer try at the file has begun, or this one was another run's: the workflow begins a round of its own, or ends. */
export function staleRoundFailure(message: string): ApplicationFailure {
  return ApplicationFailure.create({ type: FAILURE.staleRound, message, nonRetryable: true });
}

/** Requests of a crashed attempt whose answers may still come in. */
export function unsettledFailure(count: number, delayMs: number): ApplicationFailure {
  return retryable({
    type: FAILURE.unsettled,
    message: `${count} alerts wait until the deadline of their lost requests has passed`,
    delayMs,
    benign: true,
  });
}

/** Rows that say what rows of earlier files say are settled after those. */
export function earlierFileFailure(count: number, attempt: number): ApplicationFailure {
  return retryable({
    type: FAILURE.earlierFile,
    message: `${count} alerts or more wait for an earlier file with the same messages, which is being delivered; wds status names those that run`,
    delayMs: doubled(WAITS.attempt.earlierFileMs, attempt),
    benign: true,
  });
}

/** Work of another installation, or without its store: the right worker, or the store, may come. */
export function otherInstallationFailure(message: string): ApplicationFailure {
  return retryable({ type: FAILURE.otherInstallation, message, delayMs: 10_000 });
}

export function unknownEndpointFailure(endpoint: string): ApplicationFailure {
  return retryable({
    type: FAILURE.unknownEndpoint,
    message: `this worker does not know endpoint ${endpoint}; start a worker that is configured for it`,
    delayMs: WAITS.attempt.unknownEndpointMs,
  });
}

/** The template of the endpoint was changed since the file was read: another configuration may come. */
export function templateFailure(endpoint: string, column: string): ApplicationFailure {
  const what = `the body template of endpoint ${endpoint} needs column ${JSON.stringify(column)}, without which this file was read`;
  return retryable({
    type: FAILURE.templateColumn,
    message: `${what}; put the earlier template back, or cancel the file (wds cancel), and drop it again under another name of the endpoint`,
    delayMs: WAITS.attempt.unknownEndpointMs,
  });
}

/** The staged content is gone, or is not what was staged. */
export const contentMissingFailure = (what: string, next = 'drop the file again'): ApplicationFailure =>
  ApplicationFailure.nonRetryable(`${what}; ${next}`, FAILURE.contentMissing);

/** The receipts that the workflow has seen are not in this store, and nobody has brought them back. */
export const receiptsMissingFailure = (fault: Fault): ApplicationFailure =>
  ApplicationFailure.nonRetryable(sentences(fault), FAILURE.receiptsMissing);

const sentences = ({ message, nextStep }: Fault): string => `${message}. ${nextStep ?? ''}`;

/** Runs the work of an activity: what it throws becomes a failure that says whether to try again, and when (`failureOf`). */
export async function tellingTemporal<Result>(
  attempt: number | undefined,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw failureOf(error, attempt);
  }
}

/**
 * Faults of the store, or of the file system, are retried until they are lifted; `attempt` undefined: at the pace of the activity's retry
 * policy. What is none of wds's own stays as it is.
 */
export function failureOf(error: unknown, attempt: number | undefined): Error {
  if (error instanceof StaleRound) return staleRoundFailure(error.message);
  if (error instanceof FileRefusal) {
    const { code, line, publicMessage } = error;
    return ApplicationFailure.nonRetryable(
      publicMessage,
      FAILURE.fileRefused,
      line === undefined ? { code } : { code, line },
    );
  }
  if (!(error instanceof Fault)) return error instanceof Error ? error : new Error(String(error));
  // Not retried by Temporal: the workflow has the chunks read again.
  if (error instanceof ChunksMissing) return ApplicationFailure.nonRetryable(error.message, FAILURE.chunksMissing);
  if (error instanceof StoreMismatch) return otherInstallationFailure(sentences(error));
  if (error instanceof SuppressionListFault) {
    const message = `${sentences(error)} Nothing is sent until it can be read.`;
    return retryable({ type: FAILURE.suppressionList, message, delayMs: WAITS.attempt.suppressionListMs });
  }
  const failure = { type: FAILURE.store, message: sentences(error), cause: error };
  if (attempt === undefined) return ApplicationFailure.create(failure);
  return retryable({ ...failure, delayMs: doubled(WAITS.attempt.storeMs, attempt) });
}
