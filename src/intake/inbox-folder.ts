/**
 * What lies in one watched folder (the inbox, or its `urgent`). The listing is the truth: it finds what events did not tell, and
 * forgets what is gone. Whatever will not be taken is named in the log once.
 */
import { lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';
import type { FilePriority } from '../domain/contracts.ts';
import type { DetectedFormat } from '../formats/detect.ts';
import { detectFormat } from '../formats/detect.ts';
import { isUploadInProgress, PROCESSED_FOLDER, STATE_FOLDER, URGENT_FOLDER } from './inbox-names.ts';
import type { Say } from './log.ts';
import { reasonOf } from './log.ts';
import type { CompletenessContext, SettlingFile } from './settling-file.ts';
import { sampleAll, sampleFile } from './settling-file.ts';

export interface Candidate extends SettlingFile {
  readonly name: string;
  readonly priority: FilePriority;
  readonly kind: DetectedFormat;
  /** Found complete; waits to be claimed. Set by markComplete. */
  complete: boolean;
  /** The scan that last listed it. */
  scan: number;
}

/** Files known at once in a folder; the rest of a larger folder is found by later scans. */
const MAX_CANDIDATES = 50_000;
/** Names whose refusal was logged; beyond that the oldest may be logged again. */
const MAX_REFUSED = 10_000;
const OWN_FOLDERS = new Set([STATE_FOLDER, PROCESSED_FOLDER, URGENT_FOLDER]);

export class InboxFolder {
  readonly path: string;
  readonly priority: FilePriority;
  readonly candidates = new Map<string, Candidate>();
  readonly #context: CompletenessContext;
  readonly #say: Say;
  readonly #refused = new Set<string>();
  readonly #hinted = new Set<string>();
  /** Complete candidates, the next one to claim last; rebuilt when there are new ones. */
  #complete: Candidate[] = [];
  #unsorted = false;
  #scan = 0;

  constructor(path: string, priority: FilePriority, context: CompletenessContext, say: Say) {
    this.path = path;
    this.priority = priority;
    this.#context = context;
    this.#say = say;
  }

  /** Something happened to this name: looked at with the next `sample`. */
  hint(name: string): void {
    if (this.#hinted.size < MAX_CANDIDATES) this.#hinted.add(name);
  }

  /** Lists the folder. False: it does not exist, or is a link to another place. Throws what opendir throws else. */
  async list(): Promise<boolean> {
    const stats = await lstat(this.path).catch(() => undefined);
    if (stats === undefined || (this.priority === 'urgent' && !stats.isDirectory())) {
      this.candidates.clear();
      return false;
    }
    this.#scan += 1;
    for await (const entry of await opendir(this.path, { bufferSize: 512 })) {
      const candidate = this.#candidateFor(entry.name);
      if (candidate !== undefined) candidate.scan = this.#scan;
    }
    for (const [name, candidate] of this.candidates) if (candidate.scan !== this.#scan) this.candidates.delete(name);
    return true;
  }

  #candidateFor(name: string): Candidate | undefined {
    const known = this.candidates.get(name);
    if (known !== undefined) return known;
    if (OWN_FOLDERS.has(name) || this.candidates.size >= MAX_CANDIDATES) return undefined;
    const kind = isUploadInProgress(name) ? undefined : detectFormat(name);
    if (kind === undefined) {
      const reason = isUploadInProgress(name) ? 'the name of an upload in progress' : 'not a supported kind of file';
      this.#refuse('info', name, reason);
      return undefined;
    }
    const { priority } = this;
    const path = join(this.path, name);
    const fresh = { name, path, priority, kind, uid: 0, seen: this.#context.writersAreLocal, dueMs: 0, sampledMs: 0 };
    const candidate: Candidate = { ...fresh, complete: false, scan: this.#scan };
    this.candidates.set(name, candidate);
    return candidate;
  }

  #refuse(level: 'info' | 'warn', name: string, reason: string): void {
    const known = `${name}\0${reason}`;
    if (this.#refused.has(known)) return;
    if (this.#refused.size >= MAX_REFUSED) for (const oldest of this.#refused) if (this.#refused.delete(oldest)) break;
    this.#refused.add(known);
    this.#say(level, 'left where it is', { event: 'file_ignored', file: name, reason });
  }

  /** Looks at what was hinted at or is due, and returns the files that may be complete by now. */
  async sample(): Promise<Candidate[]> {
    const nowMs = this.#context.nowMs();
    const looks = new Set<Candidate>();
    for (const name of this.#hinted) {
      const candidate = this.#candidateFor(name);
      if (candidate === undefined) continue;
      candidate.complete = false;
      looks.add(candidate);
    }
    this.#hinted.clear();
    for (const candidate of this.candidates.values()) {
      if (!candidate.complete && candidate.dueMs <= nowMs) looks.add(candidate);
    }
    await sampleAll(looks, (candidate) => this.look(candidate));
    return [...looks].filter((candidate) => this.candidates.get(candidate.name) === candidate);
  }

  /** Samples one candidate; forgets it if it is no file to take. */
  async look(candidate: Candidate): Promise<void> {
    const { name } = candidate;
    try {
      const sampled = await sampleFile(candidate, this.#context.nowMs, this.#context.times);
      if (sampled === 'file') return;
      if (sampled !== 'gone') this.#refuse('warn', name, `not a regular file (${sampled.notAFile})`);
      // Node shows bytes that are no UTF-8 as U+FFFD, and then no call finds the file: it must not be missed in silence.
      else if (name.includes('\ufffd')) this.#refuse('warn', name, 'its name is not UTF-8: rename it');
    } catch (error) {
      this.#refuse('warn', name, reasonOf(error));
    }
    this.candidates.delete(name);
  }

  markComplete(candidate: Candidate): void {
    candidate.complete = true;
    this.#unsorted = true;
  }

  /** The oldest complete candidate that was not taken yet. */
  takeComplete(): Candidate | undefined {
    if (this.#unsorted) {
      this.#complete = [...this.candidates.values()].filter((candidate) => candidate.complete);
      const age = (candidate: Candidate): number => candidate.settling?.sample.mtimeMs ?? 0;
      this.#complete.sort((a, b) => age(b) - age(a));
      this.#unsorted = false;
    }
    for (;;) {
      const candidate = this.#complete.pop();
      if (candidate === undefined) return undefined;
      if (candidate.complete && this.candidates.get(candidate.name) === candidate) return candidate;
    }
  }

  /** Monotonic time at which `sample` has something to do; Infinity: nothing is pending. */
  nextDueMs(): number {
    if (this.#hinted.size > 0) return 0;
    let next = Number.POSITIVE_INFINITY;
    for (const candidate of this.candidates.values()) if (!candidate.complete) next = Math.min(next, candidate.dueMs);
    return next;
  }
}
