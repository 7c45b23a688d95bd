import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { FileStatus } from '../../src/app/app.ts';
import { ENDPOINT, FILE, STATUS } from '../cli/fake-app.ts';
import type { ApiUnderTest } from './fake-served-app.ts';
import { apiUnderTest } from './fake-served-app.ts';

const headers = { host: '127.0.0.1:8480' };
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const page = async ({ server }: ApiUnderTest, url: string) => server.inject({ url, headers });
const submit = async ({ server }: ApiUnderTest, url: string, payload = '') =>
  server.inject({ method: 'POST', url, payload, headers: { ...headers, ...FORM } });
const running: FileStatus = { ...FILE, state: 'running', delivered: 211, pending: 1039, file: '<b>"a&b".csv' };

describe('a page', () => {
  test('of the files: each with its state and counts, what others wrote as text, and a form that needs no script', async () => {
    const api = await apiUnderTest({ app: { status: async () => ({ ...STATUS, files: [running, FILE] }) } });
    const { body, headers: answered } = await page(api, '/');
    expect(answered['content-type']).toBe('text/html; charset=utf-8');
    expect(body).toContain('&lt;b&gt;&quot;a&amp;b&quot;.csv</a>');
    expect(body).not.toContain('<b>');
    expect(body).toContain('211 of 1,250 delivered');
    expect(body).toContain('<progress max="1250" value="211"');
    expect(body).toMatch(/<form method="post" action="\/ui\/upload" enctype="multipart\/form-data">/);
  });

  test('has a language, one heading of the first rank, a label for every field, and runs no script of others', async () => {
    const api = await apiUnderTest();
    for (const url of ['/', '/ui/endpoints', '/ui/users', `/ui/files/${FILE.sha256}`]) {
      const { body, headers: answered } = await page(api, url);
      expect(body).toMatch(/^<!doctype html>\n<html lang="en">/);
      expect(body.match(/<h1>/g)).toHaveLength(1);
      const fields = [...body.matchAll(/<(?:input|select)(?![^>]*type="hidden")[^>]* ?id="([^"]+)"/g)].map(
        ([, id]) => id,
      );
      for (const id of fields) expect(body).toContain(`<label for="${id}">`);
      expect(answered['content-security-policy']).toContain("script-src 'self'");
      expect(body).not.toMatch(/<script(?! src="\/ui\/)|style="| on\w+="/);
    }
  });

  test('of one file: what is going on, why it waits, orders, receipts, and the way to Temporal', async () => {
    const waiting = { why: 'circuit' as const, text: 'crm answers 401 to everything', since: null, until: null };
    const api = await apiUnderTest({ app: { file: async () => ({ ...running, waiting }) } });
    const { body } = await page(api, `/ui/files/${FILE.workflowId}`);
    expect(body).toContain('Being sent</span>, 16%: 211 of 1,250 delivered; 1 duplicate<');
    expect(body).toContain('Waiting: crm answers 401 to everything');
    expect(body).toContain(`action="/ui/files/${FILE.workflowId}/pause"`);
    expect(body).toContain(`href="/files/${FILE.workflowId}/receipts"`);
    expect(body).toContain(`href="http://127.0.0.1:8233/namespaces/default/workflows/${FILE.workflowId}"`);
    expect(body).toContain('/ui/live.js');
  });

  test('of a refused file says why', async () => {
    const app = {
      file: async (): Promise<FileStatus> => ({ ...FILE, state: 'refused', rows: 0, alerts: 0, reason: 'no header' }),
    };
    expect((await page(await apiUnderTest({ app }), '/ui/files/x')).body).toContain('no header');
  });

  test('of a user: what became of each alert, with the answer as text', async () => {
    const api = await apiUnderTest();
    const { body } = await page(api, `/ui/users?user=${encodeURIComponent('<u1>')}`);
    expect(body).toContain('<h1>&lt;u1&gt;</h1>');
    expect(body).toContain('Answer: HTTP 400: &lt;no&gt;');
    expect(body).toContain(`href="/ui/files/${FILE.workflowId}">alerts.csv</a>, line 2`);
    expect(body).toContain('and 3 older ones');
  });

  test('of a report is the report itself, where there is one', async () => {
    const api = await apiUnderTest();
    const report = await page(api, `/ui/files/${FILE.file}/report`);
    expect(report.body).toBe('<!doctype html><title>Report</title>');
    expect(report.headers['content-security-policy']).not.toContain('script-src');
    expect((await page(api, '/ui/files/other.csv/report')).statusCode).toBe(404);
  });

  test('of what is not there is a page, too', async () => {
    const api = await apiUnderTest();
    const missing = await page(api, '/ui/files/0000000000');
    expect(missing.statusCode).toBe(404);
    expect(missing.headers['content-type']).toContain('text/html');
    expect(missing.body).toContain('wds knows no delivery of 0000000000');
    const unknown = await page(api, '/ui/nothing/here');
    expect(unknown.statusCode).toBe(404);
    expect(unknown.body).toContain('There is no such page.');
  });
});

describe('a form', () => {
  test('of an upload leads to the page of the file', async () => {
    const api = await apiUnderTest();
    const form = new FormData();
    form.append('file', new Blob(['userId,alertMessage\na,b\n']), 'a.csv');
    const request = new Request('http://x', { method: 'POST', body: form });
    const type = { 'content-type': request.headers.get('content-type')! };
    const payload = Buffer.from(await request.arrayBuffer());
    const answer = await api.server.inject({
      method: 'POST',
      url: '/ui/upload',
      payload,
      headers: { ...headers, ...type },
    });
    expect(answer.statusCode).toBe(303);
    expect((await page(api, answer.headers.location!)).body).toContain('Received, not read yet');
    expect(await readFile(join(api.inbox, 'a.csv'), 'utf8')).toContain('a,b');
  });

  test('gives orders to files and endpoints, and leads back', async () => {
    const api = await apiUnderTest();
    expect((await submit(api, '/ui/files/alerts.csv/retry')).headers.location).toBe('/ui/files/alerts.csv');
    expect((await submit(api, '/ui/files/alerts.csv/explode')).statusCode).toBe(404);
    expect((await submit(api, '/ui/endpoints/crm', 'order=set-rate&rate=20')).headers.location).toBe('/ui/endpoints');
    expect((await submit(api, '/ui/endpoints/crm', 'order=pause')).statusCode).toBe(303);
    expect((await submit(api, '/ui/endpoints/crm', 'order=set-rate&rate=fast')).statusCode).toBe(422);
    expect(api.orders).toEqual([
      'retry alerts.csv false',
      'endpoint {"type":"set-rate","rate":20}',
      'endpoint {"type":"pause"}',
    ]);
  });

  test('of another server is refused', async () => {
    const { server } = await apiUnderTest();
    const foreign = { ...headers, ...FORM, origin: 'https://evil.example.com' };
    const answer = await server.inject({
      method: 'POST',
      url: '/ui/endpoints/crm',
      payload: 'order=pause',
      headers: foreign,
    });
    expect(answer.statusCode).toBe(403);
  });

  test('of an endpoint that nobody answers for is not there', async () => {
    const api = await apiUnderTest({
      app: { endpoints: async () => [{ ...ENDPOINT, governor: null, note: 'no worker answers' }] },
    });
    const { body } = await page(api, '/ui/endpoints');
    expect(body).toContain('no worker answers');
    expect(body).not.toContain('<form');
  });
});
