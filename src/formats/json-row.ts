/**
 * The JSON text of one row → an alert or the reason why not; the same for NDJSON and for elements of an array. Nothing is coerced, but
 * a user that is a safe integer is taken as its decimal digits.
 */
import type { InvalidReason, ReadableFields } from '../domain/alert.ts';
import type { ParseOptions } from '../domain/parse-options.ts';
import { faultOf, isOrigin, ORIGIN_COLUMN, originOf } from './alert-rules.ts';

/** The row's own object is level 1. */
export const MAX_DEPTH = 64;

export interface JsonAlert {
  readonly userId: string;
  readonly alertMessage: string;
  readonly origin: string | undefined;
}

/** undefined: not JSON. (JSON has no undefined.) */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** `value` is what `text` says. */
export function toAlert(value: unknown, text: string, options: ParseOptions): JsonAlert | InvalidReason {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'not_object';
  const row = value as Record<string, unknown>;
  const user = member(row, options.userIdColumn);
  if (user === undefined) return 'missing_user_id';
  const userId = typeof user === 'string' ? user : digitsOf(user, text, options.userIdColumn);
  if (userId === undefined) return 'bad_user_id';
  const alertMessage = member(row, options.alertMessageColumn);
  if (alertMessage === undefined) return userId === '' ? 'missing_user_id' : 'missing_message';
  if (typeof alertMessage !== 'string') return userId === '' ? 'missing_user_id' : 'bad_message';
  const fault = faultOf(userId, alertMessage, options.maxUserIdLength);
  return fault ?? { userId, alertMessage, origin: originOf(member(row, ORIGIN_COLUMN)) };
}

/** What is still known of a row that is no alert; `value` is what `text` says. */
export function readableMembers(value: unknown, text: string, options: ParseOptions): ReadableFields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {};
  const row = value as Record<string, unknown>;
  const user = member(row, options.userIdColumn);
  const alertMessage = member(row, options.alertMessageColumn);
  return {
    userId: typeof user === 'string' ? user : digitsOf(user, text, options.userIdColumn),
    alertMessage: typeof alertMessage === 'string' ? alertMessage : undefined,
    origin: [originOf(member(row, ORIGIN_COLUMN)) ?? ''].find(isOrigin),
  };
}

/** Own members only: a column mapped to "constructor" must not find Object's. */
function member(row: Record<string, unknown>, name: string): unknown {
  return Object.hasOwn(row, name) ? row[name] : undefined;
}

const STRING_OR_NUMBER = /("(?:[^"\\]|\\.)*")|-?\d[\d.eE+-]*/g;
const PLAIN_INTEGER = /^(?:0|-?[1-9]\d*)$/;

/** Digits of a safe integer, undefined for anything else, also for a number that JSON.parse rounded to one (1.00000000000000000001). */
function digitsOf(value: unknown, text: string, column: string): string | undefined {
  if (!Number.isSafeInteger(value) || Object.is(value, -0)) return undefined;
  if (!/\d[.eE]/.test(text)) return String(value);
  const integersOnly = text.replace(STRING_OR_NUMBER, (token, quoted: string | undefined) =>
    quoted !== undefined || PLAIN_INTEGER.test(token) ? token : 'null',
  );
  const plain = member(parseJson(integersOnly) as Record<string, unknown>, column);
  return Number.isSafeInteger(plain) ? String(plain) : undefined;
}
