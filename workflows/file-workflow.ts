/**
 * One dropped file: read all of it, then send all of it, then report. The history holds counts and chunk numbers only; continue-as-new
 * keeps it short, so a file may be of any size. What was sent is known by the receipts, never by this workflow: it may be reset,
 * terminated or run twice, and no alert is sent again.
 */
import { defineSearchAttributeKey } from '@temporalio/common';
import {
  CancellationScope,
  CancelledFailure,
  ContinueAsNew,
  defineQuery,
  defineSignal,
  isCancellation,
  patched,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type {
  BegunRound,
  CarriedState,
  FileWorkflowInput,
  ReportActivities,
  RoundActivities,
  RoundOfRun,
  WindowResult,
} from '../src/domain/contracts.ts';
import type { FileCounts, FileProgress, FileSummary } from '../src/domain/counts.ts';
import { NOTHING_SENT } from '../src/domain/counts.ts';
import { countsOf } from '../src/domain/file-plan.ts';
import { APPROVE_SIGNAL, FAILURE, PAUSE_SIGNAL, PROGRESS_QUERY, SEARCH_ATTRIBUTES } from '../src/domain/names.ts';
import { parseKey } from '../src/domain/parse-options.ts';
import { Decision } from '../src/domain/progress/decision.ts';
import { progressDetails } from '../src/domain/progress/details.ts';
import { refusedFor } from '../src/domain/rows/max-invalid.ts';
import { byFilesWorker, fileOptions, fileWork, isSmall, lastOptions } from './activity-options.ts';
import { wasCancelled } from './cancelled.ts';
import { Delivery } from './delivery.ts';
import { lookBack, onceOf, settleOrigins, takeOverOrigins } from './earlier-files.ts';
import { failedWith, inItsOwnWords, receiptsMissing, refusedRows, undeliveredAlerts } from './file-end.ts';
import { logClosed, logDecision, logOrder } from './file-log.ts';
import { goOn } from './next-run.ts';
import { Opening } from './opening.ts';
import { readFile, restore } from './reading.ts';
import { tellDecision, tellFailure } from './tell-people.ts';

export const progressQuery = defineQuery<FileProgress>(PROGRESS_QUERY);
export const pauseSignal = defineSignal<[boolean]>(PAUSE_SIGNAL);
export const approveSignal = defineSignal(APPROVE_SIGNAL);

const rowsAttribute = defineSearchAttributeKey(SEARCH_ATTRIBUTES.rows, 'INT');
/** Patch: rounds are numbers that an activity gives; before, the run ID stood for one. */
const NUMBERED_ROUNDS = 'numbered-rounds';
/** Patch: a file of rows without a valid one is refused, or with too many invalid ones; before, it completed. */
const NO_VALID_ROW = 'no-valid-row';
/** Times that a file is gone through, should receipts be missing at its end. */
const MAX_PASSES = 3;
/** Times that chunks are read again in a run: somebody who deletes them again and again is told. */
const MAX_RESTORES = 5;

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
  let once = carried?.once;
  const decision = new Decision(submitted.delivery, carried);
  /** What the log was told that has to be decided. */
  let told = decision.asked;

  const opening = new Opening((closed) => {
    logClosed(input, closed);
    show();
  });

  const progress = (): FileProgress => {
    const sent = delivery?.sent ?? NOTHING_SENT;
    const counts = summary ?? countsOf(windows, sent);
    const asked = phase === 'sending' ? decision.text(sent, counts.alerts) : undefined;
    const waits = (paused && (phase === 'reading' || phase === 'sending')) || asked !== undefined;
    return {
      phase: waits ? 'paused' : phase,
      counts,
      openStubborn: delivery?.openStubborn ?? 0,
      ...(asked === undefined ? {} : { decision: asked }),
      ...(opening.closed === undefined ? {} : { closed: opening.closed }),
    };
  };
  const show = (): void => setCurrentDetails(progressDetails(progress(), summary?.reportDir));
  const pause = (wanted: boolean): void => {
    paused = wanted;
    delivery?.pause(wanted);
  };
  /** What has ended is looked at: with too many failures nothing more is sent until somebody decides. */
  const onProgress = (): void => {
    if (delivery !== undefined && decision.failing(delivery.sent)) pause(true);
    const asked = delivery && decision.text(delivery.sent, countsOf(windows, delivery.sent).alerts);
    if (asked !== undefined && decision.asked !== told) {
      logDecision(input, asked);
      tellDecision(input, asked);
    }
    told = decision.asked;
    show();
  };
  setHandler(progressQuery, progress);
  setHandler(pauseSignal, (wanted) => {
    if (wanted !== paused) logOrder(input, wanted);
    pause(wanted);
    // Whoever goes on has seen the failures.
    if (!wanted && decision.asked === 'failures') decision.approve();
    show();
  });
  setHandler(approveSignal, () => {
    if (decision.asked === undefined) return;
    if (decision.asked === 'failures') pause(false);
    decision.approve();
    show();
  });

  /** Gives this run a round, and reads the file again where its receipts belong to another way of reading it. */
  const begin = async (): Promise<RoundOfRun> => {
    const { round, parse, once: ofRound } = await beginRound(input);
    once = ofRound;
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
    if (from === undefined) {
      await takeOverOrigins(input, windows, round);
      if (once !== undefined) await lookBack(input, windows, round, once, false);
    }
    const last = once;
    const beforeRevisits = last && (() => lookBack(input, windows, round, last, true));
    for (let pass = 1; ; pass++) {
      phase = 'sending';
      delivery = new Delivery(input, round, windows, pass === 1 ? from : undefined, {
        onProgress,
        beforeRevisits,
        decision,
        opening,
      });
      delivery.pause(paused);
      show();
      const done = await delivery.run();
      if (!done) await goOn({ ...submitted, carried: { ...delivery.carried(), ...onceOf(once) } });
      phase = 'reporting';
      show();
      const seen = countsOf(windows, delivery.sent);
      await settleOrigins(input, windows, round, once);
      const counts = await report(input, round, seen);
      const missing = typeof round.round === 'string' ? undefined : receiptsMissing(seen, counts);
      if (missing !== undefined) throw missing;
      // Receipts that a power loss took with it leave alerts without an outcome: they are looked at again.
      if (counts.pending === 0 || pass === MAX_PASSES) return counts;
    }
  };

  let round: RoundOfRun | undefined;
  const go = async (): Promise<FileSummary> => {
    if (carried === undefined) {
      await readFile(input, windows, show);
      const read = countsOf(windows, NOTHING_SENT);
      const { maxInvalid } = input.delivery;
      const refused = refusedFor(read, maxInvalid) !== undefined;
      // A small file's is noted at its end, together with the other one: each is a write of the server's.
      if (refused || !isSmall(input)) note(input, { rows: read.rows });
      if (refused && patched(NO_VALID_ROW)) {
        const refusal = refusedRows(read, await report(input, { round: 0 }, read), maxInvalid);
        if (refusal !== undefined) throw refusal;
      }
      round = isSmall(input) || patched(NUMBERED_ROUNDS) ? await begin() : { round: workflowInfo().runId };
    } else {
      const { round: number, roundRunId } = carried;
      round = roundRunId === undefined ? { round: number } : { round: number, roundRunId };
    }
    let restores = 0;
    for (let from = carried; ; from = undefined) {
      try {
        return await deliverAll(round, from);
      } catch (error) {
        // All of it is gone through again: the receipts know what is done.
        if (failedWith(error, FAILURE.chunksMissing) && restores++ < MAX_RESTORES) await restore(input, windows);
        else if (failedWith(error, FAILURE.staleRound) && typeof round.round === 'number') round = await begin();
        else throw error;
      }
    }
  };

  try {
    summary = await go();
  } catch (error) {
    if (error instanceof ContinueAsNew) throw error; // What is handed on must not grow old while something is awaited.
    if (!wasCancelled(error)) {
      const failure = inItsOwnWords(error);
      await tellFailure(input, failure);
      throw failure;
    }
    // What was sent until then is reported, if it can be now: it can later (wds report), and the end must not wait for a disk.
    await CancellationScope.nonCancellable(async () => {
      if (round === undefined) return;
      await settleOrigins(input, windows, round, once, lastOptions);
      summary = await report(input, round, undefined, lastOptions);
    }).catch(() => undefined);
    phase = 'cancelled';
    show();
    throw isCancellation(error) ? error : new CancelledFailure('cancelled');
  }
  phase = 'done';
  show();
  const failed = summary.rejected + summary.undelivered + summary.unconfirmed + summary.pending;
  note(input, isSmall(input) ? { rows: summary.rows, failed } : { failed });
  const undelivered = undeliveredAlerts(summary);
  if (undelivered !== undefined) throw undelivered;
  return summary;
}

