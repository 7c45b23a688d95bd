/**
 * Judges a story by what is known outside: the input, the receiver's log, how the workflows ended, and the reports. It knows nothing of receipts.
 */
import { ApplicationFailure } from '@temporalio/common';
import { endedOf } from '../../src/domain/counts.ts';
import { FAILURE, fileWorkflowId, webhookId } from '../../src/domain/names.ts';
import { readDeliveryRecord } from '../../src/store/delivery-record.ts';
import type { WrittenReport } from '../../src/store/report.ts';
import { writeReportFiles } from '../../src/store/report.ts';
import { reportFolderName } from '../../src/store/report-shelf.ts';
import type { Dropped } from './people.ts';
import { SimReports } from './sim-reports.ts';
import type { Story } from './story.ts';
import type { Run } from './temporal/run.ts';
import { ENDPOINT, REPORTS } from './wiring.ts';

export interface Violation {
  /** A word for its kind. */
  readonly kind: string;
  readonly detail: string;
}

export interface JudgeOptions {
  readonly maximumUnanswered: number;
}

/** The report lists the row as a duplicate of one that an earlier file has delivered. */
const SAME = 'duplicate';

/** For so long an attempt may go by the list as it was when it began. */
const LONGEST_ATTEMPT_MS = 120_000;
/** Nobody was alerted, says the report. */
const FAILED: ReadonlySet<string> = new Set(['rejected', 'undelivered', 'suppressed']);

/** What the report says of one row. */
interface Reported {
  readonly outcome: string;
  named: boolean;
}

interface Reports {
  readonly rows: ReadonlyMap<number, Reported>;
  readonly summary: WrittenReport;
}

export function judge(story: Story, { maximumUnanswered }: JudgeOptions): Violation[] {
  const violations: Violation[] = story.alarms.map((detail) => ({ kind: 'alarm', detail }));
  const found = (kind: string, detail: string): void => {
    violations.push({ kind, detail });
  };
  if (!story.endedAll) found('never ends', openRuns(story));
  const reports = new Map<Dropped, Reports>();
  for (const dropped of story.dropped) {
    const report = reportOf(story, dropped);
    if (report === undefined) continue;
    if (typeof report === 'string') found('no report', report);
    else {
      reports.set(dropped, report);
      checkFile(story, dropped, report, found);
    }
  }
  for (const lineage of story.shared ? [story.dropped] : lineagesOf(story.dropped))
    checkUsers(story, lineage, reports, maximumUnanswered, found);
  return violations;
}

function runsOf(story: Story, { file }: Dropped): readonly Run[] {
  const { executions, forgotten } = story.site.temporal;
  const id = fileWorkflowId(file.staged.sha256, ENDPOINT);
  return [...forgotten.filter(({ workflowId }) => workflowId === id), ...(executions.get(id) ?? [])];
}

function openRuns(story: Story): string {
  const open = story.dropped.flatMap((dropped) => runsOf(story, dropped).filter((run) => run.status === 'RUNNING'));
  const texts = open.map((run) => {
    const tasks = [...run.open.values()].map((task) => `${task.request.name} ${task.state} #${task.attempt}`);
    return `${run.runId} (${tasks.join(', ')})`;
  });
  return `${texts.join('; ')} after ${story.site.scheduler.events} events`;
}

/** As `wds report` makes it; undefined: the file was never submitted. */
function reportOf(story: Story, { file, home }: Dropped): Reports | string | undefined {
  const { site } = story;
  const { sha256, name } = file.staged;
  const { process, store, ledgers } = site.process('report', home);
  let result: WrittenReport | undefined;
  let failure: unknown;
  site.scheduler.after(0, process, () => {
    const write = async (): Promise<void> => {
      const record = await readDeliveryRecord(store, { sha256, endpoint: ENDPOINT });
      if (record === undefined) return;
      result = await writeReportFiles({ store, ledgers }, new SimReports(REPORTS), record, () => undefined);
    };
    write().catch((error: unknown) => {
      failure = error;
    });
  });
  site.scheduler.run(() => false, site.scheduler.nowMs + 60_000);
  if (failure !== undefined) return `${name}: ${String(failure)}`;
  if (result === undefined) return undefined;
  const folder = `${REPORTS}/${reportFolderName(name, sha256, ENDPOINT)}`;
  const records = (csv: string): string[][] =>
    (home.host.disk.read(`${folder}/${csv}`)?.toString() ?? '')
      .trimEnd()
      .split('\n')
      .slice(1)
      .map((record) => record.split(','));
  const rows = new Map<number, Reported>();
  for (const [, line, outcome = ''] of records('receipts.csv')) rows.set(Number(line), { outcome, named: false });
  for (const [line, , , , firstFileName = ''] of records('duplicates.csv')) {
    if (firstFileName !== '') rows.set(Number(line), { outcome: SAME, named: false });
  }
  for (const [, line] of records('ambiguous.csv')) {
    const row = rows.get(Number(line));
    if (row !== undefined) row.named = true;
  }
  return { rows, summary: result };
}

/** Lines of the alerts of a file: the first row of each user. */
function alertsOf({ file }: Dropped): Map<number, string> {
  const users = new Set<string>();
  const alerts = new Map<number, string>();
  file.rows.forEach(({ userId }, index) => {
    if (userId === '' || users.has(userId)) return;
    users.add(userId);
    alerts.set(index + 2, userId);
  });
  return alerts;
}

