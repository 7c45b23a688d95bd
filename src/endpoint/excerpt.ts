/** The start of an answer as a line that a person can read, without our own secrets. */
import { excerptOf } from '../domain/plain-text.ts';

const MAX_CHARS = 200;

/** `secrets` are replaced before the text is cut, so that no half of one is left. Short ones would only riddle the text. */
export function bodyExcerpt(body: Buffer, secrets: readonly string[]): string {
  let text = body.toString('utf8');
  for (const secret of secrets) if (secret.length >= 6) text = text.replaceAll(secret, '***');
  return excerptOf(text, MAX_CHARS);
}
