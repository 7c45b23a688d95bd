/**
 * The receiver in a process of its own, so that what it measures and witnesses survives whatever is done to wds. Needs the
 * compiled project (`npm run build`), from a test that runs as TypeScript too.
 */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ReceiverSettings } from '../src/receiver/receiver-options.ts';
import type { ReceiverReport } from '../src/receiver/receiver-stats.ts';

export interface ReceiverProcess {
  readonly url: string;
  readonly controlUrl: string;
  readonly pid: number;
  stats(): Promise<ReceiverReport>;
  /** `reset: true` sets all counts back to nothing. Throws with the receiver's words when it refuses. */
  control(patch: ReceiverSettings & { readonly reset?: boolean }): Promise<void>;
  kill(signal: NodeJS.Signals): void;
  /** SIGTERM, and waits until it is gone; its log is complete then. */
  stop(): Promise<void>;
}

const compiledMain = new URL(
  import.meta.url.endsWith('.ts') ? '../dist/src/receiver/main.js' : '../src/receiver/main.js',
  import.meta.url,
);
const START_DEADLINE_MS = 15_000;

/** `flags` as for `wds receiver`, e.g. ['--rate', '100', '--log', file]. Rejects with its stderr when it does not start. */
export async function startReceiverProcess(
  flags: readonly string[] = [],
  options: { readonly main?: string; readonly secret?: string } = {},
): Promise<ReceiverProcess> {
  const main = options.main ?? fileURLToPath(compiledMain);
  const secret = options.secret === undefined ? {} : { WDS_RECEIVER_SECRET: options.secret };
  const child = spawn(process.execPath, [main, '--control-port', '0', ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...secret },
  });
  const url = await firstLine(child);
  const { controlUrl } = (await getJson(`${url}stats`)) as ReceiverReport;
  if (controlUrl === null) throw new Error('the receiver has no control port');
  return {
    url,
    controlUrl,
    pid: child.pid!,
    stats: async () => (await getJson(`${controlUrl}stats`)) as ReceiverReport,
    control: async (patch) => {
      const response = await fetch(`${controlUrl}control`, { method: 'POST', body: JSON.stringify(patch) });
      const answer = (await response.json()) as { readonly error?: string };
      if (!response.ok) throw new Error(`the receiver refused ${JSON.stringify(patch)}: ${answer.error}`);
    },
    kill: (signal) => {
      child.kill(signal);
    },
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
    },
  };
}

async function firstLine(child: ChildProcess): Promise<string> {
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-4096);
  });
  const deadline = AbortSignal.timeout(START_DEADLINE_MS);
  const lines = createInterface({ input: child.stdout! });
  const line = once(lines, 'line', { signal: deadline }).then(([text]) => String(text));
  const failed = once(child, 'close', { signal: deadline }).then(() => {
    throw new Error(`the receiver did not start: ${stderr.trim()}`);
  });
  failed.catch(() => {});
  try {
    return await Promise.race([line, failed]);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
}

async function getJson(url: string): Promise<unknown> {
  return await (await fetch(url)).json();
}
