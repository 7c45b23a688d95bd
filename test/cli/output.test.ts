import { describe, expect, test } from 'vitest';
import { count, duration, endText, reportText, resultObject } from '../../src/cli/output.ts';
import { statusText } from '../../src/cli/status-output.ts';
import { table } from '../../src/cli/tables.ts';
import type { Paint } from '../../src/cli/terminal.ts';
import { countsText } from '../../src/domain/progress/counts-text.ts';
import { ended, REPORT, RESULT, STATUS } from './fake-app.ts';

const plain: Paint = (text) => text;

test.each([
  [0, '0'],
  [999, '999'],
  [1000, '1,000'],
  [10_000_000, '10,000,000'],
  [99.6, '100'],
])('count of %d is %s', (value, expected) => {
  expect(count(value)).toBe(expected);
});

test.each([
  [0, '0.0 s'],
  [0.449, '0.4 s'],
  [9.94, '9.9 s'],
  [9.96, '10 s'],
  [59.4, '59 s'],
  [59.6, '1 min 00 s'],
  [185, '3 min 05 s'],
  [3599.6, '1 h 00 min'],
  [7_620, '2 h 07 min'],
  [200_000, '55 h 33 min'],
  [Number.POSITIVE_INFINITY, '?'],
])('%d seconds are %s', (seconds, expected) => {
  expect(duration(seconds)).toBe(expected);
});

describe('a table', () => {
  test('aligns words left and numbers right, without white space at line ends', () => {
    const rows = [
      { name: 'a', size: 5 },
      { name: 'longer', size: 12_345 },
    ];
    const columns = [
      { title: 'SIZE', text: (row: (typeof rows)[0]) => count(row.size), right: true },
      { title: 'NAME', text: (row: (typeof rows)[0]) => row.name },
    ];
    expect(table(rows, columns, plain)).toBe('  SIZE  NAME\n     5  a\n12,345  longer');
  });

  test('escapes control characters in its cells', () => {
    expect(table([{ x: 'a\u001b[31m\n' }], [{ title: 'X', text: (row) => row.x }], plain)).toBe(
      'X\na\\u001b[31m\\u000a',
    );
  });
});

test('counts leave out what is nought', () => {
  expect(countsText({ ...RESULT, invalid: 0, duplicates: 0 })).toBe('1,250 of 1,250 delivered');
  expect(countsText({ ...RESULT, delivered: 1, rejected: 2, undelivered: 3, unconfirmed: 4 }, 5)).toBe(
    '1 of 1,250 delivered, 2 rejected, 3 undelivered, 4 unconfirmed, 5 pending, 1 duplicate',
  );
});

test('a result object has the agreed fields in their order and nothing else', () => {
  expect(Object.keys(resultObject({ ...REPORT, ...RESULT }))).toEqual(Object.keys(RESULT));
});

test('a file left running names its workflow', () => {
  const text = endText({ kind: 'running', result: { ...RESULT, delivered: 10 }, why: 'deadline' }, plain);
  expect(text).toBe(
    '… alerts.csv: still running at the deadline; 10 of 1,250 delivered, 1 duplicate\n  workflow  file-3f2a-crm',
  );
});

test('a failed file is marked in red, a delivered one in green', () => {
  const paint: Paint = (text, style) => `<${style}>${text}`;
  expect(endText(ended({ undelivered: 1 }), paint)).toMatch(/^<red>✗/);
  expect(endText(ended(), paint)).toMatch(/^<green>✓/);
  expect(endText(ended({ invalid: 1 }), paint)).toMatch(/^<yellow>!/);
  expect(endText(ended({ invalid: 1, rejected: 1 }), paint)).toMatch(/^<red>✗/);
});

test('status without files says so', () => {
  expect(statusText({ ...STATUS, files: [] }, plain)).toMatch(/\n\nNo files yet\.$/);
});

test('a report shows what is pending only while something is', () => {
  expect(reportText(REPORT, plain)).not.toContain('pending');
  expect(reportText({ ...REPORT, pending: 7 }, plain)).toMatch(/pending {10}7/);
});

test('a report says why a file was refused, and that it was not read to its end', () => {
  expect(reportText(REPORT, plain)).not.toMatch(/Why|Read/);
  const fault = { code: 'file_refused', message: 'no row of it is valid' } as const;
  expect(reportText({ ...REPORT, state: 'refused', fault }, plain)).toMatch(/Why +no row of it is valid/);
  expect(reportText({ ...REPORT, readToTheEnd: false }, plain)).toMatch(/Read +not to its end/);
});
