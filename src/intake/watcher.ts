/**
 * Watches an inbox and its `urgent` folder: each complete file is claimed, staged, submitted and moved to `processed`. Any number of
 * watchers may share an inbox. Scans at start and at intervals are the truth, events only make them quick. At every instant each file
 * is in the inbox, in a claim folder or in `processed` (in two of them while it is moved), so a crash loses nothing: another watcher, or
 * the next start, finishes the work.
 */

import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Fault } from '../domain/failure.ts';
import { reasonOf } from '../thrown.ts';
import { AnswerFolders } from './answer-folders.ts';
import { Answers } from './answers.ts';
import { ClaimFolder } from './claim-folder.ts';
import { Claimer } from './claimer.ts';
import { DEFAULT_SETTLE_TIMES } from './completeness.ts';
import type { CompletenessContext, DroppedFile } from './dropped-file.ts';
import { Faults } from './faults.ts';
import { FirstAsked } from './first-asked.ts';
import type { TellEvent } from './folder-events.ts';
import { FolderWatch } from './folder-watch.ts';
import { InboxEntry } from './inbox-entry.ts';
import { InboxFolder } from './inbox-folder.ts';
import { URGENT_FOLDER } from './inbox-names.ts';
import { newIdentity } from './instance.ts';
import { speaker } from './log.ts';
import { folderWritersAreLocal } from './open-writers.ts';
import { pause } from './pause.ts';
import { stagerOf } from './stage.ts';
import { SubmissionQueue } from './submission-queue.ts';
import type { Taker } from './takers.ts';
import { UnderWay } from './under-way.ts';
import type { Watcher, WatcherStatus, WatchOptions } from './watch-options.ts';

/** How long close() waits for submissions under way; what is left is adopted by the next watcher. */
const CLOSE_GRACE_MS = 10_000;
/** Between two looks at the other watchers: their silence is observed, so it must be looked for often. */
const ADOPT_INTERVAL_MS = 2_000;
/** Between two rounds of the loop: gathers the events of a burst of writes. */
const MIN_TICK_GAP_MS = 40;
/** Waited beyond the first due time, so that files dropped together are taken together, in their order. */
const GATHER_MS = 10;

/** `takers`: one for each endpoint that the files are delivered to. */
export function watchInbox(options: WatchOptions, takers: readonly Taker[]): Watcher {
  return new InboxWatcher(options, takers);
}

class InboxWatcher implements Watcher {
  readonly ready: Promise<void>;
  readonly ended: Promise<never>;
  readonly #options: WatchOptions;
  readonly #inbox: string;
  readonly #claimFolder: ClaimFolder;
  readonly #queue: SubmissionQueue<DroppedFile>;
  readonly #claimer: Claimer;
  readonly #faults: Faults;
  readonly #context: { -readonly [K in keyof CompletenessContext]: CompletenessContext[K] };
  readonly #folders: readonly InboxFolder[];
  readonly #watches: readonly FolderWatch[];
  readonly #entry: InboxEntry;
  readonly #loop: Promise<void>;
  readonly #closed: Promise<void>;
  #close: () => void = () => undefined;
  #end: (refusal: Fault) => void = () => undefined;
  #closing = false;
  #nextScanMs = 0;
  #nextAdoptMs = 0;
  #wake: () => void = () => undefined;

