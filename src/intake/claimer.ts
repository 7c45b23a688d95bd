/**
 * Claims complete files of the inbox, and hands them on to be submitted. What was claimed may still be written to, or be a newer file
 * than the one that was looked at: only what is found complete in its private claim folder, too, is handed on.
 */
import { dirname, join } from 'node:path';
import { detectFormat } from '../formats/detect.ts';
import { reasonOf } from '../thrown.ts';
import { Admission, LOOK_AT_DISK_MS } from './admission.ts';
import type { ClaimFolder } from './claim-folder.ts';
import type { DiskGuard } from './disk-guard.ts';
import type { CompletenessContext } from './dropped-file.ts';
import { DroppedFile } from './dropped-file.ts';
import type { Faults } from './faults.ts';
import { findComplete, lookAtAll } from './find-complete.ts';
import type { InboxFolder } from './inbox-folder.ts';
import type { Say } from './log.ts';
import type { SubmissionQueue } from './submission-queue.ts';
import type { Lane, UnderWay } from './under-way.ts';
import { LANES } from './under-way.ts';

export interface ClaimerParts {
  /** In the order in which they are served. */
  readonly folders: readonly InboxFolder[];
  readonly claimFolder: ClaimFolder;
  readonly queue: SubmissionQueue<DroppedFile>;
  readonly underWay: UnderWay;
  readonly context: CompletenessContext;
  readonly faults: Faults;
  readonly say: Say;
  /** Larger ones are refused. Absent: none is. */
  readonly maxFileBytes?: number | undefined;
  /** Absent: whatever comes is taken. */
  readonly guard?: DiskGuard | undefined;
}

/** One look at the processes serves all that are claimed together, so a few are waited for. */
const FEWEST_AT_ONCE = 32;
const LONGEST_WAIT_MS = 500;
/** Urgent files claimed at once. */
const MOST_URGENT = 128;
/** While submissions fail, no more than this many files are claimed: the rest waits in sight, in the inbox. */
const MAX_CLAIMED = 1_024;
/** Claims must have worked for so long before they are said to work again. */
const RECOVERED_AFTER_MS = 10_000;

export class Claimer {
  readonly #parts: ClaimerParts;
  /** Claimed, but not known to be complete. */
  readonly #settling = new Set<DroppedFile>();
  #claimFailedMs = Number.NEGATIVE_INFINITY;
  #nextClaimMs = Number.POSITIVE_INFINITY;
  #claimedMs = Number.NEGATIVE_INFINITY;
  readonly #admission: Admission;

  constructor(parts: ClaimerParts) {
    this.#parts = parts;
    this.#admission = new Admission(parts);
  }

  /** Files that are claimed, and not through. */
  get claimed(): number {
    return this.#settling.size + this.#parts.queue.size;
  }

  /** Takes a claimed file (back) that is not complete. */
  settle(file: DroppedFile): void {
    this.#settling.add(file);
    this.#parts.underWay.begin(file);
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

  /** Claims the complete files that there is room for: urgent ones first, small before large, then the oldest. */
  async claimComplete(): Promise<void> {
    const { folders, context, faults } = this.#parts;
    for (const folder of folders) await folder.findComplete();
    const claimed: DroppedFile[] = [];
    let failed = false;
    this.#nextClaimMs = Number.POSITIVE_INFINITY;
    if (await this.#admission.paused()) {
      this.#nextClaimMs = context.nowMs() + LOOK_AT_DISK_MS;
      return;
    }
    for (const folder of folders) {
      for (const lane of LANES) {
        const room = this.#room(folder, lane, claimed.length);
        for (let taken = 0; taken < room; ) {
          const file = folder.takeComplete(lane);
          if (file === undefined) break;
          if (!this.#admission.admits(file)) {
            file.claimFailed(context.nowMs());
            continue;
          }
          try {
            if (!(await this.#claim(folder, file))) continue;
            claimed.push(file);
            taken += 1;
          } catch (error) {
            failed = true;
            file.claimFailed(context.nowMs());
            faults.begin('claiming', error, file.name);
          }
        }
      }
    }
    if (claimed.length > 0) this.#claimedMs = context.nowMs();
    if (failed) this.#claimFailedMs = context.nowMs();
    else if (context.nowMs() - this.#claimFailedMs > RECOVERED_AFTER_MS) faults.end('claiming');
    await this.#look(claimed);
  }

  /** How many files to claim now. */
  #room(folder: InboxFolder, lane: Lane, claimedNow: number): number {
    const { underWay, context } = this.#parts;
    const most = MAX_CLAIMED - this.claimed;
    if (folder.priority === 'urgent') return Math.min(MOST_URGENT - claimedNow, most);
    const room = Math.min(underWay.room(lane), most);
    const dueMs = this.#claimedMs + LONGEST_WAIT_MS;
    if (room >= Math.min(FEWEST_AT_ONCE, folder.complete(lane)) || context.nowMs() >= dueMs) return room;
    if (room > 0) this.#nextClaimMs = dueMs;
    return 0;
  }

  /** False: it changed, or is gone. */
  async #claim(folder: InboxFolder, file: DroppedFile): Promise<boolean> {
    if (!(await folder.look(file)) || !file.complete) return false;
    const path = await this.#parts.claimFolder.claim(file);
    if (path === undefined) {
      folder.files.delete(file.name);
      return false;
    }
    folder.claimed(file);
    if (folder.sidecars.kind !== 'off') await this.#putSidecarAway(folder, file);
    file.claimedAs(path);
    this.settle(file);
    return true;
  }

  /** Beside its file, in `processed`. One that cannot be moved is left: it is older than any file that comes later. */
  async #putSidecarAway({ sidecars, path }: InboxFolder, { name, priority }: DroppedFile): Promise<void> {
    const sidecar = sidecars.pathOf(name);
    const place = { path: join(path, sidecar), name: sidecar, priority };
    await this.#parts.claimFolder.finish(place, new Date()).catch((error: unknown) => {
      this.#parts.say('warn', 'cannot be moved', { event: 'sidecar_left', file: sidecar, reason: reasonOf(error) });
    });
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
    for (const file of await findComplete(there, context, ({ whole }) => whole)) {
      this.#settling.delete(file);
      queue.add(file);
    }
  }

  async #drop(dropped: DroppedFile, notAFile: string | undefined): Promise<void> {
    const { claimFolder, say, folders, underWay } = this.#parts;
    this.#settling.delete(dropped);
    underWay.end(dropped);
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

  /** Monotonic time at which `lookAtDue` or `claimComplete` has something to do. */
  nextDueMs(): number {
    let next = this.#nextClaimMs;
    for (const { dueMs } of this.#settling) next = Math.min(next, dueMs);
    return next;
  }
}
