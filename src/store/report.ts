/**
 * Reports, computed from chunks and receipts alone: at any time, also while a file is being sent, after its workflow was terminated or
 * deleted, and after a crash. Memory is bounded by one chunk.
 */

import { join } from 'node:path';
import type { FileCounts, FileSummary } from '../domain/counts.ts';
import { NO_COUNTS } from '../domain/counts.ts';
import { BYTE_ORDER_MARK, csvRecord } from '../domain/csv-writer.ts';
import { Fault } from '../domain/failure.ts';
import { differenceFrom } from '../domain/file-plan.ts';
import { rowName } from '../domain/ledger/row-names.ts';
import type { RowState } from '../domain/ledger/row-state.ts';
import { outcomeInRound, wasDeliveredIn } from '../domain/ledger/row-state.ts';
import { webhookId } from '../domain/names.ts';
import type { ParseOptions } from '../domain/parse-options.ts';
import { parseKey } from '../domain/parse-options.ts';
import type { Findings, WindowFindings } from '../domain/rows/findings.ts';
import { findingsOf } from '../domain/rows/findings.ts';
import type { ChunkRow } from './chunks.ts';
import { missing, readChunk, readRejects, readWindow } from './chunks.ts';
import type { Ledgers } from './ledger.ts';
import { duplicateColumns, EarlierFiles } from './report-duplicates.ts';
import { ReportFiles, readEarlierReport, reportFolderName } from './report-files.ts';
import { newestRound } from './rounds.ts';
import type { Store } from './store.ts';

export interface ReportRequest {
  readonly sha256: string;
  readonly endpoint: string;
  readonly parse: ParseOptions;
  readonly fileName: string;
  readonly workflowId: string;
  /**
   * Set by the workflow at its end: what ended in an earlier round only counts as pending. Absent (a look from outside): the last
   * recorded outcome counts.
   */
  readonly round?: number;
  /** Set by the workflow: what it has seen by itself. */
  readonly seen?: FileCounts;
  /** Whether each CSV begins with a byte order mark. */
  readonly byteOrderMark?: boolean;
}

export interface WrittenReport extends FileSummary {
  /** false: the file has not been read to its end; the counts are those of the part that was. */
  readonly readToTheEnd: boolean;
  /** Of a look from outside: the run that began the newest round, which `sentNow` is about. undefined: none has begun. */
  readonly roundRunId: string | undefined;
}

type Counts = { -readonly [Key in keyof Omit<FileCounts, 'sentNow' | 'ofEarlierFiles' | keyof Findings>]: number };
export type RowOutcome = 'delivered' | 'rejected' | 'undelivered' | 'unconfirmed' | 'pending';

const SPREADSHEET = { spreadsheet: true } as const;
const DROPPABLE = { spreadsheet: false } as const;
/** Says which row a row of such a file stands for. */
const ORIGIN = 'wdsOrigin';
const SUMMARY = 'report.json';
/** Lines of ambiguous alerts that report.json names by itself; ambiguous.csv names all. */
const MOST_LINES_NAMED = 1_000;

/**
 * Writes the report folder and returns the counts. `heartbeat` is called once a chunk. Throws, and leaves the earlier report as it is,
 * where the store does not hold (any more) what there was to report on: ChunksMissing, or OtherStore.
 */
