/** Results as text for people: pure functions from data to lines. Machines get the data itself, by `-o json` or `-o jsonl`. */

import type { FileEnd, FileResult, FileStatus, FileTotals, InitResult, ReportedFile } from '../app/app.ts';
import type { NewConfigFile } from '../config/new-config-file.ts';
import { COUNTS_OF_ALERTS, COUNTS_OF_OTHER_ROWS } from '../domain/counts.ts';
import { Fault } from '../domain/failure.ts';
import { plainText } from '../domain/plain-text.ts';
import { countsText } from '../domain/progress/counts-text.ts';
import type { Findings } from '../domain/rows/findings.ts';
import { invalidLines, warningLines } from '../domain/rows/words.ts';
import { waitingText } from './endpoint-output.ts';
import { exitCodeOfError, lacksSome } from './exit-codes.ts';
import { shownIn, shownPlace } from './places.ts';
import { labelled } from './tables.ts';
import type { Paint } from './terminal.ts';

const OUTPUT_FORMATS = ['text', 'json', 'jsonl'] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

/** `1234567` → `1,234,567`, whatever the machine's language. */
export const count = (value: number): string => String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',');

/** `0.4 s`, `12 s`, `3 min 05 s`, `2 h 07 min`. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?';
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const two = (value: number): string => String(value).padStart(2, '0');
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
}

/** `99`, `0.5`: a rate a second. */
export const rateNumber = (rate: number): string => (rate < 10 ? rate.toFixed(1) : count(rate));

/** Columns of FileResult in the order in which it is printed; nothing else gets into the object. */
export function resultObject(result: FileResult): FileResult {
  const { file, sha256, workflowId, rows, alerts, delivered, rejected, undelivered, unconfirmed } = result;
  const { suppressed = 0, invalid, duplicates, ofEarlierFiles, sentNow, alreadyDelivered, seconds, reportDir } = result;
  return {
    file,
    sha256,
    workflowId,
    rows,
    alerts,
    delivered,
    rejected,
    undelivered,
    unconfirmed,
    suppressed,
    invalid,
    duplicates,
    ...(ofEarlierFiles === undefined ? {} : { ofEarlierFiles }),
    sentNow,
    alreadyDelivered,
    seconds,
    reportDir,
  };
}

/** What `send` and `retry` print for a file with -o json or jsonl. A file without a result says why. */
export function endObject(end: FileEnd): object {
  if (end.kind !== 'failed') return resultObject(end.result);
  const { file, fault } = end;
  const code = fault instanceof Fault ? fault.code : 'unexpected';
  const nextStep = fault instanceof Fault ? fault.nextStep : undefined;
  return { file, error: { code, exitCode: exitCodeOfError(fault), message: fault.message, nextStep } };
}

/** A few lines for a file that ended, was left running, or failed. `flags`: those that the next command needs, too. */
export function endText(end: FileEnd, paint: Paint, flags = ''): string {
  if (end.kind === 'failed') return `${paint('✗', 'red')} ${plainText(end.file)}: ${plainText(end.fault.message)}`;
  const { result } = end;
  const name = plainText(result.file);
  if (end.kind === 'running') {
    const why = end.why === 'deadline' ? 'still running at the deadline' : 'interrupted';
    return [
      `${paint('…', 'yellow')} ${name}: ${why}; ${countsText(result)}`,
      ...(end.waiting === undefined ? [] : [`  waiting   ${waitingText(end.waiting)}`]),
      `  workflow  ${result.workflowId}`,
    ].join('\n');
  }
  if (end.kind === 'stopped') {
    const until = end.readToTheEnd
      ? `${end.how}; ${countsText(result, end.pending)}`
      : `${end.how} before it was read to its end; nothing was sent`;
    return [
      `${paint('✗', 'red')} ${name}: ${until}`,
      `  report    ${plainText(shownPlace(result.reportDir))}`,
      `  next      wds retry ${result.sha256.slice(0, 12)}${flags} sends the rest`,
    ].join('\n');
  }
  const failed = lacksSome(result);
  const found = findingLines(result);
  const mark = failed ? paint('✗', 'red') : found.length > 0 ? paint('!', 'yellow') : paint('✓', 'green');
  const next = result.unconfirmed > 0 ? 'unconfirmed alerts need your decision: wds retry --unconfirmed' : 'wds retry';
  return [
    `${mark} ${name}: ${result.rows === 0 ? 'empty, nothing to send' : `${countsText(result)} (${whenText(result)})`}`,
    ...found,
    `  report    ${plainText(shownPlace(result.reportDir))}`,
    ...(failed ? [`  next      ${next} ${result.sha256.slice(0, 12)}${flags}`] : []),
  ].join('\n');
}

/** What a person should know of a file whose result goes to a program; nothing where there is nothing. */
export function noticeText(end: FileEnd, paint: Paint): string | undefined {
  const found = end.kind === 'ended' ? findingLines(end.result) : [];
  if (end.kind !== 'ended' || found.length === 0) return undefined;
  return [`${paint('!', 'yellow')} ${plainText(end.result.file)}`, ...found].join('\n');
}

