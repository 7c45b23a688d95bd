/** What a file would come to, as text for people. */
import type { DeliveredBefore } from '../app/delivered-before.ts';
import type { FilePreview } from '../app/preview.ts';
import type { Rate } from '../domain/endpoint.ts';
import { rateText } from '../domain/endpoint.ts';
import { plainText } from '../domain/plain-text.ts';
import { count, duration, findingLines } from './output.ts';
import { labelled, table } from './tables.ts';
import type { Paint } from './terminal.ts';
import { timeOf } from './times.ts';

const SEPARATORS: Readonly<Record<string, string>> = { ',': 'comma', ';': 'semicolon', '\t': 'tab', '|': 'pipe' };

/** `rate`: of the endpoint; undefined: none is configured. `flags`: those that the next command needs, too. */
export function previewText(preview: FilePreview, rate: Rate | undefined, paint: Paint, flags = ''): string {
  const { before, counts, duplicateRows, endpoint, invalidRows, refused, requests, sha256, suppressedRows } = preview;
  const { alerts, duplicates, invalid, rows, suppressed = 0 } = counts;
  const facts = labelled([
    ['Read as', foundText(preview)],
    ['SHA-256', sha256],
    ['Rows', `${count(rows)}: ${count(alerts)} alerts, ${count(invalid)} invalid, ${count(duplicates)} duplicate`],
    ...(suppressed === 0
      ? []
      : [
          [
            'Suppressed',
            `${count(suppressed)} of the alerts: their users are on the list, and are not alerted`,
          ] as const,
        ]),
    ...(preview.mendedRows === 0 ? [] : [['Mends', `${count(preview.mendedRows)} rows of earlier files`] as const]),
    ['Endpoint', endpoint === null ? 'none is configured: give --url URL' : `${endpoint}, ${rateText(rate ?? 'auto')}`],
    ...(refused === null ? [['Takes', takesText(preview, rate)] as const] : []),
    ...(preview.when.why === null ? [] : [['When', whenText(preview.when)] as const]),
    ['Before', before.length === 0 ? 'these bytes were never delivered from this home' : beforeText(before, endpoint)],
  ]);
  const rejects = [
    ...listed('Invalid rows', invalid, invalidRows.length, () =>
      table(
        invalidRows,
        [
          { title: 'LINE', text: (row) => count(row.line), right: true },
          { title: 'REASON', text: (row) => row.reason },
          { title: 'ROW', text: (row) => row.row },
        ],
        paint,
      ),
    ),
    ...listed('Duplicate rows', duplicates, duplicateRows.length, () =>
      table(
        duplicateRows,
        [
          { title: 'LINE', text: (row) => count(row.line), right: true },
          { title: 'FIRST', text: (row) => count(row.firstLine), right: true },
          { title: 'USER', text: (row) => row.userId },
        ],
        paint,
      ),
    ),
  ];
  const suppressedList = listed('Suppressed rows', suppressed, suppressedRows.length, () =>
    table(
      suppressedRows,
      [
        { title: 'LINE', text: (row) => count(row.line), right: true },
        { title: 'USER', text: (row) => row.userId },
      ],
      paint,
    ),
  );
  const found = findingLines(counts);
  const shown = requests.flatMap((request, at) => [
    '',
    paint(`Request ${at + 1}`, 'bold'),
    request.split('\n').map(plainText).join('\n'),
  ]);
  const name = plainText(preview.file);
  const file = /^[\w./:@%+=,-]+$/.test(preview.file) ? preview.file : 'FILE';
  const end =
    refused === null
      ? `Nothing was sent. To send it: wds send ${file}${flags}`
      : `${paint('✗', 'red')} It would be refused, and nothing of it sent: ${plainText(refused.message)}`;
  return [paint(name, 'bold'), facts, ...found, ...shown, ...rejects, ...suppressedList, '', end].join('\n');
}

function foundText({ found, sizeBytes }: FilePreview): string {
  const { columns, encoding, format, gzip, separator } = found;
  const parts = [`${format}${gzip ? ', gzip' : ''}`, encoding, `${count(sizeBytes)} bytes`];
  if (columns !== null && separator !== null) {
    const { count: all, userId, alertMessage } = columns;
    const known = SEPARATORS[separator] ?? JSON.stringify(separator);
    parts.push(`${known}; user in column ${userId}, message in column ${alertMessage} of ${all}`);
  }
  return parts.join(', ');
}

function takesText({ counts, seconds }: FilePreview, rate: Rate | undefined): string {
  if (counts.pending === 0) return 'nothing to send';
  if (seconds !== null) return `${duration(seconds)} at ${rateText(rate ?? 'auto')}`;
  return rate === 'unlimited' ? 'as long as the receiver takes' : 'not known: the rate is found out while it is sent';
}

const whenText = ({ from, late, why }: FilePreview['when']): string =>
  late ? `never: ${why}` : `from ${timeOf(from ?? '')} on: ${why}`;

function beforeText(before: readonly DeliveredBefore[], endpoint: string | null): string {
  const one = ({ endpoint: name, firstSubmittedAt, delivered, alerts, reportedAt }: DeliveredBefore): string => {
    const told =
      delivered === null || alerts === null
        ? 'no report yet'
        : `${count(delivered)} of ${count(alerts)} delivered, by its report of ${timeOf(reportedAt ?? firstSubmittedAt)}`;
    const again = name === endpoint ? ': these are not sent again' : ', another endpoint: everybody is alerted here';
    return `submitted to ${name} ${timeOf(firstSubmittedAt)}, ${told}${again}`;
  };
  return [...before]
    .sort((a) => (a.endpoint === endpoint ? -1 : 1))
    .map(one)
    .join('; ');
}

function listed(title: string, all: number, shown: number, text: () => string): string[] {
  if (all === 0) return [];
  const more = all > shown ? [`and ${count(all - shown)} more`] : [];
  return ['', `${title}: ${count(all)}`, text(), ...more];
}
