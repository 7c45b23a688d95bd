import { describe, expect, it, test } from 'vitest';
import type { FileCounts } from '../../../src/domain/counts.ts';
import { NO_COUNTS } from '../../../src/domain/counts.ts';
import { findingsOf } from '../../../src/domain/rows/findings.ts';
import { refusedFor } from '../../../src/domain/rows/max-invalid.ts';
import { invalidLines, noValidRowText, tooManyInvalidText, warningLines } from '../../../src/domain/rows/words.ts';

test('findings are added up over windows, the commonest first', () => {
  const windows = [
    { invalidReasons: { bad_csv: { rows: 3, firstLine: 8 }, bad_json: { rows: 4, firstLine: 9 } } },
    {
      invalidReasons: { bad_csv: { rows: 1, firstLine: 20 }, too_deep: { rows: 1, firstLine: 30 } },
      notes: { padded_user_id: { rows: 2, firstLine: 21 } },
    },
    {},
  ];
  expect(findingsOf(windows)).toEqual({
    invalidReasons: [
      { reason: 'bad_csv', rows: 4, firstLine: 8 },
      { reason: 'bad_json', rows: 4, firstLine: 9 },
      { reason: 'too_deep', rows: 1, firstLine: 30 },
    ],
    notes: [{ note: 'padded_user_id', rows: 2, firstLine: 21 }],
  });
  expect(findingsOf([{}, {}])).toEqual({});
});

describe('a file is refused for its invalid rows', () => {
  const counts = (rows: number, invalid: number, more: Partial<FileCounts> = {}): FileCounts => ({
    ...NO_COUNTS,
    ...{ rows, invalid, alerts: rows - invalid },
    ...more,
  });

  it.each([
    ['more than a fifth', 15, 4, 0.2, 'too_many_invalid'],
    ['a fifth, which is not more', 15, 3, 0.2, undefined],
    ['29 in 100 where 29% are allowed', 100, 29, 0.29, undefined],
    ['one alone, whatever its share', 2, 1, 0.2, undefined],
    ['one alone, where none is allowed', 2, 1, 0, undefined],
    ['two, where none is allowed', 1_000, 2, 0, 'too_many_invalid'],
    ['all but one, where the share is switched off', 10, 9, 1, undefined],
    ['all, whatever is allowed', 10, 10, 1, 'no_valid_row'],
    ['one, and no other', 1, 1, 1, 'no_valid_row'],
    ['all but one, in deliveries of before', 10, 9, undefined, undefined],
    ['all, in deliveries of before', 10, 10, undefined, 'no_valid_row'],
    ['none, and no row', 0, 0, 0, undefined],
  ])('%s', (_, rows, invalid, maxInvalid, expected) => {
    expect(refusedFor(counts(rows, invalid), maxInvalid)).toBe(expected);
  });

  it('but not for headers that come again: there is nothing to mend', () => {
    const repeated = (rows: number) => ({
      invalidReasons: [{ reason: 'repeated_header', rows, firstLine: 3 }] as const,
    });
    expect(refusedFor(counts(9, 3, repeated(3)), 0.2)).toBeUndefined();
    expect(refusedFor(counts(10, 4, repeated(2)), 0.2)).toBe('too_many_invalid');
  });
});

describe('what a person reads', () => {
  const reasons = [
    { reason: 'invalid_utf8', rows: 2, firstLine: 1_003 },
    { reason: 'bad_csv', rows: 1, firstLine: 7 },
  ] as const;

  it('are the commonest reasons with count, first line and cause', () => {
    expect(invalidLines({ invalidReasons: reasons })).toEqual([
      expect.stringMatching(/^2 invalid_utf8, the first on line 1,003: not UTF-8 /),
      expect.stringMatching(/^1 bad_csv, the first on line 7: too few or too many columns/),
    ]);
    const four = ['bad_csv', 'bad_json', 'too_deep', 'not_object'] as const;
    const lines = invalidLines({ invalidReasons: four.map((reason) => ({ reason, rows: 1, firstLine: 1 })) });
    expect(lines).toHaveLength(4);
    expect(lines[3]).toBe('and 1 more reason');
    expect(invalidLines({})).toEqual([]);
  });

  it('is what the bytes look like, if that holds for all such rows', () => {
    const seen = (rows: number) =>
      invalidLines({ invalidReasons: reasons, notes: [{ note: 'windows_1252', rows, firstLine: 9 }] });
    expect(seen(2)[0]).toContain(
      'looks like Windows-1252; save the file as UTF-8, or read it with --encoding windows-1252',
    );
    expect(seen(1)[0]).not.toContain('1252;');
    const commas = { invalidReasons: [{ reason: 'bad_json', rows: 4, firstLine: 1 }] as const };
    expect(invalidLines({ ...commas, notes: [{ note: 'comma_behind_object', rows: 4, firstLine: 1 }] })[0]).toContain(
      'a comma follows the object',
    );
  });

  it('are warnings about users and duplicates', () => {
    const file = { ...NO_COUNTS, alerts: 3, duplicates: 1 };
    expect(warningLines(file)).toEqual([]);
    const notes = [
      { note: 'spreadsheet_user_id', rows: 5, firstLine: 2 },
      { note: 'padded_user_id', rows: 1, firstLine: 4 },
      { note: 'windows_1252', rows: 1, firstLine: 4 },
    ] as const;
    const lines = warningLines({ ...file, notes, alerts: 1, duplicates: 4 });
    expect(lines).toEqual([
      expect.stringMatching(
        /^5 rows with users as a spreadsheet shows long numbers or errors .*, the first on line 2: make/,
      ),
      expect.stringMatching(/^1 row with a user with white space at an end, on line 4: /),
      expect.stringMatching(/^4 of 5 rows are duplicates/),
    ]);
  });

  it('is why the whole file is refused, and how to send it all the same', () => {
    const read = { ...NO_COUNTS, rows: 10, alerts: 7, invalid: 3, invalidReasons: reasons };
    expect(tooManyInvalidText(read, 0.2, '/r/invalid.csv')).toMatch(
      /^3 of 10 rows are invalid \(30%, more than parse\.maxInvalid \(20%\)\): 2 invalid_utf8, .*; see \/r\/invalid\.csv; to send the others as they are: --max-invalid 30%$/,
    );
    expect(noValidRowText({ ...read, alerts: 0, invalid: 10 }, '/r/invalid.csv')).toMatch(
      /^no row is valid: all 10 are refused, most often for invalid_utf8 \(2, the first on line 1,003\); see \/r\/invalid\.csv\. invalid_utf8: not UTF-8/,
    );
    expect(noValidRowText({ ...NO_COUNTS, rows: 1_200 }, '/r')).toBe('no row is valid: all 1,200 are refused; see /r');
  });
});
