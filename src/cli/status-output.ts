/** What is going on, as text for people, within the width of a screen: the service, endpoints and files, and why files wait. */
import type { FileState, FileStatus, StatusReport } from '../app/app.ts';
import type { EndpointStatus } from '../app/endpoint-status.ts';
import { plainText } from '../domain/plain-text.ts';
import { endpointNow, waitingText } from './endpoint-output.ts';
import { count, findingLines, rateNumber } from './output.ts';
import type { Column } from './tables.ts';
import { labelled, shortened, table, widthOf } from './tables.ts';
import type { Paint, Style } from './terminal.ts';
import { timeOf } from './times.ts';

const LONGEST_NAME = 32;
const SHORTEST_NAME = 16;

const STATE_STYLES: Readonly<Record<FileState, Style | undefined>> = {
  running: 'bold',
  paused: 'yellow',
  completed: 'green',
  failed: 'red',
  refused: 'red',
  cancelled: 'yellow',
  stopped: 'yellow',
  unknown: 'dim',
};

/** Nobody could be asked: what the numbers are is not known. */
const isUnknown = ({ rows, waiting }: FileStatus): boolean => rows === 0 && waiting?.why === 'no_worker';
const number = (row: FileStatus, value: number): string => (isUnknown(row) ? '-' : count(value));

interface FileColumn extends Column<FileStatus> {
  /** Says nothing when this holds for every row: it is left out, so that the rest fits the screen. */
  readonly dull?: (row: FileStatus) => boolean;
  /** Left out where the screen is too narrow, the highest first. */
  readonly spare?: number;
}

const columnsOf = (nameWidth: number): readonly FileColumn[] => [
  { title: 'FILE', text: (row) => shortened(row.file, nameWidth) },
  { title: 'STATE', text: stateText, style: (row) => (row.waiting ? 'yellow' : STATE_STYLES[row.state]) },
  { title: 'STARTED', text: (row) => startedText(row.startedAt), spare: 2 },
  { title: 'ROWS', text: (row) => number(row, row.rows), right: true },
  { title: 'DELIVERED', text: (row) => number(row, row.delivered), right: true },
  {
    title: 'PENDING',
    text: (row) => count(row.pending),
    right: true,
    dull: (row) => row.pending === 0,
    spare: 3,
  },
  { title: 'FAILED', text: (row) => count(failedOf(row)), right: true, dull: (row) => failedOf(row) === 0 },
  { title: 'INVALID', text: (row) => count(row.invalid), right: true, dull: (row) => row.invalid === 0 },
  { title: 'DUPL.', text: (row) => count(row.duplicates), right: true, dull: (row) => row.duplicates === 0, spare: 3 },
  { title: 'UNCONF.', text: (row) => count(row.unconfirmed), right: true, dull: (row) => row.unconfirmed === 0 },
  {
    title: 'SUPPR.',
    text: (row) => count(row.suppressed ?? 0),
    right: true,
    dull: (row) => (row.suppressed ?? 0) === 0,
    spare: 3,
  },
  { title: 'RATE', text: rateText, right: true, dull: (row) => rateText(row) === '', spare: 1 },
  { title: 'ENDPOINT', text: (row) => row.endpoint, spare: 4 },
  { title: 'SHA-256', text: (row) => row.sha256.slice(0, 8), spare: 5 },
];

const failedOf = ({ rejected, undelivered }: FileStatus): number => rejected + undelivered;
const stateText = ({ state, waiting }: FileStatus): string =>
  state === 'running' && waiting !== undefined ? 'waiting' : state;

function startedText(iso: string): string {
  const text = timeOf(iso);
  return text.length === 8 ? text : text.slice(0, 16);
}

/** Of the last moments where they were watched, else on the whole. */
function rateText({ delivered, perSecond, seconds, state }: FileStatus): string {
  if (state !== 'running' && state !== 'completed') return '';
  const rate = perSecond ?? (seconds >= 1 ? delivered / seconds : undefined);
  return rate === undefined ? '' : `${rateNumber(rate)}/s`;
}

