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

  test.each(['=1+1', '+1', '-1', '@a', '\tx', '\rx'])('for spreadsheets is no formula: %j', (cell) => {
    const [read] = parse(csvRecord([cell, 'b'], { spreadsheet: true }), { record_delimiter: '\n' });
    expect(read).toEqual([`'${cell}`, 'b']);
    const [asIs] = parse(csvRecord([cell, 'b'], { spreadsheet: false }), { record_delimiter: '\n' });
    expect(asIs).toEqual([cell, 'b']);
  });
});
