/** What goes over the wire, as somebody else's server sees it: bytes, headers, signatures. */
import { createHmac, randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders, Server } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect } from 'vitest';
import { alerts, asCsv } from './support/alert-files.ts';
import { test } from './support/e2e-test.ts';
import { EACH_ONCE } from './support/test-receiver.ts';

const newSecret = (): string => `whsec_${randomBytes(32).toString('base64')}`;

interface Captured {
  readonly method: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

async function startCapture(): Promise<{ url: string; captured: Captured[]; server: Server }> {
  const captured: Captured[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    });
    request.on('end', () => {
      captured.push({ method: request.method, headers: request.headers, body });
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, captured, server };
}

describe.concurrent('a request', () => {
  test('is exactly the two fields as JSON, with the headers of Standard Webhooks', async ({ site }) => {
    const { url, captured, server } = await startCapture();
    await site.configure(url);
    const secret = newSecret();
    site.setEnv({ WDS_SECRET: secret });
    await site.worker();
    const input = [
      { userId: 'quote " and, comma', alertMessage: 'line\nbreak' },
      { userId: '🚀 =1+2', alertMessage: '+1 for \u2028 ünïcödé 👩‍👩‍👧' },
      { userId: '007', alertMessage: '{"userId":"not me"}' },
    ];
    const sent = await site.send(await site.write('odd.csv', asCsv(input)));
    server.close();
    expect(sent.code).toBe(0);
    captured.sort((a, b) => String(a.headers['webhook-id']).localeCompare(String(b.headers['webhook-id'])));
    // A record is named by the line on which it starts; the first one holds a line break.
    for (const [at, line] of [2, 4, 5].entries()) {
      const { method, headers, body } = captured[at]!;
      expect(method).toBe('POST');
      expect(body).toBe(
        `{"userId":${JSON.stringify(input[at]!.userId)},"alertMessage":${JSON.stringify(input[at]!.alertMessage)}}`,
      );
      const id = `crm_${sent.result.sha256.slice(0, 32)}_${line}`;
      expect(headers).toMatchObject({
        'content-type': 'application/json',
        'webhook-id': id,
        'idempotency-key': `"${id}"`,
      });
      expect(headers['user-agent']).toMatch(/^wds\/\d/);
      const signed = `${id}.${headers['webhook-timestamp']}.${body}`;
      const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
      expect(headers['webhook-signature']).toBe(`v1,${createHmac('sha256', key).update(signed).digest('base64')}`);
    }
    expect(captured).toHaveLength(input.length);
  });
});

describe.concurrent('a receiver that verifies signatures', () => {
  const input = alerts(300);

  test('accepts every alert that is signed with its secret', async ({ site }) => {
    const secret = newSecret();
    site.setEnv({ WDS_RECEIVER_SECRET: secret, WDS_SECRET: secret });
    await site.receive();
    await site.worker();
    expect(await site.send(await site.write('alerts.csv', asCsv(input)))).toMatchObject({ code: 0 });
    expect(await site.receiver.verdict(input)).toEqual(EACH_ONCE);
    expect(await site.receiver.stats()).toMatchObject({ verified: 300, refused: 0 });
  });

  test('accepts nothing signed with another secret; with the right one the file goes on', async ({ site }) => {
    const secret = newSecret();
    site.setEnv({ WDS_RECEIVER_SECRET: secret, WDS_SECRET: newSecret() });
    await site.receive();
    const misconfigured = await site.worker();
    const path = await site.write('alerts.csv', asCsv(input));
    const following = site.send(path);
    await site.receiver.reaches(20);
    expect((await site.send(path, '--deadline', '2')).code).toBe(75);
    const { accepted, refused } = await site.receiver.stats();
    expect(accepted).toBe(0);
    expect(refused).toBeLessThanOrEqual(30);
    misconfigured.kill('SIGTERM');
    await misconfigured.end();
    site.setEnv({ WDS_SECRET: secret });
    await site.worker();
    expect(await following).toMatchObject({ code: 0, result: { delivered: 300 } });
    expect(await site.receiver.verdict(input)).toEqual(EACH_ONCE);
  });
});
