import type { AddressInfo } from 'node:net';
import { expect, expectTypeOf, test } from 'vitest';
import type { z } from 'zod';
import type * as schemas from '../../src/api/schemas.ts';
import type {
  Endpoint,
  EndpointOrder,
  FileStatus,
  Posted,
  Receipt,
  Retried,
  UploadedFile,
} from '../../src/client/client.ts';
import { WdsApiError, WdsClient } from '../../src/client/client.ts';
import type { Scene } from '../api/fake-served-app.ts';
import { apiUnderTest, RECEIPT } from '../api/fake-served-app.ts';
import { FILE } from '../cli/fake-app.ts';

async function clientOf(scene: Scene = {}, retries = 3): Promise<WdsClient> {
  const { server } = await apiUnderTest(scene);
  await server.listen({ host: '127.0.0.1', port: 0 });
  const { port } = server.server.address() as AddressInfo;
  const token = scene.token === undefined ? {} : { token: scene.token };
  return new WdsClient({ url: `http://127.0.0.1:${port}`, retries, ...token });
}

test('its types are those of the schemas', () => {
  expectTypeOf<z.output<typeof schemas.fileStatus>>().toExtend<FileStatus>();
  expectTypeOf<z.output<typeof schemas.receipt>>().toExtend<Receipt>();
  expectTypeOf<z.output<typeof schemas.posted>>().toExtend<Posted>();
  expectTypeOf<z.output<typeof schemas.uploaded>>().toExtend<{ files: UploadedFile[] }>();
  expectTypeOf<z.output<typeof schemas.retried>>().toExtend<{ files: Retried[] }>();
  expectTypeOf<z.output<typeof schemas.endpointStatus>>().toExtend<Endpoint>();
  expectTypeOf<EndpointOrder>().toExtend<z.input<typeof schemas.endpointOrder>>();
});

test('asks for everything that the API has', async () => {
  const client = await clientOf({ token: '0123456789abcdef' });
  const posted = await client.post([{ userId: 'a', alertMessage: 'x' }], { idempotencyKey: 'k' });
  expect(await client.post({ userId: 'a', alertMessage: 'x' }, { idempotencyKey: 'k' })).toMatchObject({
    id: posted.id,
    repeated: true,
  });
  const uploaded = await client.upload('ä b.csv', 'userId,alertMessage\na,b\n', { priority: 'urgent', first: 20 });
  expect(uploaded).toMatchObject({ name: 'ä b.csv', sizeBytes: 24 });
  expect(await client.file(uploaded.id)).toMatchObject({ state: 'received' });
  expect(await client.files({ limit: 1 })).toEqual([FILE]);
  expect(await client.ended(FILE.sha256)).toEqual(FILE);
  const receipts: Receipt[] = [];
  for await (const one of client.receipts(FILE.file)) receipts.push(one);
  expect(receipts).toMatchObject([RECEIPT, { userId: '=1' }]);
  expect(await client.pause(FILE.file)).toMatchObject({ state: 'paused' });
  expect(await client.resume(FILE.file)).toMatchObject({ state: 'running' });
  expect(await client.cancel(FILE.file)).toMatchObject({ state: 'cancelled' });
  expect(await client.retry({ file: FILE.file })).toMatchObject([{ outcome: 'retried' }]);
  expect(await client.user('a/b')).toMatchObject({ userId: 'a/b', more: 3 });
  expect(await client.endpoints()).toMatchObject([{ name: 'crm' }]);
  expect(await client.endpoint('crm')).toMatchObject({ name: 'crm' });
  expect(await client.order('crm', { order: 'set-rate', rate: 20 })).toMatchObject({ name: 'crm' });
});

test('says what is wrong, and does not ask again where that would not help', async () => {
  const client = await clientOf();
  const error = await client.post({ userId: '', alertMessage: 'x' }).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(WdsApiError);
  expect(error).toMatchObject({ status: 422, code: 'invalid_alerts', problem: { invalid: [{ at: 0 }] } });
  await expect(client.file('00000000')).rejects.toMatchObject({ status: 404, code: 'not_found' });
});

test('a post whose answer was lost is asked for again, and is one post', async () => {
  const { server } = await apiUnderTest();
  await server.listen({ host: '127.0.0.1', port: 0 });
  const { port } = server.server.address() as AddressInfo;
  let calls = 0;
  const losing: typeof fetch = async (...request) => {
    calls += 1;
    const answer = await fetch(...request);
    if (calls === 1) throw new TypeError('fetch failed');
    return answer;
  };
  const client = new WdsClient({ url: `http://127.0.0.1:${port}/`, fetch: losing });
  expect(await client.post({ userId: 'a', alertMessage: 'x' })).toMatchObject({ repeated: true });
  expect(calls).toBe(2);
});
