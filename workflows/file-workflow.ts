/**
 * One dropped file: read all of it, then send all of it, then report. The history holds counts and chunk numbers only; continue-as-new
 * keeps it short, so a file may be of any size. What was sent is known by the receipts, never by this workflow: it may be reset,
 * terminated or run twice, and no alert is sent again.
 */
import { defineSearchAttributeKey } from '@temporalio/common';
import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  continueAsNew,
  defineQuery,
  defineSignal,
  isCancellation,
  patched,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type {
  BegunRound,
  CarriedState,
  FileProgress,
  FileSummary,
  FileWorkflowInput,
  OriginActivities,
  ReadActivities,
  ReportActivities,
  RoundActivities,
  RoundOfRun,
  WindowResult,
} from '../src/domain/contracts.ts';
import { countsOf, NOTHING_SENT } from '../src/domain/file-plan.ts';
import { FAILURE, PAUSE_SIGNAL, PROGRESS_QUERY, SEARCH_ATTRIBUTES } from '../src/domain/names.ts';
import { parseKey, WINDOW_ROWS } from '../src/domain/parse-options.ts';
import { grouped, progressDetails } from '../src/domain/progress-details.ts';
import { fileOptions } from './activity-options.ts';
import { wasCancelled } from './cancelled.ts';
import { Delivery } from './delivery.ts';

export const progressQuery = defineQuery<FileProgress>(PROGRESS_QUERY);
export const pauseSignal = defineSignal<[boolean]>(PAUSE_SIGNAL);

const rowsAttribute = defineSearchAttributeKey(SEARCH_ATTRIBUTES.rows, 'INT');
/** Patch: rounds are numbers that an activity gives; before, the run ID stood for one. */
const NUMBERED_ROUNDS = 'numbered-rounds';
/** Times that a file is gone through, should receipts be missing at its end. */
const MAX_PASSES = 3;

const failedAttribute = defineSearchAttributeKey(SEARCH_ATTRIBUTES.failed, 'INT');

export async function fileWorkflow(submitted: FileWorkflowInput): Promise<FileSummary> {
  const { carried } = submitted;
  const windows: WindowResult[] = [...(carried?.windows ?? [])];
  /** With the parse options that the receipts belong to. */
  let input: FileWorkflowInput = carried?.parse === undefined ? submitted : { ...submitted, parse: carried.parse };
  let phase: FileProgress['phase'] = 'reading';
  let summary: FileSummary | undefined;
  let delivery: Delivery | undefined;
  let paused = carried?.paused ?? false;

  const progress = (): FileProgress => ({
    phase: paused && (phase === 'reading' || phase === 'sending') ? 'paused' : phase,
    counts: summary ?? countsOf(windows, delivery?.sent ?? NOTHING_SENT),
    openStubborn: delivery?.openStubborn ?? 0,
  });
  const show = (): void => setCurrentDetails(progressDetails(progress()));
  setHandler(progressQuery, progress);
  setHandler(pauseSignal, (wanted) => {
    paused = wanted;
    delivery?.pause(wanted);
    show();
  });

  /** Gives this run a round, and reads the file again where its receipts belong to another way of reading it. */
  const begin = async (): Promise<RoundOfRun> => {
    const { round, parse } = await beginRound(input);
    if (parseKey(parse) !== parseKey(input.parse)) {
      input = { ...input, parse };
      windows.length = 0;
      phase = 'reading';
      await readFile(input, windows, show);
    }
    return { round, roundRunId: workflowInfo().runId };
  };

  /** One try at the file: to the end, unless another run's try begins meanwhile. */
  const deliverAll = async (round: RoundOfRun, from: CarriedState | undefined): Promise<FileSummary> => {
    if (from === undefined) await takeOverOrigins(input, windows, round);
    for (let pass = 1; ; pass++) {
      phase = 'sending';
      delivery = new Delivery(input, round, windows, pass === 1 ? from : undefined, show);
      delivery.pause(paused);
      show();
      const done = await delivery.run();
      if (!done) await continueAsNew<typeof fileWorkflow>({ ...submitted, carried: delivery.carried() });
      phase = 'reporting';
      show();
      await settleOrigins(input, windows, round);
      const counts = await report(input, round);
      // Receipts that a power loss took with it leave alerts without an outcome: they are looked at again.
      if (counts.pending === 0 || pass === MAX_PASSES) return counts;
    }
  };

  let round: RoundOfRun | undefined;
  const go = async (): Promise<FileSummary> => {
    if (carried === undefined) {
      await readFile(input, windows, show);
      note(input, rowsAttribute, countsOf(windows, NOTHING_SENT).rows);
      round = patched(NUMBERED_ROUNDS) ? await begin() : { round: workflowInfo().runId };
    } else {
      const { round: number, roundRunId } = carried;
      round = roundRunId === undefined ? { round: number } : { round: number, roundRunId };
    }
    for (let from = carried; ; from = undefined) {
      try {
        return await deliverAll(round, from);
      } catch (error) {
        if (!isStaleRound(error) || typeof round.round === 'string') throw error;
        round = await begin();
      }
    }
  };

  try {
    summary = await go();
  } catch (error) {
    if (!wasCancelled(error)) throw error;
    // What was sent until then is reported.
    await CancellationScope.nonCancellable(async () => {
      if (round === undefined) return;
      await settleOrigins(input, windows, round);
      summary = await report(input, round);
    });
    phase = 'cancelled';
    show();
    throw isCancellation(error) ? error : new CancelledFailure('cancelled');
  }
  phase = 'done';
  show();
  const failed = summary.rejected + summary.undelivered + summary.unconfirmed + summary.pending;
  note(input, failedAttribute, failed);
  if (failed > 0) {
    throw ApplicationFailure.create({
      type: FAILURE.undeliveredAlerts,
      message: undeliveredMessage(summary),
      nonRetryable: true,
      details: [summary],
    });
  }
  return summary;
}

