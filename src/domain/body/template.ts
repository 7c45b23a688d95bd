/**
 * The body of an endpoint's requests, where it is not the usual one: static JSON with `{{userId}}`, `{{alertMessage}}` and `{{column "name"}}`
 * within its texts. What is put in is escaped as JSON, so whatever a file says, the body stays the JSON that was meant. Pure.
 */
import { alertBody } from '../alert.ts';

/** What stands between two pieces of static text. */
type Slot = { readonly of: 'userId' | 'alertMessage' } | { readonly of: 'column'; readonly column: string };

export interface BodyTemplate {
  /** As the template has it; one more than slots. */
  readonly texts: readonly string[];
  readonly slots: readonly Slot[];
  /** Names of the columns that it needs, each once, sorted. */
  readonly columns: readonly string[];
}

/** What a chunk holds of an alert: what is sent by default, and the columns that were carried along. */
export interface RowBody {
  readonly userId: string;
  readonly alertMessage: string;
  readonly columns?: Readonly<Record<string, string>>;
}

const SLOT = /\{\{\s*(?:(userId|alertMessage)|column\s+(?:"([^"{}\\]{1,200})"|'([^'{}\\]{1,200})'))\s*\}\}/g;
export const SLOTS_EXPECTED = '{{userId}}, {{alertMessage}} or {{column "name"}}';
const MARK = '\ue000';

/** `stated`: JSON as text, or as the values of the configuration. Answers why it will not do, as the end of a sentence, where it will not. */
export function bodyTemplate(stated: unknown): BodyTemplate | { readonly fault: string } {
  const text = unescapedSlots(typeof stated === 'string' ? stated.trim() : (JSON.stringify(stated) ?? ''));
  if (text.includes(MARK)) return { fault: 'holds a character of the private use area (U+E000)' };
  const texts: string[] = [];
  const slots: Slot[] = [];
  let from = 0;
  for (const match of text.matchAll(SLOT)) {
    const [whole, own, quoted, single] = match;
    texts.push(text.slice(from, match.index));
    from = match.index + whole.length;
    if (own !== undefined) slots.push({ of: own as 'userId' | 'alertMessage' });
    else slots.push({ of: 'column', column: (quoted ?? single ?? '').trim() });
  }
  texts.push(text.slice(from));
  // JSON itself never has two of them in a row.
  const left = texts.flatMap((one) => /\{\{[^}"]{0,40}/.exec(one)?.[0] ?? [])[0];
  const fault = left === undefined ? shapeFault(texts, slots) : `has ${left}…; expected ${SLOTS_EXPECTED}`;
  if (fault !== undefined) return { fault };
  const columns = [...new Set(slots.flatMap((slot) => (slot.of === 'column' ? [slot.column] : [])))].sort();
  return { texts, slots, columns };
}

/** Within a JSON text the quotes of a column's name are escaped. */
const unescapedSlots = (json: string): string =>
  json.replaceAll(/\{\{\s*column\s+\\"((?:(?!\\")[^{}])*)\\"\s*\}\}/g, (_, name: string) => `{{column "${name}"}}`);

/** Why what is made of it would not be JSON with texts in those places. */
function shapeFault(texts: readonly string[], slots: readonly Slot[]): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(texts.join(MARK));
  } catch {
    try {
      JSON.parse(texts.join('0'));
    } catch {
      return 'is not JSON';
    }
    return 'has a placeholder outside of a text; expected quotes around it: "{{userId}}"';
  }
  if (typeof value !== 'object' || value === null) return 'is no JSON object and no array';
  if (hasMarkInName(value)) return 'has a placeholder in the name of a member; expected them in values';
  return slots.length === 0 ? `is the same for everybody; expected ${SLOTS_EXPECTED} in it` : undefined;
}

function hasMarkInName(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(
    ([name, inner]) => (name.includes(MARK) && !Array.isArray(value)) || hasMarkInName(inner),
  );
}

/** As a chunk holds an alert. `columns`: values of `names`, in their order. Without them it is what is sent by default, byte for byte. */
export function rowBody(
  userId: string,
  alertMessage: string,
  names: readonly string[],
  columns: readonly string[],
): string {
  const body = alertBody(userId, alertMessage);
  if (names.length === 0) return body;
  const carried = JSON.stringify(Object.fromEntries(names.map((name, at) => [name, columns[at] ?? ''])));
  return `${body.slice(0, -1)},"columns":${carried}}`;
}

/** What is known of an alert by its row in a chunk. */
export const readRowBody = (body: string): RowBody => JSON.parse(body) as RowBody;

/** Only what carries columns ends so: the usual body ends with a text. */
const hasColumns = (body: string): boolean => body.endsWith('}}');

/** A column that a template needs was not carried along when the file was read. */
export class ColumnNotCarried extends Error {
  readonly column: string;

  constructor(column: string) {
    super(`the rows have no column ${JSON.stringify(column)}`);
    this.name = 'ColumnNotCarried';
    this.column = column;
  }
}

/** The body of the request for a row of a chunk. Throws ColumnNotCarried. */
export function requestBody(row: string, template: BodyTemplate | undefined): string {
  if (template === undefined) {
    if (!hasColumns(row)) return row;
    const { userId, alertMessage } = readRowBody(row);
    return alertBody(userId, alertMessage);
  }
  const alert = readRowBody(row);
  let body = template.texts[0] ?? '';
  template.slots.forEach((slot, at) => {
    body += escaped(slot.of === 'column' ? columnOf(alert, slot.column) : alert[slot.of]) + template.texts[at + 1];
  });
  return body;
}

function columnOf({ columns = {} }: RowBody, name: string): string {
  const value = Object.hasOwn(columns, name) ? columns[name] : undefined;
  if (value === undefined) throw new ColumnNotCarried(name);
  return value;
}

const escaped = (text: string): string => JSON.stringify(text).slice(1, -1);