function checkFile(
  story: Story,
  dropped: Dropped,
  { rows, summary }: Reports,
  found: (kind: string, detail: string) => void,
): void {
  const { name } = dropped.file.staged;
  const alerts = alertsOf(dropped);
  const run = runsOf(story, dropped).at(-1);
  if (run === undefined) return;
  const { delivered, invalid, duplicates, pending, ofEarlierFiles = 0, suppressed = 0 } = summary;
  const ends = endedOf(summary) + pending;
  const said = alerts.size - [...rows.values()].filter(({ outcome }) => outcome === SAME).length;
  const told = `${name}: ${JSON.stringify({ ...summary, reportDir: undefined, sha256: undefined })}`;
  const ended = run.status === 'COMPLETED' || run.status === 'FAILED';
  if (ended && !summary.readToTheEnd) found('not read to its end', told);
  if (summary.readToTheEnd) {
    if (ends + invalid + duplicates !== dropped.file.rows.length || ends !== said) found('sums', told);
    if (alerts.size - said !== ofEarlierFiles) found('sums', told);
    for (const line of alerts.keys()) if (!rows.has(line)) found('row not reported', `${name} line ${line}`);
    if (rows.size !== alerts.size) found('row not reported', told);
  }
  if (ended && pending > 0) found('row without an end', told);
  if (run.status === 'COMPLETED' && delivered + suppressed !== said) found('success that is none', told);
  for (const { status, failure, runId } of runsOf(story, dropped)) {
    const meant = failure instanceof ApplicationFailure && failure.type === FAILURE.undeliveredAlerts;
    if (status === 'FAILED' && !meant) found('fails for no reason', `${name} ${runId}: ${failure}; ${failure?.cause}`);
  }
}

/** Files of which one mends rows of the other belong together, and so does the same file in two homes. (All do that have rows in common.) */
function lineagesOf(dropped: readonly Dropped[]): Dropped[][] {
  const lineages = new Map<string, Dropped[]>();
  for (const one of dropped) {
    let root = one;
    while (root.mends !== undefined) root = root.mends;
    const { sha256 } = root.file.staged;
    lineages.set(sha256, [...(lineages.get(sha256) ?? []), one]);
  }
  return [...lineages.values()];
}

/** Times that an operator said: send again who is unconfirmed. A reset says nothing anew. */
function pressesOf(story: Story, lineage: readonly Dropped[]): number {
  const presses = new Set(
    lineage
      .flatMap((dropped) => runsOf(story, dropped))
      .map(({ input }) => (input as { readonly press?: string }).press),
  );
  presses.delete(undefined);
  return presses.size;
}

function checkUsers(
  story: Story,
  lineage: readonly Dropped[],
  reports: ReadonlyMap<Dropped, Reports>,
  maximumUnanswered: number,
  found: (kind: string, detail: string) => void,
): void {
  const { receiver, network } = story.site;
  const presses = pressesOf(story, lineage);
  const held = story.policies.every((policy) => policy === 'hold');
  const users = new Map<string, { ids: Set<string>; reported: Reported[] }>();
  for (const dropped of lineage) {
    for (const [line, userId] of alertsOf(dropped)) {
      const user = users.get(userId) ?? { ids: new Set(), reported: [] };
      users.set(userId, user);
      user.ids.add(webhookId(ENDPOINT, dropped.file.staged.sha256, line));
      const reported = reports.get(dropped)?.rows.get(line);
      if (reported !== undefined) user.reported.push(reported);
    }
  }
  for (const [userId, { ids, reported }] of users) {
    const requests = receiver.log.filter(({ id }) => ids.has(id));
    const acted = requests.filter((request) => request.acted).length;
    const unknown = network.written.filter(({ id, answered }) => ids.has(id) && !answered).length;
    const outcomes = reported.map(({ outcome }) => outcome);
    const named = reported.some((row) => row.named);
    const told = `${userId}: acted on ${acted} of ${requests.length}, ${unknown} unknown, ${presses} presses, reported ${outcomes.join(' ')}, ${named ? '' : 'not '}named`;
    if ((outcomes.includes('delivered') || outcomes.includes(SAME)) && acted === 0)
      found('delivered that was not', told);
    const listed = story.site.plan.listed[userId];
    if (listed === undefined && outcomes.includes('suppressed')) found('suppressed for no reason', told);
    const late = (atMs: number): boolean =>
      listed !== undefined && atMs < listed.toMs && (listed.fromMs === 0 || listed.fromMs + LONGEST_ATTEMPT_MS < atMs);
    if (network.written.some(({ id, atMs }) => ids.has(id) && late(atMs))) found('sent though suppressed', told);
    if (held && acted > 1 + presses) found('twice under hold', told);
    if (!held && acted > 1 && !named) found('twice without a word', told);
    const pending = outcomes.includes('pending');
    const isTold = ['delivered', 'unconfirmed', SAME].some((outcome) => outcomes.includes(outcome)) || named;
    // What a loss of power has hidden is named when it is sent again; until then it is pending.
    if (acted > 0 && outcomes.length > 0 && !isTold && !(pending && story.powerLosses > 0)) {
      found('alerted without a word', told);
    }
    const failed = outcomes.length > 0 && outcomes.every((outcome) => FAILED.has(outcome));
    if (failed && unknown > 0 && (held || story.powerLosses === 0)) found('failed, though perhaps alerted', told);
    if (unknown > maximumUnanswered + presses + 2 * story.powerLosses) found('too many unknown', told);
  }
}
