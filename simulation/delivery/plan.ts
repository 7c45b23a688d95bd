/**
 * What a schedule consists of: the site, what its people do, and what goes wrong, each a line with a time. Made from a seed; plain data, so that
 * it can be printed, cut down and played again.
 */
import type { AmbiguousPolicy } from '../../src/domain/endpoint.ts';
import type { Schedule } from '../../src/domain/restraint/schedule.ts';
import type { MoodChange, UserKind } from './receiver.ts';

/** What somebody does, or what happens, at a time. Files are named by their place in the plan, processes by their number. */
export type Step =
  /** `home`: 0, or 1 for the second one, in which the same file is dropped. */
  | {
      readonly atMs: number;
      readonly do: 'submit';
      readonly file: number;
      readonly chunkSize: number;
      readonly home: number;
      /** The command dies at its n-th call of the store. */
      readonly diesAtCall?: number;
    }
  | {
      readonly atMs: number;
      readonly do: 'retry' | 'retry-unconfirmed';
      readonly file: number;
      readonly diesAtCall?: number;
    }
  | { readonly atMs: number; readonly do: 'cancel' | 'terminate' | 'pause' | 'resume'; readonly file: number }
  /** Temporal's retention is over: it knows nothing of the file any more, if nothing runs. */
  | { readonly atMs: number; readonly do: 'forget'; readonly file: number }
  /** Begins anew with the first `part` of what the run was told. */
  | { readonly atMs: number; readonly do: 'reset'; readonly file: number; readonly part: number }
  /**
   * The rows of failed.csv are dropped as a file; `otherUser`: one of them names somebody else; `old`: as it was at first; `invalid`: with those
   * of invalid.csv, which name somebody now.
   */
  | {
      readonly atMs: number;
      readonly do: 'mend';
      readonly file: number;
      readonly otherUser: boolean;
      readonly old: boolean;
      readonly invalid: boolean;
    }
  | { readonly atMs: number; readonly do: 'policy'; readonly policy: AmbiguousPolicy }
  | { readonly atMs: number; readonly do: 'kill'; readonly worker: number; readonly backAfterMs: number }
  /** Dies at its n-th call of the store from then on. */
  | {
      readonly atMs: number;
      readonly do: 'kill-at-call';
      readonly worker: number;
      readonly calls: number;
      readonly backAfterMs: number;
    }
  | { readonly atMs: number; readonly do: 'stop'; readonly worker: number; readonly forMs: number }
  | { readonly atMs: number; readonly do: 'term'; readonly worker: number; readonly backAfterMs: number }
  | { readonly atMs: number; readonly do: 'clock'; readonly worker: number; readonly aheadMs: number }
  | { readonly atMs: number; readonly do: 'power-loss'; readonly backAfterMs: number }
  | {
      readonly atMs: number;
      readonly do: 'disk';
      readonly trouble: 'full' | 'failing' | 'gone';
      readonly forMs: number;
    }
  | { readonly atMs: number; readonly do: 'server-cut'; readonly worker: number; readonly forMs: number };

export interface Noise {
  readonly storeStalls: number;
  /** Requests of the object store that fail, or whose answer is lost. */
  readonly failingObjects: number;
  readonly lateRequests: number;
  readonly lostRequests: number;
  readonly lostTasks: number;
  readonly doubledTasks: number;
  readonly lostCompletions: number;
  readonly lostHeartbeats: number;
  readonly workflowStalls: number;
}

export interface ListedTime {
  readonly fromMs: number;
  readonly toMs: number;
}

export const isWithin = (nowMs: number, time: ListedTime | undefined): boolean =>
  time !== undefined && time.fromMs <= nowMs && nowMs < time.toMs;

export interface Plan {
  readonly seed: number;
  readonly policy: AmbiguousPolicy;
  /** Files are sent once a message. */
  readonly once: boolean;
  /** Files that are there from the start have rows in common: those of the first, as far as they have so many. */
  readonly shared: boolean;
  /** Where receipts are: in the folder, or in objects. */
  readonly receipts: 'folder' | 'objects';
  /** Installations in the namespace: 1 or 2. */
  readonly homes: number;
  /** Rows of each file that is there from the start. */
  readonly files: readonly number[];
  readonly workers: number;
  /** Those only send, and one more reads and reports. */
  readonly apart: boolean;
  readonly timeoutMs: number;
  readonly ratePerSecond: number | undefined;
  readonly maxConnections: number;
  readonly batchSize: number;
  readonly parallelChunks: number;
  readonly maxStubborn: number;
  readonly maxHistoryEvents: number;
  readonly maximumAttempts: number;
  readonly giveUpAfterMs: number;
  /** Closed journals of a chunk beyond which they are folded. */
  readonly foldFrom: number;
  readonly kinds: Readonly<Record<string, UserKind>>;
  readonly moods: readonly MoodChange[];
  /** Users on the suppression list, and from when to when. */
  readonly listed: Readonly<Record<string, ListedTime>>;
  /** When the list cannot be read. */
  readonly listGone: ListedTime | undefined;
  readonly noise: Noise;
  readonly steps: readonly Step[];
  /** When files may be sent; undefined: at any time. */
  readonly schedule: Schedule | undefined;
  /** At the end, what has not completed is tried once more. */
  readonly lastRetry: boolean;
  /** From then on nothing goes wrong any more. */
  readonly quietAtMs: number;
}

/**
 * What a schedule is about, so that faults meet: `rounds`: hung workers while tries at a file follow one another · `mends`: rows that fail,
 * are mended and dropped, again and again · `silence`: a receiver that acts and does not answer, and people who press retry · `crashes`:
 * deaths and losses of power · `neighbours`: batches of a chunk beside its stubborn alerts, and workers that hang for longer than a
 * heartbeat · `homes`: two installations, and stores that are not there · `objects`: `rounds` with receipts in objects ·
 * `folds`: `neighbours` whose journals are folded all the time · `shared`: files with rows in common, once a message · `crowd`: several people mend
 * the same rows at one moment · `anything`.
 */
export const THEMES = [
  'rounds',
  'mends',
  'silence',
  'crashes',
  'neighbours',
  'homes',
  'objects',
  'folds',
  'shared',
  'crowd',
  'anything',
] as const;
export type Theme = (typeof THEMES)[number];

/** `user-<file>-<row>`. */
export const userOf = (file: number, row: number): string => `user-${file}-${row}`;
