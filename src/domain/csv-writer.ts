/** CSV that wds writes: RFC 4180, LF line ends. Pure. */

/** With it spreadsheets take a file for UTF-8; without, for whatever their country used before. */
export const BYTE_ORDER_MARK = '\ufeff';

/** What a spreadsheet takes for the start of a formula, at the start of a cell (OWASP, "CSV Injection"). */
const FORMULA_START = /^[=+\-@\uff1d\uff0b\uff0d\uff20\t\r\n]/;
/** The same behind what cuts a cell in two where columns are separated by `;` or TAB: quotes in mid-line mean nothing there. */
const FORMULA_START_WITHIN = /([;\t\r\n][\s"']*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])/g;
const HALF_CHARACTER = /\p{Cs}/gu;
/** Nothing in it is special anywhere: most cells. */
const PLAIN = /^[A-Za-z0-9_][A-Za-z0-9_.:-]*$/;

/**
 * One record. `spreadsheet`: for people: what a spreadsheet would run as a formula gets a `'` before it, and half a surrogate pair, which no
 * text file can hold, is shown as `\ud83d`. Otherwise for a file that is meant to be dropped again, where either would become data: cells
 * are exact, and one with such a half in it is left empty.
 */
export function csvRecord(cells: readonly (string | number)[], options: { readonly spreadsheet: boolean }): string {
  return `${cells.map((cell) => csvCell(String(cell), options.spreadsheet)).join(',')}\n`;
}

function csvCell(text: string, spreadsheet: boolean): string {
  if (text === '' || PLAIN.test(text)) return text;
  const safe = spreadsheet ? readable(text) : text.replace(/^.*\p{Cs}.*$/su, '');
  return /[",\r\n]/.test(safe) || safe !== safe.trim() ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function readable(text: string): string {
  const whole = text.replace(HALF_CHARACTER, (half) => `\\u${half.charCodeAt(0).toString(16)}`);
  const defused = whole.replace(FORMULA_START_WITHIN, "$1'");
  return FORMULA_START.test(defused) ? `'${defused}` : defused;
}
