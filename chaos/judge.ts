/**
 * The judge of a round. It knows the input, the receiver's log, and the reports that anybody can have written; nothing of how wds works.
 * Pure. A finding is a promise that was broken, for one file or one alert.
 */
import type { AmbiguousPolicy } from '../src/domain/endpoint.ts';
import type { FileEvidence, Receipt } from './evidence.ts';
import { MENDED_MARK, REFUSED_PREFIX } from './inputs.ts';
import type { LoggedRequest } from './receiver-log.ts';
import { messageHash } from './receiver-log.ts';
import type { JudgedRow } from './rows.ts';
import { groupRows } from './rows.ts';

export const PROMISES = {
  missed: 'nobody is missed: who got nothing is named as not delivered',
  twice: 'hold: nobody gets an alert twice, but for a press of `retry --unconfirmed`',
  unnamed: 'resend: whoever may have got it twice is named in ambiguous.csv',
  tooOften: 'at most maximumUnanswered requests with an unknown outcome for an alert, but for a press',
  untrue: 'reported as delivered: accepted at least once',
  denied: 'accepted: never reported as rejected or undelivered, never in failed.csv',
  ends: 'every row ends in exactly one end, and the sums agree',
  altered: 'nothing is sent that is not in a file: user and message are those of the row',
  unfinished: 'once all is well, everything is delivered that can be',
  success: 'completed, or exit code 0, means that all was delivered',
  overdue: 'all files end in time, without help',
  stubbornProcess: 'every process ends at SIGTERM within its grace',
} as const;
export type PromiseName = keyof typeof PROMISES;

export interface Finding {
  readonly promise: PromiseName;
  readonly what: string;
}

export interface Evidence {
  readonly policy: AmbiguousPolicy;
  readonly maximumUnanswered: number;
  readonly endpoint: string;
  readonly files: readonly FileEvidence[];
  readonly requests: readonly LoggedRequest[];
}

export interface Figures {
  readonly files: number;
  readonly alerts: number;
  readonly requests: number;
  /** Accepted requests beyond an alert's first. */
  readonly second: number;
  readonly unconfirmed: number;
  /** Of requests with an unknown outcome, or accepted, for one alert: the most. */
  readonly mostForOne: number;
}

export interface Judgement {
  readonly findings: readonly Finding[];
  readonly figures: Figures;
}

export function judge(evidence: Evidence): Judgement {
  const { files } = evidence;
  const { groups, strangers } = groupRows(evidence);
  const rows = groups.flat();
  const acceptedRows = new Set(rows.filter(({ requests }) => requests.some(isAccepted)).map(({ key }) => key));
  const findings = [
    ...strangers.map((request) => finding('altered', `${JSON.stringify(request)} is in no file`)),
    ...files.flatMap(judgeFile),
    ...rows.flatMap(judgeRow),
    ...groups.flatMap((group) => judgeGroup(group, evidence, acceptedRows)),
  ];
  const figures = {
    files: files.length,
    alerts: rows.length,
    requests: evidence.requests.length,
    second: groups.reduce((sum, group) => sum + Math.max(0, count(group, isAccepted) - 1), 0),
    unconfirmed: rows.filter(({ receipt }) => receipt?.outcome === 'unconfirmed').length,
    mostForOne: Math.max(0, ...groups.map((group) => count(group, mayHaveActed))),
  };
  return { findings, figures };
}

const finding = (promise: PromiseName, what: string): Finding => ({ promise, what });

const isAccepted = ({ accepted }: LoggedRequest): boolean => accepted;
/** wds cannot know the outcome of a request that got no answer, whatever became of it. */
const mayHaveActed = ({ accepted, status }: LoggedRequest): boolean => accepted || status === 0;

const count = (group: readonly JudgedRow[], which: (request: LoggedRequest) => boolean): number =>
  group.reduce((sum, { requests }) => sum + requests.filter(which).length, 0);