/** The files with all that fits into so many characters a line. */
function filesTable(files: readonly FileStatus[], paint: Paint, width: number): string {
  const several = new Set(files.map((file) => file.endpoint)).size > 1;
  const wanted = (nameWidth: number, spare: number): readonly FileColumn[] =>
    columnsOf(nameWidth).filter(
      (column) =>
        (several || column.title !== 'ENDPOINT') &&
        (column.spare ?? 0) <= spare &&
        (column.dull === undefined || !files.every(column.dull)),
    );
  const longestName = Math.max(...files.map((file) => plainText(file.file).length));
  for (let spare = 5; ; spare--) {
    for (const nameWidth of [LONGEST_NAME, SHORTEST_NAME]) {
      const columns = wanted(nameWidth, spare);
      const over = widthOf(files, columns) - width;
      if (over <= 0) return table(files, columns, paint);
      // What is cut off a name that is short already wins nothing.
      const fits = Math.min(nameWidth, longestName) - over;
      if (fits >= SHORTEST_NAME) return table(files, wanted(fits, spare), paint);
      if (spare === 0) return table(files, columns, paint);
    }
  }
}

export function statusText(status: StatusReport, paint: Paint, width = 80): string {
  const { address, embedded, namespace, webUi } = status.temporal;
  const identity = `${status.store ?? status.home}   installation ${status.installation}`;
  const about = labelled([
    ['Temporal', `${address}, namespace ${namespace}${embedded ? ' (run by wds)' : ''}`],
    ...(webUi === undefined ? [] : [['Web UI', webUi] as const]),
    ['Home', status.store === undefined ? identity : status.home],
    ...(status.store === undefined ? [] : [['Store', identity] as const]),
    ...(status.inboxes === undefined
      ? [['Inbox', status.inbox] as const]
      : status.inboxes.map(
          ({ inbox, endpoints }, at) => [at === 0 ? 'Inbox' : '', `${inbox} → ${endpoints.join(', ')}`] as const,
        )),
    ...(status.intakePaused === undefined ? [] : [['', `paused: ${status.intakePaused}`] as const]),
    ...status.endpoints.flatMap(endpointLines),
    ...moreLines('', status.moreEndpoints, 'endpoint', 'wds endpoint list'),
  ]);
  const files = status.files.length === 0 ? 'No files yet.' : filesTable(status.files, paint, width);
  const shown = status.files.length;
  const more = moreLines('', status.moreFiles, 'file', `wds status -n ${shown + (status.moreFiles ?? 0)}`);
  return [`${about}\n\n${files}`, ...more.map(([, text]) => text), ...remarks(status.files, paint)].join('\n');
}

function endpointLines(endpoint: EndpointStatus): (readonly [string, string])[] {
  const { name, rate, url } = endpoint;
  const known = [name, rate, url ?? ''].filter((text) => text !== '').join('  ');
  return [
    ['Endpoint', known],
    ['', endpointNow(endpoint)],
  ];
}

/** `and 12 more files: wds status -n 32` */
function moreLines(label: string, more: number | undefined, what: string, command: string): [string, string][] {
  if (more === undefined || more === 0) return [];
  return [[label, `and ${count(more)} more ${what}${more === 1 ? '' : 's'}: ${command}`]];
}

/** Why files wait or were refused, those with the same reason together, and what was found in the rows of others. */
function remarks(files: readonly FileStatus[], paint: Paint): string[] {
  const waits = together(files, (file) => file.waiting && waitingText(file.waiting));
  const refusals = together(files, ({ reason }) => reason && plainText(reason));
  return [
    ...waits.flatMap(([text, names]) => ['', `${paint('…', 'yellow')} ${names}`, `  waiting   ${text}`]),
    ...refusals.flatMap(([text, names]) => ['', `${paint('✗', 'red')} ${names}`, `  refused   ${text}`]),
    ...files.flatMap((file) => {
      const lines = findingLines(file);
      return lines.length === 0 ? [] : ['', `${paint('!', 'yellow')} ${plainText(file.file)}`, ...lines];
    }),
  ];
}

/** `b.csv and 2 more`, by what is to be said of them. */
function together(
  files: readonly FileStatus[],
  said: (file: FileStatus) => string | undefined,
): (readonly [string, string])[] {
  const found = new Map<string, string[]>();
  for (const file of files) {
    const text = said(file);
    if (text !== undefined) found.set(text, [...(found.get(text) ?? []), plainText(file.file)]);
  }
  return [...found].map(([text, [first, ...more]]) => [
    text,
    `${first}${more.length > 0 ? ` and ${more.length} more` : ''}`,
  ]);
}
