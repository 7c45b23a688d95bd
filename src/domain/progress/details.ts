/** What the Web UI shows of a file while it runs: a small Markdown table of the counts. Pure. */
import type { FileProgress } from '../counts.ts';
import { grouped, invalidLines, warningLines } from '../rows/words.ts';

const PHASES: Readonly<Record<FileProgress['phase'], string>> = {
  reading: 'Reading the file; nothing is sent before all of it is read',
  sending: 'Sending',
  paused: 'Paused by an operator; go on with: wds resume',
  reporting: 'Writing the report',
  done: 'Done',
  cancelled: 'Cancelled; send the rest with: wds retry',
};

/** `reportDir`: undefined as long as there is no report. */
export function progressDetails({ phase, counts, openStubborn }: FileProgress, reportDir?: string): string {
  const rows: [string, number][] = [
    ['rows read', counts.rows],
    ['alerts', counts.alerts],
    ['delivered', counts.delivered],
    ['waiting', counts.pending],
    ['rejected', counts.rejected],
    ['undelivered', counts.undelivered],
    ['unconfirmed', counts.unconfirmed],
    ['invalid rows', counts.invalid],
    ['duplicate rows', counts.duplicates],
    ['of these delivered from an earlier file', counts.ofEarlierFiles ?? 0],
    ['stubborn, retried one by one', openStubborn],
  ];
  const shown = rows.filter(([label, count], index) => index < 4 || count > 0 || label === 'delivered');
  const invalid = invalidLines(counts).map((line) => `- invalid: ${line}`);
  const warnings = warningLines(counts).map((line) => `- warning: ${line}`);
  return [
    `**${PHASES[phase]}**`,
    '',
    '| | count |',
    '|---|---:|',
    ...shown.map(([label, count]) => `| ${label} | ${grouped(count)} |`),
    ...(invalid.length + warnings.length === 0 ? [] : ['', ...invalid, ...warnings]),
    ...(invalid.length === 0 || reportDir === undefined ? [] : [`- see ${reportDir}/invalid.csv`]),
  ].join('\n');
}
