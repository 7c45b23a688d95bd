/**
 * Reports, computed from chunks and receipts alone: at any time, also while a file is being sent, after its workflow was terminated or
 * deleted, and after a crash. Memory is bounded by one chunk.
 */

import type { FileSummary } from '../domain/counts.ts';
import { NO_COUNTS } from '../domain/counts.ts';
import { Fault } from '../domain/failure.ts';
import { differenceFrom } from '../domain/file-plan.ts';
import { wasDeliveredIn } from '../domain/ledger/outcomes.ts';
import { parseKey } from '../domain/parse-options.ts';
import type { WindowFindings } from '../domain/rows/findings.ts';
import { findingsOf } from '../domain/rows/findings.ts';
import { missing, readChunk, readWindow } from './chunks.ts';
import type { Ledgers } from './ledger.ts';
import { duplicateColumns, EarlierFiles } from './report-duplicates.ts';
import { reportPage } from './report-page.ts';
import type { Counts, ReportRequest } from './report-rows.ts';
import { appendChunk, appendRejects, headers, PAGE, SUMMARY } from './report-rows.ts';
import type { ReportShelf } from './report-shelf.ts';
import { reportFolderName } from './report-shelf.ts';
import { ReportStats } from './report-stats.ts';
import { newestRound } from './rounds.ts';
import type { Store } from './store.ts';

export interface WrittenReport extends FileSummary {
  /** false: the file has not been read to its end; the counts are those of the part that was. */
  readonly readToTheEnd: boolean;
  /** Of a look from outside: the run that began the newest round, which `sentNow` is about. undefined: none has begun. */
  readonly roundRunId: string | undefined;
}

/**
 * Writes the report folder and returns the counts. `heartbeat` is called once a chunk. Throws, and leaves the earlier report as it is,
 * where the store does not hold (any more) what there was to report on: ChunksMissing, or OtherStore.
 */
export async function writeReportFiles(
  { store, ledgers }: { readonly store: Store; readonly ledgers: Ledgers },
  reports: ReportShelf,
  request: ReportRequest,
  heartbeat: () => void,
): Promise<WrittenReport> {
  const { sha256, endpoint, fileName, parse } = request;
  const folderName = reportFolderName(fileName, sha256, endpoint);
  const newest = await newestRound(store, request);
  const columns = await duplicateColumns(store, { sha256, parseKey: parseKey(parse) }, newest?.once !== undefined);
  const files = await reports.open(folderName, headers(request, columns));
  const counts: Counts = { ...NO_COUNTS, suppressed: 0 };
  const stats = new ReportStats();
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
      await appendRejects(store, files, parse, of, columns.length);
      for (let chunk = window.firstChunk; chunk < window.firstChunk + window.chunks; chunk++) {
        const rows = await readChunk(store, { ...of, chunk });
        const { states, figures } = await ledgers.readWithFigures({ sha256, endpoint, chunk });
        stats.heard(figures);
        await appendChunk(files, request, await earlier.without(files, rows, states), states, counts, ambiguous, stats);
        if (round !== undefined) for (const row of rows) if (wasDeliveredIn(states.get(row.line), round)) sentNow++;
        heartbeat();
      }
      complete = window.next === null;
    }
    if (!complete && (await wasReadBefore(store, reports, request))) {
      throw await missing(store, request, `what ${fileName} consists of`);
    }
    counts.alerts -= earlier.duplicates;
    counts.duplicates += earlier.duplicates;
    const ofEarlierFiles = earlier.duplicates === 0 ? {} : { ofEarlierFiles: earlier.duplicates };
    const summary = { sha256, reportDir: files.place, ...counts, sentNow, ...ofEarlierFiles, ...findingsOf(windows) };
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
    await files.append(PAGE, reportPage(summary, stats, { ...report, fileName, ambiguous: ambiguous.count }));
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
  reports: ReportShelf,
  { sha256, endpoint, fileName, round }: ReportRequest,
): Promise<boolean> {
  const earlier = (): ReturnType<ReportShelf['earlier']> =>
    reports.earlier(reportFolderName(fileName, sha256, endpoint));
  if (round !== undefined || (await earlier())?.readToTheEnd === true) return true;
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
