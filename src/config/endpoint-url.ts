/** What wds asks of an endpoint's URL and headers, the name that a bare URL gets, and how a URL is shown without what may be secret in it. */
import { createHash } from 'node:crypto';
import { isReservedHeader } from '../domain/reserved-headers.ts';

/** Why a text cannot be an endpoint's URL; undefined: it can. */
export function urlFault(text: string): string | undefined {
  if (!URL.canParse(text)) return 'not a URL';
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return 'neither http nor https';
  // url.hash is empty for a bare trailing '#', too.
  if (text.includes('#')) return 'has a #fragment';
  if (url.username !== '' || url.password !== '') return 'has user:password@';
  return undefined;
}

/**
 * The name of an endpoint that has only a URL, e.g. `127-0-0-1-8080-3f2a9c1d`: host, port, and 8 hex digits of the SHA-256 of the normalised
 * URL, so that two URLs never share receipts. Matches ENDPOINT_NAME_PATTERN.
 */
export function endpointNameOf(href: string): string {
  const url = new URL(href);
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
  const host = url.hostname.replaceAll(/[^A-Za-z0-9]+/g, '-').replaceAll(/^-|-$/g, '');
  const hash = createHash('sha256').update(url.href).digest('hex').slice(0, 8);
  // 63 characters in all: 5 of the port, 8 of the hash, 2 hyphens.
  return `${host.slice(0, 48) || 'host'}-${port}-${hash}`;
}

/** A URL for eyes and logs: credentials and the query may hold tokens, so they are left out. A #fragment is what a fault may be about. */
export function shownUrl(text: string): string {
  if (!URL.canParse(text)) return text.replace(/\/\/[^/]*@/, '//…@').replace(/\?[^#]*/s, '?…');
  const url = new URL(text);
  const fragment = text.includes('#') ? text.slice(text.indexOf('#')) : '';
  const credentials = url.username !== '' || url.password !== '' ? '…@' : '';
  return `${url.protocol}//${credentials}${url.host}${url.pathname}${url.search === '' ? '' : '?…'}${fragment}`;
}

const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** A header name by RFC 9110 that wds, Standard Webhooks and the HTTP client leave to the operator. */
export function headerNameIsFree(name: string): boolean {
  return HEADER_NAME.test(name) && !isReservedHeader(name);
}

/** A header value by RFC 9110: printable, Latin-1 at most, no white space at its ends. */
export function headerValueIsPlain(value: string): boolean {
  return value !== '' && value === value.trim() && /^[\t\x20-\x7e\x80-\xff]*$/.test(value);
}
