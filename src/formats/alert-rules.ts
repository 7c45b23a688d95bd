/**
 * What makes a row an alert (docs/guide.md, "Files"): a non-empty userId of bounded length, taken as it is, and a non-empty
 * message; no NUL in either. The optional member that names the row of an earlier file, which this row mends, is believed only in
 * its exact form.
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

export function originOf(value: unknown): string | undefined {
  return typeof value === 'string' && ORIGIN_PATTERN.test(value) ? value : undefined;
}
