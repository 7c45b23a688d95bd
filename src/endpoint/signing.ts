/**
 * Signatures of Standard Webhooks 1.0 (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md):
 * `v1,` + base64(HMAC-SHA256 over `id.timestamp.body`), one for each secret, newest first, separated by spaces.
 */

import type { KeyObject } from 'node:crypto';
import { createHmac, createSecretKey } from 'node:crypto';
import { Fault } from '../domain/failure.ts';

const PREFIX = 'whsec_';
const MIN_SECRET_BYTES = 24;
const MAX_SECRET_BYTES = 64;
const NEXT_STEP =
  "Make one with: node -p \"'whsec_' + require('node:crypto').randomBytes(32).toString('base64')\" and give it to the receiver too.";

/** The value of `webhook-signature`. `timestamp` is Unix seconds, exactly as in `webhook-timestamp`; `body` exactly as sent. */
export type Sign = (id: string, timestamp: string, body: string) => string;

/**
 * Compiles `whsec_…` secrets, newest first; undefined when there are none.
 * @throws {Fault} `config` for a malformed secret, named by its position and never shown.
 */
export function createSigner(secrets: readonly string[]): Sign | undefined {
  if (secrets.length === 0) return undefined;
  const keys = secrets.map((secret, index) =>
    decodeSecret(secret, secrets.length > 1 ? `secret ${index + 1}` : 'the secret'),
  );
  const [onlyKey] = keys;
  if (keys.length === 1 && onlyKey) return (id, timestamp, body) => signature(onlyKey, id, timestamp, body);
  return (id, timestamp, body) => keys.map((key) => signature(key, id, timestamp, body)).join(' ');
}

function signature(key: KeyObject, id: string, timestamp: string, body: string): string {
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
}

function decodeSecret(secret: string, name: string): KeyObject {
  if (!secret.startsWith(PREFIX)) throw new Fault('config', `${name}: does not begin with ${PREFIX}`, NEXT_STEP);
  const encoded = secret.slice(PREFIX.length);
  const bytes = Buffer.from(encoded, 'base64');
  // Node skips what is not base64; only a secret that comes back the same was written as it is read.
  if (bytes.toString('base64').replace(/=+$/, '') !== encoded.replace(/=+$/, '')) {
    throw new Fault('config', `${name}: what follows ${PREFIX} is not base64`, NEXT_STEP);
  }
  if (bytes.length < MIN_SECRET_BYTES || bytes.length > MAX_SECRET_BYTES) {
    throw new Fault(
      'config',
      `${name}: ${bytes.length} bytes long, but must be of ${MIN_SECRET_BYTES} to ${MAX_SECRET_BYTES} bytes`,
      NEXT_STEP,
    );
  }
  return createSecretKey(bytes);
}