function beginRound(input: FileWorkflowInput): Promise<BegunRound> {
  const {
    endpoint,
    parse,
    press,
    delivery: { ambiguous, once },
  } = input;
  const { workflowId, runId } = workflowInfo();
  const of = { ...fileWork(input), endpoint, workflowId, runId };
  return byFilesWorker(input, 'begin a round', ({ beginRound }: RoundActivities) =>
    beginRound({ ...of, parse, ambiguous, ...onceOf(once), ...(press === undefined ? {} : { press }) }),
  );
}

/** `seen`: what the workflow has seen by itself; a report that shows less waits. */
function report(
  input: FileWorkflowInput,
  { round }: RoundOfRun,
  seen: FileCounts | undefined,
  options = fileOptions,
): Promise<FileSummary> {
  const { workflowId } = workflowInfo();
  const { endpoint, parse, fileName } = input;
  const of = { ...fileWork(input), endpoint, parse, fileName, workflowId, round };
  const full = seen === undefined ? of : { ...of, seen };
  return byFilesWorker(input, 'report', ({ writeReport }: ReportActivities) => writeReport(full), options);
}

function note(input: FileWorkflowInput, { rows, failed }: { readonly rows?: number; readonly failed?: number }): void {
  if (!input.searchAttributes) return;
  upsertSearchAttributes([
    ...(rows === undefined ? [] : [{ key: rowsAttribute, value: rows }]),
    ...(failed === undefined ? [] : [{ key: failedAttribute, value: failed }]),
  ]);
}
