/** A line that a person can read about an answer or an error, fit for a terminal and a log: printable, short, without our own secrets. */

const EXCERPT_MAX_CHARS = 200;

/** Controls, format characters (bidirectional overrides, zero-width), lone surrogates, private use, line and paragraph separators. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\u2028\u2029]+/gu;

export function printable(text: string): string {
  const clean = text.replace(UNPRINTABLE, ' ').replace(/\s+/g, ' ').trim();
  if (clean.length <= EXCERPT_MAX_CHARS) return clean;
  // A cut surrogate pair would be unprintable again.
  return `${clean.slice(0, EXCERPT_MAX_CHARS - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}

/** `secrets` are replaced before the text is cut, so that no half of one is left. Short ones would only riddle the text. */
export function excerptOf(body: Buffer, secrets: readonly string[]): string {
  let text = body.toString('utf8');
  for (const secret of secrets) if (secret.length >= 6) text = text.replaceAll(secret, '***');
  return printable(text);
}

/** Code and message of an error: socket errors of several addresses have only a code, TLS errors say most in their message. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return printable(String(error));
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (code === '' || error.message.includes(code)) return printable(error.message || error.name);
  return printable(error.message === '' ? code : `${code}: ${error.message}`);
}
