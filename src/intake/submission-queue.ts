/**
 * What becomes of claimed, complete files: staged into the store, submitted, and only then moved to `processed`. Several at once, urgent
 * ones first. Nothing is given up: a step that fails is retried with backoff while the claim stays where it is, and other files go on.
 */

import { Fault } from '../domain/failure.ts';
import { failpoint } from '../failpoint.ts';
import type { StagedFile } from '../store/staged-file.ts';
import { isErrno, reasonOf } from '../thrown.ts';
import type { FirstAsked } from './first-asked.ts';
import type { Say } from './log.ts';
import { FileChanged } from './stage.ts';
import type { Submission, Taken, Taker } from './takers.ts';
import { offer } from './takers.ts';
import type { LaneFile, UnderWay } from './under-way.ts';

/** Resolves when the file is delivered, or waits for something that other files need not wait for. */
export type UntilEnded = (submission: Submission) => Promise<void>;

type Step = 'stage' | 'submit' | 'move';

/** A claimed file: what it is called, and when its next try is due. */
export interface QueuedFile extends LaneFile {
  readonly name: string;
  /** Monotonic time of the next try. */
  readonly dueMs: number;
  /** Due again after a pause that doubles from failure to failure. */
  stepFailed(nowMs: number): void;
  stepDone(): void;
  /** What made it fail is over, as another file has shown. */
  retrySoon(nowMs: number): void;
}

/** What was done of a file's submission: later tries go on from there. */
interface Task<F> {
  readonly file: F;
  staged?: StagedFile;
  readonly taken: Taken;
}

export interface SubmissionQueueOptions<F> {
  /** Brings it into the store. Throws FileChanged where it is another file by now, and ENOENT where it is gone. */
  readonly stage: (file: F) => Promise<StagedFile>;
  /** Whether it is claimed by this watcher still. */
  readonly holds: (file: F) => Promise<boolean>;
  /** All have taken it: puts it where processed ones are, and follows it to its answer. */
  readonly finish: (file: F, submission: Submission) => Promise<void>;
  /** Absent: all of each file is sent. */
  readonly firstAsked?: FirstAsked;
  readonly underWay: UnderWay;
  readonly takers: readonly Taker[];
  readonly untilEnded: UntilEnded;
  readonly concurrency: number;
  readonly say: Say;
  readonly nowMs: () => number;
  /** Takes a file back that turned out to be written to still. */
  readonly unsettled: (file: F) => void;
  /** Puts a file where refused ones are, and says so: nothing of it was read. */
  readonly refused: (file: F, why: Fault) => Promise<void>;
  /** Called when a file has left this queue, or needs another try. */
  readonly changed: () => void;
}

export class SubmissionQueue<F extends QueuedFile> {
  readonly #queue = { urgent: [] as Task<F>[], normal: [] as Task<F>[] };
  readonly #waiting = new Set<Task<F>>();
  readonly #running = new Set<Promise<void>>();
  readonly #options: SubmissionQueueOptions<F>;
  /** Tasks whose last try failed, by step. Only the first and the last of a row of failures are logged. */
  readonly #failing = { stage: new Set<Task<F>>(), submit: new Set<Task<F>>(), move: new Set<Task<F>>() };
  #submitted = 0;
  #stopped = false;

  constructor(options: SubmissionQueueOptions<F>) {
    this.#options = options;
  }

