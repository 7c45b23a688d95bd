/**
 * The Temporal dev server of a home: one at a time, its database in `<home>/temporal.db`, so that everything goes on after a restart.
 * The first `wds` command of a home starts it and ends it; others attach to it. When it dies while its owner lives, it is
 * started again on the same port: workers reconnect by themselves.
 *
 * Killed with -9, the owner takes the server with it (see dev-server-process.ts); the next start waits for that, or ends the orphan
 * itself, and goes on with the same database. Limits: one host; 127.0.0.1 only.
 */
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Fault } from '../domain/failure.ts';
import type { ServerPlace, ServerProcess, ServerSettings } from './dev-server-process.ts';
import { answersAt, spawnDevServer, stopOrphan, untilReady } from './dev-server-process.ts';
import { freePort } from './free-port.ts';
import { identify, isRunning } from './process-identity.ts';
import { withProcessLock } from './process-lock.ts';
import type { ServerRecord } from './server-file.ts';
import { readServerRecord, removeServerRecord, writeServerRecord } from './server-file.ts';
import { findTemporalCli } from './temporal-cli.ts';

export const DEFAULT_PORT = 7233;
export const DEFAULT_UI_PORT = 8233;

/** A port that was free a moment ago may be taken now, the random ones of the server's inner services too. */
const START_TRIES = 4;
const RESTART_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
/** A start takes a second or two, a graceful end about as long. */
const OWNER_LIMIT_MS = 30_000;

export interface DevServerOptions extends ServerSettings {
  readonly home: string;
  /** One line for people at a time: what is being looked for, built, restarted. */
  readonly log: (text: string) => void;
  /** Preferred; the next free one is taken when it is in use. 0: any. */
  readonly port?: number;
  readonly uiPort?: number;
  readonly env?: NodeJS.ProcessEnv;
}

export interface DevServer {
  /** host:port of the gRPC service. */
  readonly address: string;
  readonly uiUrl: string;
  /** The server's process; another one after a restart. */
  readonly pid: number;
  /** False: another process started it, and `stop` leaves it running. */
  readonly owned: boolean;
  /** Ends an owned server gracefully: call it after the workers have drained. Further calls do nothing. */
  stop(): Promise<void>;
}

/** Starts the server of a home, or attaches to it. Throws Fault `dev_server_unavailable`. */
export async function startDevServer(options: DevServerOptions): Promise<DevServer> {
  const home = resolve(options.home);
  await mkdir(home, { recursive: true });
  const running = await findDevServer(home);
  if (running !== undefined) return running;
  // Outside the lock: a build of the CLI takes minutes and has a lock of its own.
  const { path: executable } = await findTemporalCli({ env: options.env ?? process.env, say: options.log });
  return await withProcessLock(
    join(home, 'server.lock'),
    async () => (await untilFree(home)) ?? (await withPorts(() => launch(home, executable, options))),
    (pid) => options.log(`process ${pid} is starting the dev server of ${home}; waiting for it …`),
  );
}

/**
 * Servers of several homes that start at the same moment would choose the same free port, and the one that loses it would take the
 * other's server, which answers there, for its own. One at a time chooses, and has the port when the next one looks.
 */
function withPorts<T>(work: () => Promise<T>): Promise<T> {
  return withProcessLock(join(tmpdir(), `wds-ports-${process.getuid?.() ?? 'all'}.lock`), work);
}

/** The server of a home, when one runs, answers, and is going to stay. Starts nothing. */
export async function findDevServer(home: string): Promise<DevServer | undefined> {
  const record = await readServerRecord(resolve(home));
  if (record === undefined || !isRunning(record.server) || !isRunning(record.owner)) return undefined;
  if (!(await answersAt(record.address))) return undefined;
  return { address: record.address, uiUrl: record.uiUrl, pid: record.pid, owned: false, stop: async () => {} };
}

/**
 * Resolves to a server to attach to, or to undefined when nobody uses the database any more. A living owner is waited for: it is
 * starting its server again, or ending it. Two servers never open one database.
 */
