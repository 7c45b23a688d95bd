/**
 * What the commands ask of the application behind them. The commands know arguments, output and exit codes; an App knows Temporal, the store
 * and processes. Tests drive the commands with an App of their own.
 */
import type { Logger } from 'pino';
import type { Settings } from '../config/settings.ts';
import type { FileProgress } from '../domain/contracts.ts';
import type { ReceiverSettings } from '../receiver/receiver-options.ts';
import type { ReceiverStreams } from '../receiver/run-receiver.ts';

/** One file's delivery: exactly the object that `wds send FILE -o json` prints. */
export interface FileResult {
  /** As the person named it, or the name it was dropped under. */
  readonly file: string;
  readonly sha256: string;
  readonly workflowId: string;
  readonly rows: number;
  readonly alerts: number;
  readonly delivered: number;
  readonly rejected: number;
  readonly undelivered: number;
  readonly unconfirmed: number;
  readonly invalid: number;
  readonly duplicates: number;
  /** From submission to the end, or until now. */
  readonly seconds: number;
  readonly reportDir: string;
}

/** How waiting for a file ended. */
export type FileEnd =
  | {
      readonly kind: 'ended';
      readonly result: FileResult;
      /** The workflow had completed before: nothing was sent this time. */
      readonly alreadyDelivered: boolean;
    }
  /** The deadline or an interrupt came first; the delivery may go on without us. */
  | { readonly kind: 'running'; readonly result: FileResult; readonly why: 'deadline' | 'interrupted' }
  /** No result: not found, refused as a whole, Temporal unreachable … `fault` says what and what to do. */
  | { readonly kind: 'failed'; readonly file: string; readonly fault: Error };

/** Called as often as the App likes; the screen takes its own pace. */
export interface ProgressUpdate {
  readonly file: string;
  readonly progress: FileProgress;
}

export interface DeliveryObserver {
  progress(update: ProgressUpdate): void;
  /** Once a file, in the order in which files end. */
  ended(end: FileEnd): void;
}

interface WaitOptions {
  readonly observer: DeliveryObserver;
  /** Stop waiting after this long; undefined: never. */
  readonly deadlineMs: number | undefined;
}

export interface RetryOptions extends WaitOptions {
  /** Rows that ended `unconfirmed` are sent again, too. */
  readonly unconfirmed: boolean;
}

export type FileState = 'running' | 'completed' | 'failed' | 'refused' | 'stopped' | 'unknown';

export interface FileStatus extends Omit<FileResult, 'reportDir'> {
  readonly state: FileState;
  readonly endpoint: string;
  readonly pending: number;
  /** ISO 8601. */
  readonly startedAt: string;
}

export interface StatusReport {
  readonly temporal: {
    readonly address: string;
    readonly namespace: string;
    /** Run by wds itself. */
    readonly embedded: boolean;
    readonly webUi: string | undefined;
  };
  readonly home: string;
  readonly inbox: string;
  /** Rate as in the settings, e.g. `100/s`, `unlimited`. */
  readonly endpoints: readonly { readonly name: string; readonly url: string | undefined; readonly rate: string }[];
  /** Newest first. */
  readonly files: readonly FileStatus[];
}

export interface ReportedFile extends FileResult {
  readonly state: FileState;
  readonly endpoint: string;
  readonly pending: number;
  /** Names of the reports in reportDir, e.g. `receipts.csv`. */
  readonly reports: readonly string[];
}

export interface UpOptions {
  /** Deliver the bundled example where nothing is configured yet. */
  readonly example: boolean;
}

export const WORKER_ROLES = ['files', 'alerts', 'all'] as const;
export type WorkerRole = (typeof WORKER_ROLES)[number];

export interface InitResult {
  readonly registered: readonly string[];
  readonly alreadyThere: readonly string[];
}

/** Each method throws a Fault for what a person can mend. Methods that run until stopped end cleanly when `signal` aborts. */
export interface App {
  up(options: UpOptions): Promise<void>;
  watch(): Promise<void>;
  worker(role: WorkerRole): Promise<void>;
  /** One FileEnd a file, in the order of `files`. Never throws for one file's fault. */
  send(files: readonly string[], options: WaitOptions): Promise<readonly FileEnd[]>;
  /** `file`: a path, a SHA-256 (or its first 8 digits and more) or a workflow ID; undefined: every file that has something to retry. */
  retry(file: string | undefined, options: RetryOptions): Promise<readonly FileEnd[]>;
  status(options: { readonly limit: number }): Promise<StatusReport>;
  report(file: string): Promise<ReportedFile>;
  /** Registers the search attributes with the Temporal service. */
  init(): Promise<InitResult>;
  /** What happens to deliveries when this process is stopped; one sentence, shown at the first Ctrl-C. */
  interruptNotice(): string;
  /** Releases everything; called once, also after a fault. */
  close(): Promise<void>;
}

/** Where an App may write for a person; keeps clear of the progress line and of stdout's data. */
export interface Messages {
  message(text: string): void;
}

export interface AppContext {
  readonly settings: Settings;
  readonly logger: Logger;
  readonly messages: Messages;
  /** Aborts at the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
}

export type CreateApp = (context: AppContext) => Promise<App>;

/** `wds receiver`: needs neither settings nor Temporal. */
export type RunReceiver = (settings: ReceiverSettings, streams: ReceiverStreams) => Promise<void>;
