/**
 * The body of a post → its alerts, by the rules that hold for the rows of a file: one JSON object, or an array of them. Its members are
 * `userId` and `alertMessage`, whatever files call theirs, and those that the body template of an endpoint needs.
 */
import { isUtf8 } from 'node:buffer';
import type { InvalidReason } from '../domain/alert.ts';
import type { ParseOptions } from '../domain/parse-options.ts';
import { readRows } from '../formats/rows.ts';
import type { Alert } from './gathered-row.ts';
import { withPlainWholeNumbers } from './whole-numbers.ts';

export interface BadAlert {
  /** In the array, from 0. */
  readonly at: number;
  readonly reason: InvalidReason;
}

export type ReadAlerts =
  | { readonly kind: 'alerts'; readonly alerts: readonly Alert[] }
  /** Some are no alerts: none is taken. */
  | { readonly kind: 'invalid'; readonly invalid: readonly BadAlert[] }
  /** Neither an object nor an array. */
  | { readonly kind: 'not_alerts' }
  | { readonly kind: 'not_json' };

/** What is added to an alert when it becomes a row. */
const ROW_EXTRA_BYTES = 256;

export async function readAlerts(body: Buffer, options: Omit<ParseOptions, 'format'>): Promise<ReadAlerts> {
  if (!isUtf8(body)) return { kind: 'not_json' };
  const text = body.toString('utf8').replace(/^\uFEFF/, '');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { kind: 'not_json' };
  }
  if (typeof value !== 'object' || value === null) return { kind: 'not_alerts' };
  const { encoding: _file, ...rules } = options;
  const alerts: Alert[] = [];
  const invalid: BadAlert[] = [];
  await readRows({
    source: [Buffer.from(withPlainWholeNumbers(Array.isArray(value) ? text : `[${text}]`))],
    parse: { ...rules, format: 'json', userIdColumn: 'userId', alertMessageColumn: 'alertMessage' },
    cursor: null,
    rowLimit: Number.POSITIVE_INFINITY,
    sink: {
      alert(element, userId, alertMessage, _origin, values = []) {
        const bytes = Buffer.byteLength(JSON.stringify([userId, alertMessage, values])) + ROW_EXTRA_BYTES;
        const names = options.columns ?? [];
        const columns = Object.fromEntries(names.map((name, at) => [name, values[at] ?? '']));
        if (bytes > options.maxRecordBytes) invalid.push({ at: element - 1, reason: 'row_too_large' });
        else alerts.push({ userId, alertMessage, ...(names.length === 0 ? {} : { columns }) });
      },
      invalid: (element, reason) => invalid.push({ at: element - 1, reason }),
      note: () => undefined,
    },
    afterPiece: async () => undefined,
  });
  return invalid.length > 0 ? { kind: 'invalid', invalid } : { kind: 'alerts', alerts };
}
