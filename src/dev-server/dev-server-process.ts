/**
 * One process of `temporal server start-dev`: its command line, until it answers, and how it is ended. It listens on 127.0.0.1 only, is in
 * a process group of its own (so a Ctrl-C reaches wds alone, whose workers drain first), and outlives the process that started it: others
 * may use it.
 */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { closeSync, openSync, renameSync, statSync } from 'node:fs';
import { createConnection } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { SEARCH_ATTRIBUTE_TYPES } from '../domain/names.ts';
import { queuesAreFair } from './fair-queues.ts';
import type { ProcessIdentity } from './process-identity.ts';
import { isRunning } from './process-identity.ts';

const READY_LIMIT_MS = 60_000;
/** A graceful stop takes about 1.2 s. One that hangs is killed in time for a supervisor's 30 s; its database outlives that. */
const STOP_LIMIT_MS = 6_000;
/** Go collects its garbage sooner when its heap comes near this; it is no limit. */
const MEMORY_AIM = '256MiB';
const LOG_LIMIT_BYTES = 20 * 1024 * 1024;

export interface ServerSettings {
  /** Partitions of every task queue: the command line cannot single out wds's own. */
  readonly partitions?: number;
  /** Lets the server hand activities to workers past the task queue's rate limit; to test that wds does not depend on it. */
  readonly eagerActivities?: boolean;
  /** Every commit waits for the disk, so that a power loss undoes nothing. Default true; tests go without. */
  readonly durable?: boolean;
}

export interface ServerPlace {
  readonly executable: string;
  /** A namespace that this server has beside the default one: by it the server is told from any other that answers at its port. */
  readonly mark: string;
  readonly port: number;
  readonly uiPort: number;
  readonly databaseFile: string;
}

/** The arguments after the executable's name. `fair`: see fair-queues.ts. */
export function devServerArguments(place: ServerPlace, settings: ServerSettings = {}, fair = false): string[] {
  const { partitions = 1, eagerActivities = false, durable = true } = settings;
  const dynamic = {
    'matching.numTaskqueueReadPartitions': partitions,
    'matching.numTaskqueueWritePartitions': partitions,
    'system.enableActivityEagerExecution': eagerActivities,
    'matching.useNewMatcher': true,
    'matching.enableFairness': fair,
    // By default 128,000 workflows stay in memory for an hour, of which tens of thousands of small files make gigabytes.
    'history.hostLevelCacheMaxSize': 1_000,
    'history.cacheTTL': '1m',
  };
  // Measured, workflow starts by 16 callers: SQLite's default rollback journal 60–100/s, WAL 200/s, WAL without a sync per commit 300/s.
  const pragmas = ['journal_mode=WAL', `synchronous=${durable ? 'FULL' : 'NORMAL'}`];
  return [
    ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', `${place.port}`, '--ui-port', `${place.uiPort}`],
    ...['--db-filename', place.databaseFile, '--namespace', place.mark, '--log-level', 'warn', '--color', 'never'],
    ...pragmas.flatMap((pragma) => ['--sqlite-pragma', pragma]),
    ...Object.entries(SEARCH_ATTRIBUTE_TYPES).flatMap(([name, type]) => ['--search-attribute', `${name}=${type}`]),
    ...Object.entries(dynamic).flatMap(([key, value]) => ['--dynamic-config-value', `${key}=${JSON.stringify(value)}`]),
  ];
}

export interface ServerProcess {
  readonly pid: number;
  /** Resolves when the process has ended, whatever the reason: "exit code 1", "SIGKILL". */
  readonly ended: Promise<string>;
}

/** Starts the process; it may not answer yet. Its output is appended to `logFile`. Throws when it cannot be started at all. */
export async function spawnDevServer(
  place: ServerPlace,
  settings: ServerSettings,
  logFile: string,
): Promise<ServerProcess> {
  const log = openLog(logFile);
  let child: ChildProcess;
  try {
    child = spawn(place.executable, devServerArguments(place, settings, queuesAreFair(place.databaseFile)), {
      detached: true,
      stdio: ['ignore', log, log],
      // Settings meant for clients must not move or change the server.
      env: { GOMEMLIMIT: MEMORY_AIM, ...withoutClientSettings(process.env) },
    });
  } finally {
    closeSync(log);
  }
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  const ended = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  // Who uses the server decides how long it lives, not the process that started it.
  child.unref();
  return { pid: child.pid as number, ended };
}

/** Resolves when the server at `address` is the one with that mark; rejects when the process ended or takes too long. */
export async function untilReady(
  address: string,
  mark: string,
  ended: Promise<string>,
  signal: AbortSignal,
  limitMs = READY_LIMIT_MS,
): Promise<void> {
  const deadline = performance.now() + limitMs;
  let end: string | undefined;
  ended.then((reason) => {
    end = reason;
  });
  for (;;) {
    const answers = await answersAt(address, mark);
    if (end !== undefined) throw new Error(`it ended at once (${end})`);
    if (answers) return;
    if (signal.aborted) throw new Error('stopped');
    if (performance.now() > deadline) throw new Error(`it does not answer at ${address} after ${limitMs / 1000} s`);
    await sleep(25);
  }
}

/** Whether a Temporal server that has this namespace answers at that address now. */
export async function answersAt(address: string, namespace: string): Promise<boolean> {
  // A gRPC channel that was refused once waits a second before it looks again; a bare socket costs a millisecond.
  if (!(await acceptsAt(address))) return false;
  const connection = Connection.lazy({ address });
  try {
    await connection.withDeadline(Date.now() + 2_000, async () => {
      const service = 'temporal.api.workflowservice.v1.WorkflowService';
      const { status } = await connection.healthService.check({ service });
      if (status !== 1) throw new Error(`health status ${status}`);
      await connection.workflowService.describeNamespace({ namespace });
    });
    return true;
  } catch {
    return false;
  } finally {
    await connection.close();
  }
}

function acceptsAt(address: string): Promise<boolean> {
  const [host = '', port] = address.split(':');
  return new Promise((resolve) => {
    const socket = createConnection({ host, port: Number(port), timeout: 1_000 });
    const answer = (accepts: boolean) => {
      socket.destroy();
      resolve(accepts);
    };
    socket.once('connect', () => answer(true));
    socket.once('timeout', () => answer(false));
    socket.once('error', () => answer(false));
  });
}

/**
 * Ends a server, whoever started it; resolves when it has ended. `patienceMs`: how long it may take to end by itself; `limitMs`: and then, until it is
 * killed.
 */
export async function stopServer(server: ProcessIdentity, patienceMs = 0, limitMs = STOP_LIMIT_MS): Promise<void> {
  const steps = [
    { signal: undefined, limitMs: patienceMs },
    { signal: 'SIGTERM', limitMs },
    { signal: 'SIGKILL', limitMs: 5_000 },
  ] as const;
  for (const { signal, limitMs } of steps) {
    const deadline = performance.now() + limitMs;
    // Without a start time the ID may be anybody's: such a process is not touched.
    const isKnown = server.born !== '' || process.platform === 'win32';
    if (signal !== undefined && isKnown && isRunning(server)) process.kill(server.pid, signal);
    while (isRunning(server) && performance.now() < deadline) await sleep(20);
  }
}

function withoutClientSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^(?:TEMPORAL|OTEL)_/.test(name)));
}

function openLog(path: string): number {
  try {
    if (statSync(path).size > LOG_LIMIT_BYTES) renameSync(path, `${path}.1`);
  } catch {
    // There is no log yet.
  }
  return openSync(path, 'a');
}
