/**
 * `<home>/server.json`: where the dev server of a home is, for the other `wds` commands of that home. It appears whole (rename), and
 * it is believed only while the server it names still runs: ports and process IDs are used again.
 */
import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProcessIdentity } from './process-identity.ts';
import { isProcessIdentity } from './process-identity.ts';

export interface ServerRecord {
  /** host:port of the gRPC service. */
  readonly address: string;
  readonly uiUrl: string;
  /** The server's process. */
  readonly pid: number;
  readonly startedAt: string;
  readonly server: ProcessIdentity;
  /** The wds process that started the server. By itself it says nothing: the last user ends it, whoever that is (server-users.ts). */
  readonly owner: ProcessIdentity;
  /** Namespace that the server has beside the default one, and no other server has. Absent: started by an earlier version, whose owner ends it. */
  readonly mark?: string;
  /** Ends the server when its last user was killed. Absent where there can be none. */
  readonly watchdog?: ProcessIdentity;
}

const pathIn = (home: string) => join(home, 'server.json');

export async function writeServerRecord(home: string, record: ServerRecord): Promise<void> {
  const temporary = `${pathIn(home)}.${randomUUID()}`;
  await writeFile(temporary, `${JSON.stringify(record, null, 2)}\n`);
  await rename(temporary, pathIn(home));
}

/** Undefined when there is none, or none that can be read. */
export async function readServerRecord(home: string): Promise<ServerRecord | undefined> {
  try {
    const record = JSON.parse(await readFile(pathIn(home), 'utf8')) as Partial<ServerRecord> | null;
    const whole =
      typeof record?.address === 'string' &&
      typeof record.uiUrl === 'string' &&
      isProcessIdentity(record.server) &&
      isProcessIdentity(record.owner);
    return whole ? (record as ServerRecord) : undefined;
  } catch {
    return undefined;
  }
}

export async function removeServerRecord(home: string): Promise<void> {
  await rm(pathIn(home), { force: true });
}
