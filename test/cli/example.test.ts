import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { expect, test } from 'vitest';

test('the bundled example has 250 alerts, one duplicate user and one row without a user', async () => {
  const bytes = await readFile(join(import.meta.dirname, '../../examples/alerts.csv'));
  const rows = parse(bytes, { columns: true }) as { userId: string; alertMessage: string }[];
  const users = rows.map((row) => row.userId).filter((user) => user !== '');
  expect(rows).toHaveLength(252);
  expect(users).toHaveLength(251);
  expect(new Set(users).size).toBe(250);
  expect(rows.every((row) => row.alertMessage !== '')).toBe(true);
});
