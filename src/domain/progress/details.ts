/** What the Web UI shows of a file while it runs: a sentence, and a small Markdown table of the counts. Pure. */
import type { FileProgress } from '../counts.ts';
import { endedOf } from '../counts.ts';
import { grouped, invalidLines, warningLines } from '../rows/words.ts';

/** What is going on, in a sentence: the first thing that is read. */
function sentence({ phase, counts, decision, closed }: FileProgress): string {
  const soFar = `${grouped(endedOf(counts))} of ${grouped(counts.alerts)}`;
  switch (phase) {
    case 'reading':
      return `Reading the file, ${grouped(counts.rows)} rows so far; nothing is sent before all of it is read`;
    case 'sending':
      if (closed !== undefined) return `Waiting until ${minuteText(closed.opensMs)}: ${closed.text}; ${soFar} so far`;
      return `Sending, ${soFar}`;
    case 'paused':
      if (decision !== undefined) return `Waiting for a decision: ${decision}`;
      return `Paused by an operator at ${soFar}; go on with: wds resume`;
    case 'reporting':
      return `Writing the report, ${soFar}`;
    case 'done':
      return `Done, ${grouped(counts.delivered)} of ${grouped(counts.alerts)} delivered`;
    case 'cancelled':
      return `Cancelled at ${soFar}; send the rest with: wds retry`;
  }
}

/** `2026-11-27 07:00 UTC` */
const minuteText = (ms: number): string => `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`;

/** `reportDir`: undefined as long as there is no report. */
export function progressDetails(progress: FileProgress, reportDir?: string): string {
  const { counts, openStubborn } = progress;
  const rows: [string, number][] = [
    ['rows read', counts.rows],
    ['alerts', counts.alerts],
    ['delivered', counts.delivered],
    ['waiting', counts.pending],
    ['rejected', counts.rejected],
    ['undelivered', counts.undelivered],
    ['unconfirmed', counts.unconfirmed],
    ['suppressed', counts.suppressed ?? 0],
    ['invalid rows', counts.invalid],
    ['duplicate rows', counts.duplicates],
    ['of these delivered from an earlier file', counts.ofEarlierFiles ?? 0],
    ['stubborn, retried one by one', openStubborn],
  ];
  const shown = rows.filter(([label, count], index) => index < 4 || count > 0 || label === 'delivered');
  const invalid = invalidLines(counts).map((line) => `- invalid: ${line}`);
  const warnings = warningLines(counts).map((line) => `- warning: ${line}`);
  return [
    `**${sentence(progress)}**`,
    '',
    '| | count |',
    '|---|---:|',
    ...shown.map(([label, count]) => `| ${label} | ${grouped(count)} |`),
    ...(invalid.length + warnings.length === 0 ? [] : ['', ...invalid, ...warnings]),
    ...(invalid.length === 0 || reportDir === undefined ? [] : [`- see ${reportDir}/invalid.csv`]),
  ].join('\n');
}
