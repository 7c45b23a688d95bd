/**
 * What makes a row an alert (docs/guide.md, "Files"): a userId of bounded length, taken as it is, and a message, both with something to be
 * seen in them, no NUL in either. The optional member that names the row of an earlier file, which this row mends, is handed on as it is:
 * whether there is such a row is for others to find out.
 */
import type { InvalidReason } from '../domain/alert.ts';
import type { ParseOptions } from '../domain/parse-options.ts';
import type { RowNote } from '../domain/rows/findings.ts';
import { isBlank } from './text.ts';

/** Column or member that `failed.csv` carries: `<sha256>:<line>` of the row that a mended row stands for. */
export const ORIGIN_COLUMN = 'wdsOrigin';
const ORIGIN_PATTERN = /^[0-9a-f]{64}:[1-9]\d*$/;

/** undefined: the texts make an alert. */
export function faultOf(
  userId: string,
  alertMessage: string,
  { maxUserIdLength, rules }: Pick<ParseOptions, 'maxUserIdLength' | 'rules'>,
): InvalidReason | undefined {
  const careful = rules !== undefined;
  if (userId.length === 0 || (careful && isBlank(userId))) return 'missing_user_id';
  if (alertMessage.length === 0 || (careful && isBlank(alertMessage))) return 'missing_message';
  if (userId.length > maxUserIdLength) return 'bad_user_id';
  if (userId.includes('\0') || alertMessage.includes('\0')) return 'control_char';
  return undefined;
}

/** `4.91512E+11`, `4,91512E+11`, `5E+11`. */
const SCIENTIFIC = /^\d(?:[.,]\d+)?E\+\d+$/i;
const CELL_ERROR = /^#(?:N\/A|REF!|VALUE!|NAME\?|DIV\/0!|NUM!|NULL!|#+)$/i;

const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;

/** What a person should know of an alert's user. */
export function noteOf(userId: string): RowNote | undefined {
  const first = userId.charCodeAt(0);
  if (first === 0x23 && CELL_ERROR.test(userId)) return 'spreadsheet_user_id';
  if (first >= 0x31 && first <= 0x39 && !isDigit(userId.charCodeAt(1)) && SCIENTIFIC.test(userId)) {
    return 'spreadsheet_user_id';
  }
  const last = userId.charCodeAt(userId.length - 1);
  const outerIsPlain = first > 0x20 && first < 0x7f && last > 0x20 && last < 0x7f;
  return outerIsPlain || userId.trim() === userId ? undefined : 'padded_user_id';
}

/** Whether wds can have written it. */
export const isOrigin = (text: string): boolean => ORIGIN_PATTERN.test(text);

/** Without the white space that editors leave; undefined: there is none. */
export function originOf(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  const text = typeof value === 'string' ? value : (JSON.stringify(value ?? '') ?? '');
  return text === '""' || text.trim() === '' ? undefined : text.trim();
}
