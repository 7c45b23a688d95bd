import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { queuesAreFair } from '../../src/dev-server/fair-queues.ts';

let folder: string;
let database: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wds-fair-'));
  database = join(folder, 'temporal.db');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const SCHEMA = `SQLite format 3\0${'x'.repeat(200_000)}CREATE TABLE task_queues_v2 (`;

test('a database that is about to be made is fair, and stays so', async () => {
  expect(queuesAreFair(database)).toBe(true);
  await writeFile(database, SCHEMA);
  expect(queuesAreFair(database)).toBe(true);
});

test('its schema may still be in the write-ahead log', async () => {
  expect(queuesAreFair(database)).toBe(true);
  await writeFile(database, 'SQLite format 3');
  await writeFile(`${database}-wal`, SCHEMA);
  expect(queuesAreFair(database)).toBe(true);
});

test('one that was used without keeps its backlog where it is', async () => {
  await writeFile(database, SCHEMA);
  expect(queuesAreFair(database)).toBe(false);
});

test('one that an older server made has no place for a fair backlog', async () => {
  expect(queuesAreFair(database)).toBe(true);
  await writeFile(database, 'SQLite format 3');
  expect(queuesAreFair(database)).toBe(false);
});
