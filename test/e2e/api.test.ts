/** The HTTP API as a process of its own, asked by the client that the package ships: what it acknowledged is delivered once, killed or not. */
import { readdir, readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'vitest';
import type * as clientModule from '../../src/client/client.ts';
import type { Receipt, WdsClient } from '../../src/client/client.ts';
import { alerts, asCsv } from './support/alert-files.ts';
import { test } from './support/e2e-test.ts';
import type { Site } from './support/site.ts';
import { EACH_ONCE } from './support/test-receiver.ts';
import { until } from './support/waiting.ts';
import type { WdsProcess } from './support/wds-process.ts';

const ROOT = join(import.meta.dirname, '../..');

/** As a program that has installed the package would get it. */
async function loadClient(): Promise<typeof clientModule> {
  const { exports } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as {
    exports: { './client': { default: string; types: string } };
  };
  expect(await readFile(join(ROOT, exports['./client'].types), 'utf8')).toContain('class WdsClient');
  return import(pathToFileURL(join(ROOT, exports['./client'].default)).href);
}

async function startApi(site: Site): Promise<{ api: WdsProcess; url: string; client: WdsClient }> {
  const { WdsClient } = await loadClient();
  const api = site.start('api', '--api-port', '0');
  await api.says(/^API /m);
  const url = /^API +(http:\S+)/m.exec(api.stderr)?.[1] ?? '';
  return { api, url, client: new WdsClient({ url, retries: 20 }) };
}

test('what is uploaded and posted is delivered once, and can be asked for', async ({ site }) => {
  await site.receive();
  await site.worker();
  const { api, client, url } = await startApi(site);
  const file = alerts(500, 'file');
  const single = alerts(200, 'single');
  const uploaded = await client.upload('customers.csv', asCsv(file));
  const posted = await Promise.all(single.map((alert) => client.post(alert)));
  const twice = await client.post([single[0]!, single[0]!]);
  expect(twice.files).toHaveLength(2);

  expect(await client.ended(uploaded.id, { everyMs: 200 })).toMatchObject({ state: 'completed', delivered: 500 });
  const names = new Set([...posted, twice].flatMap(({ files }) => files));
  for (const name of names) expect(await client.ended(name, { everyMs: 200 })).toMatchObject({ state: 'completed' });
  const verdict = await site.receiver.verdict([...file, ...single]);
  // Each post is an alert of its own, though their texts are equal.
  expect(verdict).toEqual({ ...EACH_ONCE, repeated: [single[0]!.userId, single[0]!.userId] });

  const receipts: Receipt[] = [];
  for await (const receipt of client.receipts('customers.csv')) receipts.push(receipt);
  expect(receipts.map(({ userId }) => userId)).toEqual(file.map(({ userId }) => userId));
  expect(await client.retry({ file: uploaded.id })).toMatchObject([{ outcome: 'already_delivered' }]);
  expect(await client.order('crm', { order: 'pause' })).toMatchObject({ governor: { paused: true } });
  expect(await client.endpoints()).toMatchObject([{ name: 'crm', governor: { paused: true } }]);
  expect(await (await fetch(`${url}/readyz`)).json()).toMatchObject({ ready: true });
  api.kill('SIGTERM');
  expect(await api.end()).toMatchObject({ code: 0 });
});

test('killed after the acknowledgement and before the delivery: delivered; killed in mid-upload: nothing is left', async ({
  site,
}) => {
  await site.receive();
  await site.configure(site.receiver.url, {}, { api: { gatherSeconds: 60 } });
  const { api, client, url } = await startApi(site);
  const single = alerts(50, 'single');
  const keys = single.map(({ userId }) => `key-${userId}`);
  await Promise.all(single.map((alert, at) => client.post(alert, { idempotencyKey: keys[at]! })));
  const file = alerts(50, 'file');
  await client.upload('whole.csv', asCsv(file));
  const broken = request(`${url}/upload?name=broken.csv`, { method: 'POST', headers: { 'content-type': 'text/csv' } });
  broken.on('error', () => undefined);
  broken.write(asCsv(alerts(5_000, 'broken')));
  const entrances = join(site.inbox, '.wds/entrances');
  const uploads = async (): Promise<string[]> =>
    (await readdir(entrances, { recursive: true })).filter((name) => name.includes('upload-'));
  await until('the upload has begun', async () => (await uploads()).length === 1);
  expect((await site.receiver.requests()).length).toBe(0);
  api.kill('SIGKILL');
  await api.ended;

  const again = await startApi(site);
  expect(await uploads()).toEqual([]);
  await site.worker();
  await site.receiver.reaches(100);
  for (const [at, alert] of single.entries()) {
    expect(await again.client.post(alert, { idempotencyKey: keys[at]! })).toMatchObject({ repeated: true });
  }
  again.api.kill('SIGTERM');
  expect(await again.api.end()).toMatchObject({ code: 0 });
  expect(await site.receiver.verdict([...file, ...single])).toEqual(EACH_ONCE);
});
