import { expect, test } from 'vitest';
import { PREVIEW, wds } from './fake-app.ts';

test('preview shows facts, requests and rows, sends nothing, and names the command that does', async () => {
  const { code, out, calls } = await wds(['preview', 'alerts.csv', '--url', 'https://crm.example.com/hook']);
  expect(code).toBe(0);
  expect(calls).toEqual(['preview', 'close']);
  expect(out).toContain('Rows      1,251: 1,250 alerts, 0 invalid, 1 duplicate');
  expect(out).toContain('comma; user in column 1, message in column 2 of 2');
  expect(out).toContain('Request 1\nPOST /hook HTTP/1.1\nhost: crm.example.com\n\n{"userId":"user-1"');
  expect(out).toMatch(/Duplicate rows: 1\nLINE {2}FIRST {2}USER\n {3}9 {6}2 {2}user-1/);
  expect(out).toMatch(/Nothing was sent\. To send it: wds send alerts\.csv --url https:\/\/crm\.example\.com\/hook\n$/);
});

test('preview takes the flags of send', async () => {
  const flags = ['--rate', '5', '--no-header', '--once', 'message', '--priority', 'urgent', '--deadline', '5'];
  expect((await wds(['preview', 'alerts.csv', '--url', 'http://localhost/', ...flags])).code).toBe(0);
});

test('preview exits as send would, for what depends on the rows', async () => {
  const invalid = { ...PREVIEW, counts: { ...PREVIEW.counts, invalid: 3 } };
  const app = { preview: async () => invalid };
  expect((await wds(['preview', 'a.csv'], { app })).code).toBe(3);
  expect((await wds(['preview', 'a.csv', '--allow-invalid'], { app })).code).toBe(0);
  const refused = { ...PREVIEW, refused: { code: 'csv_quote', line: 3, message: 'a quote is never closed' } };
  const { code, out } = await wds(['preview', 'a.csv'], { app: { preview: async () => refused } });
  expect(code).toBe(65);
  expect(out).toContain('✗ It would be refused, and nothing of it sent: a quote is never closed');
});

test('preview gives programs the data: an object for one file, a line each with jsonl', async () => {
  const { out } = await wds(['preview', 'a.csv', '-o', 'json']);
  expect(JSON.parse(out)).toEqual({ ...PREVIEW, file: 'a.csv' });
  const lines = (await wds(['preview', 'a.csv', 'b.csv', '-o', 'jsonl'])).out.trimEnd().split('\n');
  expect(lines.map((line) => (JSON.parse(line) as typeof PREVIEW).file)).toEqual(['a.csv', 'b.csv']);
});

test('nothing of a request moves the screen', async () => {
  const app = { preview: async () => ({ ...PREVIEW, requests: ['POST / HTTP/1.1\n\n{"alertMessage":"\u001b[2J"}'] }) };
  expect((await wds(['preview', 'a.csv'], { app })).out).not.toContain('\u001b');
});

test('what is to be sent first, and what stops a file, reaches the settings', async () => {
  const flags = ['--first', '20', '--stop-at-failures', '5%', '--url', 'http://localhost/'];
  const { context } = await wds(['send', 'alerts.csv', ...flags]);
  expect(context?.settings.delivery).toMatchObject({ first: 20, stopAtFailures: 0.05 });
  expect((await wds(['send', 'alerts.csv', '--stop-at-failures', '5', '--url', 'http://localhost/'])).code).toBe(2);
});
