/**
 * One dropped file, from its first listing until it lies in `processed`: the only place that writes down what is known of it, and that
 * decides when it is due for the next look or the next try. Times are a monotonic clock of the caller.
 */
import { lstat } from 'node:fs/promises';
import type { FilePriority } from '../domain/contracts.ts';
import type { DetectedFormat } from '../formats/detect.ts';
import { isErrno } from '../thrown.ts';
import type { FileSample, SettleTimes, Settling, Trust } from './completeness.ts';
import { hasGrown, sampleOf, settle, settledAtMs, settleMoved } from './completeness.ts';
import type { FileEnds } from './file-ends.ts';
import { NextTry } from './next-try.ts';
import type { WriterSight } from './open-writers.ts';
import { fileIdentity, writersSeen } from './open-writers.ts';

export interface FilePlace {
  readonly path: string;
  /** Base name of the drop. */
  readonly name: string;
  /** Told by the folder that it was dropped in. */
  readonly priority: FilePriority;
}

export interface CompletenessContext {
  readonly times: SettleTimes;
  /** False: the folder has writers that no process of this host shows (network mount, other containers). */
  readonly writersAreLocal: boolean;
  readonly nowMs: () => number;
}

export type Sampled = 'file' | 'gone' | { readonly notAFile: string };

const CLAIM_RETRY_MS = 5_000;

export class DroppedFile implements FilePlace {
  readonly name: string;
  readonly priority: FilePriority;
  readonly kind: DetectedFormat;
  #path: string;
  #settling: Settling | undefined;
  /** It was renamed by this process since the last look. */
  #moved = false;
  #sampledMs = 0;
  #uid = 0;
  /** Until a look at the processes says otherwise. */
  #writersSeen: boolean;
  #complete = false;
  /** The last look at the processes saw somebody who has it open for writing. */
  #held = false;
  #trust: Trust = 'plain';
  #ends: FileEnds | undefined;
  /** It has one name, and times that are not in the future. */
  #isPlain = false;
  #whole = false;
  #wholeUnseen = false;
  readonly #next = new NextTry();

  constructor(place: FilePlace, kind: DetectedFormat, writersAreLocal: boolean) {
    this.name = place.name;
    this.priority = place.priority;
    this.kind = kind;
    this.#path = place.path;
    this.#writersSeen = writersAreLocal;
  }

  /** Where it is now: in the inbox, or claimed. */
  get path(): string {
    return this.#path;
  }
  /** As it was last seen. */
  get sample(): FileSample | undefined {
    return this.#settling?.sample;
  }
  /** Found complete, and not seen to change since. */
  get complete(): boolean {
    return this.#complete;
  }
  /** It came by a rename, as far as is known, and has not changed since: it needs no settling. */
  get whole(): boolean {
    return this.#whole;
  }
  /** As they were when it was last found complete. */
  get ends(): FileEnds | undefined {
    return this.#ends;
  }
  /** Time of the next look, or of the next try; Infinity: it waits for its turn. */
  get dueMs(): number {
    return this.#next.dueMs;
  }

