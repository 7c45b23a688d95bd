/**
 * Brings the dev server of a home up, on ports that are free, and writes down where it is. To be called under the lock of the server only:
 * two servers never open one database.
 */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Fault } from '../domain/failure.ts';
import type { ServerPlace, ServerSettings } from './dev-server-process.ts';
import { spawnDevServer, stopServer, untilReady } from './dev-server-process.ts';
import { freePort } from './free-port.ts';
import type { ProcessIdentity } from './process-identity.ts';
import { identify } from './process-identity.ts';
import { withProcessLock } from './process-lock.ts';
import type { ServerRecord } from './server-file.ts';
import { removeServerRecord, writeServerRecord } from './server-file.ts';
import type { ServerUser } from './server-users.ts';
import { endWatchdog, thisProcess } from './server-users.ts';

const DEFAULT_PORT = 7233;
const DEFAULT_UI_PORT = 8233;

/** A port that was free a moment ago may be taken now, the random ones of the server's inner services too. */
const START_TRIES = 4;
const AGAIN_MS = 500;

export interface StartOptions extends ServerSettings {
  /** See ServerPlace. */
  readonly mark: string;
  /** Preferred; the next free one is taken when it is in use. 0: any. */
  readonly port?: number;
  readonly uiPort?: number;
}

export interface StartRequest {
  readonly home: string;
  readonly executable: string;
  readonly options: StartOptions;
  readonly user: ServerUser;
  /** Tries no more once it aborts. */
  readonly signal: AbortSignal;
  /** The server that is gone, whose ports are kept, for clients hold on to its address. */
  readonly again?: ServerRecord;
}

export interface StartedServer {
  readonly record: ServerRecord;
  /** Resolves when its process has ended: "exit code 1", "SIGKILL". */
  readonly ended: Promise<string>;
}

/** Throws Fault `dev_server_unavailable`. */
export function startServer(request: StartRequest): Promise<StartedServer> {
  // Servers of several homes that start at the same moment would choose the same free port, and all but one would fail.
  const ports = join(tmpdir(), `wds-ports-${process.getuid?.() ?? 'all'}.lock`);
  return withProcessLock(ports, () => start(request));
}

async function start({ home, executable, options, user, signal, again }: StartRequest): Promise<StartedServer> {
  const logFile = join(home, 'temporal.log');
  const databaseFile = join(home, 'temporal.db');
  endWatchdog(again?.watchdog);
  let reason = 'stopped';
  for (let tries = 0; tries < START_TRIES && !signal.aborted; tries++) {
    const ports = again ? await samePorts(again, logFile) : await choosePorts(options);
    const place = { executable, databaseFile, mark: options.mark, ...ports };
    const child = await spawnDevServer(place, options, logFile).catch((error: Error) => {
      throw unavailable(error.message, logFile);
    });
    const server = identify(child.pid) ?? { pid: child.pid, host: '', born: '' };
    const record = await recordOf(home, place, server, await user.startWatchdog(server));
    try {
      await untilReady(record.address, options.mark, child.ended, signal);
      return { record, ended: child.ended };
    } catch (error) {
      reason = (error as Error).message;
      await stopServer(server);
      endWatchdog(record.watchdog);
      await sleep(AGAIN_MS);
    }
  }
  await removeServerRecord(home);
  throw unavailable(reason, logFile);
}

async function choosePorts(options: StartOptions): Promise<{ port: number; uiPort: number }> {
  const port = await freePort(options.port ?? DEFAULT_PORT);
  return { port, uiPort: await freePort(options.uiPort ?? DEFAULT_UI_PORT, [port]) };
}

/** Written before the server answers, so that a wds killed meanwhile leaves a trace of the orphan. */
async function recordOf(
  home: string,
  { port, uiPort, mark }: ServerPlace,
  server: ProcessIdentity,
  watchdog: ProcessIdentity | undefined,
): Promise<ServerRecord> {
  const record: ServerRecord = {
    address: `127.0.0.1:${port}`,
    uiUrl: `http://127.0.0.1:${uiPort}`,
    pid: server.pid,
    startedAt: new Date().toISOString(),
    server,
    owner: thisProcess(),
    mark,
    ...(watchdog === undefined ? {} : { watchdog }),
  };
  await writeServerRecord(home, record);
  return record;
}

/** Nobody holds on to the port of the Web UI but people. */
async function samePorts({ address, uiUrl }: ServerRecord, logFile: string): Promise<{ port: number; uiPort: number }> {
  const port = Number(address.split(':')[1]);
  if ((await freePort(port)) !== port) throw unavailable(`another program has its port ${port}`, logFile);
  return { port, uiPort: await freePort(Number(new URL(uiUrl).port), [port]) };
}

function unavailable(reason: string, logFile: string): Fault {
  return new Fault(
    'dev_server_unavailable',
    `The Temporal dev server did not start: ${reason}.`,
    `Its log says more: ${logFile}. Or set TEMPORAL_ADDRESS to a Temporal service that runs already.`,
  );
}
