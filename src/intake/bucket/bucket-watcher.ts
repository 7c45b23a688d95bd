/**
 * Watches an inbox in a bucket, `s3://bucket/prefix` and its `urgent/`: what a listing shows is staged, submitted and moved to `processed/`. Of any
 * number of watchers one does so (inbox-claim.ts). Whatever crashes in between is done again by the next one: an object is removed only when all
 * endpoints have taken it, and the same bytes are the same delivery.
 */
import { Fault } from '../../domain/failure.ts';
import type { Bucket } from '../../store/s3/bucket.ts';
import { ignoresConditions, keepsConditions } from '../../store/s3/conditions.ts';
import { Admission, LOOK_AT_DISK_MS } from '../admission.ts';
import { Answers } from '../answers.ts';
import { Faults } from '../faults.ts';
import { newIdentity } from '../instance.ts';
import type { Say } from '../log.ts';
import { speaker } from '../log.ts';
import { pause } from '../pause.ts';
import { SubmissionQueue } from '../submission-queue.ts';
import type { Taker } from '../takers.ts';
import { laneOf, UnderWay } from '../under-way.ts';
import type { InboxOptions, Watcher, WatcherStatus } from '../watch-options.ts';
import type { BucketFile } from './bucket-file.ts';
import { BucketListing } from './bucket-listing.ts';
import type { ShelvedObject } from './bucket-shelf.ts';
import { BucketShelf } from './bucket-shelf.ts';
import type { ClaimLook } from './inbox-claim.ts';
import { CLAIM_KEY, InboxClaim } from './inbox-claim.ts';
import { stageObject } from './stage-object.ts';

const LONGEST_SCAN_PAUSE_MS = 60_000;
/** After a fault. */
const SHORTEST_PAUSE_MS = 1_000;
const MIN_TICK_GAP_MS = 20;
const CLOSE_GRACE_MS = 10_000;
/** Each is read through some 20 MB of memory where the store is in a bucket, too. */
const MOST_LARGE = 2;
const CONCURRENCY = 8;

export interface BucketWatchOptions extends InboxOptions {
  readonly bucket: Bucket;
  /** Silence after which another watcher counts as dead. Default 30 s. */
  readonly deadAfterMs?: number;
}

/** `takers`: one for each endpoint that the files are delivered to. */
export const watchBucket = (options: BucketWatchOptions, takers: readonly Taker[]): Watcher =>
  new BucketWatcher(options, takers);

class BucketWatcher implements Watcher {
  readonly ready: Promise<void>;
  readonly ended: Promise<never>;
  readonly #options: BucketWatchOptions;
  readonly #say: Say;
  readonly #listing: BucketListing;
  readonly #claim: InboxClaim;
  readonly #queue: SubmissionQueue<BucketFile>;
  readonly #underWay = new UnderWay();
  readonly #admission: Admission;
  readonly #faults: Faults;
  /** From their listing until they have left the inbox, by key. */
  readonly #taken = new Map<string, BucketFile>();
  readonly #nowMs = (): number => performance.now();
  readonly #loop: Promise<void>;
  readonly #closed: Promise<void>;
  #close: () => void = () => undefined;
  #end: (refusal: Fault) => void = () => undefined;
  #wake: () => void = () => undefined;
  #closing = false;
  #look: ClaimLook | undefined;
  #nextScanMs = 0;
  #nextTakeMs = 0;
  #failedScans = 0;

