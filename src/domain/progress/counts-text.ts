/** The counts of a file in a line, for the terminal, the log and the pages. Pure. */
import type { FileCounts } from '../counts.ts';
import { grouped } from '../rows/words.ts';

export type TextCounts = Pick<
  FileCounts,
  | 'alerts'
  | 'delivered'
  | 'rejected'
  | 'undelivered'
  | 'unconfirmed'
  | 'suppressed'
  | 'invalid'
  | 'duplicates'
  | 'ofEarlierFiles'
>;

/** `1,000 of 1,002 delivered, 2 rejected`: what is nought is left out, but for `delivered`. */
export function countsText(counts: TextCounts, pending = 0): string {
  const rest = (['rejected', 'undelivered', 'unconfirmed', 'suppressed'] as const)
    .map((name) => [name, counts[name] ?? 0] as const)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${grouped(count)} ${name}`);
  const rows = [
    ...(pending > 0 ? [`${grouped(pending)} pending`] : []),
    ...(counts.invalid > 0 ? [`${grouped(counts.invalid)} invalid`] : []),
    ...(counts.duplicates > 0 ? [`${grouped(counts.duplicates)} duplicate${earlierText(counts)}`] : []),
  ];
  return [`${grouped(counts.delivered)} of ${grouped(counts.alerts)} delivered`, ...rest, ...rows].join(', ');
}

const earlierText = ({ ofEarlierFiles = 0 }: TextCounts): string =>
  ofEarlierFiles === 0 ? '' : ` (${grouped(ofEarlierFiles)} delivered from an earlier file)`;
