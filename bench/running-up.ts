/** `wds up` in a process of its own, with its embedded server, for the benches: started, looked at, stopped. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { cpuSeconds, memoryMiB } from './process-figures.ts';

const LAUNCHER = fileURLToPath(new URL('../../bin/wds.mjs', import.meta.url));
const LIMIT_MS = 600_000;

export interface RunningUp {
  /** Of its Temporal server. */
  readonly client: Client;
  /** User and system time so far, in seconds. */
  cpu(): Promise<{ readonly wds: number; readonly server: number }>;
  /** The most so far. */
  peakMiB(): Promise<number>;
  /** The file appears in the inbox at once, complete. Its time (ms since the epoch) is what is measured from. */
  drop(name: string, content: string): Promise<number>;
  /** All its files have ended as Completed. */
  completed(): Promise<boolean>;
  /** Of all its files together. */
  historyEvents(): Promise<number>;
  stop(): Promise<void>;
}

/** `folder` is there and empty; `configuration`: YAML, or JSON. Throws where it does not come up. */
export async function startUp(
  folder: string,
  configuration: string,
  env: Readonly<Record<string, string>> = {},
): Promise<RunningUp> {
  await writeFile(join(folder, 'wds.config.yaml'), configuration);
  const child = spawn(process.execPath, [LAUNCHER, 'up', '--no-example', '--home', join(folder, 'home')], {
    cwd: folder,
    env: { ...process.env, WDS_INBOX: join(folder, 'inbox'), ...env },
    stdio: ['ignore', 'inherit', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (text: Buffer) => {
    said = `${said}${text}`.slice(-100_000);
  });
  await until(() => {
    if (child.exitCode !== null) throw new Error(`wds up does not start:\n${said}`);
    return said.includes('Inbox');
  }, 'wds up is ready');
  const { address, pid } = JSON.parse(await readFile(join(folder, 'home', 'server.json'), 'utf8')) as {
    readonly address: string;
    readonly pid: number;
  };
  const client = new Client({ connection: await Connection.connect({ address }) });
  const files = () => client.workflow.list({ query: 'WorkflowType = "fileWorkflow"' });
  return {
    client,
    cpu: async () => ({ wds: await cpuSeconds(child.pid), server: await cpuSeconds(pid) }),
    peakMiB: () => memoryMiB(child.pid, 'HWM'),
    async drop(name, content) {
      await writeFile(join(folder, name), content);
      // What was written is on its way to the disk, and would be measured too.
      await sleep(500);
      const droppedMs = Date.now();
      await rename(join(folder, name), join(folder, 'inbox', name));
      return droppedMs;
    },
    async completed() {
      for await (const { status } of files()) if (status.name !== 'COMPLETED') return false;
      return true;
    },
    async historyEvents() {
      let events = 0;
      for await (const { historyLength } of files()) events += historyLength;
      return events;
    },
    async stop() {
      await client.connection.close();
      child.kill('SIGTERM');
      if (child.exitCode === null) await once(child, 'exit');
    },
  };
}

/** A CSV file whose users have `name` in their own. */
export function alertsFile(name: string, alerts: number): string {
  const lines = ['userId,alertMessage'];
  for (let row = 0; row < alerts; row++) {
    lines.push(`user-${name}-${row},Alert ${row}: your order has been shipped and will arrive tomorrow`);
  }
  return `${lines.join('\n')}\n`;
}

/** Throws when it has not come true after ten minutes. */
export async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadlineMs = Date.now() + LIMIT_MS;
  while (!(await condition())) {
    if (Date.now() > deadlineMs) throw new Error(`gave up waiting until ${what}`);
    await sleep(50);
  }
}

/** Of an odd number of values the one in the middle. */
export const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
