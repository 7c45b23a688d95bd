/** Every wait has a cap, whatever a receiver says or does not say. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { alerts, asCsv } from '../support/alert-files.ts';
import { test } from '../support/e2e-test.ts';
import { listen, ScriptedReceiver } from '../support/scripted-receiver.ts';
import { AUTHORITY_FILE, listenSlowly } from '../support/slow-tls-receiver.ts';
import { until } from '../support/waiting.ts';

const DAY_SECONDS = 86_400;
/** Each ends an attempt, which leaves a journal; closed ones are folded together from time to time. */
const REFUSALS = 15;
const MOST_NAMES = 60;
const HINTS: readonly (readonly [what: string, status: number, headers: Readonly<Record<string, string>>])[] = [
  ['RateLimit with nothing left for a day', 200, { ratelimit: `"default";r=0;t=${DAY_SECONDS}` }],
  ['X-RateLimit-Reset in a year', 200, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': `${365 * DAY_SECONDS}` }],
  ['429 and RateLimit with nothing left for decades', 429, { ratelimit: '"default";r=0;t=999999999' }],
  ['429 and Retry-After of a day', 429, { 'retry-after': `${DAY_SECONDS}` }],
];

describe.concurrent('a hint of the receiver is believed for no longer than endpoint.maxRetryAfterSeconds', () => {
  for (const [what, status, headers] of HINTS) {
    test(what, async ({ site, onTestFinished }) => {
      const { receiver, url, close } = await listen();
      onTestFinished(close);
      receiver.script = ({ all }) => (all === 20 ? { status, headers } : { status: 200 });
      await site.configure(url, { rate: 200, maxRetryAfterSeconds: 2 });
      await site.worker();
      const input = alerts(300);
      const sent = await site.send(await site.write('alerts.csv', asCsv(input)), '--deadline', '30');
      expect(sent).toMatchObject({ code: 0, result: { delivered: 300 } });
      expect([...receiver.accepted().values()].every((times) => times === 1)).toBe(true);
    });
  }
});

describe.concurrent('an endpoint that refuses everything with 429 and no pause', () => {
  test('leaves few journals behind, and gets its file once it takes alerts', async ({ site, onTestFinished }) => {
    const { receiver, url, close } = await listen();
    onTestFinished(close);
    receiver.script = () => ({ status: 429, headers: { 'retry-after': '0' } });
    await site.configure(url, { rate: 'auto' });
    await site.worker();
    const input = alerts(500);
    const path = await site.write('alerts.csv', asCsv(input));
    const sending = site.send(path);
    await until('it was refused a number of times', () => receiver.arrivals.length >= REFUSALS);
    receiver.script = () => ({ status: 200 });
    const { code, result } = await sending;
    expect({ code, delivered: result.delivered }).toEqual({ code: 0, delivered: 500 });
    const ledger = join(site.home, 'store', result.sha256, 'crm');
    const names = await readdir(ledger, { recursive: true });
    expect(names.length).toBeLessThan(MOST_NAMES);
  });
});

describe.concurrent('a TLS handshake that takes 3.5 s', () => {
  for (const ambiguous of ['hold', 'resend']) {
    test(`keeps nobody from being alerted once (${ambiguous})`, async ({ site, onTestFinished }) => {
      const receiver = new ScriptedReceiver();
      const { url, close } = await listenSlowly(receiver, 3_500);
      onTestFinished(close);
      await site.configure(url, { rate: 500, ambiguous });
      site.setEnv({ NODE_EXTRA_CA_CERTS: AUTHORITY_FILE });
      await site.worker();
      const sent = await site.send(await site.write('alerts.csv', asCsv(alerts(2))), '--deadline', '40');
      expect(sent).toMatchObject({ code: 0, result: { delivered: 2 } });
      expect([...receiver.accepted().values()]).toEqual([1, 1]);
    });
  }
});
