/** One file to two endpoints: each alert once to each, in the form that each wants. */

import { readdir, readFile, writeFile } from 'node:fs/promises';
import type { IncomingMessage, Server } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect } from 'vitest';
import { test } from './support/e2e-test.ts';
import { until } from './support/waiting.ts';

interface Receiver {
  readonly url: string;
  readonly bodies: string[];
  readonly types: (string | undefined)[];
  readonly server: Server;
}

async function receive(statusOf: (body: string) => number): Promise<Receiver> {
  const bodies: string[] = [];
  const types: (string | undefined)[] = [];
  const server = createServer((request: IncomingMessage, response) => {
    void text(request).then((body) => {
      bodies.push(body);
      types.push(request.headers['content-type']);
      response.writeHead(statusOf(body)).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, bodies, types, server };
}

test('a file is delivered to both endpoints of its inbox, and what one of them has refused is mended for that one', async ({
  site,
}) => {
  const [crm, sms] = [await receive(() => 200), await receive((body) => (body.includes('Dear Bo \\"') ? 422 : 200))];
  const endpoints = {
    crm: { url: crm.url, rate: 'unlimited' },
    sms: {
      url: sms.url,
      rate: 'unlimited',
      contentType: 'application/vnd.sms+json',
      body: { to: '{{userId}}', text: 'Dear {{column "Name"}}: {{alertMessage}}' },
    },
  };
  const config = { endpoints, inboxes: { inbox: ['crm', 'sms'] }, intake: { results: true } };
  await writeFile(join(site.folder, 'wds.config.yaml'), JSON.stringify(config));
  await site.worker();
  await site.watcher();
  await site.drop('a.csv', 'userId,alertMessage,name\nu1,hi,Ann\nu2,ho,"Bo ""B"""\n');
  const result = JSON.parse(
    await until('both have ended', () =>
      readFile(join(site.inbox, 'results', 'a.csv.json'), 'utf8').catch(() => undefined),
    ),
  ) as { readonly state: string; readonly endpoints: readonly { readonly endpoint: string; readonly state: string }[] };
  expect(result.state).toBe('failed');
  expect(result.endpoints.map(({ endpoint, state }) => `${endpoint} ${state}`)).toEqual([
    'crm completed',
    'sms failed',
  ]);
  expect(crm.bodies.sort()).toEqual(['{"userId":"u1","alertMessage":"hi"}', '{"userId":"u2","alertMessage":"ho"}']);
  expect(sms.bodies.sort()).toEqual(['{"to":"u1","text":"Dear Ann: hi"}', '{"to":"u2","text":"Dear Bo \\"B\\": ho"}']);
  expect(new Set(sms.types)).toEqual(new Set(['application/vnd.sms+json']));
  expect(await readdir(join(site.inbox, 'processed'))).toHaveLength(1);

  const [folder] = (await readdir(join(site.home, 'reports'))).filter((name) => name.endsWith('-sms'));
  const failed = await readFile(join(site.home, 'reports', folder!, 'failed.csv'), 'utf8');
  expect(failed.split('\n')[0]).toBe('userId,alertMessage,Name,wdsOrigin,outcome,reason');
  const mended = await site.write('mended.csv', failed.replace('Bo ""B""', 'Bo'));
  const { code, stderr } = await site.wds('send', mended, '--endpoint', 'sms');
  expect([code, stderr]).toEqual([0, expect.any(String)]);
  expect(sms.bodies.slice(2)).toEqual(['{"to":"u2","text":"Dear Bo: ho"}']);

  const without = await site.write('without.csv', 'userId,alertMessage\nu1,hi\n');
  const refused = await site.wds('send', without, '--endpoint', 'sms');
  expect(refused.code).toBe(65);
  expect(refused.stderr).toContain('there is no column "Name", which the body template of the endpoint needs');
  expect([crm.bodies.length, sms.bodies.length]).toEqual([2, 3]);
  for (const { server } of [crm, sms]) server.close();
});
