import { expect, test } from 'vitest';
import { detectFormat } from '../../src/formats/detect.ts';

test.each([
  ['a.csv', { format: 'csv', gzip: false }],
  ['A.B.CSV.GZ', { format: 'csv', gzip: true }],
  ['a.ndjson', { format: 'ndjson', gzip: false }],
  ['a.JsonL.gz', { format: 'ndjson', gzip: true }],
  ['a.json', { format: 'json', gzip: false }],
  ['in/box/a.json.gz', { format: 'json', gzip: true }],
])('%s is read as %o', (name, detected) => {
  expect(detectFormat(name)).toEqual(detected);
});

test.each([
  'a.txt',
  'csv',
  '.csv',
  'inbox/.csv',
  'a.gz',
  'a.csv.zip',
  'a.csv.gz.gz',
  'a.constructor',
  'a.csv.part',
  'a.xlsx',
  '',
])('%j is not a kind of file that wds reads', (name) => {
  expect(detectFormat(name)).toBeUndefined();
});
