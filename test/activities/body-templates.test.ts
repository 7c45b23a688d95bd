/** Bodies by template: what goes on the wire, and what happens when the template does not fit what was read. */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { bodyTemplate } from '../../src/domain/body/template.ts';
import type { Endpoint } from '../../src/domain/endpoint.ts';
import { FAILURE, webhookId } from '../../src/domain/names.ts';
import type { ParseOptions } from '../../src/domain/parse-options.ts';
import { DEFAULT_PARSE_OPTIONS } from '../../src/domain/parse-options.ts';
import { createSigner } from '../../src/endpoint/signing.ts';
import { FolderStore } from '../../src/store/folder-store.ts';
import type { StagedAlerts } from '../support/delivery-fixture.ts';
import { batchInput, failureOf, MovableClock, stageContent, TestWorker } from '../support/delivery-fixture.ts';

const SECRET = `whsec_${Buffer.alloc(32, 3).toString('base64')}`;
const ends: (() => unknown)[] = [];
let received: { body: string; signature: string | undefined; id: string; timestamp: string }[];
let url: string;

beforeEach(async () => {
  received = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const { 'webhook-signature': signature, 'webhook-id': id, 'webhook-timestamp': timestamp } = request.headers;
      received.push({ body, signature: signature as string, id: id as string, timestamp: timestamp as string });
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  ends.push(() => server.close());
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function stage(columns?: readonly string[]): Promise<StagedAlerts> {
  const root = await mkdtemp(join(tmpdir(), 'wds-body-'));
  const store = new FolderStore(join(root, 'store'));
  const parse: ParseOptions = {
    ...DEFAULT_PARSE_OPTIONS,
    format: 'csv',
    ...(columns === undefined ? {} : { columns }),
  };
  const content = 'userId,name,alertMessage\nu1,"A ""B""",hi\nu2,\u2028ü,ho\n';
  const { sha256, window } = await stageContent(store, parse, content);
  const remove = () => rm(root, { recursive: true, force: true });
  ends.push(remove);
  return { root, store, storeFolder: join(root, 'store'), sha256, parse, windows: [window], lines: [2, 3], remove };
}

function workerFor({ store }: StagedAlerts, endpoint: Partial<Endpoint> = {}): TestWorker {
  const worker = new TestWorker({ url, store, clock: new MovableClock(), endpoint });
  ends.push(() => worker.kill());
  return worker;
}

function template(stated: unknown): Pick<Endpoint, 'body'> {
  const body = bodyTemplate(stated);
  if ('fault' in body) throw new Error(body.fault);
  return { body };
}
const bodies = (): string[] => received.map(({ body }) => body).sort();

test('each alert is sent in the form of the template, and the signature is over that', async () => {
  const staged = await stage(['name']);
  const worker = workerFor(staged, {
    ...template({ to: '{{userId}}', text: '{{column "name"}}: {{alertMessage}}' }),
    secrets: [SECRET],
  });
  expect(await worker.sendAlerts(batchInput(staged))).toMatchObject({ delivered: 2 });
  expect(bodies()).toEqual(['{"to":"u1","text":"A \\"B\\": hi"}', '{"to":"u2","text":"\u2028ü: ho"}']);
  const sign = createSigner([SECRET])!;
  for (const { id, timestamp, body, signature } of received) expect(signature).toBe(sign(id, timestamp, body));
  expect(received.map(({ id }) => id).sort()).toEqual([2, 3].map((line) => webhookId('test', staged.sha256, line)));
});

test('a template without columns fits whatever was read, and so does none at all', async () => {
  const staged = await stage();
  await workerFor(staged, template(['{{alertMessage}}'])).sendAlerts(batchInput(staged, { to: 1 }));
  const carried = await stage(['name']);
  await workerFor(carried).sendAlerts(batchInput(carried, { to: 1 }));
  expect(bodies()).toEqual(['["hi"]', '{"userId":"u1","alertMessage":"hi"}']);
});

test('one that needs a column which was not read sends nothing, says which, and waits for another configuration', async () => {
  const staged = await stage(['name']);
  const failure = await failureOf(workerFor(staged, template(['{{column "plz"}}'])).sendAlerts(batchInput(staged)));
  expect(failure).toMatchObject({ type: FAILURE.templateColumn, nonRetryable: false });
  expect(failure.message).toContain('needs column "plz", without which this file was read');
  expect(received).toEqual([]);
  expect(await workerFor(staged, template(['{{column "name"}}'])).sendAlerts(batchInput(staged))).toMatchObject({
    delivered: 2,
  });
});