  /** Takes a sample of a file that may change, vanish or become something else at any moment. Throws what lstat throws, but for ENOENT. */
  async look({ nowMs, times }: CompletenessContext): Promise<Sampled> {
    try {
      const stats = await lstat(this.#path);
      if (!stats.isFile()) {
        const kind = (['isSymbolicLink', 'isDirectory', 'isFIFO', 'isSocket'] as const).find((is) => stats[is]());
        return { notAFile: kind === undefined ? 'device' : kind.slice(2) };
      }
      this.#uid = stats.uid;
      this.#sampledMs = nowMs();
      const sample = sampleOf(stats);
      const before = this.#settling?.sample;
      if (before !== undefined && before.ino !== sample.ino) this.#trust = 'plain';
      else if (before !== undefined && hasGrown(before, sample) && !this.#held) this.#trust = 'doubtful';
      const settling = (this.#moved ? settleMoved : settle)(this.#settling, sample, this.#sampledMs);
      this.#moved = false;
      const latestMs = Date.now();
      this.#isPlain = stats.nlink === 1 && stats.mtimeMs <= latestMs && stats.birthtimeMs <= latestMs;
      if (settling !== this.#settling && settling.sinceMs === this.#sampledMs) this.#whole = false;
      if (this.#complete && settling === this.#settling) return 'file';
      this.#complete = false;
      this.#settling = settling;
      this.#next.dueMs = this.#settledAtMs(settling, this.#writersSeen, times);
      return 'file';
    } catch (error) {
      if (isErrno(error, 'ENOENT', 'ENOTDIR')) return 'gone';
      throw error;
    }
  }

  /**
   * What the events of its folder say, or its sidecar will, after a look at it. `unseen`: also where writers cannot be seen. An empty file is
   * more often an upload about to begin.
   */
  arrivedWhole(whole: boolean, unseen = false): void {
    this.#whole = whole && this.#isPlain && (this.sample?.sizeBytes ?? 0) > 0;
    this.#wholeUnseen = unseen;
  }

  #settledAtMs(settling: Settling, writersSeen: boolean, times: SettleTimes): number {
    return this.#whole && (writersSeen || this.#wholeUnseen)
      ? settling.sinceMs
      : settledAtMs(settling, writersSeen, times, this.#trust);
  }

  /** Its sidecar does not vouch for it: it waits until something happens to one of them. */
  awaitSidecar(): void {
    this.#complete = false;
    this.#next.dueMs = Number.POSITIVE_INFINITY;
  }

  /** Takes in what its two ends tell about a file that was found complete: it may have to settle for longer. */
  doubt(ends: FileEnds | undefined, isRest: boolean, times: SettleTimes): void {
    this.#ends = ends;
    if (isRest) this.#trust = 'rest';
    else if (ends?.endsWithRow === false) this.#trust = 'doubtful';
    if (this.#settling === undefined || !this.#complete) return;
    const dueMs = this.#settledAtMs(this.#settling, this.#writersSeen, times);
    if (dueMs <= this.#sampledMs) return;
    this.#complete = false;
    this.#next.dueMs = dueMs;
  }

  /** Whether it may be complete, as last seen: held against the time of that look, for a crowd of files takes a while to sample. */
  mayBeComplete(times: SettleTimes): boolean {
    return this.#settling !== undefined && this.#settledAtMs(this.#settling, true, times) <= this.#sampledMs;
  }

  /** Decides after a look at the processes. A file that is held open for writing is due again at `againMs` at the earliest. */
  judge(sight: WriterSight, context: CompletenessContext, againMs: number): void {
    if (this.#settling === undefined) return;
    this.#writersSeen = context.writersAreLocal && writersSeen(sight, this.#uid);
    this.#next.dueMs = this.#settledAtMs(this.#settling, this.#writersSeen, context.times);
    this.#held = sight.held.has(fileIdentity(this.#settling.sample));
    if (this.#held) this.#next.dueMs = Math.max(this.#next.dueMs, againMs);
    else if (this.#next.dueMs <= this.#sampledMs) {
      this.#complete = true;
      this.#next.dueMs = Number.POSITIVE_INFINITY;
    }
  }

  /** Something happened to it: due at once. */
  changed(): void {
    this.#complete = false;
    this.#next.dueMs = 0;
  }

  /** It was moved into a claim folder; what was moved may be another file than the one last seen, so it is due at once. */
  claimedAs(path: string): void {
    this.#path = path;
    this.#moved = true;
    this.changed();
  }

  claimFailed(nowMs: number): void {
    this.#complete = false;
    this.#next.dueMs = nowMs + CLAIM_RETRY_MS;
  }

  stepFailed(nowMs: number): void {
    this.#next.failed(nowMs);
  }

  stepDone(): void {
    this.#next.done();
  }

  retrySoon(nowMs: number): void {
    this.#next.soon(nowMs);
  }
}
