/**
 * One process of `temporal server start-dev`: its command line, until it answers, and how it ends. It listens on 127.0.0.1 only,
 * is in a process group of its own (so a Ctrl-C reaches wds alone, whose workers drain first), and ends with the process that
 * started it even when that is killed: a watchdog holds the other end of a pipe, and sends SIGTERM when the pipe closes.
 * The watchdog is a POSIX shell; where there is none, the server outlives a killed wds until the next start in the same home.
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
/** A graceful stop takes about 1.2 s. */
const STOP_LIMIT_MS = 15_000;
const LOG_LIMIT_BYTES = 20 * 1024 * 1024;

export interface ServerSettings {
  /** Partitions of every task queue: the command line cannot single out wds's own. */
  readonly partitions?: number;
  /** Lets the server hand activities to workers past the task queue's rate limit; to test that wds does not depend on it. */
  readonly eagerActivities?: boolean;
  /** Every commit waits for the disk, so that a power loss undoes nothing. Default true; tests go without. */
  readonly durable?: boolean;
  /** More dynamic configuration of the server; values as JSON. */
  readonly dynamicConfig?: Readonly<Record<string, unknown>>;
  readonly logLevel?: 'debug' | 'info' | 'warn' | 'error';
}

export interface ServerPlace {
  readonly executable: string;
  readonly port: number;
  readonly uiPort: number;
  readonly databaseFile: string;
}

/** The arguments after the executable's name. `fair`: see fair-queues.ts. */
export function devServerArguments(place: ServerPlace, settings: ServerSettings = {}, fair = false): string[] {
  const { partitions = 1, eagerActivities = false, durable = true, dynamicConfig = {}, logLevel = 'warn' } = settings;
  const dynamic = {
    'matching.numTaskqueueReadPartitions': partitions,
    'matching.numTaskqueueWritePartitions': partitions,
    'system.enableActivityEagerExecution': eagerActivities,
    'matching.useNewMatcher': true,
    'matching.enableFairness': fair,
    ...dynamicConfig,
  };
  // Measured, workflow starts by 16 callers: SQLite's default rollback journal 60–100/s, WAL 200/s, WAL without a sync per commit 300/s.
  const pragmas = ['journal_mode=WAL', `synchronous=${durable ? 'FULL' : 'NORMAL'}`];
  return [
    ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', `${place.port}`, '--ui-port', `${place.uiPort}`],
    ...['--db-filename', place.databaseFile, '--log-level', logLevel, '--color', 'never'],
    ...pragmas.flatMap((pragma) => ['--sqlite-pragma', pragma]),
    ...Object.entries(SEARCH_ATTRIBUTE_TYPES).flatMap(([name, type]) => ['--search-attribute', `${name}=${type}`]),
    ...Object.entries(dynamic).flatMap(([key, value]) => ['--dynamic-config-value', `${key}=${JSON.stringify(value)}`]),
  ];
}

export interface ServerProcess {
  readonly pid: number;
  /** Resolves when the process has ended, whatever the reason: "exit code 1", "SIGKILL". */
  readonly ended: Promise<string>;
  /** SIGTERM, and SIGKILL if that does not end it in time. Resolves when it has ended. */
  stop(): Promise<void>;
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
      env: withoutTemporalSettings(process.env),
    });
  } finally {
    closeSync(log);
  }
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  const pid = child.pid as number;
  const watchdog = startWatchdog(pid);
  const ended = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => {
      // Before its pipe closes: the ID may be another process's by then.
      watchdog?.kill('SIGKILL');
      resolve(signal ?? `exit code ${code}`);
    });
  });
  // The holder of the handle decides how long wds lives, not this child.
  child.unref();
  return { pid, ended, stop: () => stopChild(child, ended) };
}

/** Resolves when the server at `address` serves the default namespace; rejects when it ended or takes too long. */
export async function untilReady(address: string, ended: Promise<string>, limitMs = READY_LIMIT_MS): Promise<void> {
  const deadline = performance.now() + limitMs;
  let end: string | undefined;
  ended.then((reason) => {
    end = reason;
  });
  while (!(await answersAt(address))) {
    if (end !== undefined) throw new Error(`it ended at once (${end})`);
    if (performance.now() > deadline) throw new Error(`it does not answer at ${address} after ${limitMs / 1000} s`);
    await sleep(25);
  }
}

/** Whether a Temporal server serves the default namespace at that address now. */
export async function answersAt(address: string): Promise<boolean> {
  // A gRPC channel that was refused once waits a second before it looks again; a bare socket costs a millisecond.
  if (!(await acceptsAt(address))) return false;
  const connection = Connection.lazy({ address });
  try {
    await connection.withDeadline(Date.now() + 2_000, async () => {
      const service = 'temporal.api.workflowservice.v1.WorkflowService';
      const { status } = await connection.healthService.check({ service });
      if (status !== 1) throw new Error(`health status ${status}`);
      await connection.workflowService.describeNamespace({ namespace: 'default' });
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

/** Ends a server that is not our child: one whose wds was killed. Its watchdog is probably about it; it gets a moment. */
export async function stopOrphan(orphan: ProcessIdentity): Promise<void> {
  const steps = [
    { signal: undefined, limitMs: 2_000 },
    { signal: 'SIGTERM', limitMs: STOP_LIMIT_MS },
    { signal: 'SIGKILL', limitMs: 5_000 },
  ] as const;
  for (const { signal, limitMs } of steps) {
    const deadline = performance.now() + limitMs;
    // Without a start time the ID may be anybody's: such a process is not touched.
    if (signal !== undefined && orphan.born !== '' && isRunning(orphan)) process.kill(orphan.pid, signal);
    while (isRunning(orphan) && performance.now() < deadline) await sleep(50);
  }
}

async function stopChild(child: ChildProcess, ended: Promise<string>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
  await ended;
  clearTimeout(timer);
}

/** Its standard input ends when this process does, however that happens; nobody writes to it. */
function startWatchdog(pid: number): ChildProcess | undefined {
  if (process.platform === 'win32') return undefined;
  const watchdog = spawn('/bin/sh', ['-c', `read -r _; kill -TERM ${pid}`], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  watchdog.once('error', () => {});
  watchdog.stdin.once('error', () => {});
  watchdog.unref();
  (watchdog.stdin as unknown as { unref?(): void }).unref?.();
  return watchdog;
}

function withoutTemporalSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('TEMPORAL_')));
}

function openLog(path: string): number {
  try {
    if (statSync(path).size > LOG_LIMIT_BYTES) renameSync(path, `${path}.1`);
  } catch {
    // There is no log yet.
  }
  return openSync(path, 'a');
}
