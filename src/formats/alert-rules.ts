/**
 * What makes a row an alert (docs/guide.md, "Files"): a non-empty userId of bounded length, taken as it is, and a non-empty
 * message; no NUL in either. The optional member that names the row of an earlier file, which this row mends, is handed on as it is: whether
 * there is such a row is for others to find out.
 */
import type { InvalidReason } from '../domain/alert.ts';

/** Column or member that `failed.csv` carries: `<sha256>:<line>` of the row that a mended row stands for. */
export const ORIGIN_COLUMN = 'wdsOrigin';
const ORIGIN_PATTERN = /^[0-9a-f]{64}:[1-9]\d*$/;

/** undefined: the texts make an alert. */
export function faultOf(userId: string, alertMessage: string, maxUserIdLength: number): InvalidReason | undefined {
  if (userId.length === 0) return 'missing_user_id';
  if (alertMessage.length === 0) return 'missing_message';
  if (userId.length > maxUserIdLength) return 'bad_user_id';
  if (userId.includes('\0') || alertMessage.includes('\0')) return 'control_char';
  return undefined;
}

/** Whether wds can have written it. */
export const isOrigin = (text: string): boolean => ORIGIN_PATTERN.test(text);

/** Without the white space that editors leave; undefined: there is none. */
export function originOf(value: unknown): string | undefined {
  const text = typeof value === 'string' ? value : (JSON.stringify(value ?? '') ?? '');
  return text === '""' || text.trim() === '' ? undefined : text.trim();
}
