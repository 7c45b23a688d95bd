/** Text of foreign origin, fit for a terminal and a log: on one line, with nothing in it that moves other text or cannot be seen. Pure. */

/**
 * Controls, format characters (bidirectional overrides, zero-width spaces), lone surrogates, private use, line and paragraph separators. Not
 * the two joiners U+200C and U+200D: Persian words and many emojis have them.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\p{Co}\u2028\u2029]|(?![\u200c\u200d])\p{Cf}/gu;

/** Loses nothing: what is unprintable becomes `\uXXXX`. */
export const plainText = (text: string): string =>
  text.replace(UNPRINTABLE, (character) => {
    const hex = character.codePointAt(0)!.toString(16).padStart(4, '0');
    return hex.length > 4 ? `\\u{${hex}}` : `\\u${hex}`;
  });

const HTML_ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** As text in HTML, between tags or in an attribute. */
export const htmlText = (text: string): string => text.replace(/[&<>"']/g, (character) => HTML_ESCAPES[character]!);

/** One short line: what is unprintable becomes a space, and what is too long is cut. */
export function excerptOf(text: string, maxChars: number): string {
  const clean = text.replace(UNPRINTABLE, ' ').replace(/\s+/g, ' ').trim();
  return clipped(clean, maxChars - 1);
}

/** Cut after so many characters, where more than one would follow. A surrogate pair is not cut in two. */
export const clipped = (text: string, maxChars: number): string =>
  text.length <= maxChars + 1 ? text : `${text.slice(0, maxChars).replace(/[\ud800-\udbff]$/, '')}…`;
