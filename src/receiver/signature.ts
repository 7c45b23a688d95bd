/**
 * Verification of Standard Webhooks 1.0 signatures (https://www.standardwebhooks.com), written apart from wds's own signing so that
 * the receiver can judge it: `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`, any of a space-separated list.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';

/** The specification leaves the tolerance to the receiver; its own libraries take five minutes. */
const TOLERANCE_SECONDS = 300;

export interface SignedRequest {
  readonly webhookId: string;
  readonly timestamp: string;
  readonly signature: string;
  readonly body: Uint8Array;
}

export function signatureIsValid(key: Uint8Array, request: SignedRequest, nowMs: number): boolean {
  if (request.webhookId === '' || !/^[0-9]{1,12}$/.test(request.timestamp)) return false;
  if (Math.abs(nowMs / 1000 - Number(request.timestamp)) > TOLERANCE_SECONDS) return false;
  const signed = createHmac('sha256', key).update(`${request.webhookId}.${request.timestamp}.`).update(request.body);
  const expected = signed.digest();
  return request.signature.split(' ').some((entry) => {
    if (!entry.startsWith('v1,')) return false;
    const given = Buffer.from(entry.slice(3), 'base64');
    return given.length === expected.length && timingSafeEqual(given, expected);
  });
}
