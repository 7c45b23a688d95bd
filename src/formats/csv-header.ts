/**
 * Finds the columns by name: without regard to case, outer white space and invisible characters, in any order. Anything doubtful is refused,
 * with the columns found: data is never eaten as a header, and a header is never sent as data.
 */
import type { ReadCursor } from '../domain/contracts.ts';
import { FileRefusal } from '../domain/failure.ts';
import type { ParseOptions } from '../domain/parse-options.ts';
import { clipped, plainText } from '../domain/plain-text.ts';
import { ORIGIN_COLUMN } from './alert-rules.ts';
import { nextStepFor, separatorName } from './csv-advice.ts';
import { visible } from './text.ts';

export type CsvColumns = NonNullable<ReadCursor['columns']>;
type Names = Pick<ParseOptions, 'userIdColumn' | 'alertMessageColumn'>;

const MAX_COLUMNS_SHOWN = 20;
const MAX_NAME_SHOWN = 40;

export const plainName = (name: string): string => visible(name).toLowerCase();

/** What cannot be seen is shown by its code. */
const shown = (name: string): string =>
  JSON.stringify(clipped(name, MAX_NAME_SHOWN)).replace(/[^\P{White_Space} ]|[\u200c\u200d]/gu, escaped);
const escaped = (character: string): string => `\\u${character.codePointAt(0)!.toString(16).padStart(4, '0')}`;

/** Without a header column 1 is the user and column 2 the message; a third would be an unquoted comma in a message. */
export const HEADERLESS_COLUMNS: CsvColumns = { userId: 0, alertMessage: 1, origin: -1, count: 2 };

/** The names are those of a header that can be used. */
export function isHeader(fields: readonly string[], { userIdColumn, alertMessageColumn }: Names): boolean {
  const found = fields.map(plainName);
  return found.includes(plainName(userIdColumn)) && found.includes(plainName(alertMessageColumn));
}

/** The first line of a report that is mended and dropped: nobody else names a column so. */
export const isReportHeader = (fields: readonly string[], names: Names): boolean =>
  isHeader(fields, names) && fields.map(plainName).includes(plainName(ORIGIN_COLUMN));

const OF_TEMPLATE = ', which the body template of the endpoint needs';

/** What separates them, and how their line ends, is for the caller to add. Throws FileRefusal('csv_header'). */
export function findColumns(names: readonly string[], options: ParseOptions, found: FoundHeader): CsvColumns {
  const plain = names.map(plainName);
  const place = (name: string, needed: boolean, why = ''): number => {
    const first = plain.indexOf(plainName(name));
    if (first === -1 && needed)
      throw headerRefusal(`there is no column ${JSON.stringify(name)}${why}`, names, options, found);
    if (first !== plain.lastIndexOf(plainName(name))) {
      throw headerRefusal(`there is more than one column ${JSON.stringify(name)}${why}`, names, options, found);
    }
    return first;
  };
  const userId = place(options.userIdColumn, true);
  const alertMessage = place(options.alertMessageColumn, true);
  const origin = place(ORIGIN_COLUMN, false);
  // Columns without a name at the end hold nothing, as a rule; what they hold makes a row invalid.
  const named = options.rules === undefined ? plain.length : 1 + plain.findLastIndex((name) => name !== '');
  const { columns = [] } = options;
  const more = columns.length === 0 ? {} : { more: columns.map((name) => place(name, true, OF_TEMPLATE)) };
  return { userId, alertMessage, origin, count: named, ...more };
}

export interface FoundHeader {
  readonly line: number;
  /** By which the names were told apart. */
  readonly separator: string;
}

/** What was found goes into `message` only: where a file has no header, its "columns" are somebody's data. */
export function headerRefusal(
  what: string,
  names: readonly string[],
  options: ParseOptions,
  { line, separator }: FoundHeader,
): FileRefusal {
  const more = names.length > MAX_COLUMNS_SHOWN ? `, and ${names.length - MAX_COLUMNS_SHOWN} more` : '';
  const columns = names
    .slice(0, MAX_COLUMNS_SHOWN)
    .map((name) => plainText(shown(name)))
    .join(', ');
  const by = separator === ',' ? '' : `, separated by ${separatorName(separator)}`;
  const refused = `The header cannot be used: ${what}`;
  const { full, general } = nextStepFor(names, separator, options);
  return new FileRefusal(
    'csv_header',
    `${refused}. Columns found${by}: ${columns}${more}. ${full}`,
    line,
    `${refused}. Columns found${by}: ${names.length}. ${general}`,
  );
}
