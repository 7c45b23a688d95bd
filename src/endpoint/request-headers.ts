/**
 * The headers of the outgoing request. What does not change is compiled once; per request four values
 * are written into one flat array, which undici reads before `dispatch` returns. Bad configuration is refused here, not at the first send.
 */
import { validateHeaderName, validateHeaderValue } from 'node:http';
import type { Endpoint } from '../domain/endpoint.ts';
import { Fault } from '../domain/failure.ts';
import { isReservedHeader } from '../domain/reserved-headers.ts';
import { VERSION } from '../version.ts';
import { createSigner } from './signing.ts';

export interface RequestHeaders {
  /** Fills in and returns the one array; valid until the next call. */
  readonly write: (id: string, body: string, nowMs: number, token?: string) => string[];
  /** What a receiver might echo and nobody should read in a log. */
  readonly secretValues: readonly string[];
}

/** @throws {Fault} `config` for a malformed secret or header; values are never shown. */
export function compileHeaders(
  endpoint: Pick<Endpoint, 'name' | 'url' | 'headers' | 'secrets' | 'idempotencyKey' | 'contentType' | 'oauth2'>,
): RequestHeaders {
  const sign = createSigner(endpoint.secrets);
  const flat: string[] = [];
  const slot = (name: string): number => flat.push(name, '') - 1;

  const idAt = slot('webhook-id');
  const timestampAt = slot('webhook-timestamp');
  const signatureAt = sign ? slot('webhook-signature') : -1;
  const keyAt = endpoint.idempotencyKey === 'off' ? -1 : slot('idempotency-key');
  const tokenAt = endpoint.oauth2 === undefined ? -1 : slot('authorization');
  const quote = endpoint.idempotencyKey === 'quoted' ? '"' : '';
  const fixed = staticHeaders(endpoint);
  flat.push('content-type', endpoint.contentType ?? 'application/json', ...[...fixed].flat());

  let second = -1;
  let timestamp = '';
  const write = (id: string, body: string, nowMs: number, token = ''): string[] => {
    const now = Math.floor(nowMs / 1000);
    if (now !== second) {
      second = now;
      timestamp = String(now);
    }
    flat[idAt] = id;
    flat[timestampAt] = timestamp;
    if (sign) flat[signatureAt] = sign(id, timestamp, body);
    if (keyAt !== -1) flat[keyAt] = quote + id + quote;
    if (tokenAt !== -1) flat[tokenAt] = `Bearer ${token}`;
    return flat;
  };
  return { write, secretValues: secretValues(endpoint, fixed) };
}

function secretValues(endpoint: Pick<Endpoint, 'url' | 'secrets'>, fixed: ReadonlyMap<string, string>): string[] {
  const values = [...fixed].filter(([name]) => name !== 'user-agent').map(([, value]) => value);
  // `Bearer <token>`: the token is the secret.
  const tokens = values.flatMap((value) => value.split(' '));
  const keys = endpoint.secrets.map((secret) => secret.replace(/^whsec_/, ''));
  return [...endpoint.secrets, ...keys, ...values, ...tokens, ...secretParts(new URL(endpoint.url))];
}

/** A receiver that does not know the path shows it: what in it looks drawn by lot is somebody's token. */
const TOKEN_SEGMENT = /^(?=.*\d)(?=.*[a-z])[\w.~-]{16,}$/i;

function secretParts({ username, password, pathname, searchParams }: URL): string[] {
  const inPath = pathname.split('/').filter((segment) => TOKEN_SEGMENT.test(segment));
  return [username, password, plainly(username), plainly(password), ...searchParams.values(), ...inPath];
}

/** As it is where it cannot be decoded. */
function plainly(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** user-agent, authorization from the URL's credentials, and the operator's own headers, which win over both. */
function staticHeaders(endpoint: Pick<Endpoint, 'name' | 'url' | 'headers'>): Map<string, string> {
  const headers = new Map([['user-agent', `wds/${VERSION}`]]);
  const { username, password } = new URL(endpoint.url);
  if (username !== '' || password !== '') {
    const credentials = `${decoded(endpoint.name, username)}:${decoded(endpoint.name, password)}`;
    headers.set('authorization', `Basic ${Buffer.from(credentials).toString('base64')}`);
  }
  for (const [name, value] of Object.entries(endpoint.headers)) {
    const key = name.toLowerCase();
    checkHeader(endpoint.name, name, value);
    headers.set(key, value);
  }
  return headers;
}

function decoded(endpoint: string, part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new Fault(
      'config',
      `endpoint ${endpoint}: the user name or password in its URL has a % that begins no escape`,
      'Write % as %25.',
    );
  }
}

function checkHeader(endpoint: string, name: string, value: string): void {
  if (isReservedHeader(name)) {
    throw new Fault(
      'config',
      `endpoint ${endpoint}: header ${name} is set by wds itself`,
      `Remove ${name} from its headers.`,
    );
  }
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
  } catch {
    throw new Fault(
      'config',
      `endpoint ${endpoint}: header ${JSON.stringify(name)} is not one that HTTP allows (the value is not shown)`,
      'Names are letters, digits and dashes; values have no line breaks and no characters above U+00FF.',
    );
  }
}
