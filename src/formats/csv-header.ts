/**
 * Finds the columns by name: trimmed and without regard to case, in any order. Anything doubtful is refused, with the columns found and
 * the setting for files without a header: data is never eaten as a header, and a header is never sent as data.
 */
import type { ReadableFields } from '../domain/alert.ts';
import type { ReadCursor } from '../domain/contracts.ts';
import { FileRefusal } from '../domain/failure.ts';
import type { ParseOptions } from '../domain/parse-options.ts';
import { isOrigin, ORIGIN_COLUMN } from './alert-rules.ts';

export type CsvColumns = NonNullable<ReadCursor['columns']>;

const MAX_COLUMNS_SHOWN = 20;
const MAX_NAME_SHOWN = 40;

const plain = (name: string): string => name.trim().toLowerCase();
const shown = (name: string): string =>
  JSON.stringify(name.length > MAX_NAME_SHOWN ? `${name.slice(0, MAX_NAME_SHOWN)}…` : name);

/** Without a header column 1 is the user and column 2 the message; a third would be an unquoted comma in a message. */
export const HEADERLESS_COLUMNS: CsvColumns = { userId: 0, alertMessage: 1, origin: -1, count: 2 };

/** Positions of the columns (origin: −1 where there is none). Throws FileRefusal('csv_header'). */
export function findColumns(names: readonly string[], options: ParseOptions, line: number): CsvColumns {
  const found = names.map(plain);
  const place = (name: string, needed: boolean): number => {
    const first = found.indexOf(plain(name));
    if (first === -1 && needed) throw headerRefusal(`there is no column ${JSON.stringify(name)}`, names, options, line);
    if (first !== found.lastIndexOf(plain(name))) {
      throw headerRefusal(`there is more than one column ${JSON.stringify(name)}`, names, options, line);
    }
    return first;
  };
  const userId = place(options.userIdColumn, true);
  const alertMessage = place(options.alertMessageColumn, true);
  return { userId, alertMessage, origin: place(ORIGIN_COLUMN, false), count: names.length };
}

/**
 * Of a row that is no alert. With too many or too few columns it is not known which is which, but for a user that comes first (a message
 * may have been cut by a comma of its own); an origin is known wherever it stands.
 */
export function readable(fields: readonly string[], { userId, alertMessage, count }: CsvColumns): ReadableFields {
  const whole = fields.length === count;
  const field = (at: number, isSure: boolean): string | undefined => {
    const text = isSure ? fields[at] : undefined;
    return text?.includes('\ufffd') ? undefined : text;
  };
  return {
    userId: field(userId, whole || userId === 0),
    alertMessage: field(alertMessage, whole),
    origin: fields.map((text) => text.trim()).find(isOrigin),
  };
}

/** What was found goes into `message` only: where a file has no header, its "columns" are somebody's data. */
export function headerRefusal(
  what: string,
  names: readonly string[],
  options: ParseOptions,
  line: number,
): FileRefusal {
  const more = names.length > MAX_COLUMNS_SHOWN ? `, and ${names.length - MAX_COLUMNS_SHOWN} more` : '';
  const columns = names.slice(0, MAX_COLUMNS_SHOWN).map(shown).join(', ');
  const wanted = `${JSON.stringify(options.userIdColumn)} and ${JSON.stringify(options.alertMessageColumn)}`;
  const nextStep =
    `The first line must name the columns ${wanted}. For a file without a header set \`header: false\` (\`--no-header\`): ` +
    'column 1 is then the user, column 2 the message.';
  return new FileRefusal(
    'csv_header',
    `The header cannot be used: ${what}. Columns found: ${columns}${more}. ${nextStep}`,
    line,
    `The header cannot be used: ${what}. Columns found: ${names.length}. ${nextStep}`,
  );
}