export async function writeReportFiles(
  { store, ledgers }: { readonly store: Store; readonly ledgers: Ledgers },
  reportsRoot: string,
  request: ReportRequest,
  heartbeat: () => void,
): Promise<WrittenReport> {
  const { sha256, endpoint, fileName, parse } = request;
  const folderName = reportFolderName(fileName, sha256, endpoint);
  const reportDir = join(reportsRoot, folderName);
  const newest = await newestRound(store, request);
  const columns = await duplicateColumns(store, { sha256, parseKey: parseKey(parse) }, newest?.once !== undefined);
  const files = await ReportFiles.open(reportsRoot, folderName, headers(request, columns));
  const counts: Counts = { ...NO_COUNTS };
  const windows: WindowFindings[] = [];
  const ambiguous = { count: 0, lines: [] as number[] };
  const round = request.round ?? newest?.round;
  const earlier = new EarlierFiles(store, request);
  let sentNow = 0;
  let complete = false;
  try {
    for (let number = 1; !complete; number++) {
      const of = { sha256, parseKey: parseKey(parse), window: number };
      const window = await readWindow(store, of);
      if (window === undefined) break;
      windows.push(window);
      counts.rows += window.rows;
      counts.alerts += window.alerts;
      counts.invalid += window.invalid;
      counts.duplicates += window.duplicates;
      await appendRejects(store, files, of, columns.length);
      for (let chunk = window.firstChunk; chunk < window.firstChunk + window.chunks; chunk++) {
        const rows = await readChunk(store, { ...of, chunk });
        const states = await ledgers.read({ sha256, endpoint, chunk });
        await appendChunk(files, request, await earlier.without(files, rows, states), states, counts, ambiguous);
        if (round !== undefined) for (const row of rows) if (wasDeliveredIn(states.get(row.line), round)) sentNow++;
        heartbeat();
      }
      complete = window.next === null;
    }
    if (!complete && (await wasReadBefore(store, reportDir, request))) {
      throw await missing(store, request, `what ${fileName} consists of`);
    }
    counts.alerts -= earlier.duplicates;
    counts.duplicates += earlier.duplicates;
    const ofEarlierFiles = earlier.duplicates === 0 ? {} : { ofEarlierFiles: earlier.duplicates };
    const summary = { sha256, reportDir, ...counts, sentNow, ...ofEarlierFiles, ...findingsOf(windows) };
    const difference = request.seen && differenceFrom(request.seen, counts);
    if (difference !== undefined) throw new OtherStore(difference);
    const report = {
      file: fileName,
      endpoint,
      workflowId: request.workflowId,
      readToTheEnd: complete,
      ...summary,
      ambiguous,
      /** A report with a higher number was begun later. */
      number: files.number,
      writtenAt: new Date().toISOString(),
    };
    await files.append(SUMMARY, `${JSON.stringify(report, null, 2)}\n`);
    await files.publish();
    return { ...summary, readToTheEnd: complete, roundRunId: newest?.runId };
  } catch (error) {
    await files.discard();
    throw error;
  }
}

/** Whether the file was once read to its end: all of it is, before the first receipt is written. */
async function wasReadBefore(
  store: Store,
  reportDir: string,
  { sha256, endpoint, round }: ReportRequest,
): Promise<boolean> {
  if (round !== undefined || (await readEarlierReport(reportDir))?.readToTheEnd === true) return true;
  return (await store.list(`${sha256}/${endpoint}`)).some((name) => /^(\d{6}|row-)/.test(name));
}

/** Thrown where the counts are not those that the workflow has seen, and late answers do not explain it. */
export class OtherStore extends Fault {
  constructor(difference: string) {
    super(
      'store',
      `the store does not hold what this delivery has done: ${difference}`,
      'Is the right home given to this process, and its folder mounted? It is looked at again. If receipts are lost for good (an older copy was restored): wds cancel, and wds retry sends what they do not know.',
    );
    this.name = 'OtherStore';
  }
}

/**
 * The first line of each file. In those that are meant to be dropped the user's own two columns come first, under their names, and wds's own give
 * way to them: a second column of the same name would make the file useless.
 */
function headers(
  { parse, byteOrderMark = false }: ReportRequest,
  duplicates: readonly string[],
): Record<string, string> {
  const { userIdColumn, alertMessageColumn } = parse;
  const taken = new Set([userIdColumn, alertMessageColumn].map((name) => name.trim().toLowerCase()));
  const own = (name: string): string => (taken.has(name) ? `wds${name.charAt(0).toUpperCase()}${name.slice(1)}` : name);
  const mendable = (...names: string[]): string => csvRecord([userIdColumn, alertMessageColumn, ...names], DROPPABLE);
  const failed = mendable(ORIGIN, own('outcome'), own('reason'));
  const lines = {
    'receipts.csv': csvRecord(
      ['userId', 'line', 'outcome', 'status', 'attempts', 'finishedAt', 'webhookId', 'reason'],
      SPREADSHEET,
    ),
    'failed.csv': failed,
    'unconfirmed.csv': failed,
    'ambiguous.csv': csvRecord(['userId', 'line', 'outcome', 'unknownAnswers', 'webhookId'], SPREADSHEET),
    'invalid.csv': mendable(own('line'), own('reason'), own('row'), ORIGIN),
    'duplicates.csv': csvRecord(duplicates, SPREADSHEET),
  };
  const mark = byteOrderMark ? BYTE_ORDER_MARK : '';
  const marked = Object.entries(lines).map(([name, line]) => [name, mark + line] as const);
  return { ...Object.fromEntries(marked), [SUMMARY]: '' };
}

