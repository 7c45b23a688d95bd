/** Uploads that are looked at before they are delivered, by the pages alone. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { ApiUnderTest } from './fake-served-app.ts';
import { apiUnderTest } from './fake-served-app.ts';

const headers = { host: '127.0.0.1:8480' };
const form = (name: string, content: string) => ({
  payload: `--x\r\ncontent-disposition: form-data; name="file"; filename="${name}"\r\ncontent-type: text/csv\r\n\r\n${content}\r\n--x--\r\n`,
  headers: { ...headers, 'content-type': 'multipart/form-data; boundary=x' },
});
const CSV = 'userId,alertMessage\nann,<b>hi</b>\nbob,hello\nann,again\n,nobody\n';

async function preview({ server }: ApiUnderTest, name = 'a.csv', content = CSV): Promise<string> {
  const { statusCode, headers: answered } = await server.inject({
    method: 'POST',
    url: '/ui/preview',
    ...form(name, content),
  });
  expect(statusCode).toBe(303);
  return String(answered.location);
}
const files = async (inbox: string): Promise<string[]> =>
  (await readdir(inbox)).filter((name) => !name.startsWith('.'));
const post = ({ server }: ApiUnderTest, url: string, payload = '') =>
  server.inject({
    ...{ method: 'POST', url, payload },
    headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' },
  });

test('a preview shows what would be sent, and sends nothing; then it is delivered', async () => {
  const api = await apiUnderTest();
  const at = await preview(api);
  const { body } = await api.server.inject({ url: at, headers });
  expect(body).toContain('Preview of a.csv');
  expect(body).toContain('<dt>Alerts</dt><dd>2</dd>');
  expect(body).toContain('<dt>Invalid rows</dt><dd>1</dd>');
  expect(body).toContain('&lt;b&gt;hi');
  expect(body).not.toContain('<b>hi');
  expect(await files(api.inbox)).toEqual([]);
  const delivered = await post(api, `${at}/deliver`);
  expect(delivered.statusCode).toBe(303);
  expect(delivered.headers.location).toMatch(/^\/ui\/files\/[0-9a-f]{64}$/);
  expect(await files(api.inbox)).toEqual(['a.csv']);
  expect((await post(api, `${at}/deliver`)).statusCode).toBe(404);
});

test('of a preview only the first alerts may be sent; what is no number sends nothing, and leaves the preview', async () => {
  const api = await apiUnderTest();
  const at = await preview(api);
  expect((await api.server.inject({ url: at, headers })).body).toMatch(
    /<label for="first">.*<input id="first" name="first"/s,
  );
  for (const first of ['', '0', '1.5', 'x', '1000001']) {
    expect((await post(api, `${at}/deliver`, `first=${first}`)).statusCode).toBe(422);
  }
  expect(await files(api.inbox)).toEqual([]);
  const delivered = await post(api, `${at}/deliver`, 'first=20');
  const [, sha256 = ''] = /^\/ui\/files\/(.*)$/.exec(String(delivered.headers.location)) ?? [];
  expect(await files(api.inbox)).toEqual(['a.csv']);
  expect(await readFile(join(api.inbox, '.wds/first', sha256), 'utf8')).toBe('20\n');
});

test('what is discarded, or left when the process ends, leaves nothing', async () => {
  const api = await apiUnderTest();
  const at = await preview(api);
  expect((await post(api, `${at}/discard`)).headers.location).toBe('/');
  expect((await api.server.inject({ url: at, headers })).statusCode).toBe(404);
  await preview(api);
  await api.server.close();
  const left = (await readdir(api.inbox, { recursive: true })).filter((name) => name.includes('upload-'));
  expect(left).toEqual([]);
});

test('a file that would be refused cannot be delivered from there, and says why', async () => {
  const api = await apiUnderTest();
  const { body } = await api.server.inject({ url: await preview(api, 'b.csv', 'x,y\n1,2\n'), headers });
  expect(body).toContain('It would be refused');
  expect(body).not.toContain('/deliver"');
});
