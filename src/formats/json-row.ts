/**
 * The JSON text of one row → an alert or the reason why not; the same for NDJSON and for elements of an array. Nothing is coerced, but
 * a user that is a safe integer is taken as its decimal digits.
 */
import type { InvalidReason, ReadableFields } from '../domain/alert.ts';
import type { ParseOptions } from '../domain/parse-options.ts';
import { faultOf, isOrigin, noteOf, ORIGIN_COLUMN, originOf } from './alert-rules.ts';
import type { RowSink } from './row-reader.ts';

/** The row's own object is level 1. */
export const MAX_DEPTH = 64;

export interface JsonAlert {
  readonly userId: string;
  readonly alertMessage: string;
  readonly origin: string | undefined;
  readonly columns?: readonly string[];
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
  const fault = faultOf(userId, alertMessage, options) ?? escapeFault(row, userId, alertMessage, text, options);
  if (fault !== undefined) return fault;
  const alert = { userId, alertMessage, origin: originOf(member(row, ORIGIN_COLUMN)) };
  if (options.columns === undefined) return alert;
  const columns = options.columns.map((name) => textOf(row, name, text));
  return columns.every(isGoodText) ? { ...alert, columns } : 'bad_column';
}

/** A text, or the digits of a whole number; undefined: neither, or not there. */
function textOf(row: Record<string, unknown>, name: string, text: string): string | undefined {
  const value = member(row, name);
  return typeof value === 'string' ? value : digitsOf(value, text, name);
}

const isGoodText = (value: string | undefined): value is string =>
  value !== undefined && !value.includes('\0') && !LONE_SURROGATE.test(value);

/** With what a person should know of it. */
export function handOut(line: number, { userId, alertMessage, origin, columns }: JsonAlert, sink: RowSink): void {
  const note = noteOf(userId);
  if (note !== undefined) sink.note(line, note);
  sink.alert(line, userId, alertMessage, origin, columns);
}

/** What only JSON can do: half a character by an escape, and a member twice, of which JSON.parse takes the last. */
function escapeFault(
  row: Record<string, unknown>,
  userId: string,
  alertMessage: string,
  text: string,
  { rules }: ParseOptions,
): InvalidReason | undefined {
  if (rules === undefined) return undefined;
  if (hasNameTwice(text, Object.keys(row).length)) return 'bad_json';
  if (!text.includes('\\u')) return undefined;
  if (LONE_SURROGATE.test(userId)) return 'bad_user_id';
  return LONE_SURROGATE.test(alertMessage) ? 'bad_message' : undefined;
}

const LONE_SURROGATE = /\p{Surrogate}/u;
const NAME_OR_BRACKET = /"(?:[^"\\]|\\.)*"(\s*:)?|[[{}\]]/gs;

/** `names`: those that JSON.parse has found in the object that `text` is. */
function hasNameTwice(text: string, names: number): boolean {
  let colons = 0;
  for (let at = text.indexOf(':'); at !== -1; at = text.indexOf(':', at + 1)) colons++;
  if (colons === names) return false;
  let depth = 0;
  let found = 0;
  for (const [token, colon] of text.matchAll(NAME_OR_BRACKET)) {
    if (token === '{' || token === '[') depth++;
    else if (token === '}' || token === ']') depth--;
    else if (depth === 1 && colon !== undefined) found++;
  }
  return found > names;
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
    columns: options.columns?.map((name) => textOf(row, name, text) ?? ''),
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
