import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { csvRecord } from '../../src/domain/csv-writer.ts';

const nasty = fc.array(fc.constantFrom('a', 'é', '"', ',', '\n', '\r', ' ', '=', '-', '\u2028', '😀'), {
  maxLength: 6,
});

describe('a CSV record', () => {
  test('is read back as it was written', () => {
    fc.assert(
      fc.property(fc.array(nasty, { minLength: 2, maxLength: 5 }), (letters) => {
        const cells = letters.map((each) => each.join(''));
        const [read] = parse(csvRecord(cells, { spreadsheet: false }), { record_delimiter: '\n' });
        expect(read).toEqual(cells);
      }),
      { seed: 3 },
    );
  });

  test.each(['=1+1', '+1', '-1', '@a', '\tx', '\rx', '\nx', '＝1', '＋1', '－1', '＠a'])(
    'for spreadsheets is no formula: %j',
    (cell) => {
      const [read] = parse(csvRecord([cell, 'b'], { spreadsheet: true }), { record_delimiter: '\n' });
      expect(read).toEqual([`'${cell}`, 'b']);
      const [asIs] = parse(csvRecord([cell, 'b'], { spreadsheet: false }), { record_delimiter: '\n' });
      expect(asIs).toEqual([cell, 'b']);
    },
  );

  test.each([
    ['a;=1+1', "a;'=1+1"],
    ['a; "=1"', `a; "'=1"`],
    ['a\t-1', "a\t'-1"],
    ['a\n\r\n@b;+c', "a\n\r\n'@b;'+c"],
    ['a;b, c=d; e-f', 'a;b, c=d; e-f'],
  ])('for spreadsheets is no formula where the cell is cut by their own separator: %j', (cell, expected) => {
    const [read] = parse(csvRecord(['x', cell], { spreadsheet: true }), { record_delimiter: '\n' });
    expect(read).toEqual(['x', expected]);
    const [asIs] = parse(csvRecord(['x', cell], { spreadsheet: false }), { record_delimiter: '\n' });
    expect(asIs).toEqual(['x', cell]);
  });

  test('of a spreadsheet that splits at ; or TAB, and knows no quotes in mid-line, has no cell that is a formula', () => {
    const letters = fc.array(fc.constantFrom('a', ';', '=', '-', '@', '+', '\n', '\r', '\t', '"', "'", ' ', ','), {
      maxLength: 8,
    });
    fc.assert(
      fc.property(letters, fc.constantFrom(';', '\t'), (each, separator) => {
        const text = csvRecord(['x', each.join('')], { spreadsheet: true });
        for (const cell of text.split(new RegExp(`[${separator}\\r\\n]`))) {
          expect(cell.replace(/^["\s]+/, '')).not.toMatch(/^[=+\-@]/);
        }
      }),
      { seed: 3, numRuns: 2_000 },
    );
  });

  test('shows half a character to people, and leaves it out of what is dropped again', () => {
    const cells = ['\ud83d', 'a\udc00b', 'whole 😀'];
    expect(csvRecord(cells, { spreadsheet: true })).toBe('\\ud83d,a\\udc00b,whole 😀\n');
    expect(csvRecord(cells, { spreadsheet: false })).toBe(',,whole 😀\n');
  });
});
