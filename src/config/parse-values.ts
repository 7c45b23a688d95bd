/** How the values of some `parse` settings are written, and what they mean. Each answers undefined for what it is not. */

const SEPARATOR_NAMES: ReadonlyMap<string, string> = new Map([
  ['comma', ','],
  ['semicolon', ';'],
  ['tab', '\t'],
  ['\\t', '\t'],
  ['pipe', '|'],
]);

/** `semicolon`, `;` → `;`. One printable ASCII character, or a tab, that is part of no name or number. */
export function separatorOf(text: string): string | undefined {
  const named = SEPARATOR_NAMES.get(text.toLowerCase());
  if (named !== undefined) return named;
  return /^[\t!#$%&'*+,./:;<=>?@^_`|~-]$/.test(text) ? text : undefined;
}

/** Not text byte by byte, or one whose lines cannot be cut apart. */
const UNREADABLE: ReadonlySet<string> = new Set(['replacement', 'x-user-defined', 'iso-2022-jp', 'utf-7']);

/** `latin1` → `windows-1252`, by the Encoding Standard. */
export function encodingOf(label: string): string | undefined {
  try {
    const { encoding } = new TextDecoder(label.trim());
    return UNREADABLE.has(encoding) ? undefined : encoding;
  } catch {
    return undefined;
  }
}

/** `20%` → 0.2. */
export function percentOf(text: string): number | undefined {
  const [, number] = /^(\d+(?:\.\d+)?) ?%$/.exec(text.trim()) ?? [];
  const percent = number === undefined ? Number.NaN : Number(number);
  return percent <= 100 ? percent / 100 : undefined;
}
