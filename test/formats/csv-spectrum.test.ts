/** The cases of csv-spectrum: what is in each cell, read through the columns two at a time. */
import { createRequire } from 'node:module';
import { describe, expect, test } from 'vitest';
import type { Row } from './collect.ts';
import { collectRows } from './collect.ts';

interface Spectrum {
  readonly name: string;
  readonly csv: Buffer;
  readonly json: Buffer;
}
const spectrum = createRequire(import.meta.url)('csv-spectrum') as (
  done: (error: Error | null, cases: Spectrum[]) => void,
) => void;
const cases = await new Promise<Spectrum[]>((resolve, reject) => {
  spectrum((error, found) => (error ? reject(error) : resolve(found)));
});

test('csv-spectrum has its twelve cases', () => {
  expect(cases.map((each) => each.name)).toHaveLength(12);
});

/** What wds says of a row with these two cells. */
function expectedOf(userId: string, alertMessage: string): Record<string, string> {
  if (userId === '') return { invalid: 'missing_user_id' };
  return alertMessage === '' ? { invalid: 'missing_message' } : { userId, alertMessage };
}

/** Not RFC 4180: bare quotes; and its .json has another phone number. */
const MALFORMED = 'location_coordinates';
const malformed = cases.find((each) => each.name === MALFORMED)!;

test(`csv-spectrum ${MALFORMED}: the row is listed, not guessed at, and read once it is quoted`, async () => {
  const options = { userIdColumn: 'Contact Phone Number', alertMessageColumn: 'Location Coordinates' };
  expect(await collectRows(malformed.csv, { options })).toEqual([{ line: 2, invalid: 'bad_csv' }]);
  const quoted = malformed.csv.toString('utf8').replace(/37[^,]*/, (cell) => `"${cell.replaceAll('"', '""')}"`);
  const alertMessage = `37\ufffd36'37.8"N 121\ufffd2'17.9"W`;
  expect(await collectRows(quoted, { options })).toEqual([{ line: 2, userId: '2095257564', alertMessage }]);
});

describe.each(cases.filter((each) => each !== malformed))('csv-spectrum $name', ({ csv, json }) => {
  const records = JSON.parse(json.toString('utf8')) as Record<string, string>[];
  const columns = Object.keys(records[0] ?? {});
  const pairs = columns.flatMap((user, at) => columns.slice(at + 1).map((message) => [user, message] as const));

  test.each([1, 3, 10_000])('every cell is as written, in blocks of %d bytes', async (blockBytes) => {
    expect(pairs.length).toBeGreaterThan(0);
    for (const [userIdColumn, alertMessageColumn] of pairs) {
      const rows = await collectRows(csv, { blockBytes, options: { userIdColumn, alertMessageColumn } });
      const found = rows.map(({ line: _, ...row }: Row) => row);
      expect(found).toEqual(records.map((record) => expectedOf(record[userIdColumn]!, record[alertMessageColumn]!)));
    }
  });
});
