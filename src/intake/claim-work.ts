/**
 * What becomes of claimed files: staged into the store, submitted, and only then moved to `processed`. Several at once, urgent ones
 * first. Nothing is given up: a step that fails is retried with backoff while the claim stays where it is, and other files go on.
 */

import type { FilePriority } from '../domain/contracts.ts';
import { failpoint } from '../failpoint.ts';
import type { DetectedFormat } from '../formats/detect.ts';
import type { StagedFile } from '../store/staged-file.ts';
import type { Store } from '../store/store.ts';
import type { ClaimPlace, Claims } from './claims.ts';
import type { Say } from './log.ts';
import { reasonOf } from './log.ts';
import type { SettlingFile } from './settling-file.ts';
import { FileChanged, stageFile } from './stage.ts';

export interface Submission {
  readonly staged: StagedFile;
  readonly priority: FilePriority;
  /** Base name of this drop; `staged.name` is that of the first one. */
  readonly fileName: string;
}
export type SubmitResult = 'started' | 'attached' | 'already_delivered' | 'retried';
/** Makes sure that a workflow has the file. Idempotent; a rejection means that it is not known to have it. */
export type Submit = (submission: Submission) => Promise<SubmitResult>;

export interface Claim extends SettlingFile {
  readonly place: ClaimPlace;
  readonly kind: DetectedFormat;
  /** Set once it is staged: later tries only submit. */
  staged?: StagedFile;
  /** Set once a workflow has it: later tries only move. Submitting again could begin a new round of a delivery that failed meanwhile. */
  result?: SubmitResult;
  failures: number;
}

export interface ClaimWorkOptions {
  readonly store: Store;
  readonly claims: Claims;
  readonly submit: Submit;
  readonly maxExpandedBytes: number;
  readonly concurrency: number;
  readonly say: Say;
  readonly now: () => Date;
  readonly nowMs: () => number;
  /** Called when a claim has left this work, or needs another look. */
  readonly changed: () => void;
}

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;

const isErrno = (error: unknown, code: string): boolean => (error as NodeJS.ErrnoException)?.code === code;

export class ClaimWork {
  /** Claimed, but not known to be complete: the watcher samples them. */
  readonly settling = new Set<Claim>();
  readonly #queue = { urgent: [] as Claim[], normal: [] as Claim[] };
  readonly #waiting = new Set<Claim>();
  readonly #running = new Set<Promise<void>>();
  readonly #options: ClaimWorkOptions;
  /** Claims whose last try failed, by step. Only the first and the last of a row of failures are logged. */
  readonly #failing = { stage: new Set<Claim>(), submit: new Set<Claim>(), move: new Set<Claim>() };
  #submitted = 0;
  #stopped = false;

  constructor(options: ClaimWorkOptions) {
    this.#options = options;
  }

  /** Claims in all states. */
  get size(): number {
    return this.busy + this.#waiting.size;
  }
  /** Claims that are not waiting for the end of some outage. */
  get busy(): number {
    return this.settling.size + this.#queue.urgent.length + this.#queue.normal.length + this.#running.size;
  }
  get submitted(): number {
    return this.#submitted;
  }
  get failing(): boolean {
    return Object.values(this.#failing).some((claims) => claims.size > 0);
  }

  /** Takes a claim that is complete. */
  enqueue(claim: Claim): void {
    this.settling.delete(claim);
    this.#queue[claim.place.priority].push(claim);
    this.pump();
  }

  /** Starts what can be started. */
  pump(): void {
    while (!this.#stopped && this.#running.size < this.#options.concurrency) {
      const claim = this.#queue.urgent.shift() ?? this.#queue.normal.shift() ?? this.#dueRetry();
      if (claim === undefined) return;
      const run = this.#work(claim).finally(() => {
        this.#running.delete(run);
        this.pump();
        this.#options.changed();
      });
      this.#running.add(run);
    }
  }

  #dueRetry(): Claim | undefined {
    const nowMs = this.#options.nowMs();
    for (const claim of this.#waiting) {
      if (claim.dueMs > nowMs) continue;
      this.#waiting.delete(claim);
      return claim;
    }
    return undefined;
  }

  /** Monotonic time at which a look at the settling claims, or a pump, has something to do. */
  nextDueMs(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const claim of this.settling) next = Math.min(next, claim.dueMs);
    if (this.#running.size < this.#options.concurrency) {
      for (const claim of this.#waiting) next = Math.min(next, claim.dueMs);
    }
    return next;
  }

  /** Takes no more; resolves when what is running has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#running);
  }

  async #work(claim: Claim): Promise<void> {
    let step: 'stage' | 'submit' | 'move' = 'stage';
    try {
      claim.staged ??= await this.#stage(claim);
      this.#recovered('stage', claim);
      failpoint('arrival.staged');
      step = 'submit';
      const { staged, place } = claim;
      claim.result ??= await this.#options.submit({ staged, priority: place.priority, fileName: place.name });
      const { result } = claim;
      this.#recovered('submit', claim);
      failpoint('arrival.started');
      step = 'move';
      await this.#options.claims.finish(place, this.#options.now());
      this.#recovered('move', claim);
      this.#submitted += 1;
      const { sha256, sizeBytes } = staged;
      this.#options.say('info', `file ${result}`, { event: `file_${result}`, file: place.name, sha256, sizeBytes });
    } catch (error) {
      this.#failed(claim, step, error);
    }
  }

  #stage(claim: Claim): Promise<StagedFile> {
    const { store, maxExpandedBytes, now } = this.#options;
    const expected = claim.settling === undefined ? {} : { expected: claim.settling.sample };
    const { kind, place } = claim;
    return stageFile(store, claim.path, { ...kind, name: place.name, maxExpandedBytes, now, ...expected });
  }

  #failed(claim: Claim, step: 'stage' | 'submit' | 'move', error: unknown): void {
    const { say, nowMs } = this.#options;
    const file = claim.place.name;
    if (error instanceof FileChanged) {
      say('info', 'still being written', { event: 'file_changed', file });
      claim.dueMs = 0;
      this.settling.add(claim);
      return;
    }
    if (step === 'stage' && isErrno(error, 'ENOENT')) {
      for (const failed of Object.values(this.#failing)) failed.delete(claim);
      say('info', 'claim is gone: another watcher has adopted it, or it was deleted', { event: 'claim_gone', file });
      return;
    }
    const failing = this.#failing[step];
    const level = failing.size === 0 ? 'warn' : 'debug';
    failing.add(claim);
    say(level, `cannot ${step}; trying again`, { event: `${step}_failing`, file, reason: reasonOf(error) });
    claim.dueMs = nowMs() + Math.min(FIRST_PAUSE_MS * 2 ** claim.failures, LONGEST_PAUSE_MS);
    claim.failures += 1;
    this.#waiting.add(claim);
  }

  #recovered(step: 'stage' | 'submit' | 'move', claim: Claim): void {
    claim.failures = 0;
    const failing = this.#failing[step];
    if (!failing.delete(claim)) return;
    // What made this one fail is over: the others need not sit out their pauses.
    const soonMs = this.#options.nowMs() + FIRST_PAUSE_MS;
    for (const other of failing) other.dueMs = Math.min(other.dueMs, soonMs);
    if (failing.size > 0) return;
    this.#options.say('info', `can ${step} again`, { event: `${step}_recovered`, file: claim.place.name });
  }
}
