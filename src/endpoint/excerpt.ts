/** What an answer says as a line that a person can read, without our own secrets. */
import { TextDecoder } from 'node:util';
import { excerptOf } from '../domain/plain-text.ts';

const MAX_CHARS = 200;
/** Shorter ones would only riddle the text. */
const MIN_SECRET_CHARS = 6;

export interface ExcerptOptions {
  /** Replaced before the text is cut, so that no half of one is left; also as JSON and URLs write them. */
  readonly secrets: readonly string[];
  /** More of the body came than is given here. */
  readonly cut: boolean;
  /** `Content-Type`, for its charset. */
  readonly contentType?: string | undefined;
  readonly contentEncoding?: string | undefined;
}

/** '' where there is nothing to read: a compressed body (nobody asked for one) stays out. */
export function bodyExcerpt(body: Buffer, options: ExcerptOptions): string {
  const { secrets, cut, contentType, contentEncoding = 'identity' } = options;
  if (contentEncoding !== 'identity') return '';
  let text = decoderFor(contentType).decode(body, { stream: cut });
  const written = asWritten(secrets);
  text = without(written, text);
  if (cut) text = withoutBeginningOf(written, text);
  return excerptOf(text, MAX_CHARS);
}

/** Where a redirect points, without its query, which may hold a token. */
export function shownLocation(location: string, secrets: readonly string[]): string {
  return excerptOf(without(asWritten(secrets), location).replace(/[?#].*/s, ''), MAX_CHARS);
}

/** The longest first: a short one may be a part of it. */
function asWritten(secrets: readonly string[]): string[] {
  const written = new Set(secrets.flatMap((secret) => [secret, encodeURIComponent(secret), inJson(secret)]));
  return [...written].filter(({ length }) => length >= MIN_SECRET_CHARS).sort(byLength);
}

function without(secrets: readonly string[], text: string): string {
  let clean = text;
  for (const secret of secrets) clean = clean.replaceAll(secret, '***');
  return clean;
}

const byLength = (one: string, other: string): number => other.length - one.length;
const inJson = (text: string): string => JSON.stringify(text).slice(1, -1);

/** White space before it may have been so long that a secret at the very end of what was kept would be shown, in part. */
function withoutBeginningOf(secrets: readonly string[], text: string): string {
  let kept = text.length;
  for (const secret of secrets) {
    for (let length = Math.min(secret.length - 1, text.length); length > 0; length--) {
      if (!text.endsWith(secret.slice(0, length))) continue;
      kept = Math.min(kept, text.length - length);
      break;
    }
  }
  return text.slice(0, kept);
}

function decoderFor(contentType: string | undefined): TextDecoder {
  const charset = /charset\s*=\s*"?([^\s;"]+)/i.exec(contentType ?? '')?.[1] ?? 'utf-8';
  try {
    return new TextDecoder(charset);
  } catch {
    return new TextDecoder();
  }
}