function judgeFile({ input, report, said }: FileEvidence): Finding[] {
  const name = `${input.name} (${input.sha256.slice(0, 12)})`;
  if (report === undefined) return [finding('ends', `${name}: no report: ${said}`)];
  const findings: Finding[] = [];
  const lines = (is: string): string =>
    input.rows
      .filter((row) => row.is === is)
      .map(({ line }) => line)
      .join();
  const inOrder = (found: readonly number[]): string => [...found].sort((a, b) => a - b).join();
  for (const [is, found] of [
    ['alert', report.receipts.map(({ line }) => line)],
    ['invalid', report.invalid],
    ['duplicate', report.duplicates],
  ] as const) {
    if (lines(is) !== inOrder(found))
      findings.push(finding('ends', `${name}: ${is} rows ${lines(is)}, told ${inOrder(found)}`));
  }
  for (const outcome of ['delivered', 'rejected', 'undelivered', 'unconfirmed'] as const) {
    const listed = report.receipts.filter((receipt) => receipt.outcome === outcome).length;
    if (listed !== report.counts[outcome]) {
      findings.push(
        finding('ends', `${name}: ${listed} ${outcome} in receipts.csv, ${report.counts[outcome]} counted`),
      );
    }
  }
  const missing = report.receipts.filter(({ outcome }) => outcome !== 'delivered').length;
  if (missing > 0 && (report.state === 'completed' || report.exitCode === 0)) {
    findings.push(
      finding('success', `${name}: ${report.state}, exit ${report.exitCode}, and ${missing} not delivered`),
    );
  }
  if (report.state === 'running' || report.state === 'paused') {
    findings.push(finding('overdue', `${name}: is ${report.state}`));
  }
  return findings;
}

function judgeRow(row: JudgedRow): Finding[] {
  const { name, receipt, requests, inFailed, input } = row;
  const findings = requests
    .filter(({ user, hash }) => user !== input.user || hash !== messageHash(input.message))
    .map((request) => finding('altered', `${name}: ${JSON.stringify(request)}`));
  if (!requests.some(isAccepted)) return findings;
  if (receipt?.outcome === 'rejected' || receipt?.outcome === 'undelivered') {
    findings.push(finding('denied', `${name}: accepted, and reported as ${receipt.outcome} (${receipt.reason})`));
  }
  if (inFailed) findings.push(finding('denied', `${name}: accepted, and in failed.csv`));
  return findings;
}

/** The rows of a group take each other's place: one alert, as its user sees it. */
function judgeGroup(
  group: readonly JudgedRow[],
  { policy, maximumUnanswered }: Evidence,
  acceptedRows: ReadonlySet<string>,
): Finding[] {
  const findings: Finding[] = [];
  const accepted = count(group, isAccepted);
  const unknown = count(group, mayHaveActed);
  const presses = group.reduce((sum, row) => sum + row.presses, 0);
  const told = group.map(({ name, receipt }) => `${name} ${receipt?.outcome ?? 'in no report'}`).join('; ');
  const requests = group.flatMap((row) => row.requests).map(({ atMs, status }) => `${status}@${atMs}`);
  const what = `${told}; ${accepted} accepted, ${unknown} accepted or unanswered, ${presses} presses: ${requests.join(' ')}`;
  if (accepted === 0) {
    const untrue = group.filter(
      ({ receipt }) => receipt?.outcome === 'delivered' && !wasReplaced(receipt, acceptedRows),
    );
    if (untrue.length > 0) findings.push(finding('untrue', what), finding('missed', what));
    if (group.some(({ receipt }) => receipt === undefined)) findings.push(finding('missed', what));
  }
  if (policy === 'hold' && unknown > 1 + presses) findings.push(finding('twice', what));
  if (policy === 'resend' && accepted > 1 && !group.some(({ isAmbiguous }) => isAmbiguous)) {
    findings.push(finding('unnamed', what));
  }
  if (unknown > maximumUnanswered + presses) findings.push(finding('tooOften', what));
  const open = group.every(({ receipt }) => receipt !== undefined && isOpen(receipt.outcome));
  if (open && !group.every(({ input }) => isRefused(input.user, input.message)))
    findings.push(finding('unfinished', what));
  return findings;
}

/** The row that mends it, for another user, was accepted in its place. */
const wasReplaced = ({ reason }: Receipt, acceptedRows: ReadonlySet<string>): boolean =>
  acceptedRows.has(/delivered as ([0-9a-f]{64}:[0-9]+)/.exec(reason)?.[1] ?? '');

const isOpen = (outcome: string): boolean => outcome !== 'delivered' && outcome !== 'unconfirmed';
const isRefused = (user: string, message: string): boolean =>
  user.startsWith(REFUSED_PREFIX) && !message.includes(MENDED_MARK);
