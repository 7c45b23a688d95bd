/** How the processes of a round are started: each with its output in a file of its own, and none outlives this one. */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Spawned } from './supervised.ts';

export const LAUNCHER = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../bin/wds.mjs' : '../../bin/wds.mjs', import.meta.url),
);

/** A compiled file of this folder, from a test that runs as TypeScript too. */
export const compiled = (name: string): string =>
  fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? `../dist/chaos/${name}` : `./${name}`, import.meta.url));

/** Process IDs of all that runs and was started here. */
const running = new Set<number>();
process.on('exit', () => {
  for (const pid of running) process.kill(pid, 'SIGKILL');
});

/** It is killed, should we end before it. */
export function endWithUs({ pid, ended }: Spawned): Spawned {
  running.add(pid);
  ended.finally(() => running.delete(pid));
  return { pid, ended };
}

export interface Command {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Its output is appended to `logFile`. */
export async function spawnLogged({ command, args, cwd, env }: Command, logFile: string): Promise<Spawned> {
  const log = openSync(logFile, 'a');
  try {
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', log, log] });
    const ended = endOf(child);
    await Promise.race([once(child, 'spawn'), ended]);
    return endWithUs({ pid: child.pid as number, ended });
  } finally {
    closeSync(log);
  }
}

export interface Ended {
  /** null: it was ended by a signal, which may have been ours when it took too long. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that ends by itself; killed when it has not after `limitMs`. */
export async function runCommand({ command, args, cwd, env }: Command, limitMs: number): Promise<Ended> {
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), limitMs);
  const closed = once(child, 'close').finally(() => clearTimeout(timer));
  endWithUs({ pid: child.pid as number, ended: endOf(child) });
  await closed;
  return { code: child.exitCode, stdout, stderr };
}

function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
}

/** Without what the machine may have set for wds or Temporal. */
export function plainEnvironment(): Record<string, string> {
  const entries = Object.entries(process.env).filter(([name]) => !/^(WDS|TEMPORAL|VITEST|NODE_OPTIONS)/.test(name));
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== undefined));
}
