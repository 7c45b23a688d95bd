/**
 * What a Temporal worker is to its activities: it polls, runs what it gets, passes heartbeats on (throttled, as the SDK does), and says how they
 * ended. Whatever it says may be lost or late.
 */
import { CancelledFailure } from '@temporalio/common';
import type { Chance } from '../../chance.ts';
import type { SimProcess } from '../sim-process.ts';
import type { ActivityTask } from './activity-task.ts';

export interface ActivityScope {
  readonly attempt: number;
  readonly cancellationSignal: AbortSignal;
  heartbeat(): void;
}

export type ActivityFunction = (input: never, scope: ActivityScope) => Promise<unknown>;

/** What happens between workers and server. */
export interface Wire {
  /** Longest ordinary way of a message. */
  readonly messageMs: number;
  /** Shares of messages that are lost: what a worker says when an activity has ended, and heartbeats. */
  readonly lostCompletions: number;
  readonly lostHeartbeats: number;
  /** Nobody hears anybody. */
  cut: boolean;
}

const LONGEST_THROTTLE_MS = 5_000;
const GRACE_MS = 20_000;

interface Running {
  readonly task: ActivityTask;
  readonly attempt: number;
  readonly abort: Cancellation;
}

/** An AbortSignal, as far as activities use it: a real one costs as much as the rest of the attempt. */
class Cancellation {
  aborted = false;
  reason: unknown;
  readonly #listeners = new Set<() => void>();

  get signal(): AbortSignal {
    return this as unknown as AbortSignal;
  }

  abort(reason: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    for (const listener of [...this.#listeners]) listener();
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.add(listener);
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.delete(listener);
  }

  throwIfAborted(): void {
    if (this.aborted) throw this.reason;
  }
}

export class WorkerHost {
  readonly process: SimProcess;
  readonly taskQueue: string;
  readonly #activities: Readonly<Record<string, ActivityFunction>>;
  readonly #slots: number;
  readonly #wire: Wire;
  readonly #chance: Chance;
  readonly #onFree: () => void;
  readonly #running = new Set<Running>();
  /** On their way to it. */
  #coming = 0;
  #shuttingDown = false;

  constructor(options: {
    readonly process: SimProcess;
    readonly taskQueue: string;
    readonly activities: Readonly<Record<string, ActivityFunction>>;
    readonly slots: number;
    readonly wire: Wire;
    readonly chance: Chance;
    readonly onFree: () => void;
  }) {
    this.process = options.process;
    this.taskQueue = options.taskQueue;
    this.#activities = options.activities;
    this.#slots = options.slots;
    this.#wire = options.wire;
    this.#chance = options.chance;
    this.#onFree = options.onFree;
  }

  /** Whether a poll of it is open at the server: a stopped process has one, too, and what it is given stays with it. */
  get polls(): boolean {
    if (this.process.dead || this.#shuttingDown || this.#wire.cut) return false;
    const most = this.process.state === 'stopped' ? 1 : this.#slots;
    return this.process.state === 'stopped' ? this.#coming < most : this.#running.size + this.#coming < most;
  }

  get isIdle(): boolean {
    return this.#running.size === 0;
  }

  /** From the server; the attempt has begun there. */
  take(task: ActivityTask, attempt: number): void {
    this.#coming++;
    this.process.after(this.#chance.between(0, this.#wire.messageMs), () => {
      this.#coming--;
      this.#run(task, attempt);
    });
  }

  /** SIGTERM: takes nothing new; what runs may end, for a while. */
  shutDown(ended: () => void): void {
    this.#shuttingDown = true;
    const cancelLate = this.process.after(GRACE_MS, () => {
      for (const { abort } of this.#running) abort.abort(new CancelledFailure('WORKER_SHUTDOWN'));
    });
    const look = (): void => {
      if (this.#running.size + this.#coming > 0) {
        this.process.after(100, look);
        return;
      }
      cancelLate();
      ended();
    };
    look();
  }

  #run(task: ActivityTask, attempt: number): void {
    const running: Running = { task, attempt, abort: new Cancellation() };
    this.#running.add(running);
    const { name, input } = task.request;
    const activity = this.#activities[name];
    if (activity === undefined) throw new Error(`no activity ${name} on ${this.taskQueue}`);
    const scope: ActivityScope = {
      attempt,
      cancellationSignal: running.abort.signal,
      heartbeat: this.#throttled(running),
    };
    activity(input as never, scope).then(
      (result) => this.#ended(running, () => task.completed(attempt, result)),
      (error: unknown) => this.#ended(running, () => task.failed(attempt, error)),
    );
  }

  #ended(running: Running, tell: () => void): void {
    this.#running.delete(running);
    if (!this.#wire.cut && !this.#chance.happens(this.#wire.lostCompletions)) {
      this.process.scheduler.after(this.#chance.between(0, this.#wire.messageMs), undefined, tell);
    }
    this.#onFree();
  }

  #throttled(running: Running): () => void {
    const { heartbeatMs = 0 } = running.task.request.options;
    const throttleMs = Math.min(LONGEST_THROTTLE_MS, 0.8 * heartbeatMs);
    let sentMs = Number.NEGATIVE_INFINITY;
    let waiting = false;
    const send = (): void => {
      sentMs = this.process.now();
      this.#heartbeat(running);
    };
    return () => {
      if (waiting || !this.#running.has(running)) return;
      const leftMs = sentMs + throttleMs - this.process.now();
      if (leftMs <= 0) {
        send();
        return;
      }
      waiting = true;
      this.process.after(leftMs, () => {
        waiting = false;
        if (this.#running.has(running)) send();
      });
    };
  }

  #heartbeat({ task, attempt, abort }: Running): void {
    if (this.#wire.cut || this.#chance.happens(this.#wire.lostHeartbeats)) return;
    this.process.scheduler.after(this.#chance.between(0, this.#wire.messageMs), undefined, () => {
      const answer = task.heartbeat(attempt);
      if (answer === 'ok') return;
      this.process.after(this.#chance.between(0, this.#wire.messageMs), () => {
        abort.abort(new CancelledFailure(answer === 'gone' ? 'NOT_FOUND' : 'CANCELLED'));
      });
    });
  }
}
