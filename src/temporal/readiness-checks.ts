/** What every process needs to do its work: Temporal, a home that can be written to, and the store that it began with. */
import { randomBytes } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readiness } from '../monitoring/readiness.ts';
import { OK } from '../monitoring/readiness.ts';
import type { OwnStore } from '../store/installation-identity.ts';
import { reasonOf } from '../thrown.ts';
import type { AccessWatch } from './access-watch.ts';
import type { TemporalConnection } from './connection.ts';

const ANSWER_LIMIT_MS = 1_500;

export interface CheckedInstallation {
  readonly temporal: TemporalConnection;
  readonly access: AccessWatch;
  readonly ownStore: OwnStore;
  readonly home: string;
}

export function addChecks(readiness: Readiness, { temporal, access, ownStore, home }: CheckedInstallation): void {
  const { connection } = temporal;
  readiness.add('temporal', async () => {
    if (access.standing !== OK) return access.standing;
    const asked = (): Promise<unknown> => connection.workflowService.getSystemInfo({});
    return connection.withDeadline(Date.now() + ANSWER_LIMIT_MS, asked).then(() => OK, reasonOf);
  });
  readiness.add('home', () => isWritable(home));
  readiness.add('store', () => ownStore.confirm().then(() => OK, reasonOf));
}

/** A disk that is full lets a file be made, and nothing be written into it. */
async function isWritable(folder: string): Promise<string> {
  const path = join(folder, `.ready-${randomBytes(6).toString('hex')}`);
  try {
    await writeFile(path, 'written by wds to see whether it can, and removed\n');
    return OK;
  } catch (error) {
    return reasonOf(error);
  } finally {
    await rm(path, { force: true }).catch(() => undefined);
  }
}
