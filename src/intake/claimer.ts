/**
 * Claims complete files of the inbox, and hands them on to be submitted. What was claimed may still be written to, or be a newer file
 * than the one that was looked at: only what is found complete in its private claim folder, too, is handed on.
 */
import { dirname } from 'node:path';
import { detectFormat } from '../formats/detect.ts';
import { reasonOf } from '../thrown.ts';
import type { ClaimFolder } from './claim-folder.ts';
import type { CompletenessContext } from './dropped-file.ts';
import { DroppedFile } from './dropped-file.ts';
import type { Faults } from './faults.ts';
import { findComplete, lookAtAll } from './find-complete.ts';
import type { InboxFolder } from './inbox-folder.ts';
import type { Say } from './log.ts';
import type { SubmissionQueue } from './submission-queue.ts';

export interface ClaimerParts {
  /** In the order in which they are served. */
  readonly folders: readonly InboxFolder[];
  readonly claimFolder: ClaimFolder;
  readonly queue: SubmissionQueue;
  readonly context: CompletenessContext;
  readonly faults: Faults;
  readonly say: Say;
}

/** Files claimed ahead of staging: one look at the processes serves them all. Few, so that watchers share the work. */
const CLAIM_AHEAD = 128;
/** While submissions fail, no more than this many files are claimed: the rest waits in sight, in the inbox. */
const MAX_CLAIMED = 1_024;
/** Claims must have worked for so long before they are said to work again. */
const RECOVERED_AFTER_MS = 10_000;

export class Claimer {
  readonly #parts: ClaimerParts;
  /** Claimed, but not known to be complete. */
  readonly #settling = new Set<DroppedFile>();
  #claimFailedMs = Number.NEGATIVE_INFINITY;

  constructor(parts: ClaimerParts) {
    this.#parts = parts;
  }

  /** Files that are claimed, and not through. */
  get claimed(): number {
    return this.#settling.size + this.#parts.queue.size;
  }

  /** Takes a claimed file (back) that is not complete. */
  settle(file: DroppedFile): void {
    this.#settling.add(file);
  }

  /** Takes over the claims of watchers that are dead. */
  async adopt(): Promise<void> {
    const { claimFolder, context, say } = this.#parts;
    for (const place of await claimFolder.adopt(context.nowMs())) {
      const kind = detectFormat(place.name);
      if (kind === undefined) {
        say('warn', 'not a supported kind of file', { event: 'claim_left', file: place.name, reason: place.path });
        continue;
      }
      say('info', 'adopted from a watcher that is gone', { event: 'claim_adopted', file: place.name });
      this.settle(new DroppedFile(place, kind, true));
    }
  }

  /** Claims the complete files: urgent ones first, then the oldest. */
  async claimComplete(): Promise<void> {
    const { folders, queue, context, faults } = this.#parts;
    for (const folder of folders) await folder.findComplete();
    const busy = this.#settling.size + queue.busy;
    if (busy > CLAIM_AHEAD / 2) return;
    const room = Math.min(CLAIM_AHEAD - busy, MAX_CLAIMED - this.claimed);
    const claimed: DroppedFile[] = [];
    let failures = 0;
    for (const folder of folders) {
      while (claimed.length < room) {
        const file = folder.takeComplete();
        if (file === undefined) break;
        try {
          if (await this.#claim(folder, file)) claimed.push(file);
        } catch (error) {
          failures += 1;
          file.claimFailed(context.nowMs());
          faults.begin('claiming', error, file.name);
        }
      }
    }
    if (failures > 0) this.#claimFailedMs = context.nowMs();
    else if (context.nowMs() - this.#claimFailedMs > RECOVERED_AFTER_MS) faults.end('claiming');
    await this.#look(claimed);
  }

  /** False: it changed, or is gone. */
  async #claim(folder: InboxFolder, file: DroppedFile): Promise<boolean> {
    if (!(await folder.look(file)) || !file.complete) return false;
    const path = await this.#parts.claimFolder.claim(file);
    folder.files.delete(file.name);
    if (path === undefined) return false;
    file.claimedAs(path);
    this.settle(file);
    return true;
  }

  /** Looks at the claimed files that are due. */
  async lookAtDue(): Promise<void> {
    const nowMs = this.#parts.context.nowMs();
    await this.#look([...this.#settling].filter(({ dueMs }) => dueMs <= nowMs));
  }

  async #look(files: readonly DroppedFile[]): Promise<void> {
    const { queue, context } = this.#parts;
    await lookAtAll(files, async (file) => {
      const sampled = await file.look(context);
      if (sampled !== 'file') await this.#drop(file, sampled === 'gone' ? undefined : sampled.notAFile);
    });
    const there = files.filter((file) => this.#settling.has(file));
    for (const file of await findComplete(there, context)) {
      this.#settling.delete(file);
      queue.add(file);
    }
  }

  async #drop(dropped: DroppedFile, notAFile: string | undefined): Promise<void> {
    const { claimFolder, say, folders } = this.#parts;
    this.#settling.delete(dropped);
    const { name: file, path, priority } = dropped;
    if (notAFile === undefined) {
      say('info', 'claim is gone: another watcher has adopted it, or it was deleted', { event: 'claim_gone', file });
      return;
    }
    const folder = folders.find((one) => one.priority === priority);
    say('warn', 'given back', { event: 'claim_given_back', file, reason: `not a regular file (${notAFile})` });
    await claimFolder.giveBack(dropped, folder?.path ?? dirname(path)).catch((error: unknown) => {
      say('error', 'cannot be given back', { event: 'claim_left', file, reason: reasonOf(error) });
    });
  }

  /** Monotonic time at which `lookAtDue` has something to do. */
  nextDueMs(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { dueMs } of this.#settling) next = Math.min(next, dueMs);
    return next;
  }
}
