/**
 * What the commands ask of the application behind them. The commands know arguments, output and exit codes; an App knows Temporal, the store
 * and processes. Tests drive the commands with an App of their own.
 */

import type { Logger } from 'pino';
import type { Settings } from '../config/settings.ts';
import type { FilePriority } from '../domain/contracts.ts';
import type { FileProgress } from '../domain/counts.ts';
import type { FaultCode } from '../domain/failure.ts';
import { Fault } from '../domain/failure.ts';
import type { Override } from '../domain/governor/contract.ts';
import type { FileWaiting } from '../domain/progress/waiting.ts';
import type { Findings } from '../domain/rows/findings.ts';
import type { Monitoring } from '../monitoring/monitoring.ts';
import type { ReceiverSettings } from '../receiver/receiver-options.ts';
import type { ReceiverStreams } from '../receiver/run-receiver.ts';
import type { EndpointRelease, EndpointStatus } from './endpoint-status.ts';
import type { FilePreview } from './preview.ts';
import type { ApiState, UpState } from './standing.ts';

/** The totals of a file at one endpoint, over all rounds. */
export interface FileTotals extends Findings {
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
  /** Absent: none. */
  readonly suppressed?: number;
  readonly invalid: number;
  readonly duplicates: number;
  /** Of the duplicates, those that say what an earlier file has delivered (`once: message`). Absent: none. */
  readonly ofEarlierFiles?: number;
  /** From submission to the end, or until now. */
  readonly seconds: number;
}

/** One file's delivery: exactly the object that `wds send FILE -o json` prints. */
export interface FileResult extends FileTotals {
  /** Of the delivered ones, those of this time; and those that were delivered before. */
  readonly sentNow: number;
  readonly alreadyDelivered: number;
  readonly reportDir: string;
}

/** Several files are called so; the message lists them. */
export class SeveralFiles extends Fault {
  /** What stands for the newest of them alone. */
  readonly newest: string;

  constructor(message: string, newest: string) {
    super('not_found', message, `Say which, by what is first in its line, such as ${newest}.`);
    this.name = 'SeveralFiles';
    this.newest = newest;
  }
}

/** How waiting for a file ended. */
export type FileEnd =
  | { readonly kind: 'ended'; readonly result: FileResult }
  /** The deadline or an interrupt came first; the delivery may go on without us. */
  | {
      readonly kind: 'running';
      readonly result: FileResult;
      readonly why: 'deadline' | 'interrupted';
      /** As the last progress told. */
      readonly waiting?: ProgressUpdate['waiting'];
    }
  /** An operator ended it before its end; `pending` alerts of what was read were not sent. */
  | {
      readonly kind: 'stopped';
      readonly result: FileResult;
      readonly pending: number;
      /** false: nothing was sent, and the counts are those of a part. */
      readonly readToTheEnd: boolean;
      readonly how: 'cancelled' | 'terminated';
    }
  /** No result: not found, refused as a whole, Temporal unreachable … `fault` says what and what to do. */
  | { readonly kind: 'failed'; readonly file: string; readonly fault: Error };

/** Called as often as the App likes; the screen takes its own pace. */
export interface ProgressUpdate {
  readonly file: string;
  readonly progress: FileProgress;
  /** Why it does not get on; absent: it does, or nobody knows. */
  readonly waiting?: FileWaiting;
  /** Requests a second that its endpoint is sent at most just now; absent: no limit, or not known. */
  readonly limitPerSecond?: number;
}

export interface DeliveryObserver {
  progress(update: ProgressUpdate): void;
  /** Once a file, in the order in which files end. */
  ended(end: FileEnd): void;
}

export interface WaitOptions {
  readonly observer: DeliveryObserver;
  /** Stop waiting after this long; undefined: never. */
  readonly deadlineMs: number | undefined;
}

export interface SendOptions extends WaitOptions {
  readonly priority: FilePriority;
}

export interface RetryOptions extends SendOptions {
  /** Rows that ended `unconfirmed` are sent again, too. */
  readonly unconfirmed: boolean;
}

/** `stopped`: terminated, or ended otherwise before its time. */
export type FileState = 'running' | 'paused' | 'completed' | 'failed' | 'refused' | 'cancelled' | 'stopped' | 'unknown';

export interface FileStatus extends FileTotals {
  readonly state: FileState;
  readonly endpoint: string;
  readonly pending: number;
  /** Where its report is; absent as long as there is none. */
  readonly reportDir?: string;
  /** ISO 8601. */
  readonly startedAt: string;
  /** Why it does not get on; absent: it does, or has ended. */
  readonly waiting?: FileWaiting;
  /** Why nothing of it was sent, where it was refused. */
  readonly reason?: string;
  /** Alerts settled a second over the last moments, where the status was read more than once (`--watch`). */
  readonly perSecond?: number;
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
  /** `s3://bucket/prefix`; absent: the store is in the home. */
  readonly store?: string;
  /** Its identity: part of the names of its task queues. */
  readonly installation: string;
  /** The first one of several. */
  readonly inbox: string;
  /** Why no file is taken in, and what to do; absent: files are taken. */
  readonly intakePaused?: string;
  /** All of them, with the endpoints that each delivers to. Absent: there is one. */
  readonly inboxes?: readonly { readonly inbox: string; readonly endpoints: readonly string[] }[];
  readonly endpoints: readonly EndpointStatus[];
  /** Others, of which nothing is under way. Absent: none. */
  readonly moreEndpoints?: number;
  /** Newest first. */
  readonly files: readonly FileStatus[];
  /** Files in the store beyond these. Absent: none. */
  readonly moreFiles?: number;
}

