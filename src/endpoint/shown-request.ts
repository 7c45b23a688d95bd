/** A request as it would go out, for eyes: with all its headers, and without the secrets in them. */

import { systemClock } from '../clock.ts';
import { requestBody } from '../domain/body/template.ts';
import type { Endpoint } from '../domain/endpoint.ts';
import { webhookId } from '../domain/names.ts';
import { compileHeaders } from './request-headers.ts';

/** Whose values anybody may see. Others are the operator's, and may be tokens. */
const PLAIN = /^(webhook-(id|timestamp|signature)|idempotency-key|content-type|user-agent)$/;

export function shownRequest(
  endpoint: Endpoint,
  sha256: string,
  { line, body: row }: { readonly line: number; readonly body: string },
): string {
  const headers = compileHeaders(endpoint);
  const body = requestBody(row, endpoint.body);
  const { host, pathname, search } = new URL(endpoint.url);
  const flat = headers.write(webhookId(endpoint.name, sha256, line), body, systemClock.wallMs());
  const lines = [`host: ${host}`];
  for (let at = 0; at < flat.length; at += 2) {
    const name = flat[at]!;
    const isOwn = Object.keys(endpoint.headers).some((own) => own.toLowerCase() === name);
    lines.push(`${name}: ${PLAIN.test(name) && !isOwn ? flat[at + 1] : '(hidden)'}`);
  }
  lines.push(`content-length: ${Buffer.byteLength(body)}`);
  const hidden = headers.secretValues.filter((secret) => secret.length > 0 && pathname.includes(secret));
  const path = hidden.reduce((text, secret) => text.replaceAll(secret, '***'), pathname);
  return [`POST ${path}${search === '' ? '' : '?…'} HTTP/1.1`, ...lines, '', body].join('\n');
}
