import { readdir, readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { InjectOptions } from 'fastify';
import { describe, expect, test } from 'vitest';
import * as schemas from '../../src/api/schemas.ts';
import { Fault } from '../../src/domain/failure.ts';
import { FILE } from '../cli/fake-app.ts';
import { apiUnderTest, RECEIPT } from './fake-served-app.ts';

const LOCAL = { host: '127.0.0.1:8480' };
const JSON_TYPE = { 'content-type': 'application/json' };
const ask = (url: string, more: InjectOptions = {}): InjectOptions => ({
  method: 'GET',
  url,
  ...more,
  headers: { ...LOCAL, ...more.headers },
});
const visible = async (inbox: string): Promise<string[]> =>
  (await readdir(inbox)).filter((name) => !name.startsWith('.')).sort();

describe('who may ask', () => {
  test.each([
    ['localhost:8480', undefined, 200],
    ['[::1]:8480', undefined, 200],
    ['LOCALHOST', undefined, 200],
    ['evil.example.com', undefined, 403],
    ['127.0.0.1.evil.example.com', undefined, 403],
    ['127.0.0.1:8480', 'http://127.0.0.1:8480', 200],
    ['127.0.0.1:8480', 'https://evil.example.com', 403],
    ['127.0.0.1:8480', 'http://127.0.0.1:9999', 403],
    ['127.0.0.1:8480', 'null', 403],
  ])('without a token: Host %s, Origin %s → %i', async (host, origin, status) => {
    const { server } = await apiUnderTest();
    const headers = origin === undefined ? { host } : { host, origin };
    expect((await server.inject({ url: '/files', headers })).statusCode).toBe(status);
  });

  test.each([
    [undefined, 401],
    ['Bearer 0123456789abcdef', 200],
    ['bearer 0123456789abcdef', 200],
    ['Bearer 0123456789abcdeF', 401],
    ['Bearer', 401],
    [`Basic ${Buffer.from('anybody:0123456789abcdef').toString('base64')}`, 200],
    [`Basic ${Buffer.from('0123456789abcdef:').toString('base64')}`, 401],
  ])('with a token: %s → %i', async (authorization, status) => {
    const { server } = await apiUnderTest({ token: '0123456789abcdef', settings: { 'api.host': '0.0.0.0' } });
    const headers = { host: 'wds.example.com', ...(authorization === undefined ? {} : { authorization }) };
    const answer = await server.inject({ url: '/files', headers });
    expect(answer.statusCode).toBe(status);
    expect(answer.headers['www-authenticate'] !== undefined).toBe(status === 401);
    expect((await server.inject({ url: '/livez', headers: { host: 'wds.example.com' } })).statusCode).toBe(200);
  });

  test('elsewhere than on loopback nobody, without a token', async () => {
    await expect(apiUnderTest({ settings: { 'api.host': '0.0.0.0' } })).rejects.toThrow(/there is no token/);
  });

  test('more requests a second than are allowed are told to wait', async () => {
    const { server } = await apiUnderTest({ settings: { 'api.maxRequestsPerSecond': '3' } });
    for (let asked = 0; asked < 3; asked++) expect((await server.inject(ask('/livez'))).statusCode).toBe(200);
    const refused = await server.inject(ask('/livez'));
    expect(refused.statusCode).toBe(429);
    expect(refused.headers['retry-after']).toBe('1');
    expect(refused.headers['content-type']).toContain('application/problem+json');
  });
});

describe('what is wrong with a request', () => {
  test.each([
    ['GET', '/nothing', 404, 'no_such_path'],
    ['GET', '/webhook', 405, 'method_not_allowed'],
    ['DELETE', '/files/abc', 405, 'method_not_allowed'],
    ['QUERY', '/files', 405, 'method_not_allowed'],
    ['GET', `/files/${'x'.repeat(5_000)}`, 404, 'bad_path'],
    ['GET', '/files?limit=0', 400, 'bad_query'],
    ['GET', '/files/..%2F..%2Fetc%2Fpasswd', 404, 'bad_path'],
    ['GET', '/files/0000000000', 404, 'not_found'],
    ['GET', '/files/0000000000/receipts', 404, 'not_found'],
    ['GET', '/endpoints/erp', 404, 'not_found'],
  ] as const)('%s %s → %i %s', async (method, url, status, code) => {
    const { server } = await apiUnderTest();
    const answer = await server.inject(ask(url, { method }));
    expect(answer.statusCode).toBe(status);
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expect(schemas.problem.parse(answer.json())).toMatchObject({ status, code });
    if (status === 405) expect(answer.headers.allow).not.toBe('');
  });

  test('a fault of Temporal is passing, and one that nobody foresaw is not shown', async () => {
    const { server } = await apiUnderTest({
      app: {
        status: async () => {
          throw new Fault('temporal_unreachable', 'Temporal does not answer', 'Start it.');
        },
        endpoints: async () => {
          throw new Error('secret');
        },
      },
    });
    const away = await server.inject(ask('/files'));
    expect(away.statusCode).toBe(503);
    expect(away.headers['retry-after']).toBe('5');
    expect(away.json()).toMatchObject({ code: 'temporal_unreachable', nextStep: 'Start it.' });
    const broken = await server.inject(ask('/endpoints'));
    expect(broken.statusCode).toBe(500);
    expect(broken.body).not.toContain('secret');
  });

  test('where it fails and the disk is full, both are said', async () => {
    const { server } = await apiUnderTest({
      settings: { 'intake.minFreeMiB': '1073741824' },
      app: {
        file: async () => {
          const cause = Object.assign(new Error('x'), { code: 14, details: 'shard status unknown' });
          throw new Error('Failed to describe workflow', { cause });
        },
      },
    });
    const answer = await server.inject(ask('/files/a.csv'));
    expect(answer.statusCode).toBe(503);
    expect(answer.json().detail).toMatch(/shard status unknown\. The disk is full: /);
  });
});

test('what is no request, or has too many headers, is told so in the same form', async () => {
  const { server } = await apiUnderTest();
  await server.listen({ host: '127.0.0.1', port: 0 });
  const { port } = server.server.address() as AddressInfo;
  const answerTo = (said: string): Promise<string> =>
    new Promise((resolve, reject) => {
      let heard = '';
      const socket = connect(port, '127.0.0.1', () => socket.write(said));
      socket.on('data', (bytes) => {
        heard += bytes;
      });
      socket.on('close', () => resolve(heard)).on('error', reject);
    });
  const cases = [
    [`GET /files HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`, 431, 'headers_too_large'],
    ['hello\r\n\r\n', 400, 'not_http'],
  ] as const;
  for (const [said, status, code] of cases) {
    const [head = '', body = ''] = (await answerTo(said)).split('\r\n\r\n');
    expect(head).toContain(`HTTP/1.1 ${status} `);
    expect(head).toContain('application/problem+json');
    expect(schemas.problem.parse(JSON.parse(body))).toMatchObject({ status, code });
  }
});

describe('POST /webhook', () => {
  const post = (payload: unknown, headers: Record<string, string> = {}): InjectOptions =>
    ask('/webhook', {
      method: 'POST',
      payload: typeof payload === 'string' ? payload : JSON.stringify(payload),
      headers: { ...JSON_TYPE, ...headers },
    });
  const alert = { userId: 'u1', alertMessage: 'Hello' };

  test('takes one alert, or an array', async () => {
    const { server } = await apiUnderTest();
    const one = await server.inject(post(alert));
    expect(one.statusCode).toBe(202);
    expect(schemas.posted.parse(one.json())).toMatchObject({ alerts: 1, repeated: false });
    const two = await server.inject(post([alert, { userId: 42, alertMessage: 'x' }]));
    const whole = await server.inject(
      post('[{"userId": 3466.0, "alertMessage": "x"}, {"userId": 35e2, "alertMessage": "x"}]'),
    );
    expect(whole.json()).toMatchObject({ alerts: 2 });
    expect(two.json()).toMatchObject({ alerts: 2 });
  });

  test.each([
    ['no JSON', '{"userId":', 400, 'bad_json'],
    ['no body', '', 400, 'bad_json'],
    ['two values', '{"userId":"a","alertMessage":"b"},{"userId":"c","alertMessage":"d"}', 400, 'bad_json'],
    ['a string', '"hello"', 422, 'not_alerts'],
    ['nothing', 'null', 422, 'not_alerts'],
    ['no alert', '[]', 422, 'no_alerts'],
    ['no user', { alertMessage: 'x' }, 422, 'invalid_alerts'],
    ['a blank user', { userId: ' ', alertMessage: 'x' }, 422, 'invalid_alerts'],
    ['a number that was rounded', '{"userId":9007199254740993,"alertMessage":"x"}', 422, 'invalid_alerts'],
    ['a member twice', '{"userId":"a","userId":"b","alertMessage":"x"}', 422, 'invalid_alerts'],
    ['half a character', '{"userId":"a","alertMessage":"\\ud83d"}', 422, 'invalid_alerts'],
    ['one bad one among good ones', [alert, 7], 422, 'invalid_alerts'],
    ['a message that is no text', { userId: 'a', alertMessage: { a: 1 } }, 422, 'invalid_alerts'],
    ['a user that is too long', { userId: 'a'.repeat(513), alertMessage: 'x' }, 422, 'invalid_alerts'],
    ['a message that is too long', { userId: 'a', alertMessage: 'x'.repeat(1_100_000) }, 422, 'invalid_alerts'],
    [
      'too many',
      Array.from({ length: 1_001 }, (_, at) => ({ userId: `u${at}`, alertMessage: 'x' })),
      422,
      'too_many_alerts',
    ],
  ])('refuses %s', async (_what, payload, status, code) => {
    const { server, inbox } = await apiUnderTest();
    const answer = await server.inject(post(payload));
    expect(answer.statusCode).toBe(status);
    expect(answer.json()).toMatchObject({ code });
    expect(await visible(inbox)).toEqual([]);
  });

  test('refuses other kinds of content, and keys that cannot be', async () => {
    const { server } = await apiUnderTest();
    expect((await server.inject(post(alert, { 'content-type': 'text/plain' }))).statusCode).toBe(415);
    expect((await server.inject(post(alert, { 'idempotency-key': '' }))).statusCode).toBe(400);
  });

  test('an equal key is the same post, with other alerts it is a conflict, and white space makes no other alerts', async () => {
    const { server } = await apiUnderTest();
    const first = (await server.inject(post(alert, { 'idempotency-key': 'k1' }))).json();
    const again = (await server.inject(post(JSON.stringify(alert, null, 2), { 'idempotency-key': 'k1' }))).json();
    expect(again).toMatchObject({ id: first.id, repeated: true });
    const other = await server.inject(post({ ...alert, userId: 'u2' }, { 'idempotency-key': 'k1' }));
    expect(other.statusCode).toBe(409);
    expect((await server.inject(post(alert))).json()).toMatchObject({ repeated: false });
  });
});

describe('POST /upload', () => {
  const CSV = 'userId,alertMessage\nu1,Hello\n';

  test('a body under its name', async () => {
    const { server, inbox } = await apiUnderTest();
    const headers = { 'content-type': 'application/octet-stream' };
    const answer = await server.inject(ask('/upload?name=a.csv', { method: 'POST', payload: CSV, headers }));
    expect(answer.statusCode).toBe(202);
    const { files } = schemas.uploaded.parse(answer.json());
    expect(files).toMatchObject([{ name: 'a.csv', sizeBytes: CSV.length }]);
    expect(await readFile(join(inbox, 'a.csv'), 'utf8')).toBe(CSV);
    expect((await server.inject(ask(`/files/${files[0]!.id}`))).json()).toMatchObject({
      state: 'received',
      file: 'a.csv',
    });
  });

  test('no body is no file', async () => {
    const { server } = await apiUnderTest();
    const answer = await server.inject(ask('/upload?name=a.csv', { method: 'POST' }));
    expect(answer.json()).toMatchObject({ status: 422, code: 'no_file' });
  });

  test('a form, two files of one name', async () => {
    const { server, inbox } = await apiUnderTest();
    const form = new FormData();
    form.append('file', new Blob([CSV]), 'a.csv');
    form.append('note', 'ignored');
    form.append('file', new Blob(['{}']), '../elsewhere/a.csv');
    form.append('file', new Blob([CSV], { type: 'text/csv' }), 'export');
    const request = new Request('http://x', { method: 'POST', body: form });
    const headers = { 'content-type': request.headers.get('content-type')! };
    const payload = Buffer.from(await request.arrayBuffer());
    const answer = await server.inject(ask('/upload?priority=urgent', { method: 'POST', payload, headers }));
    expect(answer.json().files).toMatchObject([{ name: 'a.csv' }, { name: 'a-2.csv' }, { name: 'export.csv' }]);
    expect(await visible(join(inbox, 'urgent'))).toEqual(['a-2.csv', 'a.csv', 'export.csv']);
  });

  test.each([
    ['/upload', 'text/plain', CSV, 415, 'unsupported_type'],
    ['/upload', 'multipart/form-data; boundary=x', 'no form', 400, 'bad_form'],
    ['/upload', 'multipart/form-data; boundary=x', '--x\r\nnonsense', 400, 'bad_form'],
    ['/upload?name=a.txt', 'text/csv', CSV, 400, 'bad_query'],
    ['/upload?name=.a.csv', 'text/csv', CSV, 400, 'bad_query'],
    ['/upload?name=a.csv', 'text/csv', '', 422, 'empty'],
    ['/upload?name=a.csv', 'text/csv', 'x'.repeat(1_048_577), 413, 'too_large'],
  ])('refuses %s as %s: %#', async (url, type, payload, status, code) => {
    const { server, inbox } = await apiUnderTest({ settings: { 'api.maxUploadMiB': '1' } });
    const answer = await server.inject(ask(url, { method: 'POST', payload, headers: { 'content-type': type } }));
    expect(answer.statusCode).toBe(status);
    expect(answer.json()).toMatchObject({ code });
    expect(await visible(inbox)).toEqual([]);
    const left = await readdir(join(inbox, '.wds/entrances'), { recursive: true });
    expect(left.filter((name) => name.includes('upload'))).toEqual([]);
  });
});

describe('files, endpoints and the rest', () => {
  test('answers are what the document says', async () => {
    const { server, orders } = await apiUnderTest();
    const get = async (url: string) => (await server.inject(ask(url))).json();
    const order = async (url: string, payload?: object) =>
      (await server.inject(ask(url, { method: 'POST', ...(payload && { payload }) }))).json();
    schemas.fileList.parse(await get('/files?limit=5'));
    schemas.fileStatus.parse(await get(`/files/${FILE.sha256}`));
    expect(await order('/files/alerts.csv/pause')).toMatchObject({ state: 'paused' });
    expect(await order('/files/alerts.csv/resume')).toMatchObject({ state: 'running' });
    expect(await order('/files/alerts.csv/approve')).toMatchObject({ state: 'running' });
    expect(await order('/files/alerts.csv/cancel')).toMatchObject({ state: 'cancelled' });
    schemas.retried.parse(await order('/retry', { file: 'alerts.csv', unconfirmed: true }));
    schemas.retried.parse(await order('/retry'));
    const found = schemas.foundUser.parse(await get(`/users/${encodeURIComponent('a/b ü%')}?limit=2`));
    expect(found.userId).toBe('a/b ü%');
    schemas.endpointList.parse(await get('/endpoints'));
    schemas.endpointStatus.parse(await get('/endpoints/crm'));
    await order('/endpoints/crm', { order: 'set-rate', rate: 'configured' });
    expect(await order('/endpoints/crm', { order: 'set-rate' })).toMatchObject({ status: 422 });
    expect(orders).toEqual([
      'retry alerts.csv true',
      'retry undefined false',
      'endpoint undefined',
      'endpoint {"type":"set-rate","rate":null}',
    ]);
    expect(await get('/readyz')).toEqual({
      ready: true,
      checks: { process: 'ok', temporal: 'ok', inbox: 'ok', posts: 'ok' },
    });
  });

  test('receipts as CSV for spreadsheets, and as NDJSON with the users as they are', async () => {
    const { server } = await apiUnderTest();
    const csv = await server.inject(ask(`/files/${FILE.sha256}/receipts`));
    expect(csv.headers['content-type']).toContain('text/csv');
    expect(csv.body.split('\n').slice(0, 3)).toEqual([
      'userId,line,outcome,status,attempts,finishedAt,webhookId,reason',
      "'+41 79,2,delivered,200,1,2026-01-02T03:04:05.000Z,crm_3f2a_2,",
      "'=1,3,pending,,1,,crm_3f2a_2,",
    ]);
    const lines = (await server.inject(ask(`/files/${FILE.sha256}/receipts?format=ndjson`))).body.trim().split('\n');
    expect(lines.map((line) => schemas.receipt.parse(JSON.parse(line)).userId)).toEqual([RECEIPT.userId, '=1']);
  });

  test('the document names every route, with its parameters, and metrics count what was asked', async () => {
    const { server } = await apiUnderTest({ token: '0123456789abcdef' });
    const headers = { authorization: 'Bearer 0123456789abcdef' };
    const document = (await server.inject(ask('/openapi.json', { headers }))).json();
    expect(document.openapi).toBe('3.1.0');
    expect(Object.keys(document.paths).sort()).toEqual([
      '/endpoints',
      '/endpoints/{name}',
      '/files',
      '/files/{id}',
      '/files/{id}/approve',
      '/files/{id}/cancel',
      '/files/{id}/pause',
      '/files/{id}/receipts',
      '/files/{id}/resume',
      '/livez',
      '/metrics',
      '/readyz',
      '/retry',
      '/upload',
      '/users/{userId}',
      '/webhook',
    ]);
    expect(document.paths['/files/{id}'].get.parameters.slice(0, 1)).toMatchObject([
      { name: 'id', in: 'path', required: true },
    ]);
    expect(document.security).toEqual([{ token: [] }]);
    const metrics = await server.inject(ask('/metrics', { headers }));
    expect(metrics.body).toContain('wds_api_requests_total{method="GET",route="/openapi.json",status="200"} 1');
  });
});