/** Why rows are invalid and where they are listed, and what else is worth a look; nothing where nothing is. */
export function findingLines(
  file: Pick<FileTotals, 'alerts' | 'invalid' | 'duplicates' | 'ofEarlierFiles'> &
    Findings & { readonly reportDir?: string },
): string[] {
  const reasons = invalidLines(file);
  // None is left where reports were pruned.
  const { reportDir = '' } = file;
  const list = reportDir === '' ? [] : [`see ${plainText(shownIn(reportDir, 'invalid.csv'))}`];
  const invalid =
    file.invalid > 0
      ? [...(reasons.length > 0 ? reasons : [`${count(file.invalid)} ${file.invalid === 1 ? 'row' : 'rows'}`]), ...list]
      : [];
  return [...invalid.map((line) => `  invalid   ${line}`), ...warningLines(file).map((line) => `  warning   ${line}`)];
}

/** Which of the delivered ones are of this time. */
function whenText({ alerts, delivered, suppressed = 0, sentNow, alreadyDelivered, seconds }: FileResult): string {
  if (alerts === 0) return 'nothing to send';
  if (sentNow === 0 && delivered === 0 && suppressed === alerts) return 'nobody is to be alerted';
  if (sentNow === 0 && delivered + suppressed === alerts)
    return `${count(alreadyDelivered)} delivered before, nothing sent`;
  const inTime = `in ${duration(seconds)}`;
  if (alreadyDelivered === 0) return inTime;
  return `${count(sentNow)} sent now, ${count(alreadyDelivered)} before, ${inTime}`;
}

const PRUNED = 'its rows are gone, and the numbers are those of then';

export function reportText(report: ReportedFile, paint: Paint): string {
  const { pending } = report;
  const lines = labelled([
    ['State', report.state],
    ...(report.fault === undefined ? [] : [['Why', report.fault.message] as const]),
    ...(report.readToTheEnd ? [] : [['Read', 'not to its end: the numbers are those of a part'] as const]),
    ['Endpoint', report.endpoint],
    ['Workflow', report.workflowId],
    ['SHA-256', report.sha256],
    [
      'Report',
      report.prunedAt !== undefined && report.reports.length === 0 ? 'none is left' : shownPlace(report.reportDir),
    ],
    ...(report.prunedAt === undefined ? [] : [['Pruned', `${report.prunedAt.slice(0, 10)}: ${PRUNED}`] as const]),
  ]);
  const counts = [...COUNTS_OF_ALERTS, ...COUNTS_OF_OTHER_ROWS]
    .map((name) => ({ name: name as string, value: report[name] ?? 0 }))
    .concat(pending > 0 ? [{ name: 'pending', value: pending }] : []);
  const width = Math.max(...counts.map(({ value }) => count(value).length));
  const numbers = counts.map(({ name, value }) => `  ${name.padEnd(11)}  ${count(value).padStart(width)}`);
  const reports = report.reports.length === 0 ? [] : ['', `Reports: ${report.reports.map(plainText).join(', ')}`];
  const found = findingLines(report);
  const findings = found.length === 0 ? [] : ['', ...found];
  return [paint(plainText(report.file), 'bold'), lines, '', ...numbers, ...findings, ...reports].join('\n');
}

/** What `wds init` has done. */
export interface InitEnd extends InitResult {
  readonly config: { readonly path: string; readonly state: NewConfigFile };
}

const CONFIG_ENDS: Readonly<Record<NewConfigFile, string>> = {
  written: 'is written: each setting with a comment. Say in it where the alerts go.',
  exists: 'is there already, and stays as it is.',
  denied: 'is not written: this user may not write there.',
};

export function initText({ config, service, registered, alreadyThere }: InitEnd): string {
  const line = (names: readonly string[], what: string): string[] =>
    names.length === 0 ? [] : [`Search attributes at ${service}: ${names.join(', ')} ${what}.`];
  return [
    `${plainText(config.path)} ${CONFIG_ENDS[config.state]}`,
    ...line(registered, 'registered'),
    ...line(alreadyThere, 'were there already'),
    ...(service === null ? ['Temporal: wds runs its own server, where nothing needs to be registered.'] : []),
    '  next      wds doctor looks whether all is well; wds up starts everything',
  ].join('\n');
}

/** Counts are nought where nobody could tell them. */
const soFar = (status: FileStatus): string => (status.alerts === 0 ? '' : `: ${countsText(status, status.pending)}`);

/** `flags`, here and below: those that the next command needs, too. */
export const pauseText = (status: FileStatus, flags: string): string =>
  [
    `Paused ${plainText(status.file)}${soFar(status)}. Requests that are open are still answered.`,
    `  go on     wds resume ${status.sha256.slice(0, 12)}${flags}`,
  ].join('\n');

export const resumeText = (status: FileStatus): string => `Resumed ${plainText(status.file)}${soFar(status)}.`;

export const approveText = (status: FileStatus): string =>
  `Approved ${plainText(status.file)}${soFar(status)}. The rest is sent.`;

export const cancelText = (status: FileStatus, flags: string): string =>
  [
    status.state === 'running' || status.state === 'paused'
      ? `Cancelling ${plainText(status.file)}: it ends as soon as a worker has recorded what is open.`
      : `${status.state === 'cancelled' ? 'Cancelled' : `It is ${status.state}:`} ${plainText(status.file)}${soFar(status)}.`,
    ...(status.state === 'completed'
      ? []
      : [`  next      wds retry ${status.sha256.slice(0, 12)}${flags} sends the rest`]),
  ].join('\n');
