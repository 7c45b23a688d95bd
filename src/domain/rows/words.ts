/** What was found in a file's rows, in words for people: the terminal, the log, the Web UI, and the message of a refusal. Pure. */
import type { InvalidReason } from '../alert.ts';
import type { FileCounts } from '../counts.ts';
import type { Findings, NoteCount, ReasonCount, RowNote } from './findings.ts';

/** 1234567 → "1,234,567"; not by locale, since workflows must say the same everywhere. */
export const grouped = (count: number): string => String(count).replace(/\B(?=(\d{3})+(?!\d))/g, ',');

/** Reasons that are told of a file, at most: the rest is in invalid.csv. */
const MOST_REASONS = 3;

const CAUSES: Readonly<Record<InvalidReason, string>> = {
  missing_user_id: 'there is no user in its column or member (--user-column names it)',
  missing_message: 'there is no message in its column or member (--message-column names it)',
  bad_user_id: 'the user is too long, half a character, or no text',
  bad_message: 'the message is no text, or has half a character in it',
  bad_csv:
    'too few or too many columns, or a quote within a field; a comma, quote or line break in a message needs quotes around it',
  bad_json: 'each row must be one whole JSON object, with no name twice',
  not_object: 'each row must be a JSON object',
  invalid_utf8:
    'not UTF-8 (or not the encoding that is set); save the file as UTF-8, or name its encoding with --encoding',
  row_too_large: 'longer than parse.maxRecordBytes',
  control_char: 'NUL characters',
  too_deep: 'JSON that is nested too deeply',
  repeated_header: 'the header comes again; it is not sent',
  bad_column: 'a member that the body template of the endpoint needs is missing, or is neither text nor a whole number',
};

/** Why the rows of that reason are invalid, and what to do about it, as far as that is known. */
function causeOf({ reason, rows }: ReasonCount, notes: readonly NoteCount[]): string {
  const all = (note: RowNote): boolean => notes.some((seen) => seen.note === note && seen.rows === rows);
  if (reason === 'invalid_utf8' && all('windows_1252')) {
    return 'not UTF-8: looks like Windows-1252; save the file as UTF-8, or read it with --encoding windows-1252 (parse.encoding)';
  }
  if (reason === 'bad_json' && all('comma_behind_object')) {
    return 'a comma follows the object; in NDJSON nothing does. Remove the commas, or make it a JSON array in a .json file';
  }
  return CAUSES[reason];
}

/** `28 invalid_utf8, the first on line 3` */
const countText = ({ reason, rows, firstLine }: ReasonCount): string =>
  `${grouped(rows)} ${reason}, the first on line ${grouped(firstLine)}`;

/** The commonest reasons of the invalid rows, one a line. Empty: none, or not known. */
export function invalidLines({ invalidReasons = [], notes = [] }: Findings): string[] {
  const told = invalidReasons.slice(0, MOST_REASONS).map((seen) => `${countText(seen)}: ${causeOf(seen, notes)}`);
  const left = invalidReasons.length - told.length;
  return left > 0 ? [...told, `and ${left} more ${left === 1 ? 'reason' : 'reasons'}`] : told;
}

/** What a person should look at though no row is invalid for it, one a line. */
export function warningLines({
  alerts,
  duplicates,
  ofEarlierFiles = 0,
  notes = [],
}: Pick<FileCounts, 'alerts' | 'duplicates' | 'ofEarlierFiles'> & Findings): string[] {
  const lines = notes.flatMap(({ note, rows, firstLine }) => {
    const users = rows === 1 ? '1 row with a user' : `${grouped(rows)} rows with users`;
    const where = rows === 1 ? `on line ${grouped(firstLine)}` : `the first on line ${grouped(firstLine)}`;
    switch (note) {
      case 'spreadsheet_user_id':
        return `${users} as a spreadsheet shows long numbers or errors (4.91512E+11, #N/A, ####), ${where}: make that column text there, and export it again`;
      case 'padded_user_id':
        return `${users} with white space at an end, ${where}: users are compared exactly, "ann" and "ann " are two`;
      default:
        return [];
    }
  });
  const ofThisFile = duplicates - ofEarlierFiles;
  if (ofThisFile < 2 || ofThisFile <= alerts + ofEarlierFiles) return lines;
  const most = `${grouped(ofThisFile)} of ${grouped(alerts + duplicates)} rows are duplicates, each of a user that has a row before: see duplicates.csv, and whether the user column is the right one`;
  return [...lines, most];
}

const percent = (share: number): string => `${Number((share * 100).toFixed(2))}%`;

/** Why the whole file is refused: rows, and no valid one. `list`: where they are listed. */
export function noValidRowText({ rows, invalidReasons = [], notes = [] }: FileCounts, list: string): string {
  const [commonest] = invalidReasons;
  const { reason = '', rows: count = 0, firstLine = 0 } = commonest ?? {};
  const why =
    commonest === undefined
      ? ''
      : `, most often for ${reason} (${grouped(count)}, the first on line ${grouped(firstLine)})`;
  const cause = commonest === undefined ? '' : `. ${reason}: ${causeOf(commonest, notes)}`;
  return `no row is valid: all ${grouped(rows)} are refused${why}; see ${list}${cause}`;
}

/** Why the whole file is refused: more invalid rows than `maxInvalid`, a share from 0 to 1. */
export function tooManyInvalidText(counts: FileCounts, maxInvalid: number, list: string): string {
  const { rows, invalid } = counts;
  const reasons = invalidLines(counts);
  const why = reasons.length === 0 ? '' : `: ${reasons.join('; ')}`;
  const share = `${percent(invalid / rows)}, more than parse.maxInvalid (${percent(maxInvalid)})`;
  const anyway = `to send the others as they are: --max-invalid ${Math.ceil((100 * invalid) / rows)}%`;
  return `${grouped(invalid)} of ${grouped(rows)} rows are invalid (${share})${why}; see ${list}; ${anyway}`;
}
