/**
 * Who uses the dev server of a home: a file for each in `<home>/server-users/`, which names a process. A user that was killed leaves its
 * file behind, and it does not count. Users are entered and struck off, and counted, under the lock of the server only: so nobody ends it
 * while another one comes.
 *
 * All users killed, nobody is left to end it. For that each holds a named pipe open, and a watchdog (a POSIX shell) reads from it: when the
 * last end of it closes, it sends the server a SIGTERM. Where there are no named pipes, the server lives on until the next start.
 */
import { spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { closeSync, constants, lstatSync, openSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isErrno } from '../thrown.ts';
import type { ProcessIdentity } from './process-identity.ts';
import { identify, isProcessIdentity, isRunning } from './process-identity.ts';

/** A shell is there within milliseconds. */
const WATCHDOG_LIMIT_MS = 2_000;

/** The process ID may be another process's by the time the pipe closes. */
const WATCHDOG = `
read -r _ <"$1"
if [ ! -r "/proc/$2/stat" ] || [ "$(sed 's/^.*) //' "/proc/$2/stat" | cut -d' ' -f20)" = "$3" ]; then kill -TERM "$2"; fi`;

const folderIn = (home: string): string => join(home, 'server-users');
const pipeIn = (home: string): string => join(home, 'server.pipe');

export const thisProcess = (): ProcessIdentity => identify(process.pid) ?? { pid: process.pid, host: '', born: '' };

/** One use of the server by this process, which may have several. */
export class ServerUser {
  readonly #home: string;
  readonly #path: string;
  #pipe: number | undefined;

  private constructor(home: string) {
    this.#home = home;
    this.#path = join(folderIn(home), `${process.pid}-${randomUUID()}.json`);
  }

  static async enter(home: string): Promise<ServerUser> {
    const user = new ServerUser(home);
    try {
      await mkdir(folderIn(home), { recursive: true });
      await writeFile(user.#path, `${JSON.stringify(thisProcess())}\n`);
    } catch (error) {
      // Whoever looks what is wrong with a full disk is not turned away: others may end the server meanwhile, no more.
      if (!isErrno(error, 'ENOSPC', 'EDQUOT', 'EROFS')) throw error;
    }
    return user;
  }

  /** Whether there is a watchdog, which from now on waits for this user, too. */
  hold(): boolean {
    this.#pipe ??= openPipe(this.#home);
    return this.#pipe !== undefined;
  }

  /** Starts the watchdog of a server, and holds it. undefined: there can be none. */
  async startWatchdog(server: ProcessIdentity): Promise<ProcessIdentity | undefined> {
    if (!makePipe(this.#home)) return undefined;
    const watchdog = spawn('/bin/sh', ['-c', WATCHDOG, 'sh', pipeIn(this.#home), `${server.pid}`, server.born], {
      detached: true,
      stdio: 'ignore',
    });
    watchdog.once('error', () => undefined);
    watchdog.unref();
    // Opening it to write succeeds once somebody reads.
    for (const deadline = performance.now() + WATCHDOG_LIMIT_MS; !this.hold(); await sleep(5)) {
      if (performance.now() > deadline) break;
    }
    return watchdog.pid === undefined ? undefined : identify(watchdog.pid);
  }

  async leave(): Promise<void> {
    await rm(this.#path, { force: true });
    if (this.#pipe !== undefined) closeSync(this.#pipe);
    this.#pipe = undefined;
  }
}

/** Processes that use the server now. Of another host (another container on a shared folder) none counts: they cannot reach it. */
export async function livingUsers(home: string): Promise<ProcessIdentity[]> {
  const living: ProcessIdentity[] = [];
  for (const name of await readdir(folderIn(home)).catch(() => [])) {
    const path = join(folderIn(home), name);
    const user = await readUser(path);
    if (user !== undefined && isRunning(user)) living.push(user);
    else if (user === undefined || user.host === hostname()) await rm(path, { force: true });
  }
  return living;
}

/** undefined: half-written, by one who was killed at it. */
async function readUser(path: string): Promise<ProcessIdentity | undefined> {
  try {
    const user: unknown = JSON.parse(await readFile(path, 'utf8'));
    return isProcessIdentity(user) ? user : undefined;
  } catch {
    return undefined;
  }
}

export function endWatchdog(watchdog: ProcessIdentity | undefined): void {
  if (watchdog !== undefined && isRunning(watchdog)) process.kill(watchdog.pid, 'SIGKILL');
}

function makePipe(home: string): boolean {
  if (process.platform === 'win32') return false;
  return isPipe(pipeIn(home)) || (spawnSync('mkfifo', [pipeIn(home)]).status === 0 && isPipe(pipeIn(home)));
}

function isPipe(path: string): boolean {
  try {
    return lstatSync(path).isFIFO();
  } catch {
    return false;
  }
}

/** undefined: nobody reads from it. */
function openPipe(home: string): number | undefined {
  if (!isPipe(pipeIn(home))) return undefined;
  try {
    return openSync(pipeIn(home), constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
}