async function appendRejects(
  store: Store,
  files: ReportFiles,
  of: { sha256: string; parseKey: string; window: number },
  columns: number,
): Promise<void> {
  for await (const reject of readRejects(store, of)) {
    if (reject.kind === 'invalid') {
      const { line, reason, row, userId = '', alertMessage = '' } = reject;
      const cells = [userId, alertMessage, line, reason, row, rowName(of, line)];
      await files.append('invalid.csv', csvRecord(cells, DROPPABLE));
    } else {
      const { line, firstLine, userId, firstFile = '' } = reject;
      const cells = [line, firstLine, userId, firstFile, ''].slice(0, columns);
      await files.append('duplicates.csv', csvRecord(cells, SPREADSHEET));
    }
  }
}

async function appendChunk(
  files: ReportFiles,
  request: ReportRequest,
  rows: readonly ChunkRow[],
  states: ReadonlyMap<number, RowState>,
  counts: Counts,
  ambiguous: { count: number; lines: number[] },
): Promise<void> {
  const text = { receipts: '', failed: '', unconfirmed: '', ambiguous: '' };
  for (const row of rows) {
    const state = states.get(row.line);
    const outcome = rowOutcome(state, request.round);
    const { userId, alertMessage } = JSON.parse(row.body) as { userId: string; alertMessage: string };
    const id = webhookId(request.endpoint, request.sha256, row.line);
    const reason = state?.reason ?? '';
    counts[outcome]++;
    const finishedAt = state === undefined || outcome === 'pending' ? '' : new Date(state.atMs).toISOString();
    text.receipts += csvRecord(
      [userId, row.line, outcome, state?.status ?? '', state?.attempts ?? 0, finishedAt, id, reason],
      SPREADSHEET,
    );
    if (outcome === 'rejected' || outcome === 'undelivered' || outcome === 'unconfirmed') {
      const record = mendableRecord(request, row, userId, alertMessage, outcome, reason);
      if (outcome === 'unconfirmed') text.unconfirmed += record;
      else text.failed += record;
    }
    const unknownAnswers = (state?.unknown ?? 0) + (state?.maybeTwice ? 1 : 0);
    if (unknownAnswers > 0) {
      ambiguous.count++;
      if (ambiguous.lines.length < MOST_LINES_NAMED) ambiguous.lines.push(row.line);
      text.ambiguous += csvRecord([userId, row.line, outcome, unknownAnswers, id], SPREADSHEET);
    }
  }
  await files.append('receipts.csv', text.receipts);
  await files.append('failed.csv', text.failed);
  await files.append('unconfirmed.csv', text.unconfirmed);
  await files.append('ambiguous.csv', text.ambiguous);
}

/** `round`: of a report at its end; undefined: as it is now. */
export function rowOutcome(state: RowState | undefined, round: number | undefined): RowOutcome {
  if (state?.movedTo) return state.outcome ?? 'undelivered';
  const outcome = round === undefined ? state?.outcome : outcomeInRound(state, round, false);
  return outcome ?? 'pending';
}

/** A row that can be mended and dropped again; `wdsOrigin` says whose place it takes. */
function mendableRecord(
  file: ReportRequest,
  row: ChunkRow,
  userId: string,
  alertMessage: string,
  outcome: RowOutcome,
  reason: string,
): string {
  return csvRecord([userId, alertMessage, rowName(file, row.line), outcome, reason], DROPPABLE);
}
