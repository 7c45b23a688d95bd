import { createHash } from 'node:crypto';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import type { FilePreview } from '../../src/app/preview.ts';
import { previewFile } from '../../src/app/preview.ts';
import { loadSettings } from '../../src/config/load.ts';
import { reportFolderName } from '../../src/store/report-shelf.ts';
import { makeFolder } from '../config/folder.ts';

const CONFIG = {
  endpoint: {
    name: 'crm',
    url: 'https://crm.example.com/hooks/a1b2c3d4e5f6a7b8c9d0/in?token=query-secret',
    rate: 100,
    headers: { Authorization: 'Bearer header-secret', 'User-Agent': 'us/1' },
  },
};

async function preview(name: string, content: string | Buffer, config: object = CONFIG): Promise<FilePreview> {
  const cwd = await makeFolder();
  await writeFile(join(cwd, 'wds.config.yaml'), JSON.stringify(config));
  await writeFile(join(cwd, name), content);
  const { settings } = await loadSettings({ cwd, env: {}, flags: {}, temporal: {}, defaultLogLevel: 'warn' } as never);
  const shown = await previewFile(join(cwd, name), settings);
  // Nothing is left behind.
  expect((await readdir(cwd)).sort()).toEqual([name, 'wds.config.yaml'].sort());
  return shown;
}

const CSV = 'name;userId;alertMessage\nAnn;u1;"Hi; there"\nBob;u2;hello\nBob;u2;again\nC;;x\nD;u4;y\nE;u5;z\n';

test('a file is read to its end as a delivery would read it, and its first requests are shown in full', async () => {
  const shown = await preview('a.csv', CSV);
  const sha256 = createHash('sha256').update(CSV).digest('hex');
  expect(shown).toMatchObject({
    sha256,
    endpoint: 'crm',
    counts: { rows: 6, alerts: 4, invalid: 1, duplicates: 1, invalidReasons: [{ reason: 'missing_user_id' }] },
    found: { format: 'csv', separator: ';', columns: { count: 3, userId: 2, alertMessage: 3 } },
    refused: null,
    invalidRows: [{ line: 5, reason: 'missing_user_id', row: 'C;;x' }],
    duplicateRows: [{ line: 4, firstLine: 3, userId: 'u2' }],
    before: [],
  });
  expect(shown.seconds).toBeCloseTo(4 / 99, 5);
  expect(shown.requests).toHaveLength(3);
  const [head, body] = shown.requests[0]!.split('\n\n');
  expect(body).toBe('{"userId":"u1","alertMessage":"Hi; there"}');
  expect(head!.split('\n')).toEqual([
    'POST /hooks/***/in?… HTTP/1.1',
    'host: crm.example.com',
    `webhook-id: crm_${sha256.slice(0, 32)}_2`,
    expect.stringMatching(/^webhook-timestamp: \d+$/),
    `idempotency-key: "crm_${sha256.slice(0, 32)}_2"`,
    'content-type: application/json',
    'user-agent: (hidden)',
    'authorization: (hidden)',
    `content-length: ${body!.length}`,
  ]);
  expect(JSON.stringify(shown)).not.toMatch(/secret/);
});

test.each([
  ['plain.ndjson', Buffer.from('{"userId":"u1","alertMessage":"a"}\n{"userId":"u1","alertMessage":"b"}\n')],
  ['zipped.json.gz', gzipSync('[{"userId":"u1","alertMessage":"a"},{"userId":"u1","alertMessage":"b"}]')],
])('%s is read, too', async (name, content) => {
  expect(await preview(name, content)).toMatchObject({
    sha256: createHash('sha256').update(content).digest('hex'),
    counts: { rows: 2, alerts: 1, duplicates: 1 },
    found: { gzip: name.endsWith('.gz'), columns: null },
  });
});

test('a file that would be refused says why, and on which line', async () => {
  expect((await preview('a.csv', 'userId,alertMessage\nu1,"never closed\n')).refused).toMatchObject({ line: 2 });
  expect((await preview('a.csv', 'userId,alertMessage\nu1,a\n,b\n,c\n')).refused).toMatchObject({
    code: 'too_many_invalid',
    message: expect.stringContaining('--max-invalid'),
  });
  expect((await preview('a.csv.gz', 'no gzip')).refused).toMatchObject({ code: 'bad_gzip' });
});

test('no more than 20 rows of a kind are listed, and all are counted', async () => {
  const rows = Array.from({ length: 50 }, (_, at) => `u${at},hello\nu${at},again\n`).join('');
  const shown = await preview('a.csv', `userId,alertMessage\n${rows}`);
  expect(shown.counts).toMatchObject({ alerts: 50, duplicates: 50 });
  expect(shown.duplicateRows).toHaveLength(20);
});

test('without an endpoint the bodies are shown, and without a stated rate no time is promised', async () => {
  const shown = await preview('a.csv', CSV, {});
  expect(shown).toMatchObject({ endpoint: null, seconds: null });
  expect(shown.requests[0]).toBe('{"userId":"u1","alertMessage":"Hi; there"}');
  const auto = { endpoint: { ...CONFIG.endpoint, rate: 'auto' } };
  expect((await preview('a.csv', CSV, auto)).seconds).toBeNull();
});

test('what was delivered before is told from the home, and does not count for the time it takes', async () => {
  const cwd = await makeFolder();
  const sha256 = createHash('sha256').update(CSV).digest('hex');
  const record = {
    sha256,
    endpoint: 'crm',
    fileName: 'a.csv',
    firstSubmittedAt: '2026-01-02T03:04:05.000Z',
    parse: {},
  };
  await mkdir(join(cwd, '.wds', 'store', sha256, 'crm'), { recursive: true });
  await writeFile(join(cwd, '.wds', 'store', sha256, 'crm', 'delivery.json'), JSON.stringify(record));
  const folder = join(cwd, '.wds', 'reports', reportFolderName('a.csv', sha256, 'crm'));
  await mkdir(folder, { recursive: true });
  const report = { alerts: 4, delivered: 3, writtenAt: '2026-01-02T03:05:00.000Z' };
  await writeFile(join(folder, 'report.json'), JSON.stringify(report));
  await writeFile(join(cwd, 'wds.config.yaml'), JSON.stringify(CONFIG));
  await writeFile(join(cwd, 'a.csv'), CSV);
  const { settings } = await loadSettings({ cwd, env: {}, flags: {}, temporal: {}, defaultLogLevel: 'warn' } as never);
  const shown = await previewFile(join(cwd, 'a.csv'), settings);
  expect(shown.before).toEqual([
    {
      endpoint: 'crm',
      firstSubmittedAt: record.firstSubmittedAt,
      delivered: 3,
      alerts: 4,
      reportedAt: report.writtenAt,
    },
  ]);
  expect(shown.seconds).toBeCloseTo(1 / 99, 5);
});

test('what is no file, or of no kind that is read, is a fault', async () => {
  const { settings } = await loadSettings({
    ...{ cwd: await makeFolder(), env: {}, flags: {}, temporal: {}, defaultLogLevel: 'warn' },
  } as never);
  await expect(previewFile('/nowhere/a.csv', settings)).rejects.toMatchObject({ code: 'not_found' });
  const bucket = previewFile('s3://alerts/a.csv', settings);
  await expect(bucket).rejects.toMatchObject({ message: 's3://alerts/a.csv is not a file of this host' });
  await expect(previewFile('/tmp/a.pdf', settings)).rejects.toMatchObject({ code: 'unsupported_file' });
});
