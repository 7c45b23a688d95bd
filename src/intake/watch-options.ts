/** What a watcher is told, and what it tells (watcher.ts). */
import type { Store } from '../store/store.ts';
import type { AnswerOf } from './answers.ts';
import type { SettleTimes } from './completeness.ts';
import type { DiskGuard } from './disk-guard.ts';
import type { WatchKind } from './folder-watch.ts';
import type { FolderRules } from './inbox-folder.ts';
import type { IntakeLogger } from './log.ts';
import type { UntilEnded } from './submission-queue.ts';
import type { Terms } from './terms.ts';

/** Of any inbox. */
export interface InboxOptions {
  readonly store: Store;
  /** A gzip file that expands beyond this is refused. */
  readonly maxExpandedBytes: number;
  /** Larger ones are refused, and not read. Default: none is too large. */
  readonly maxFileBytes?: number | undefined;
  /** Pauses the intake before the disk of the store is full. Default: it is taken in until that is. */
  readonly guard?: DiskGuard;
  readonly log: IntakeLogger;
  /** Another watcher of this inbox must have the same. Absent: any may watch. */
  readonly terms?: Terms;
  /** Default 2 s; of a bucket 5 s. */
  readonly scanIntervalMs?: number;
  /** Files staged, submitted or moved at once. Default 4; of a bucket 8. */
  readonly concurrency?: number;
  readonly now?: () => Date;
  /** Files under way are bounded by it. Default: what was submitted is not waited for. */
  readonly untilEnded?: UntilEnded;
  /** Absent: all files stay in `processed`, and nobody is answered. */
  readonly answerOf?: AnswerOf;
  /** Whether each file that ends leaves a result in the inbox. Default: none does. */
  readonly results?: boolean;
}

/** Of an inbox that is a folder. */
export interface WatchOptions extends InboxOptions, FolderRules {
  /** Created if missing. */
  readonly inbox: string;
  readonly settle?: Partial<SettleTimes>;
  /** Whether this host shows all processes that may write into the inbox. Default: found out (open-writers.ts). */
  readonly writersAreLocal?: boolean;
  /** How it learns of files between two scans. Default `auto`. */
  readonly watch?: WatchKind;
  /** Silence after which a watcher of another host counts as dead. Default 10 s. */
  readonly deadAfterMs?: number;
}

export interface WatcherStatus {
  /** Known in the inbox, not claimed. */
  readonly pendingFiles: number;
  readonly pendingBytes: number;
  readonly claimedFiles: number;
  /** Since the start, by this watcher. */
  readonly submittedFiles: number;
  /** Why nothing is taken in, though nothing fails; undefined: files are taken. */
  readonly paused: string | undefined;
  /** Some step cannot be done at present and is being retried. */
  readonly failing: boolean;
}

export interface Watcher {
  /** The first scan is done. Rejects with a Fault if there can be no such inbox. */
  readonly ready: Promise<void>;
  /** Rejects with a Fault if it may not go on: another watcher took it for dead, and now watches with other terms. */
  readonly ended: Promise<never>;
  close(): Promise<void>;
  status(): WatcherStatus;
}