/** The try that this run was at is over: another run began one, or this run was reset and needs one of its own. */
const isStaleRound = (error: unknown): boolean =>
  error instanceof ActivityFailure &&
  error.cause instanceof ApplicationFailure &&
  error.cause.type === FAILURE.staleRound;

function beginRound({ sha256, endpoint, parse, delivery }: FileWorkflowInput): Promise<BegunRound> {
  const activities = proxyActivities<RoundActivities>({ ...fileOptions, summary: 'begin a round' });
  const { workflowId, runId } = workflowInfo();
  return activities.beginRound({ sha256, endpoint, workflowId, runId, parse, ambiguous: delivery.ambiguous });
}

/** All windows, one after another; nothing is sent before the last one, so that a fault at the end refuses the whole file. */
async function readFile(input: FileWorkflowInput, windows: WindowResult[], show: () => void): Promise<void> {
  const { sha256, parse } = input;
  for (let window = 1; ; window++) {
    show();
    const { readChunks } = proxyActivities<ReadActivities>({ ...fileOptions, summary: `window ${window}` });
    const cursor = windows.at(-1)?.next ?? null;
    const result = await readChunks({ sha256, parse, window, cursor, windowRows: WINDOW_ROWS });
    windows.push(result);
    if (result.next === null) return;
  }
}

const mends = (windows: readonly WindowResult[]): boolean => windows.some((window) => window.origins > 0);

/** Rows that mend rows of earlier files take their places, before anything is sent. */
async function takeOverOrigins(
  { sha256, endpoint, parse }: FileWorkflowInput,
  windows: readonly WindowResult[],
  round: RoundOfRun,
): Promise<void> {
  if (!mends(windows)) return;
  const activities = proxyActivities<OriginActivities>({ ...fileOptions, summary: 'take over the rows that it mends' });
  await activities.takeOverOrigins({ sha256, endpoint, parseKey: parseKey(parse), ...round });
}

async function settleOrigins(
  { sha256, endpoint, parse }: FileWorkflowInput,
  windows: readonly WindowResult[],
  round: RoundOfRun,
): Promise<void> {
  if (!mends(windows)) return;
  const activities = proxyActivities<OriginActivities>({ ...fileOptions, summary: 'settle the rows that it mends' });
  await activities.settleOrigins({ sha256, endpoint, parseKey: parseKey(parse), ...round });
}

function report({ sha256, endpoint, parse, fileName }: FileWorkflowInput, { round }: RoundOfRun): Promise<FileSummary> {
  const { writeReport } = proxyActivities<ReportActivities>({ ...fileOptions, summary: 'report' });
  return writeReport({ sha256, endpoint, parse, fileName, workflowId: workflowInfo().workflowId, round });
}

function note(input: FileWorkflowInput, key: typeof rowsAttribute, value: number): void {
  if (input.searchAttributes) upsertSearchAttributes([{ key, value }]);
}

function undeliveredMessage({ alerts, rejected, undelivered, unconfirmed, pending, reportDir }: FileSummary): string {
  const parts: [string, number][] = [
    ['rejected', rejected],
    ['undelivered', undelivered],
    ['unconfirmed', unconfirmed],
    ['without an outcome', pending],
  ];
  const listed = parts.filter(([, count]) => count > 0).map(([label, count]) => `${grouped(count)} ${label}`);
  return `${listed.join(', ')} of ${grouped(alerts)} alerts; see ${reportDir}, then retry with: wds retry`;
}
