/**
 * What the HTTP API asks of the application behind it: the same as the commands, but each call is answered at once, and nothing waits for a
 * delivery. Tests drive the API with one of their own.
 */
import type { Logger } from 'pino';
import type { Settings } from '../config/settings.ts';
import type { Override } from '../domain/governor/contract.ts';
import type { ParseOptions } from '../domain/parse-options.ts';
import type { Uploads } from '../intake/uploads.ts';
import type { Monitoring } from '../monitoring/monitoring.ts';
import type { Posts } from '../posts/posts.ts';
import type { RowEnd } from '../store/report-stats.ts';
import type { SubmitOutcome } from '../temporal/file-deliveries.ts';
import type { FileStatus, StatusReport } from './app.ts';
import type { EndpointStatus } from './endpoint-status.ts';
import type { FoundUser } from './find-user.ts';
import type { FilePreview } from './preview.ts';

/** What became of one alert of a file. */
export interface Receipt {
  readonly userId: string;
  readonly line: number;
  /** `duplicate`: an earlier file has told the user the same. */
  readonly outcome: RowEnd | 'duplicate';
  /** Of the last answer; null: there was none. */
  readonly status: number | null;
  readonly attempts: number;
  /** ISO 8601; null: it has not ended. */
  readonly finishedAt: string | null;
  readonly webhookId: string;
  readonly reason: string;
}

/** A file of which a retry was begun. `attached`: one was under way; `already_delivered`: there was nothing to retry. */
export interface BegunRetry {
  readonly file: string;
  readonly sha256: string;
  readonly workflowId: string;
  readonly outcome: SubmitOutcome;
}

/** An inbox, by what its files are delivered to, and the ways into it. */
export interface ServedInbox {
  /** Names. */
  readonly endpoints: readonly string[];
  readonly uploads: Pick<Uploads, 'receive'>;
  readonly posts: Pick<Posts, 'take'>;
  /** By which posted alerts are judged. */
  readonly parse: Omit<ParseOptions, 'format'>;
}

/**
 * `id`: SHA-256 (8 digits or more), workflow ID, or the name it was dropped under. `endpoint`, of a file that was delivered to several: which
 * delivery; undefined: the only one. Faults: `not_found`, `temporal_unreachable`, `store`.
 */
export interface ServedApp {
  readonly settings: Settings;
  readonly logger: Logger;
  readonly monitoring: Monitoring;
  /** Where what comes by the API goes: one at least. */
  readonly inboxes: readonly ServedInbox[];
  /** Of a workflow in the Temporal Web UI; undefined: it is not known where that is. */
  temporalPage(workflowId: string): string | undefined;
  status(options: { readonly limit: number }): Promise<StatusReport>;
  file(id: string, endpoint?: string): Promise<FileStatus>;
  /** Those of a chunk together, in the order of the file. */
  receipts(id: string, endpoint?: string): Promise<AsyncIterable<readonly Receipt[]>>;
  /** `id` undefined: every file that has something to retry. */
  beginRetry(id: string | undefined, unconfirmed: boolean, endpoint?: string): Promise<readonly BegunRetry[]>;
  /** In which files a user is, and what became of each alert; the newest ones. */
  user(userId: string, limit: number): Promise<FoundUser>;
  /** Its report as a page for people; undefined: there is none (yet). */
  reportPage(id: string, endpoint?: string): Promise<string | undefined>;
  pauseFile(id: string, paused: boolean, endpoint?: string): Promise<FileStatus>;
  approveFile(id: string, endpoint?: string): Promise<FileStatus>;
  cancelFile(id: string, endpoint?: string): Promise<FileStatus>;
  endpoints(): Promise<readonly EndpointStatus[]>;
  endpoint(name: string, order?: Override): Promise<EndpointStatus>;
  /** What a file would come to at the first of these endpoints. `name`: what it will be called. */
  preview(path: string, name: string, endpoints: readonly string[]): Promise<FilePreview>;
  /** Throws Fault `store` while the disk is too full for more to come in. */
  requireRoom(): Promise<void>;
}

/** A door that is open: where, and how it is closed. What it has acknowledged is safe before and after. */
export interface Door {
  readonly address: string;
  close(): Promise<void>;
}

/** `portMayDiffer`: where the usual one is taken, and none is configured, any other will do. */
export type OpenDoor = (app: ServedApp, options: { readonly portMayDiffer: boolean }) => Promise<Door>;
