/** What the Web UI shows of a file while it runs: a small Markdown table of the counts. Pure. */
import type { FileProgress } from './counts.ts';

/** 1234567 → "1,234,567"; not by locale, since workflows must say the same everywhere. */
export const grouped = (count: number): string => String(count).replace(/\B(?=(\d{3})+(?!\d))/g, ',');

const PHASES: Readonly<Record<FileProgress['phase'], string>> = {
  reading: 'Reading the file; nothing is sent before all of it is read',
  sending: 'Sending',
  paused: 'Paused by an operator; go on with: wds resume',
  reporting: 'Writing the report',
  done: 'Done',
  cancelled: 'Cancelled; send the rest with: wds retry',
};

export function progressDetails({ phase, counts, openStubborn }: FileProgress): string {
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
    ['stubborn, retried one by one', openStubborn],
  ];
  const shown = rows.filter(([label, count], index) => index < 4 || count > 0 || label === 'delivered');
  return [
    `**${PHASES[phase]}**`,
    '',
    '| | count |',
    '|---|---:|',
    ...shown.map(([label, count]) => `| ${label} | ${grouped(count)} |`),
  ].join('\n');
}
