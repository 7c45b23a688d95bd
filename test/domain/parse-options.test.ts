import { expect, test } from 'vitest';
import type { ParseOptions } from '../../src/domain/parse-options.ts';
import { DEFAULT_PARSE_OPTIONS, parseKey } from '../../src/domain/parse-options.ts';

/** What 0.1.0 and the builds after it have put down; receipts belong to chunks under these keys. */
const { rules: _rules, maxChunkLength, ...DEFAULTS_0_1 } = { ...DEFAULT_PARSE_OPTIONS, maxRecordBytes: 64 * 1024 };
const csv: ParseOptions = { ...DEFAULTS_0_1, format: 'csv' };

test.each<[string, ParseOptions]>([
  ['csv-f1dc7b8ea4', csv],
  ['ndjson-0d5296b498', { ...csv, format: 'ndjson' }],
  ['csv-ab32b6d7c0', { ...csv, header: false }],
  ['csv-9083f5d025', { ...csv, maxChunkLength: maxChunkLength! }],
  ['csv-52ae71fa17', { ...csv, maxChunkLength: maxChunkLength!, chunkSize: 5000 }],
])('the key %s of stores of before stays as it is', (key, options) => {
  expect(parseKey(options)).toBe(key);
});

test('each option that decides how rows are read has a part in the key', () => {
  const keys = [csv, { ...csv, rules: 2 as const }, { ...csv, separator: ';' }, { ...csv, encoding: ';' }].map(
    parseKey,
  );
  expect(new Set(keys).size).toBe(keys.length);
});
