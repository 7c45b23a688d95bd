/** What a worker tells the governor of requests that do not get through, and what it hears of why nothing is sent. Pure. */
import type { LeaseRequest, Waiting } from '../domain/governor/contract.ts';

/** That nothing gets through is told soon, but no more often than this: each renewal costs history. */
const TELL_EVERY_MS = 30_000;
const TELL_AFTER_MS = 300;
/** Several requests were asked to wait a little differently. */
const SAME_END_MS = 5_000;

export class LeaseTrouble {
  readonly #onWaiting: (waiting: Waiting | null) => void;
  #trouble: { readonly cause: string; readonly sinceMs: number } | undefined;
  #toldMs = Number.NEGATIVE_INFINITY;
  #waiting: Waiting | null = null;

  /** `onWaiting`: told of each change. */
  constructor(onWaiting: (waiting: Waiting | null) => void) {
    this.#onWaiting = onWaiting;
  }

  /** What the last request came to; undefined: it got through. Returns when the governor should hear of it; Infinity: when it is asked anyway. */
  fares(cause: string | undefined, nowMs: number): number {
    if (cause === this.#trouble?.cause) return Number.POSITIVE_INFINITY;
    const begins = this.#trouble === undefined;
    this.#trouble = cause === undefined ? undefined : { cause, sinceMs: nowMs };
    if (!begins || nowMs - this.#toldMs < TELL_EVERY_MS) return Number.POSITIVE_INFINITY;
    this.#toldMs = nowMs;
    return nowMs + TELL_AFTER_MS;
  }

  report(nowMs: number): Pick<LeaseRequest, 'trouble'> {
    if (this.#trouble === undefined) return {};
    const { cause, sinceMs } = this.#trouble;
    return { trouble: { cause, ageMs: nowMs - sinceMs } };
  }

  /** What the governor knows, of all workers. */
  hear(waiting: Waiting | null): void {
    const before = this.#waiting;
    this.#waiting = waiting;
    const endMs = (of: Waiting | null): number => Date.parse(of?.until ?? '1970-01-01');
    if (waiting?.text === before?.text && Math.abs(endMs(waiting) - endMs(before)) < SAME_END_MS) return;
    this.#onWaiting(waiting);
  }
}
