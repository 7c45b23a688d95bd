/**
 * The words of a round: which files are dropped when, what is done to whom, and how the receiver behaves meanwhile. A plan is data, made
 * from a seed alone (schedule.ts); what really comes of it depends on the machine.
 */
import type { AmbiguousPolicy } from '../src/domain/endpoint.ts';
import type { WireFault } from '../test/support/faulty-proxy.ts';

export type Rate = number | 'auto' | 'unlimited';

export const WDS_PROCESSES = ['watcher-1', 'watcher-2', 'files-1', 'files-2', 'alerts-1', 'alerts-2'] as const;
export type WdsName = (typeof WDS_PROCESSES)[number];
export type ProcessName = WdsName | 'server' | 'receiver';

/** `folder`: one host. `bucket`: two hosts, with one bucket for store and inbox. */
export const STORES = ['folder', 'bucket'] as const;
export type StoreKind = (typeof STORES)[number];

export const HOSTS = [1, 2] as const;
export type Host = (typeof HOSTS)[number];
/** One watcher and one worker of each role are of each host. */
export const hostOf = (name: WdsName): Host => (name.endsWith('1') ? 1 : 2);

/** A connection that can be disturbed: from the workers to the receiver, or from one process to Temporal. */
export type LinkName = 'receiver' | WdsName;

/**
 * What the receiver does with a share of the requests. `failing` 500 · `throttling` 429 with Retry-After · `throttling-unnamed` 429 without ·
 * `refusing` 401 · `slow` later than the timeout, or close to it · `hanging` acts and never answers · `unparsable` acts and answers what is
 * no HTTP · `resetting` acts and resets the connection · `half-answer` acts and breaks off inside the headers · `turning-away` resets without acting ·
 * `gateway` 504, and under `hold` half of them were acted on.
 */
export const MOODS = [
  'slow',
  'failing',
  'throttling',
  'throttling-unnamed',
  'refusing',
  'hanging',
  'unparsable',
  'resetting',
  'half-answer',
  'turning-away',
  'gateway',
] as const;
export type Mood = 'well' | (typeof MOODS)[number];

export type InputFormat = 'csv' | 'ndjson' | 'json';

export interface FilePlan {
  readonly name: string;
  readonly format: InputFormat;
  readonly gzip: boolean;
  readonly rows: number;
  /** Users whom the receiver refuses (422) unless the message is a mended one. */
  readonly refused: number;
  /** Users who fail (503) until the faults cease. */
  readonly stubborn: number;
  /** Rows that are no alerts, and later rows of a user. */
  readonly invalid: number;
  readonly duplicates: number;
  readonly seed: number;
}

/** How a failed.csv is mended: `other-user` names somebody else in its first row; `older` drops the first failed.csv of that file that was seen. */
export const MENDS = ['text', 'line-ends', 'other-user', 'older'] as const;
export type Mend = (typeof MENDS)[number];

export const ORDERS = [
  'retry',
  'retry-unconfirmed',
  'pause',
  'resume',
  'cancel',
  'reset',
  'terminate',
  'endpoint-pause',
  'endpoint-resume',
] as const;
export type Order = (typeof ORDERS)[number];

/** `file` counts the files dropped so far, and is taken modulo their number. */
export type PlannedEvent =
  | { readonly kind: 'drop'; readonly file: number; readonly as: string; readonly slowly: boolean }
  | { readonly kind: 'submit'; readonly file: number; readonly rate: Rate }
  | { readonly kind: 'mend'; readonly file: number; readonly way: Mend }
  | { readonly kind: 'order'; readonly order: Order; readonly file: number }
  | { readonly kind: 'kill'; readonly target: ProcessName; readonly downMs: number }
  | { readonly kind: 'terminate'; readonly target: ProcessName; readonly downMs: number }
  | { readonly kind: 'stop'; readonly target: ProcessName; readonly forMs: number }
  | { readonly kind: 'cut'; readonly link: LinkName; readonly share: number }
  | { readonly kind: 'refuse'; readonly link: LinkName; readonly forMs: number }
  | { readonly kind: 'stall'; readonly link: LinkName; readonly forMs: number }
  | { readonly kind: 'mood'; readonly mood: Mood; readonly share: number; readonly forMs: number }
  | { readonly kind: 'full-disk'; readonly forMs: number }
  | { readonly kind: 'kill-hosts'; readonly hosts: readonly Host[]; readonly downMs: number }
  | { readonly kind: 'store'; readonly fault: WireFault; readonly share: number; readonly forMs: number }
  | { readonly kind: 'clock'; readonly target: WdsName; readonly offsetSeconds: number };

export interface TimedEvent {
  readonly atMs: number;
  readonly event: PlannedEvent;
}

export interface RoundPlan {
  readonly seed: number;
  readonly policy: AmbiguousPolicy;
  readonly rate: Rate;
  readonly store: StoreKind;
  /** After this time nothing more is done to anybody. */
  readonly faultsMs: number;
  readonly receiver: { readonly latencyMs: number; readonly limitPerSecond: number | undefined };
  readonly settings: {
    readonly maxConnections: number;
    readonly maximumAttempts: number;
    readonly batchSize: number | undefined;
    readonly maxStubborn: number;
    readonly maxHistoryEvents: number;
  };
  readonly files: readonly FilePlan[];
  readonly events: readonly TimedEvent[];
}

/** One line for people: what and to whom, e.g. `kill alerts-1 downMs=900`. */
export function eventText({ kind, ...rest }: PlannedEvent): string {
  return [kind, ...Object.entries(rest).map(([name, value]) => `${name}=${value}`)].join(' ');
}
