/** Content of another kind than the name says is refused in those words, without advice on headers. */
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { FileFormat } from '../../src/domain/parse-options.ts';
import { collectRows, refusalOf } from './collect.ts';

const CSV = 'userId,alertMessage\nu1,hello\n';
const NDJSON = '{"userId":"u1","alertMessage":"hello"}\n{"userId":"u2","alertMessage":"x"}\n';

describe('a file is refused that is', () => {
  test.each<[string, Buffer | string, string, FileFormat?]>([
    ['gzip', gzipSync(CSV), 'compressed by gzip'],
    ['gzip, as NDJSON', gzipSync(NDJSON), 'compressed by gzip', 'ndjson'],
    [
      'a workbook',
      'PK\x03\x04\x14\0\x06\0\x08\0\0\0!\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x13\0[Content_Types].xml',
      'an Excel workbook (.xlsx)',
    ],
    ['a ZIP archive', 'PK\x03\x04\x14\0\0\0\x08\0alerts.csv', 'a ZIP archive'],
    ['an old workbook', Buffer.from('d0cf11e0a1b11ae10000000000000000', 'hex'), 'an Excel workbook (.xls)'],
    ['a PDF', '%PDF-1.7\n%\xe2\xe3\xcf\xd3\n', 'a PDF document'],
    ['an HTML page', '<!DOCTYPE html>\n<html><head><title>Login</title></head></html>\n', 'an HTML page'],
    ['an HTML page without its type', '\n  <HTML lang="en">\n<body>Session expired, sign in</body>', 'an HTML page'],
    ['an HTML page, as JSON', '<html><body>Bad gateway</body></html>', 'an HTML page', 'json'],
    ['XML', '<?xml version="1.0"?>\n<alerts><alert user="u1"/></alerts>\n', 'XML'],
    ['JSON lines in a CSV', NDJSON, 'JSON. Name it .ndjson'],
    ['a JSON array in a CSV', `[\n  ${NDJSON.split('\n')[0]}\n]\n`, 'JSON. Name it .json'],
    ['a JSON array in lines', `[${NDJSON.split('\n')[0]}]`, 'a JSON array. Name it .json', 'ndjson'],
    ['a CSV in lines', CSV, 'CSV. Name it .csv', 'ndjson'],
    ['a CSV as JSON', '"userId";"alertMessage"\n"u1";"hello"\n', 'CSV. Name it .csv', 'json'],
  ])('%s', async (_, content, what, format = 'csv') => {
    const bytes = typeof content === 'string' ? Buffer.from(content, 'latin1') : content;
    for (const blockBytes of [1, 10_000]) {
      const refusal = await refusalOf(bytes, { format, blockBytes });
      expect(refusal.code).toBe('other_kind');
      expect(refusal.message).toContain(`its content is ${what}`);
      expect(refusal.message).not.toContain('--no-header');
    }
  });

  test('HTML in UTF-16', async () => {
    expect((await refusalOf(Buffer.from('\ufeff<html><body>', 'utf16le'))).message).toContain('an HTML page');
  });
});

test.each<[string, string, FileFormat]>([
  ['messages of markup and JSON', 'userId,alertMessage\nu1,<b>hi</b>\nu2,{x}\n', 'csv'],
  ['a user in brackets', '[u1],hi\n', 'csv'],
  ['a first line that is no JSON', `exported, today\n${NDJSON}`, 'ndjson'],
  ['an array among the lines', `["a"]\n${NDJSON}`, 'ndjson'],
])('%s are no reason', async (_, content, format) => {
  const options = content.startsWith('[u') ? { header: false } : {};
  const rows = await collectRows(content, { format, options });
  expect(rows.some((row) => 'userId' in row)).toBe(true);
});