  constructor(options: WatchOptions, takers: readonly Taker[]) {
    this.#options = options;
    this.#inbox = resolve(options.inbox);
    const { store, maxExpandedBytes, concurrency = 4, now = () => new Date(), untilEnded = async () => {} } = options;
    const say = speaker(options.log, takers.length === 1 ? takers[0]?.endpoint : undefined);
    const nowMs = (): number => performance.now();
    const context = { times: { ...DEFAULT_SETTLE_TIMES, ...options.settle }, writersAreLocal: false, nowMs };
    this.#context = context;
    this.#faults = new Faults(say);
    this.#folders = [
      new InboxFolder(join(this.#inbox, URGENT_FOLDER), 'urgent', context, say, options),
      new InboxFolder(this.#inbox, 'normal', context, say, options),
    ];
    this.#watches = this.#folders.map((folder) => {
      const tell: TellEvent = (event, name) => this.#told(folder, event, name);
      return new FolderWatch(folder.path, options.watch ?? 'auto', tell, () => folder.arrivals.forgetAll());
    });
    const claimFolder = new ClaimFolder(this.#inbox, newIdentity(), options.deadAfterMs);
    const underWay = new UnderWay();
    const { answerOf = async () => undefined, results = false } = options;
    const answers = new Answers({ shelf: new AnswerFolders(this.#inbox), answerOf, results, say });
    const queue = new SubmissionQueue<DroppedFile>({
      ...{ concurrency, nowMs, takers, untilEnded, underWay, say },
      stage: stagerOf(store, { maxExpandedBytes, maxFileBytes: options.maxFileBytes, now }),
      holds: (file) => claimFolder.holds(file),
      finish: async (file, submission) => answers.follow(submission, await claimFolder.finish(file, now())),
      firstAsked: new FirstAsked(this.#inbox),
      unsettled: (file) => {
        file.changed();
        this.#claimer.settle(file);
      },
      refused: ({ path, name }, why) => answers.refuse(path, name, why),
      changed: () => this.#wake(),
    });
    this.#claimFolder = claimFolder;
    this.#queue = queue;
    const { folders, faults } = { folders: this.#folders, faults: this.#faults };
    const { guard, maxFileBytes } = options;
    this.#claimer = new Claimer({
      ...{ folders, claimFolder, queue, underWay, context },
      faults,
      say,
      guard,
      maxFileBytes,
    });
    this.#closed = new Promise((close) => {
      this.#close = close;
    });
    this.#entry = new InboxEntry({
      ...{ inbox: this.#inbox, claimFolder, terms: options.terms, say, nowMs },
      pause: (ms) => pause(ms, this.#closed),
      isClosing: () => this.#closing,
    });
    this.ended = new Promise((_, end) => {
      this.#end = end;
    });
    this.ended.catch(() => undefined);
    const started = this.#start();
    this.ready = started.catch((error: unknown) => {
      if (error instanceof Fault) throw error;
      const message = `cannot watch ${this.#inbox}: ${reasonOf(error)}`;
      throw new Fault('config', message, 'Name a folder that wds may write to.', { cause: error });
    });
    this.ready.catch(() => undefined);
    this.#loop = started.then(
      () => this.#run(),
      () => undefined,
    );
  }

  #told(folder: InboxFolder, what: 'rename' | 'change', name: string | undefined): void {
    // An event in the inbox may also be the making of `urgent`.
    if (name === undefined || name === URGENT_FOLDER) this.#nextScanMs = 0;
    folder.tell(what, name);
    this.#wake();
  }

  async #start(): Promise<void> {
    await mkdir(this.#inbox, { recursive: true });
    this.#context.writersAreLocal = this.#options.writersAreLocal ?? (await folderWritersAreLocal(this.#inbox));
    await this.#entry.enter();
    if (this.#closing) return;
    await this.#scan();
    await this.#adopt();
  }

  async #run(): Promise<void> {
    while (!this.#closing) {
      const woken = new Promise<void>((wake) => {
        this.#wake = wake;
      });
      let refusal: Fault | undefined;
      await this.#faults.guard('intake', async () => {
        refusal = await this.#entry.refusal();
        if (refusal === undefined && !this.#closing) await this.#tick();
      });
      if (refusal !== undefined) {
        void this.#queue.stop();
        this.#end(refusal);
        return;
      }
      await pause(MIN_TICK_GAP_MS);
      if (!this.#closing) await pause(Math.max(this.#nextDueMs() - this.#context.nowMs(), 0) + GATHER_MS, woken);
    }
  }

  #nextDueMs(): number {
    const dues = this.#folders.map((folder) => folder.nextDueMs());
    return Math.min(this.#nextScanMs, this.#nextAdoptMs, this.#claimer.nextDueMs(), this.#queue.nextDueMs(), ...dues);
  }

  async #tick(): Promise<void> {
    if (this.#context.nowMs() >= this.#nextScanMs) await this.#scan();
    if (this.#context.nowMs() >= this.#nextAdoptMs) await this.#adopt();
    await this.#claimer.lookAtDue();
    await this.#claimer.claimComplete();
    this.#queue.pump();
  }

  async #scan(): Promise<void> {
    this.#nextScanMs = this.#context.nowMs() + (this.#options.scanIntervalMs ?? 2_000);
    for (const watch of this.#watches) await watch.ensure();
    for (const folder of this.#folders) {
      await this.#faults.guard(`listing ${folder.path}`, async () => {
        const there = await folder.list();
        if (!there && folder.priority === 'normal') throw new Error('the folder is gone');
      });
    }
  }

  async #adopt(): Promise<void> {
    this.#nextAdoptMs = this.#context.nowMs() + ADOPT_INTERVAL_MS;
    await this.#faults.guard('looking for claims of other watchers', () => this.#claimer.adopt());
  }

  status(): WatcherStatus {
    const pending = this.#folders.flatMap((folder) => [...folder.files.values()]);
    return {
      pendingFiles: pending.length,
      pendingBytes: pending.reduce((sum, { sample }) => sum + (sample?.sizeBytes ?? 0), 0),
      claimedFiles: this.#claimer.claimed,
      submittedFiles: this.#queue.submitted,
      paused: this.#options.guard?.paused,
      failing: this.#queue.failing || this.#faults.any,
    };
  }

  async close(): Promise<void> {
    this.#closing = true;
    this.#close();
    for (const watch of this.#watches) watch.close();
    this.#wake();
    await this.#loop;
    await pause(CLOSE_GRACE_MS, this.#queue.stop());
    await this.#claimFolder.close();
  }
}
