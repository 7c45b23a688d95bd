/** A file of so many chunks whose activities are functions of the test: by default every alert is delivered at once. */

import { CancelledFailure } from '@temporalio/common';
import type {
  BeginRoundInput,
  BegunRound,
  DeliveryOptions,
  FileWorkflowInput,
  ReadChunksInput,
  SendAlertInput,
  SendAlertResult,
  SendAlertsInput,
  SendAlertsResult,
  WindowResult,
  WriteReportInput,
} from '../../src/domain/contracts.ts';
import type { FileProgress, FileSummary, SentCounts } from '../../src/domain/counts.ts';
import { NOTHING_SENT, plus } from '../../src/domain/counts.ts';
import { APPROVE_SIGNAL, FILE_WORKFLOW, PAUSE_SIGNAL, PROGRESS_QUERY } from '../../src/domain/names.ts';
import type { ParseOptions } from '../../src/domain/parse-options.ts';
import { DEFAULT_PARSE_OPTIONS } from '../../src/domain/parse-options.ts';
import type { ActivityCall, MockedActivities } from './activity-desk.ts';
import type { RunEnd } from './workflow-run.ts';
import { WorkflowRun } from './workflow-run.ts';

export const CHUNK = 10;

type SendAlerts = (input: SendAlertsInput, call: ActivityCall) => Promise<SendAlertsResult> | SendAlertsResult;
type SendAlert = (input: SendAlertInput, call: ActivityCall) => Promise<SendAlertResult> | SendAlertResult;

export const batchResult = (counts: Partial<SendAlertsResult>): SendAlertsResult => ({
  ...NOTHING_SENT,
  ...{ stubborn: [], unsettled: 0, endpointLost: false },
  ...counts,
});

/** Rejects when the workflow cancels the activity. */
export const untilCancelled = ({ cancelled }: ActivityCall): Promise<never> =>
  new Promise((_, reject) => {
    const end = (): void => reject(new CancelledFailure('cancelled'));
    if (cancelled.aborted) end();
    cancelled.addEventListener('abort', end);
  });

export class MockedFile {
  readonly chunks: number;
  readonly delivery: DeliveryOptions;
  readChunks: (input: ReadChunksInput) => WindowResult = ({ window }) => ({
    ...{ window, rows: this.alerts, alerts: this.alerts, invalid: 0, duplicates: 0 },
    ...{ firstChunk: 1, chunks: this.chunks, lastChunkAlerts: CHUNK, origins: 0, next: null },
  });
  sendAlerts: SendAlerts = ({ from, to }) => batchResult({ delivered: to - from });
  sendAlert: SendAlert = () => ({ outcome: 'delivered' });
  /** What the receipts would tell; the report is made of it. Set by the mocks of the test where not all is delivered. */
  sent: SentCounts | undefined;
  /** Counts that the report shows, whatever was sent. */
  reported: Partial<FileSummary> = {};
  /** Alerts that the report finds without an outcome, report after report; then none. */
  readonly pendingAtReport: number[] = [];
  /** The parse options that its receipts belong to, where they are others than the input's. */
  settled: ParseOptions | undefined;
  /** Before a report is made; may throw. */
  onReport: (input: WriteReportInput) => void = () => undefined;
  /** Begun so far. */
  rounds = 0;

  constructor(chunks: number, delivery: Partial<DeliveryOptions> = {}) {
    this.chunks = chunks;
    this.delivery = {
      ...{ batchSize: CHUNK, parallelChunks: 2 },
      ...{ maxStubborn: 100, maxHistoryEvents: 10_000 },
      ...delivery,
    };
  }

  get alerts(): number {
    return this.chunks * CHUNK;
  }

  /** Whose delivery it is; undefined: an earlier version began it. */
  installation: string | undefined;
  /** What the submission said of its size. */
  small: boolean | undefined;

  get input(): FileWorkflowInput {
    return {
      ...(this.installation === undefined ? {} : { installation: this.installation }),
      ...(this.small === undefined ? {} : { small: this.small }),
      ...{ sha256: 'ab'.repeat(32), fileName: 'a.csv', endpoint: 'crm', delivery: this.delivery },
      parse: { ...DEFAULT_PARSE_OPTIONS, format: 'csv', chunkSize: CHUNK },
      ...{ reopenUnconfirmed: false, searchAttributes: true },
    };
  }

  get #activities(): MockedActivities {
    return {
      readChunks: (input: ReadChunksInput) => this.readChunks(input),
      beginRound: ({ parse }: BeginRoundInput): BegunRound => ({ round: ++this.rounds, parse: this.settled ?? parse }),
      sendAlerts: (input: SendAlertsInput, call: ActivityCall) => this.sendAlerts(input, call),
      takeOverOrigins: () => undefined,
      settleOrigins: () => undefined,
      sendAlert: (input: SendAlertInput, call: ActivityCall) => this.sendAlert(input, call),
      writeReport: (input: WriteReportInput): FileSummary => {
        this.onReport(input);
        const pending = this.pendingAtReport.shift() ?? 0;
        const sent = this.sent ?? { ...NOTHING_SENT, delivered: this.alerts - pending };
        return {
          ...{ sha256: this.input.sha256, reportDir: '/reports/a', rows: this.alerts, alerts: this.alerts },
          ...{ ...sent, invalid: 0, duplicates: 0, pending },
          ...this.reported,
        };
      },
    };
  }

  start(input: FileWorkflowInput = this.input): Promise<WorkflowRun> {
    return WorkflowRun.start(FILE_WORKFLOW, input, this.#activities);
  }

  /** Through all runs to the end. */
  async deliver(): Promise<{ readonly end: RunEnd; readonly runs: readonly WorkflowRun[] }> {
    const runs: WorkflowRun[] = [];
    for (let input = this.input; ; ) {
      const run = await this.start(input);
      runs.push(run);
      const end = await run.ended();
      if (end.kind !== 'continued') return { end, runs };
      input = end.input as FileWorkflowInput;
    }
  }

  count(outcomes: Partial<SentCounts>): void {
    this.sent = plus(this.sent ?? NOTHING_SENT, { ...NOTHING_SENT, ...outcomes });
  }
}

export const progressOf = (run: WorkflowRun): Promise<FileProgress> => run.query(PROGRESS_QUERY);
export const pause = (run: WorkflowRun, paused: boolean): void => run.signal(PAUSE_SIGNAL, paused);
export const approve = (run: WorkflowRun): void => run.signal(APPROVE_SIGNAL);
