/**
 * Lists of items with parameters, as structured header fields write them (RFC 9651): `"default";r=50;t=30, "day";r=9;t=60`.
 * Dictionary members (`limit=100`) are read as items with a `key`, so that one reader serves both. Only what rate hints need: inner
 * lists are not known. As the RFC demands, one fault makes the whole field void.
 */

type BareItem = string | number | boolean;

export interface StructuredItem {
  readonly key?: string;
  readonly value: BareItem;
  readonly params: ReadonlyMap<string, BareItem>;
}

/** Longer fields are not worth the time: a rate hint is short. */
const MAX_FIELD_LENGTH = 4096;

const KEY = /[a-z*][a-z0-9_.*-]*/y;
const NUMBER = /-?\d{1,15}(?:\.\d{1,3})?(?![\d.])/y;
const STRING = /"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"/y;
const TOKEN = /[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]*/y;
const BYTES = /:([A-Za-z0-9+/]*={0,2}):/y;
const BOOLEAN = /\?([01])/y;
const COMMA = /[ \t]*,[ \t]*/y;
const SEMICOLON = /; */y;
const EQUALS = /=/y;

/** Undefined: empty or malformed. */
export function parseItems(field: string): StructuredItem[] | undefined {
  const text = field.trim();
  if (text === '' || text.length > MAX_FIELD_LENGTH) return undefined;
  const cursor = { text, at: 0 };
  const items: StructuredItem[] = [];
  for (;;) {
    const key = dictionaryKey(cursor);
    const value = bareItem(cursor);
    const params = value === undefined ? undefined : parameters(cursor);
    if (value === undefined || params === undefined) return undefined;
    items.push(key === undefined ? { value, params } : { key, value, params });
    if (cursor.at === text.length) return items;
    if (take(cursor, COMMA) === undefined) return undefined;
  }
}

interface Cursor {
  readonly text: string;
  at: number;
}

/** The match at the cursor (its first group where there is one), which moves past it. */
function take(cursor: Cursor, pattern: RegExp): string | undefined {
  pattern.lastIndex = cursor.at;
  const match = pattern.exec(cursor.text);
  if (!match) return undefined;
  cursor.at += match[0].length;
  return match[1] ?? match[0];
}

function dictionaryKey(cursor: Cursor): string | undefined {
  const start = cursor.at;
  const key = take(cursor, KEY);
  if (key !== undefined && take(cursor, EQUALS) !== undefined) return key;
  cursor.at = start;
  return undefined;
}

function bareItem(cursor: Cursor): BareItem | undefined {
  const number = take(cursor, NUMBER);
  if (number !== undefined) return Number(number);
  const boolean = take(cursor, BOOLEAN);
  if (boolean !== undefined) return boolean === '1';
  return take(cursor, STRING) ?? take(cursor, TOKEN) ?? take(cursor, BYTES);
}

function parameters(cursor: Cursor): Map<string, BareItem> | undefined {
  const params = new Map<string, BareItem>();
  while (take(cursor, SEMICOLON) !== undefined) {
    const key = take(cursor, KEY);
    if (key === undefined) return undefined;
    const value = take(cursor, EQUALS) === undefined ? true : bareItem(cursor);
    if (value === undefined) return undefined;
    params.set(key, value);
  }
  return params;
}
