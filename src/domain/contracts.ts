/**
 * What crosses between workflows, activities and clients. Everything here is stored in Temporal's history, so it holds counts and
 * numbers, never rows, user IDs or messages.
 */
import type { Outcome } from './alert.ts';
import type { FileCounts, FileSummary, SentCounts } from './counts.ts';
import type { AmbiguousPolicy } from './endpoint.ts';
import type { OnceOptions, OnceRound } from './ledger/earlier.ts';
import type { ParseOptions } from './parse-options.ts';
import type { DecisionOptions, DecisionState } from './progress/decision.ts';
import type { Restraints } from './restraint/restraints.ts';
import type { WindowFindings } from './rows/findings.ts';

/** An urgent file's work is taken before that of normal ones, where the server knows priorities; it is sent no faster. */
export type FilePriority = 'urgent' | 'normal';

/** Where the next window begins. Opaque to the workflow. */
export interface ReadCursor {
  readonly byteOffset: number;
  /** Physical line (CSV, NDJSON) or element number (JSON) at byteOffset, 1-based. */
  readonly nextLine: number;
  /** CSV: what the first window has found out by the header. */
  readonly columns?: {
    /** Positions; origin: −1 where there is none; more: of the columns that are carried along, in the order of the parse options. */
    readonly userId: number;
    readonly alertMessage: number;
    readonly origin: number;
    readonly more?: readonly number[];
    readonly count: number;
    /** Between the fields; absent: a comma. */
    readonly separator?: string;
    /** How the header's line ends; absent: not known. */
    readonly lineEnd?: 'lf' | 'crlf' | 'cr';
  };
  /** What the text is encoded in, where that is not UTF-8. */
  readonly encoding?: string;
}

/** What every activity of a file is told. */
export interface FileWork {
  /** Whose delivery it is: a worker of another installation, or without its store, leaves it alone. Absent in histories of earlier builds. */
  readonly installation?: string;
  readonly sha256: string;
}

export interface ReadChunksInput extends FileWork {
  /** To which the file is delivered; absent in histories of earlier builds. Windows are the same for all endpoints. */
  readonly endpoint?: string;
  readonly parse: ParseOptions;
  /** 1-based; windows are read in order. */
  readonly window: number;
  /** null: the start of the file. */
  readonly cursor: ReadCursor | null;
  /** Rows to read at least, unless the file ends first. */
  readonly windowRows: number;
}

export interface WindowResult extends WindowFindings {
  readonly window: number;
  readonly rows: number;
  readonly alerts: number;
  readonly invalid: number;
  readonly duplicates: number;
  /** Chunks are numbered from 1 through the whole file; this window holds firstChunk … firstChunk + chunks − 1. */
  readonly firstChunk: number;
  readonly chunks: number;
  /** Alerts in the window's last chunk. */
  readonly lastChunkAlerts: number;
  /** Alerts in each chunk, where long texts ended one of them early; absent: all but the last are full. */
  readonly chunkAlerts?: readonly number[];
  /** Alerts that say which row of an earlier file they mend. */
  readonly origins: number;
  /** Duplicates of rows of the earlier file that this one mends; absent: none. */
  readonly ofOriginals?: number;
  /** null: the file is read to its end. */
  readonly next: ReadCursor | null;
}

export interface BeginRoundInput extends FileWork {
  readonly endpoint: string;
  readonly workflowId: string;
  readonly runId: string;
  /** Those by which the run has read the file. */
  readonly parse: ParseOptions;
  /** The endpoint's policy when the file was submitted. */
  readonly ambiguous: AmbiguousPolicy | undefined;
  /** Once a message, as it was submitted; absent: once a file. */
  readonly once?: OnceOptions;
  /** See FileWorkflowInput. */
  readonly press?: string;
}

export interface BegunRound {
  /** From 1. */
  readonly round: number;
  /** Those that the receipts of this delivery belong to; others than the run's where an earlier run has settled them. */
  readonly parse: ParseOptions;
  /** What other files of the endpoint have to do with this one; absent: nothing. */
  readonly once?: OnceRound;
}

/** A try at a file, and whose it is. */
export interface RoundOfRun {
  /** A string in histories of before rounds were numbers: the run ID that stood for one. */
  readonly round: number | string;
  /** The run that began it; continue-as-new hands it on. Absent where rounds were run IDs. */
  readonly roundRunId?: string;
}

/** What both sending activities are told of the chunk and of the try at the file that they work for. */
export interface SendTarget extends FileWork, RoundOfRun, Restraints {
  readonly endpoint: string;
  readonly parseKey: string;
  readonly window: number;
  readonly chunk: number;
  /** Rows that ended `unconfirmed` in an earlier round are opened again (the operator asked for it). */
  readonly reopenUnconfirmed: boolean;
}

/** One batch: alerts `from` … `to` (0-based, to exclusive) of a chunk. */
export interface SendAlertsInput extends SendTarget {
  readonly from: number;
  readonly to: number;
  /** Stubborn alerts that may be handed over to sendAlert, at most. */
  readonly maxHandover: number;
  /** The epoch of an attempt at this chunk that has ended: the receipts must know of it. */
  readonly knownEpoch?: number;
  /** An earlier batch has given the endpoint up after the whole time that the policy waits: this one need not wait for as long again. */
  readonly endpointLost: boolean;
  /** Last visit: what was left unsettled is settled now. */
  readonly closing: boolean;
}

