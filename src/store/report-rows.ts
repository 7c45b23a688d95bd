/** The rows of a report: which files it consists of, and what each row of a chunk puts into them. */

import type { RowBody } from '../domain/body/template.ts';
import { readRowBody } from '../domain/body/template.ts';
import type { FileCounts } from '../domain/counts.ts';
import { BYTE_ORDER_MARK, csvRecord } from '../domain/csv-writer.ts';
import { outcomeInRound, outcomeOfMoved } from '../domain/ledger/outcomes.ts';
import { rowName } from '../domain/ledger/row-names.ts';
import type { RowState } from '../domain/ledger/row-state.ts';
import { webhookId } from '../domain/names.ts';
import type { ParseOptions } from '../domain/parse-options.ts';
import type { Findings } from '../domain/rows/findings.ts';
import type { ChunkRow } from './chunks.ts';
import { readRejects } from './chunks.ts';
import type { ReportWriter } from './report-shelf.ts';
import type { ReportStats, RowEnd } from './report-stats.ts';
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

export type Counts = {
  -readonly [Key in keyof Omit<FileCounts, 'sentNow' | 'ofEarlierFiles' | keyof Findings>]-?: number;
};

const SPREADSHEET = { spreadsheet: true } as const;
const DROPPABLE = { spreadsheet: false } as const;
/** Says which row a row of such a file stands for. */
const ORIGIN = 'wdsOrigin';
export const SUMMARY = 'report.json';
export const PAGE = 'report.html';
/** All files of a report, sorted. */
export const REPORT_NAMES: readonly string[] = [
  'ambiguous.csv',
  'duplicates.csv',
  'failed.csv',
  'invalid.csv',
  'receipts.csv',
  PAGE,
  SUMMARY,
  'suppressed.csv',
  'unconfirmed.csv',
];
/** Lines of ambiguous alerts that report.json names by itself; ambiguous.csv names all. */
const MOST_LINES_NAMED = 1_000;

/**
 * The first line of each file. In those that are meant to be dropped the user's own two columns come first, under their names, and wds's own give
 * way to them: a second column of the same name would make the file useless.
 */
export function headers(
  { parse, byteOrderMark = false }: ReportRequest,
  duplicates: readonly string[],
): Record<string, string> {
  const { userIdColumn, alertMessageColumn } = parse;
  const carried = carriedColumns(parse);
  const taken = new Set([userIdColumn, alertMessageColumn, ...carried].map(plain));
  const own = (name: string): string => (taken.has(name) ? `wds${name.charAt(0).toUpperCase()}${name.slice(1)}` : name);
  const mendable = (...names: string[]): string =>
    csvRecord([userIdColumn, alertMessageColumn, ...carried, ...names], DROPPABLE);
  const failed = mendable(ORIGIN, own('outcome'), own('reason'));
  const lines = {
    'receipts.csv': csvRecord(
      ['userId', 'line', 'outcome', 'status', 'attempts', 'finishedAt', 'webhookId', 'reason'],
      SPREADSHEET,
    ),
    'failed.csv': failed,
    'unconfirmed.csv': failed,
    'suppressed.csv': failed,
    'ambiguous.csv': csvRecord(['userId', 'line', 'outcome', 'unknownAnswers', 'webhookId'], SPREADSHEET),
    'invalid.csv': mendable(own('line'), own('reason'), own('row'), ORIGIN),
    'duplicates.csv': csvRecord(duplicates, SPREADSHEET),
  };
  const mark = byteOrderMark ? BYTE_ORDER_MARK : '';
  const marked = Object.entries(lines).map(([name, line]) => [name, mark + line] as const);
  return { ...Object.fromEntries(marked), [PAGE]: '', [SUMMARY]: '' };
}

const plain = (name: string): string => name.trim().toLowerCase();

/** Columns that a mended row must have beside the usual ones, which may be among those that a template names. */
function carriedColumns({ columns = [], userIdColumn, alertMessageColumn }: ParseOptions): readonly string[] {
  // Asked for each row.
  if (columns.length === 0) return columns;
  const usual = new Set([userIdColumn, alertMessageColumn, ORIGIN].map(plain));
  return columns.filter(
    (name, at) => !usual.has(plain(name)) && columns.findIndex((one) => plain(one) === plain(name)) === at,
  );
}

export async function appendRejects(
  store: Store,
  files: ReportWriter,
  parse: ParseOptions,
  of: { sha256: string; parseKey: string; window: number },
  columns: number,
): Promise<void> {
  for await (const reject of readRejects(store, of)) {
    if (reject.kind === 'invalid') {
      const { line, reason, row, userId = '', alertMessage = '', columns = [] } = reject;
      const carried = carriedColumns(parse).map((name) => columns[parse.columns!.indexOf(name)] ?? '');
      const cells = [userId, alertMessage, ...carried, line, reason, row, rowName(of, line)];
      await files.append('invalid.csv', csvRecord(cells, DROPPABLE));
    } else {
      const { line, firstLine, userId, firstFile = '' } = reject;
      const cells = [line, firstLine, userId, firstFile, ''].slice(0, columns);
      await files.append('duplicates.csv', csvRecord(cells, SPREADSHEET));
    }
  }
}

export async function appendChunk(
  files: ReportWriter,
  request: ReportRequest,
  rows: readonly ChunkRow[],
  states: ReadonlyMap<number, RowState>,
  counts: Counts,
  ambiguous: { count: number; lines: number[] },
  stats: ReportStats,
): Promise<void> {
  const text = { receipts: '', failed: '', unconfirmed: '', suppressed: '', ambiguous: '' };
  for (const row of rows) {
    const state = states.get(row.line);
    const outcome = rowOutcome(state, request.round);
    const alert = readRowBody(row.body);
    const { userId } = alert;
    const id = webhookId(request.endpoint, request.sha256, row.line);
    const reason = state?.reason ?? '';
    counts[outcome]++;
    stats.add(outcome, state, { line: row.line, userId });
    const finishedAt = state === undefined || outcome === 'pending' ? '' : new Date(state.atMs).toISOString();
    text.receipts += csvRecord(
      [userId, row.line, outcome, state?.status ?? '', state?.attempts ?? 0, finishedAt, id, reason],
      SPREADSHEET,
    );
    // What has no user any more cannot be dropped again.
    if (outcome !== 'delivered' && outcome !== 'pending' && userId !== '') {
      const list = outcome === 'unconfirmed' || outcome === 'suppressed' ? outcome : 'failed';
      text[list] += mendableRecord(request, row, alert, outcome, reason);
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
  await files.append('suppressed.csv', text.suppressed);
  await files.append('ambiguous.csv', text.ambiguous);
}

/** `round`: of a report at its end; undefined: as it is now. */
export function rowOutcome(state: RowState | undefined, round: number | undefined): RowEnd {
  if (state?.movedTo) return outcomeOfMoved(state);
  const outcome = round === undefined ? state?.outcome : outcomeInRound(state, round, false);
  return outcome ?? 'pending';
}

/** A row that can be mended and dropped again; `wdsOrigin` says whose place it takes. */
function mendableRecord(
  file: ReportRequest,
  row: ChunkRow,
  { userId, alertMessage, columns = {} }: RowBody,
  outcome: RowEnd,
  reason: string,
): string {
  const carried = carriedColumns(file.parse).map((name) => columns[name] ?? '');
  return csvRecord([userId, alertMessage, ...carried, rowName(file, row.line), outcome, reason], DROPPABLE);
}
