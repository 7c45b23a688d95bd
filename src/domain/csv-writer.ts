/** CSV that wds writes: RFC 4180, LF line ends. Pure. */

/** A spreadsheet takes a cell that starts like this for a formula (OWASP, "CSV Injection"). */
const FORMULA_START = /^[=+\-@\t\r]/;

/**
 * One record. `spreadsheet`: cells that a spreadsheet would run as a formula are prefixed with `'`; never set it for a file
 * that is meant to be dropped again, where the prefix would become data.
 */
export function csvRecord(cells: readonly (string | number)[], options: { readonly spreadsheet: boolean }): string {
  return `${cells.map((cell) => csvCell(String(cell), options.spreadsheet)).join(',')}\n`;
}

function csvCell(text: string, spreadsheet: boolean): string {
  const safe = spreadsheet && FORMULA_START.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) || safe !== safe.trim() ? `"${safe.replaceAll('"', '""')}"` : safe;
}