export interface SendAlertsResult {
  /** Alerts of the batch that are final, by outcome; earlier rounds included. Without those that sendAlert has ended in this round. */
  readonly delivered: number;
  readonly rejected: number;
  readonly undelivered: number;
  readonly unconfirmed: number;
  /** Absent: none. */
  readonly suppressed?: number;
  /** Lines handed over to sendAlert: they failed several times for their own reasons. */
  readonly stubborn: readonly number[];
  /**
   * Alerts that are better settled at the end of the file: requests of a crashed attempt whose answers may still come in, and
   * 401/403/404/410 answers that may be the endpoint's fault; and those that wait for a row of an earlier file. The batch is to be visited again,
   * with `closing`.
   */
  readonly unsettled: number;
  /** The endpoint was ill for longer than the policy waits; the rest of the batch is undelivered. */
  readonly endpointLost: boolean;
  /** Others are to have the slot; the same batch is to be scheduled again for its rest. Absent in histories of before. */
  readonly turnOver?: boolean;
  /** Of the delivered ones, those that this round did not deliver itself. Absent in histories of earlier builds. */
  readonly deliveredBefore?: number;
  /** Of this attempt. */
  readonly epoch?: number;
  /** Alerts of the batch, in none of the counts above, that an earlier file has delivered; absent: none. */
  readonly duplicates?: number;
}

export interface SendAlertInput extends SendTarget {
  readonly line: number;
}

export interface SendAlertResult {
  readonly outcome: Outcome;
}

export interface WriteReportInput extends FileWork {
  readonly endpoint: string;
  readonly parse: ParseOptions;
  readonly fileName: string;
  readonly workflowId: string;
  readonly round: number | string;
  /** What the workflow has seen by itself; absent in histories of before: it is not compared. */
  readonly seen?: FileCounts;
}

/** How the workflow goes about a file. Chosen when it is started, frozen for the run: replays must not see a change. */
export interface DeliveryOptions extends DecisionOptions, Restraints {
  readonly batchSize: number;
  /** Chunks in flight at once. */
  readonly parallelChunks: number;
  /** The endpoint's policy at the submission; absent in histories of before. */
  readonly ambiguous?: AmbiguousPolicy;
  /** Absent: once a file. */
  readonly once?: OnceOptions;
  /** Open sendAlert activities at most; beyond that new batches wait. */
  readonly maxStubborn: number;
  /** Continue as new when a run's history reaches this many events. */
  readonly maxHistoryEvents: number;
  /** More invalid rows than this share (0 to 1) refuse the file. Absent, also in histories of before: only a file without a valid row is. */
  readonly maxInvalid?: number;
}

export interface FileWorkflowInput extends FileWork {
  readonly fileName: string;
  readonly endpoint: string;
  readonly parse: ParseOptions;
  readonly delivery: DeliveryOptions;
  readonly reopenUnconfirmed: boolean;
  /**
   * A name for that order: it is one more request for each alert, in however many rounds and runs (a reset makes another one of the same input).
   * Absent: nothing is opened again, or an earlier build started the run.
   */
  readonly press?: string;
  /** Whether the namespace has wds's search attributes; upserting an unknown one would fail the workflow task. */
  readonly searchAttributes: boolean;
  /**
   * It is read, and reported on, in a moment: by local activities, within the workflow's own task. That is a third of what the server has to do
   * for a file of ten alerts. Absent: by activities of its own.
   */
  readonly small?: boolean;
  /** Set by continue-as-new only. */
  readonly carried?: CarriedState;
}

/** A stretch of a chunk that is still to be sent, or to be visited again. */
export interface Stretch {
  readonly window: number;
  readonly chunk: number;
  readonly from: number;
  readonly to: number;
  /** The epoch of the last attempt at it. */
  readonly epoch?: number;
}

export interface StubbornRef {
  readonly window: number;
  readonly chunk: number;
  readonly line: number;
}

/** What one run hands to the next. A few hundred numbers at most. */
export interface CarriedState extends RoundOfRun, DecisionState {
  /** By which the file was read, where that is not what the input says. */
  readonly parse?: ParseOptions;
  readonly windows: readonly WindowResult[];
  readonly sent: SentCounts;
  /** The first chunk that no run has begun. */
  readonly nextChunk: number;
  /** Stretches that were begun and not finished. */
  readonly unfinished: readonly Stretch[];
  readonly revisit: readonly Stretch[];
  readonly stubborn: readonly StubbornRef[];
  /** An operator has paused the file. */
  readonly paused?: boolean;
  readonly once?: OnceRound;
}

export interface ReadActivities {
  readChunks(input: ReadChunksInput): Promise<WindowResult>;
}
export interface SendActivities {
  sendAlerts(input: SendAlertsInput): Promise<SendAlertsResult>;
  sendAlert(input: SendAlertInput): Promise<SendAlertResult>;
}
export interface RoundActivities {
  beginRound(input: BeginRoundInput): Promise<BegunRound>;
}
export interface ReportActivities {
  writeReport(input: WriteReportInput): Promise<FileSummary>;
}
