import { readdir } from 'node:fs/promises';
import type { IncomingHttpHeaders } from 'node:http';
import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { apiUnderTest } from './fake-served-app.ts';

const BOUNDARY = 'xyz';
const PART = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="b.csv"\r\n\r\n`;
const ROWS = 'user-1,a message that is long enough\n'.repeat(4_000);

async function began(headers: IncomingHttpHeaders, url: string, start: string) {
  const { server, inbox } = await apiUnderTest();
  await server.listen({ host: '127.0.0.1', port: 0 });
  const { port } = server.server.address() as AddressInfo;
  const upload = request({ port, host: '127.0.0.1', path: url, method: 'POST', headers });
  upload.on('error', () => undefined);
  upload.write(start + ROWS);
  const files = async (): Promise<string[]> =>
    (await readdir(inbox, { recursive: true })).filter((name) => /upload-|\.csv$/.test(name));
  await vi.waitFor(async () => expect(await files()).toHaveLength(1));
  return { upload, files, inbox };
}

test.each([
  ['a file', { 'content-type': 'text/csv' }, '/upload?name=b.csv', ''],
  [
    'a file that said how long it is',
    { 'content-type': 'text/csv', 'content-length': '99999999' },
    '/upload?name=b.csv',
    '',
  ],
  ['a form', { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` }, '/upload', PART],
])('%s whose sender goes away leaves nothing', async (_what, headers, url, start) => {
  const { upload, files, inbox } = await began(headers, url, start);
  upload.destroy();
  await vi.waitFor(async () => expect(await files()).toEqual([]));
  expect((await readdir(inbox)).filter((name) => name !== '.wds')).toEqual([]);
});

test('a form that ends before its end is refused, with the whole files in it', async () => {
  const headers = { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` };
  const whole = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n${ROWS}\r\n`;
  const { server, inbox } = await apiUnderTest();
  const payload = whole + PART + ROWS;
  const answer = await server.inject({
    method: 'POST',
    url: '/upload',
    headers: { ...headers, host: 'localhost' },
    payload,
  });
  expect(answer.statusCode).toBe(400);
  const left = await readdir(join(inbox), { recursive: true });
  expect(left.filter((name) => /upload-|\.csv$/.test(name))).toEqual([]);
});