  /** Files in all states. */
  get size(): number {
    return this.busy + this.#waiting.size;
  }
  /** Files that are not waiting for the end of some outage. */
  get busy(): number {
    return this.#queue.urgent.length + this.#queue.normal.length + this.#running.size;
  }
  get submitted(): number {
    return this.#submitted;
  }
  get failing(): boolean {
    return Object.values(this.#failing).some((tasks) => tasks.size > 0);
  }

  /** Takes a claimed file that is complete. */
  add(file: F): void {
    this.#queue[file.priority].push({ file, taken: new Map() });
    this.pump();
  }

  /** Starts what can be started. */
  pump(): void {
    while (!this.#stopped && this.#running.size < this.#options.concurrency) {
      const task = this.#queue.urgent.shift() ?? this.#queue.normal.shift() ?? this.#dueRetry();
      if (task === undefined) return;
      const run = this.#work(task).finally(() => {
        this.#running.delete(run);
        this.pump();
        this.#options.changed();
      });
      this.#running.add(run);
    }
  }

  #dueRetry(): Task<F> | undefined {
    const nowMs = this.#options.nowMs();
    for (const task of this.#waiting) {
      if (task.file.dueMs > nowMs) continue;
      this.#waiting.delete(task);
      return task;
    }
    return undefined;
  }

  /** Monotonic time at which a pump has something to do. */
  nextDueMs(): number {
    let next = Number.POSITIVE_INFINITY;
    if (this.#running.size >= this.#options.concurrency) return next;
    for (const { file } of this.#waiting) next = Math.min(next, file.dueMs);
    return next;
  }

  /** Takes no more; resolves when what is running has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#running);
  }

  async #work(task: Task<F>): Promise<void> {
    const { holds, firstAsked, underWay, takers, say } = this.#options;
    const { file, taken } = task;
    const { name: fileName, priority } = file;
    let step: Step = 'stage';
    underWay.begin(file);
    try {
      task.staged ??= await this.#options.stage(file);
      this.#recovered('stage', task);
      failpoint('arrival.staged');
      step = 'submit';
      const first = await firstAsked?.of(task.staged.sha256);
      const submission = { staged: task.staged, priority, fileName, ...(first === undefined ? {} : { first }) };
      // After a stop, whoever took this watcher for dead may have submitted it, and for another endpoint.
      if (taken.size < takers.length && !(await holds(file))) return this.#gone(task);
      await offer(takers, submission, taken);
      this.#recovered('submit', task);
      if (first !== undefined) await firstAsked?.settled(task.staged.sha256);
      failpoint('arrival.started');
      step = 'move';
      await this.#options.finish(file, submission);
      this.#recovered('move', task);
      this.#submitted += 1;
      void this.#untilEnded(task, submission);
      const { sha256, sizeBytes } = task.staged;
      for (const [{ endpoint }, result] of taken) {
        const fields = { event: `file_${result}`, file: fileName, sha256, sizeBytes };
        say('info', `file ${result}`, { ...fields, ...(endpoint === undefined ? {} : { endpoint }) });
      }
    } catch (error) {
      if (error instanceof Fault && error.code === 'file_refused') await this.#refuse(task, error);
      else this.#failed(task, step, error);
    }
  }

  async #refuse(task: Task<F>, why: Fault): Promise<void> {
    try {
      await this.#options.refused(task.file, why);
      this.#leaves(task);
    } catch (error) {
      this.#failed(task, 'move', error);
    }
  }

  async #untilEnded({ file, taken }: Task<F>, submission: Submission): Promise<void> {
    const { underWay, untilEnded, changed } = this.#options;
    const isNew = [...taken.values()].some((result) => result !== 'already_delivered');
    if (isNew) await untilEnded(submission).catch(() => undefined);
    underWay.end(file);
    changed();
  }

  #failed(task: Task<F>, step: Step, error: unknown): void {
    const { say, nowMs, unsettled, underWay } = this.#options;
    const { name: file } = task.file;
    // Others go on while this one waits for its next try.
    underWay.end(task.file);
    if (error instanceof FileChanged) {
      this.#leaves(task);
      say('info', 'changed while it was read', { event: 'file_changed', file });
      unsettled(task.file);
      return;
    }
    if (step === 'stage' && isErrno(error, 'ENOENT')) {
      this.#gone(task);
      return;
    }
    const failing = this.#failing[step];
    const level = failing.size === 0 ? 'warn' : 'debug';
    failing.add(task);
    say(level, `cannot ${step}; trying again`, { event: `${step}_failing`, file, reason: reasonOf(error) });
    task.file.stepFailed(nowMs());
    this.#waiting.add(task);
  }

  #leaves(task: Task<F>): void {
    for (const failed of Object.values(this.#failing)) failed.delete(task);
    this.#options.underWay.end(task.file);
  }

  #gone(task: Task<F>): void {
    this.#leaves(task);
    const fields = { event: 'claim_gone', file: task.file.name };
    this.#options.say('info', 'claim is gone: another watcher has adopted it, or it was deleted', fields);
  }

  #recovered(step: Step, task: Task<F>): void {
    task.file.stepDone();
    const failing = this.#failing[step];
    if (!failing.delete(task)) return;
    for (const { file } of failing) file.retrySoon(this.#options.nowMs());
    if (failing.size > 0) return;
    this.#options.say('info', `can ${step} again`, { event: `${step}_recovered`, file: task.file.name });
  }
}
