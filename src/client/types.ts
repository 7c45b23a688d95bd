/** What the HTTP API gives, as TypeScript. A test holds it against the schemas that the API documents. Later releases may add members. */

export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly nextStep?: string;
  /** From the answer's Retry-After. */
  readonly retryAfterSeconds?: number;
  readonly [extra: string]: unknown;
}

export interface Posted {
  /** Of the post. */
  readonly id: string;
  readonly alerts: number;
  /** Names of the files that they are gathered into: `client.ended(files[0])`. Empty where it was posted before. */
  readonly files: readonly string[];
  readonly repeated: boolean;
}

export interface UploadedFile {
  /** SHA-256. */
  readonly id: string;
  /** In the inbox. */
  readonly name: string;
  readonly sizeBytes: number;
  /** Names of those that it is delivered to. Absent in answers of earlier versions. */
  readonly endpoints?: readonly string[];
}

export interface FileStatus {
  readonly file: string;
  readonly sha256: string;
  readonly workflowId: string;
  readonly endpoint: string;
  readonly state:
    | 'received'
    | 'running'
    | 'paused'
    | 'completed'
    | 'failed'
    | 'refused'
    | 'cancelled'
    | 'stopped'
    | 'unknown';
  readonly rows: number;
  readonly alerts: number;
  readonly delivered: number;
  readonly rejected: number;
  readonly undelivered: number;
  readonly unconfirmed: number;
  /** Users on a suppression list, not alerted; absent: none. */
  readonly suppressed?: number | undefined;
  readonly invalid: number;
  readonly duplicates: number;
  readonly pending: number;
  readonly seconds: number;
  /** ISO 8601. */
  readonly startedAt: string;
  /** Why nothing of it was sent, where it was refused. */
  readonly reason?: string | undefined;
  /** Why it does not get on; absent: it does, or has ended. */
  readonly waiting?:
    | {
        readonly why: string;
        readonly text: string;
        readonly since: string | null;
        readonly until: string | null;
      }
    | undefined;
}

export interface Receipt {
  readonly userId: string;
  readonly line: number;
  readonly outcome: 'delivered' | 'rejected' | 'undelivered' | 'unconfirmed' | 'suppressed' | 'pending' | 'duplicate';
  readonly status: number | null;
  readonly attempts: number;
  /** ISO 8601. */
  readonly finishedAt: string | null;
  readonly webhookId: string;
  readonly reason: string;
}

/** What became of the alerts of a user. */
export interface FoundUser {
  readonly userId: string;
  /** Newest submission first. */
  readonly alerts: readonly {
    readonly file: string;
    readonly sha256: string;
    readonly endpoint: string;
    readonly workflowId: string;
    readonly line: number;
    readonly outcome: Receipt['outcome'];
    readonly status: number | null;
    readonly attempts: number;
    /** ISO 8601. */
    readonly at: string | null;
    readonly reason: string;
    readonly webhookId: string;
    readonly submittedAt: string;
  }[];
  /** How many more there are, beyond the limit. */
  readonly more: number;
  /** Files that could not be searched. */
  readonly unsearched: readonly string[];
}

export interface Retried {
  readonly file: string;
  readonly sha256: string;
  readonly workflowId: string;
  readonly outcome: 'started' | 'attached' | 'already_delivered' | 'retried';
}

export interface Endpoint {
  readonly name: string;
  readonly url: string | null;
  readonly rate: string;
  readonly governor: {
    readonly paused: boolean;
    readonly circuit: string;
    readonly ratePerSecond: number | null;
  } | null;
  readonly note: string | null;
  readonly taskQueueLimit: number | null;
}

export type EndpointOrder =
  | { readonly order: 'pause' | 'resume' | 'forget' }
  | { readonly order: 'set-rate'; readonly rate: number | 'auto' | 'unlimited' | 'configured' };