async function untilFree(home: string): Promise<DevServer | undefined> {
  const deadline = performance.now() + OWNER_LIMIT_MS;
  for (;;) {
    const running = await findDevServer(home);
    if (running !== undefined) return running;
    const record = await readServerRecord(home);
    if (record === undefined) return undefined;
    if (!isRunning(record.owner)) {
      await stopOrphan(record.server);
      await removeServerRecord(home);
      return undefined;
    }
    if (performance.now() > deadline) {
      const message = `The dev server of ${home} belongs to process ${record.owner.pid} and does not answer at ${record.address}.`;
      throw new Fault('dev_server_unavailable', message, `Stop that process, or choose another home with --home.`);
    }
    await sleep(100);
  }
}

interface Started {
  readonly process: ServerProcess;
  readonly record: ServerRecord;
}

async function launch(home: string, executable: string, options: DevServerOptions): Promise<DevServer> {
  let current = await start(home, executable, options);
  const { address, uiUrl } = current.record;
  let stopping: Promise<void> | undefined;

  const supervise = async (): Promise<void> => {
    while (stopping === undefined) {
      const reason = await current.process.ended;
      if (stopping !== undefined) return;
      options.log(
        `the Temporal dev server ended (${reason}); starting it again. Its log: ${join(home, 'temporal.log')}`,
      );
      await startAgain();
    }
  };
  /** A full disk, or a port that somebody took meanwhile, may pass: it is tried until it works, or all is stopped. */
  const startAgain = async (): Promise<void> => {
    for (let pauseMs = RESTART_PAUSE_MS; stopping === undefined; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      await sleep(pauseMs);
      if (stopping !== undefined) return;
      try {
        current = await start(home, executable, options, current.record);
        return;
      } catch (error) {
        options.log((error as Error).message);
      }
    }
  };
  const supervision = supervise();

  const stop = async () => {
    await current.process.stop();
    await supervision;
    // A restart may have been under way.
    await current.process.stop();
    await removeServerRecord(home);
  };
  return {
    address,
    uiUrl,
    owned: true,
    get pid() {
      return current.process.pid;
    },
    stop: () => {
      stopping ??= stop();
      return stopping;
    },
  };
}

/** `again`: the record of the server to be replaced, whose ports are kept, for clients hold on to its address. */
async function start(
  home: string,
  executable: string,
  options: DevServerOptions,
  again?: ServerRecord,
): Promise<Started> {
  const logFile = join(home, 'temporal.log');
  const databaseFile = join(home, 'temporal.db');
  let reason = '';
  for (let tries = 0; tries < START_TRIES; tries++) {
    const place = { executable, databaseFile, ...(again ? portsOf(again) : await choosePorts(options)) };
    const child = await spawnDevServer(place, options, logFile).catch((error: Error) => {
      throw unavailable(error.message, logFile);
    });
    const record = await recordOf(home, place, child);
    try {
      await untilReady(record.address, child.ended);
      return { process: child, record };
    } catch (error) {
      reason = (error as Error).message;
      await child.stop();
      await sleep(RESTART_PAUSE_MS);
    }
  }
  await removeServerRecord(home);
  throw unavailable(reason, logFile);
}

async function choosePorts(options: DevServerOptions): Promise<{ port: number; uiPort: number }> {
  const port = await freePort(options.port ?? DEFAULT_PORT);
  return { port, uiPort: await freePort(options.uiPort ?? DEFAULT_UI_PORT, [port]) };
}

/** Written before the server answers, so that a wds killed meanwhile leaves a trace of the orphan. */
async function recordOf(home: string, { port, uiPort }: ServerPlace, child: ServerProcess): Promise<ServerRecord> {
  const nobody = { host: '', born: '' };
  const record: ServerRecord = {
    address: `127.0.0.1:${port}`,
    uiUrl: `http://127.0.0.1:${uiPort}`,
    pid: child.pid,
    startedAt: new Date().toISOString(),
    server: identify(child.pid) ?? { pid: child.pid, ...nobody },
    owner: identify(process.pid) ?? { pid: process.pid, ...nobody },
  };
  await writeServerRecord(home, record);
  return record;
}

function portsOf({ address, uiUrl }: ServerRecord): { port: number; uiPort: number } {
  return { port: Number(address.split(':')[1]), uiPort: Number(new URL(uiUrl).port) };
}

function unavailable(reason: string, logFile: string): Fault {
  return new Fault(
    'dev_server_unavailable',
    `The Temporal dev server did not start: ${reason}.`,
    `Its log says more: ${logFile}. Or set TEMPORAL_ADDRESS to a Temporal service that runs already.`,
  );
}
