/** Posts a notification: a Standard Webhook of our own (https://www.standardwebhooks.com), signed where there is a secret. */
import { request } from 'undici';
import type { Notification } from '../domain/notices/notifier-contracts.ts';
import { excerptOf } from '../domain/plain-text.ts';
import { createSigner } from '../endpoint/signing.ts';
import { reasonOf } from '../thrown.ts';
import { VERSION } from '../version.ts';

const MOST_SHOWN = 200;
const MOST_READ_BYTES = 4_096;

export interface PostOptions {
  readonly url: string;
  /** Asked for each notification. Newest first; empty: unsigned. */
  readonly secrets: () => readonly string[];
  /** In all, from the connection to the end of the answer. */
  readonly timeoutMs: number;
}

/** Resolves with the answer in a few words; rejects where it is none of 2xx, or there is none. Redirects are not followed. */
export function createPost({ url, secrets, timeoutMs }: PostOptions): (notification: Notification) => Promise<string> {
  return async ({ id, body }) => {
    const sign = createSigner(secrets());
    const text = JSON.stringify(body);
    const timestamp = String(Math.floor(Date.now() / 1_000));
    const headers = {
      'content-type': 'application/json',
      'user-agent': `wds/${VERSION}`,
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      ...(sign === undefined ? {} : { 'webhook-signature': sign(id, timestamp, text) }),
    };
    const answer = await answerOf(url, headers, text, timeoutMs);
    if (!/^HTTP 2/.test(answer)) throw new Error(answer);
    return answer;
  };
}

async function answerOf(
  url: string,
  headers: Readonly<Record<string, string>>,
  text: string,
  timeoutMs: number,
): Promise<string> {
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const { statusCode, body } = await request(url, { method: 'POST', headers, body: text, signal });
    let start = '';
    for await (const piece of body as AsyncIterable<Buffer>) {
      start += piece.toString('utf8');
      // The rest is nobody's to read.
      if (start.length >= MOST_READ_BYTES) break;
    }
    const said = excerptOf(start, MOST_SHOWN);
    return `HTTP ${statusCode}${said === '' ? '' : `: ${said}`}`;
  } catch (error) {
    throw new Error(signal.aborted ? `no answer within ${timeoutMs / 1_000} s` : reasonOf(error));
  }
}
