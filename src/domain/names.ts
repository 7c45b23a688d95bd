/** Every name that crosses a process boundary: task queues, workflow IDs, search attributes, error types, queries. Declared once, here. */

export const FILE_WORKFLOW = 'fileWorkflow';
export const GOVERNOR_WORKFLOW = 'rateGovernor';
export const NOTIFIER_WORKFLOW = 'notifier';

/**
 * The queues of an installation: nobody else is given its work. undefined: of deliveries that were begun by a version in which
 * installations had no identity.
 */
export const filesTaskQueue = (installation: string | undefined): string =>
  installation === undefined ? 'wds-files' : `wds-files-${installation}`;
export const alertsTaskQueue = (endpoint: string, installation: string | undefined): string =>
  installation === undefined ? `wds-alerts-${endpoint}` : `wds-alerts-${endpoint}-${installation}`;

/** Memo of a workflow: the installation that it belongs to. Absent: begun by such a version. */
export const INSTALLATION_MEMO = 'wdsInstallation';
/** Memo of a file's workflow: this try at the file opens unconfirmed alerts again. Absent: it does not, or an earlier version began it. */
export const REOPENS_MEMO = 'wdsReopensUnconfirmed';
/** undefined: the workflow says nothing. */
export function installationIn(memo: Readonly<Record<string, unknown>> | undefined): string | undefined {
  const id = memo?.[INSTALLATION_MEMO];
  return typeof id === 'string' ? id : undefined;
}

/** Namespace by which the embedded server of an installation is told from any other server. Nothing runs in it. */
export const serverMark = (installation: string): string => `wds-home-${installation}`;

export const fileWorkflowId = (sha256: string, endpoint: string): string => `file-${sha256}-${endpoint}`;
/** Back from the ID to what it names; undefined: it is not the ID of a file's delivery. */
export function parseFileWorkflowId(workflowId: string): { sha256: string; endpoint: string } | undefined {
  const [, sha256, endpoint] = /^file-([0-9a-f]{64})-(.+)$/.exec(workflowId) ?? [];
  return sha256 === undefined || endpoint === undefined ? undefined : { sha256, endpoint };
}
export const notifierWorkflowId = (installation: string): string => `notifier-${installation}`;
export const governorWorkflowId = (endpoint: string): string => `governor-${endpoint}`;

/**
 * Endpoint names appear in workflow IDs, queue names, folder names and webhook IDs, so they are plain. Two beginnings are the store's own, also
 * on disks that do not see case.
 */
export const ENDPOINT_NAME_PATTERN = /^(?!content$|chunks-)[a-z0-9][a-z0-9_-]{0,62}$/i;

/** The `webhook-id` and idempotency key of an alert: the same at every attempt, round and restart; free of personal data and of dots. */
export const webhookId = (endpoint: string, sha256: string, line: number): string =>
  `${endpoint}_${sha256.slice(0, 32)}_${line}`;

export const SEARCH_ATTRIBUTES = {
  fileName: 'WdsFileName',
  endpoint: 'WdsEndpoint',
  rows: 'WdsRows',
  failed: 'WdsFailed',
} as const;

/** Their types, for the dev server's command line and for the registration elsewhere. */
export const SEARCH_ATTRIBUTE_TYPES = {
  [SEARCH_ATTRIBUTES.fileName]: 'Keyword',
  [SEARCH_ATTRIBUTES.endpoint]: 'Keyword',
  [SEARCH_ATTRIBUTES.rows]: 'Int',
  [SEARCH_ATTRIBUTES.failed]: 'Int',
} as const;

/** `ApplicationFailure` types, as users meet them in the Web UI and in `temporal workflow list`. */
export const FAILURE = {
  /** A file ended with rejected, undelivered or unconfirmed alerts. Details: FileSummary. */
  undeliveredAlerts: 'UndeliveredAlerts',
  /** A file was refused as a whole, before anything was sent. Details: {code, line?}. */
  fileRefused: 'FileRefused',
  /** The staged content is gone from the store, or is not what was staged. */
  contentMissing: 'ContentMissing',
  /** Chunks are gone from the store; they are read again from the content. */
  chunksMissing: 'ChunksMissing',
  /** The receipts in the store show less than the run has delivered, and have for a day. */
  receiptsMissing: 'ReceiptsMissing',
  /** The receiver asked for a pause (429, or 503 with Retry-After). Retryable; uses up no alert's attempts. */
  throttled: 'Throttled',
  /** Some alerts of a batch failed for a passing reason. Retryable. */
  transient: 'TransientFailure',
  /** Nothing gets through: the endpoint is down, or answers 401/403/404/410 to everything. Retryable. */
  endpointUnavailable: 'EndpointUnavailable',
  localFault: 'LocalFault',
  endpointMisconfigured: 'EndpointMisconfigured',
  /** The worker does not know this endpoint; another one may. Retryable. */
  unknownEndpoint: 'UnknownEndpoint',
  /** The body template needs a column that was not carried along when the file was read. Retryable: the configuration may be put right. */
  templateColumn: 'TemplateColumn',
  /** A newer attempt of the same batch is at work; this one stopped. Retryable. */
  superseded: 'Superseded',
  /** Other workers have the endpoint's whole rate, so the batch is left to them: scheduled again at once. */
  standingBy: 'StandingBy',
  /** A newer try at the file has begun. The workflow deals with it. */
  staleRound: 'StaleRound',
  /** The worker is shutting down; another one, or its successor, goes on. Retryable. */
  shuttingDown: 'WorkerShuttingDown',
  /** Requests of a crashed attempt may still be answered; they are settled when their deadline has passed. Retryable. */
  unsettled: 'Unsettled',
  /** Alerts wait for those of an earlier file that says the same. Retryable. */
  earlierFile: 'EarlierFile',
  /** The store refused a write or a read. Retryable. */
  store: 'StoreFault',
  /** A suppression list is missing, or cannot be understood: nothing is sent until it can. Retryable. */
  suppressionList: 'SuppressionList',
  /** It is not the time at which alerts of the file may be sent. Details: Closed. The workflow waits. */
  closed: 'NotTheTime',
  /** Work of another installation, or a store that is not the one that the work began with. Retryable: the right one may come. */
  otherInstallation: 'OtherInstallation',
  /** A notification did not get through. Retryable; nothing of a delivery. */
  notification: 'NotificationFailed',
  /** An Update that the governor cannot take: it says what is wrong, and nothing changes. */
  badMessage: 'BadMessage',
} as const;

export const PROGRESS_QUERY = 'progress';
/** Argument: whether the file is to wait. Signals of an operator. */
export const PAUSE_SIGNAL = 'pause';
/** No argument: a file that waits for a decision goes on. */
export const APPROVE_SIGNAL = 'approve';
/** Argument: a Notice. Of the notifier. */
export const NOTICE_SIGNAL = 'notice';
/** No argument: whatever is gathered is told now. Of the notifier. */
export const HURRY_SIGNAL = 'hurry';
/** Of the notifier: how much it still has to tell, or is telling. */
export const OPEN_QUERY = 'open';
/** Updates of the governor: for a share of the rate, by an operator, and with what a worker was configured with. */
export const LEASE_UPDATE = 'lease';
export const OVERRIDE_UPDATE = 'override';
export const CONFIGURE_UPDATE = 'configure';
export const GOVERNOR_QUERY = 'state';
/** Argument: the installation that a governor from a version without identities is to belong to, if it is the first that asks. */
export const ADOPT_SIGNAL = 'adopt';
