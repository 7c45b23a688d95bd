/**
 * Whether the dev server may share its task queues fairly among files (`matching.enableFairness`, from server 1.29 on): behind 12 files
 * of 4,500 alerts at 100/s a small one took 6 s, without 44 s. A server keeps a fair backlog in tables of its own, takes none over from
 * the others, and adds none to an older database. So a database is fair from its first start on, or never.
 */
import { closeSync, existsSync, openSync, readSync, writeFileSync } from 'node:fs';

const TABLE = 'CREATE TABLE task_queues_v2';
/** A database holds its schema near its beginning: it was written first. */
const SCHEMA_BYTES = 4 * 1024 * 1024;

export function queuesAreFair(databaseFile: string): boolean {
  const mark = `${databaseFile}.fair`;
  if (!existsSync(databaseFile)) {
    writeFileSync(mark, '');
    return true;
  }
  // The mark says which backlog was used; the table is missing where the first server was an older one.
  return existsSync(mark) && [databaseFile, `${databaseFile}-wal`].some(beginsWithTable);
}

function beginsWithTable(path: string): boolean {
  try {
    const file = openSync(path, 'r');
    try {
      const bytes = Buffer.alloc(SCHEMA_BYTES);
      return bytes.subarray(0, readSync(file, bytes, 0, SCHEMA_BYTES, 0)).includes(TABLE);
    } finally {
      closeSync(file);
    }
  } catch {
    return false;
  }
}
