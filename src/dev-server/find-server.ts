/** Whether the dev server of a home runs, and whether its database is free. Who enters, leaves, starts or ends it, does so alone. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Fault } from '../domain/failure.ts';
import { answersAt, stopServer } from './dev-server-process.ts';
import { isRunning } from './process-identity.ts';
import type { LockOptions } from './process-lock.ts';
import { withProcessLock } from './process-lock.ts';
import type { ServerRecord } from './server-file.ts';
import { readServerRecord, removeServerRecord, writeServerRecord } from './server-file.ts';
import type { ServerUser } from './server-users.ts';
import { livingUsers } from './server-users.ts';

/** A start takes a second or two, a graceful end about as long. */
const ANSWER_LIMIT_MS = 30_000;
/** A server whose users were all killed is ended by its watchdog. */
const WATCHDOG_MS = 2_000;

/** One process of a home at a time. */
export function withServerLock<T>(home: string, work: () => Promise<T>, options?: LockOptions): Promise<T> {
  return withProcessLock(join(home, 'server.lock'), work, options);
}

/** The server of a home, when one runs and answers. Starts nothing, and is no use of it. */
export async function findServer(home: string): Promise<ServerRecord | undefined> {
  const record = await readServerRecord(home);
  if (record === undefined || !isRunning(record.server)) return undefined;
  return (await answersAt(record.address, record.mark ?? 'default')) ? record : undefined;
}

/**
 * Resolves to a server to attach to, or to undefined when nobody has the database open any more. Under the lock, for a user who has
 * entered. Throws Fault `dev_server_unavailable` for a server that others use and that does not answer.
 */
export async function serverToShare(home: string, user: ServerUser): Promise<ServerRecord | undefined> {
  const record = await readServerRecord(home);
  if (record === undefined) return undefined;
  // One of an earlier version starts its server again by itself, or ends it.
  const ownerLives = (): boolean => record.mark === undefined && isRunning(record.owner);
  const others = (await livingUsers(home)).length > 1 || ownerLives();
  // Nobody was left, and the watchdog knows it already.
  if (!others && record.watchdog !== undefined && !user.hold()) await stopServer(record.server, WATCHDOG_MS);
  for (
    const deadline = performance.now() + ANSWER_LIMIT_MS;
    isRunning(record.server) || ownerLives();
    await sleep(100)
  ) {
    const running = await findServer(home);
    if (running !== undefined) return watched(home, user, running);
    if (performance.now() < deadline) continue;
    if (others) throw silent(home, record);
    await stopServer(record.server);
  }
  await removeServerRecord(home);
  return undefined;
}

async function watched(home: string, user: ServerUser, record: ServerRecord): Promise<ServerRecord> {
  if (user.hold() || record.mark === undefined) return record;
  const watchdog = await user.startWatchdog(record.server);
  if (watchdog === undefined) return record;
  const found = { ...record, watchdog };
  await writeServerRecord(home, found);
  return found;
}

function silent(home: string, { pid, address }: ServerRecord): Fault {
  return new Fault(
    'dev_server_unavailable',
    `The dev server of ${home} (process ${pid}) does not answer at ${address}, and other wds processes use it.`,
    'Stop these processes, or choose another home with --home.',
  );
}