export interface ReportedFile extends FileTotals {
  readonly state: FileState;
  /** Why it was refused, or ended before its time, where that is known. */
  readonly fault?: { readonly code: FaultCode; readonly message: string };
  readonly endpoint: string;
  readonly pending: number;
  /** false: the counts are those of a part, of which nothing was sent. */
  readonly readToTheEnd: boolean;
  readonly reportDir: string;
  /** Names of the reports in reportDir, e.g. `receipts.csv`. */
  readonly reports: readonly string[];
  /** ISO 8601: since when its rows are gone, and the counts those of then. Absent: they are there. */
  readonly prunedAt?: string;
}

export interface UnderWayObserver {
  progress(update: ProgressUpdate): void;
  /** It has ended, or is no longer among those that are looked at. */
  left(file: string): void;
}

export interface UpOptions {
  /** Deliver the bundled example where nothing is configured yet. */
  readonly example: boolean;
  readonly observer: {
    exampleBegins(): void;
    exampleEnded(end: FileEnd): void;
    ready(state: UpState): void;
    /** Files that are under way, about once a second. Absent: nobody looks. */
    readonly files?: UnderWayObserver;
  };
}

export const WORKER_ROLES = ['files', 'alerts', 'all'] as const;
export type WorkerRole = (typeof WORKER_ROLES)[number];

export interface InitResult {
  /** Address of the Temporal service; null: none is configured, and the server that wds runs itself has them. */
  readonly service: string | null;
  readonly registered: readonly string[];
  readonly alreadyThere: readonly string[];
}

/** Each method throws a Fault for what a person can mend. Methods that run until stopped end cleanly when `signal` aborts. */
export interface App {
  up(options: UpOptions): Promise<void>;
  watch(): Promise<void>;
  /** The HTTP API, and the watcher that takes what comes by it. */
  api(ready: (state: ApiState) => void): Promise<void>;
  worker(role: WorkerRole): Promise<void>;
  /** One FileEnd a file, in the order of `files`. Never throws for one file's fault. */
  send(files: readonly string[], options: SendOptions): Promise<readonly FileEnd[]>;
  /** `file`, here and below: its name, path, SHA-256 (or its first 8 digits and more) or workflow ID. undefined: every file that has something to retry. */
  retry(file: string | undefined, options: RetryOptions): Promise<readonly FileEnd[]>;
  /** What a file would come to; sends nothing, leaves nothing behind, and needs no Temporal. */
  preview(file: string): Promise<FilePreview>;
  /** Sends the alert of a user once more, which the file has delivered; the end is that of a file of its own. */
  resend(userId: string, file: string, options: SendOptions): Promise<FileEnd>;
  status(options: { readonly limit: number }): Promise<StatusReport>;
  report(file: string): Promise<ReportedFile>;
  /** Sends nothing of it until it is resumed; what is open is still answered. */
  pauseFile(file: string, paused: boolean): Promise<FileStatus>;
  /** A file that waits for a decision goes on. */
  approveFile(file: string): Promise<FileStatus>;
  /** Ends its delivery, and waits a while for the end; the state tells whether it came. */
  cancelFile(file: string): Promise<FileStatus>;
  /** Configured, or known to Temporal. */
  endpoints(): Promise<readonly EndpointStatus[]>;
  /** `name`: undefined where there is no doubt which one is meant. `order`: undefined only looks. */
  endpoint(name: string | undefined, order?: Override): Promise<EndpointStatus>;
  /** Frees the name of an endpoint for whichever installation uses it next. */
  releaseEndpoint(name: string): Promise<EndpointRelease>;
  /** Registers the search attributes with the Temporal service, where one is configured. */
  init(): Promise<InitResult>;
  /** What happens to deliveries when this process is stopped; one sentence, shown at the first Ctrl-C. */
  interruptNotice(): string;
  /** What it costs to end this process now, in a sentence; undefined: nothing, no request of its own is open. */
  priceOfStopping(): string | undefined;
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
  readonly monitoring: Monitoring;
  /** Aborts at the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
}

export type CreateApp = (context: AppContext) => Promise<App>;

/** `wds receiver`: needs neither settings nor Temporal. */
export type RunReceiver = (settings: ReceiverSettings, streams: ReceiverStreams) => Promise<void>;