  constructor(options: BucketWatchOptions, takers: readonly Taker[]) {
    this.#options = options;
    const { bucket, guard, maxFileBytes, terms, deadAfterMs } = options;
    const say = speaker(options.log, takers.length === 1 ? takers[0]?.endpoint : undefined);
    const nowMs = this.#nowMs;
    this.#say = say;
    this.#faults = new Faults(say);
    this.#listing = new BucketListing(bucket, say);
    this.#claim = new InboxClaim({ bucket, identity: newIdentity(), terms, nowMs, deadAfterMs });
    this.#admission = new Admission({ guard, maxFileBytes, say });
    this.#queue = this.#newQueue(takers);
    this.#closed = new Promise((close) => {
      this.#close = close;
    });
    this.ended = new Promise((_, end) => {
      this.#end = end;
    });
    this.ended.catch(() => undefined);
    this.ready = this.#start();
    this.ready.catch(() => undefined);
    this.#loop = this.ready.then(
      () => this.#run(),
      () => undefined,
    );
  }

  #newQueue(takers: readonly Taker[]): SubmissionQueue<BucketFile> {
    const { bucket, store, maxExpandedBytes, maxFileBytes, results = false } = this.#options;
    const { concurrency = CONCURRENCY, now = () => new Date(), untilEnded = async () => {} } = this.#options;
    const { answerOf = async () => undefined } = this.#options;
    const shelf = new BucketShelf(bucket);
    const answers = new Answers<ShelvedObject>({ shelf, answerOf, results, say: this.#say });
    const left = ({ key }: BucketFile): void => {
      this.#taken.delete(key);
    };
    return new SubmissionQueue<BucketFile>({
      ...{ takers, untilEnded, concurrency, say: this.#say, nowMs: this.#nowMs, underWay: this.#underWay },
      stage: (file) => stageObject(file, { bucket, store, maxExpandedBytes, maxFileBytes, now }),
      holds: async (file) => {
        const holds = await this.#claim.holds();
        if (!holds) left(file);
        return holds;
      },
      finish: async (file, submission) => {
        const place = await shelf.finish(file, submission.staged);
        left(file);
        answers.follow(submission, place);
      },
      unsettled: left,
      refused: async (file, why) => {
        await answers.refuse(file, file.name, why);
        left(file);
      },
      changed: () => {
        this.#nextTakeMs = 0;
        this.#wake();
      },
    });
  }

  /** What is wrong from the start is a Fault: no such bucket, no permission, no conditional writes, another watcher with other terms. */
  async #start(): Promise<void> {
    const { bucket } = this.#options;
    if (!(await keepsConditions(bucket, CLAIM_KEY))) throw ignoresConditions(bucket.place);
    while (!this.#closing) {
      const look = await this.#lookAtClaim();
      if (look instanceof Fault) throw look;
      if (look === 'held') await this.#scan();
      if (look !== 'undecided') return;
      await pause(this.#claim.lookEveryMs, this.#closed);
    }
  }

  async #run(): Promise<void> {
    while (!this.#closing) {
      const woken = new Promise<void>((wake) => {
        this.#wake = wake;
      });
      let look: ClaimLook | undefined;
      await this.#faults.guard('the watch over the inbox', async () => {
        look = await this.#lookAtClaim();
      });
      if (look instanceof Fault) {
        void this.#queue.stop();
        this.#end(look);
        return;
      }
      if (look === 'held') await this.#tick();
      await pause(MIN_TICK_GAP_MS);
      if (!this.#closing) await pause(this.#pauseMs(look), woken);
    }
  }

  #pauseMs(look: ClaimLook | undefined): number {
    const { lookEveryMs } = this.#claim;
    if (look !== 'held') return look === undefined ? SHORTEST_PAUSE_MS : lookEveryMs;
    const dueMs = Math.min(this.#nextScanMs, this.#nextTakeMs, this.#queue.nextDueMs());
    return Math.max(0, Math.min(lookEveryMs, dueMs - this.#nowMs()));
  }

  async #lookAtClaim(): Promise<ClaimLook> {
    const look = await this.#claim.look();
    if (look === this.#look) return look;
    const { place } = this.#options.bucket;
    const { holder } = this.#claim;
    if (look === 'held' && this.#look !== undefined) {
      this.#say('info', `takes the files of ${place} from now on`, { event: 'inbox_taken_over' });
    }
    if (look === 'standby') {
      this.#listing.forgetAll();
      this.#say('info', `stands by: ${holder} takes the files of ${place}`, { event: 'inbox_standby' });
    }
    if (look === 'undecided') {
      const message = `waiting for half a minute: ${holder} has watched ${place} with other settings, and may come back`;
      this.#say('warn', message, { event: 'inbox_waiting' });
    }
    this.#look = look;
    this.#nextScanMs = 0;
    return look;
  }

  async #tick(): Promise<void> {
    const { place } = this.#options.bucket;
    if (this.#nowMs() >= this.#nextScanMs) await this.#faults.guard(`listing ${place}`, () => this.#scan());
    await this.#take();
    this.#queue.pump();
  }

  async #scan(): Promise<void> {
    const { scanIntervalMs = 5_000 } = this.#options;
    // Ever more rarely while it fails.
    const longer = Math.min(scanIntervalMs * 2 ** Math.min(this.#failedScans, 6), LONGEST_SCAN_PAUSE_MS);
    this.#nextScanMs = this.#nowMs() + Math.max(scanIntervalMs, longer);
    this.#nextTakeMs = 0;
    this.#failedScans += 1;
    await this.#listing.read(this.#taken);
    this.#failedScans = 0;
  }

  /** What there is room for. The rest waits in the inbox. */
  async #take(): Promise<void> {
    if (this.#nowMs() < this.#nextTakeMs) return;
    this.#nextTakeMs = Number.POSITIVE_INFINITY;
    if (await this.#admission.paused()) {
      this.#nextTakeMs = this.#nowMs() + LOOK_AT_DISK_MS;
      return;
    }
    let large = [...this.#taken.values()].filter((file) => laneOf(file) === 'large').length;
    const chosen = new Set<BucketFile>();
    for (const file of this.#listing.waiting) {
      const lane = laneOf(file);
      if (lane === 'large' && large >= MOST_LARGE) continue;
      if (file.priority === 'normal' && this.#underWay.room(lane) === 0) continue;
      if (!this.#admission.admits(file)) continue;
      if (lane === 'large') large += 1;
      this.#underWay.begin(file);
      chosen.add(file);
    }
    if (chosen.size === 0) return;
    this.#listing.take(chosen);
    for (const file of chosen) this.#taken.set(file.key, file);
    for (const file of chosen) this.#queue.add(file);
  }

  status(): WatcherStatus {
    const { waiting } = this.#listing;
    return {
      pendingFiles: waiting.length,
      pendingBytes: waiting.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      claimedFiles: this.#taken.size,
      submittedFiles: this.#queue.submitted,
      paused: this.#options.guard?.paused,
      failing: this.#queue.failing || this.#faults.any,
    };
  }

  async close(): Promise<void> {
    this.#closing = true;
    this.#close();
    this.#wake();
    await this.#loop;
    await pause(CLOSE_GRACE_MS, this.#queue.stop());
    await this.#claim.release().catch(() => undefined);
  }
}
