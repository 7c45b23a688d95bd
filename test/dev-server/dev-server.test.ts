import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startDevServer } from '../../src/dev-server/dev-server.ts';
import { answersAt, devServerArguments } from '../../src/dev-server/dev-server-process.ts';
import { findServer } from '../../src/dev-server/find-server.ts';
import { freePort } from '../../src/dev-server/free-port.ts';
import { identify } from '../../src/dev-server/process-identity.ts';
import { connect, devServerTarget } from '../../src/temporal/connection.ts';
// Brings the build of global-setup.ts along, which the process below runs.
import { uniqueName } from '../support/dev-server.ts';

let home: string;
const lines: string[] = [];
const options = () => ({
  home,
  mark: 'wds-home-1',
  log: (text: string) => lines.push(text),
  port: 0,
  uiPort: 0,
  durable: false,
});
const isAlive = (pid: number) => identify(pid) !== undefined;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'wds-dev-server-'));
  lines.length = 0;
});
afterEach(() => rm(home, { recursive: true, force: true }));

async function startWorkflow(address: string, workflowId: string): Promise<void> {
  const temporal = await connect(devServerTarget({ address }));
  try {
    await temporal.client.workflow.start('anything', { taskQueue: workflowId, workflowId });
  } finally {
    await temporal.close();
  }
}

async function statusOf(address: string, workflowId: string): Promise<string> {
  const temporal = await connect(devServerTarget({ address }));
  try {
    return (await temporal.client.workflow.getHandle(workflowId).describe()).status.name;
  } finally {
    await temporal.close();
  }
}

interface User {
  readonly child: ChildProcess;
  readonly server: { readonly address: string; readonly pid: number; readonly startedHere: boolean };
  /** As at a signal that it handles. */
  stop(): Promise<void>;
  kill(): Promise<void>;
}

/** Another wds process that uses the server of `home`; resolves when it has it. */
async function startUser(): Promise<User> {
  const code = `
    import { startDevServer } from ${JSON.stringify(resolve('dist/src/dev-server/dev-server.js'))};
    const options = { home: process.argv[1], mark: 'wds-home-1', log: () => {}, port: 0, uiPort: 0, durable: false };
    const { address, pid, startedHere, stop } = await startDevServer(options).then((server) => ({
      address: server.address, pid: server.pid, startedHere: server.startedHere, stop: () => server.stop(),
    }));
    console.log(JSON.stringify({ address, pid, startedHere }));
    process.once('SIGTERM', () => stop().then(() => process.exit(0)));
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code, home], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const line = await new Promise<string>((done, failed) => {
    child.stdout?.once('data', (bytes: Buffer) => done(bytes.toString()));
    child.once('exit', (exitCode) => failed(new Error(`the user ended with ${exitCode}`)));
  });
  child.removeAllListeners('exit');
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  };
  return { child, server: JSON.parse(line), stop: () => end('SIGTERM'), kill: () => end('SIGKILL') };
}

const untilGone = (pid: number) =>
  vi.waitFor(() => expect(isAlive(pid)).toBe(false), { timeout: 20_000, interval: 50 });

describe('the dev server of a home', () => {
  it('keeps its state in the home through a graceful stop and a new start', async () => {
    const workflowId = uniqueName('kept');
    const first = await startDevServer(options());
    expect(first.startedHere).toBe(true);
    await startWorkflow(first.address, workflowId);
    const page = await fetch(first.uiUrl);
    expect(page.status).toBe(200);
    await first.stop();
    expect(isAlive(first.pid)).toBe(false);
    await expect(readFile(join(home, 'server.json'))).rejects.toThrow('ENOENT');

    const second = await startDevServer(options());
    try {
      expect(await statusOf(second.address, workflowId)).toBe('RUNNING');
    } finally {
      await second.stop();
    }
  });

  it('is one, however many ask at once, and ends with the last of them that stops', async () => {
    const servers = await Promise.all(Array.from({ length: 3 }, () => startDevServer(options())));
    const [last, ...others] = servers;
    try {
      expect(servers.filter((server) => server.startedHere)).toHaveLength(1);
      expect(new Set(servers.map((server) => server.pid)).size).toBe(1);
      await Promise.all(others.map((server) => server.stop()));
      expect((await findServer(home))?.address).toBe(last?.address);
    } finally {
      await last?.stop();
    }
    expect(isAlive(last!.pid)).toBe(false);
    expect(await findServer(home)).toBeUndefined();
  });

  it.each(['stop', 'kill'] as const)(
    'outlives the process that started it (%s) while another one uses it',
    async (how) => {
      const workflowId = uniqueName('outlived');
      const first = await startUser();
      const second = await startDevServer(options());
      try {
        expect(first.server.startedHere).toBe(true);
        expect(second).toMatchObject({ startedHere: false, address: first.server.address });
        await first[how]();
        await startWorkflow(second.address, workflowId);
        const third = await startDevServer(options());
        expect(third.pid).toBe(first.server.pid);
        await third.stop();
        expect(await statusOf(second.address, workflowId)).toBe('RUNNING');
      } finally {
        await second.stop();
      }
      expect(isAlive(first.server.pid)).toBe(false);
    },
  );

  it('is started again by whoever is left when it dies together with the process that started it', async () => {
    const workflowId = uniqueName('left');
    const first = await startUser();
    const [second, third] = [await startDevServer(options()), await startUser()];
    try {
      await startWorkflow(second.address, workflowId);
      process.kill(first.server.pid, 'SIGKILL');
      await first.kill();
      await vi.waitFor(() => expect(second.pid).not.toBe(first.server.pid), { timeout: 20_000, interval: 50 });
      await vi.waitFor(async () => expect(await findServer(home)).toBeDefined(), { timeout: 20_000, interval: 100 });
      expect((await findServer(home))?.address).toBe(first.server.address);
      expect(await statusOf(second.address, workflowId)).toBe('RUNNING');
      await third.stop();
    } finally {
      await second.stop();
    }
    await untilGone(second.pid);
  });

  it('is started again at the same address when it dies, with its state', async () => {
    const workflowId = uniqueName('survivor');
    const server = await startDevServer(options());
    try {
      await startWorkflow(server.address, workflowId);
      const dead = server.pid;
      process.kill(dead, 'SIGKILL');
      await vi.waitFor(() => expect(server.pid).not.toBe(dead), { timeout: 20_000, interval: 50 });
      await vi.waitFor(async () => expect(await findServer(home)).toBeDefined(), { timeout: 20_000, interval: 100 });
      expect(await statusOf(server.address, workflowId)).toBe('RUNNING');
      expect(lines.join('\n')).toContain('dev server ended (SIGKILL)');
    } finally {
      await server.stop();
    }
  });

  it('ends when all who used it were killed, and the next start goes on with its state', async () => {
    const workflowId = uniqueName('orphan');
    const [first, second] = [await startUser(), await startUser()];
    await startWorkflow(first.server.address, workflowId);
    await Promise.all([first.kill(), second.kill()]);
    const next = await startDevServer(options());
    try {
      expect(isAlive(first.server.pid)).toBe(false);
      expect(await statusOf(next.address, workflowId)).toBe('RUNNING');
      expect(await readdir(join(home, 'server-users'))).toHaveLength(1);
    } finally {
      await next.stop();
    }
    const again = await startUser();
    await again.kill();
    await untilGone(again.server.pid);
  });

  it('moves when another program has taken its port for long, and says so to those who use it', async () => {
    const server = await startDevServer(options());
    const port = Number(server.address.split(':')[1]);
    const taker = createServer((socket) => socket.destroy());
    const taken = () =>
      new Promise<void>((done, failed) => taker.once('error', failed).listen(port, '127.0.0.1', done));
    try {
      process.kill(server.pid, 'SIGKILL');
      await vi.waitFor(taken, { timeout: 2_000, interval: 5 });
      const fault = await server.moved;
      expect(fault).toMatchObject({ code: 'temporal_unreachable', nextStep: expect.stringContaining('again') });
      expect(fault.message).toContain(`had to move from 127.0.0.1:${port}`);
      const found = await findServer(home);
      expect(found?.pid).toBe(server.pid);
      expect(found?.address).not.toBe(server.address);
    } finally {
      taker.close();
      await server.stop();
    }
  });

  it('is not mistaken for the server of another home that has its port', async () => {
    const otherHome = await mkdtemp(join(tmpdir(), 'wds-dev-server-'));
    const other = await startDevServer({ ...options(), home: otherHome, mark: 'wds-home-2' });
    try {
      expect(await answersAt(other.address, 'wds-home-2')).toBe(true);
      expect(await answersAt(other.address, 'wds-home-1')).toBe(false);
    } finally {
      await other.stop();
      await rm(otherHome, { recursive: true, force: true });
    }
  });

  it('does not believe a record of processes that are gone', async () => {
    const gone = { pid: process.pid, host: 'elsewhere', born: '' };
    const record = {
      address: '127.0.0.1:1',
      uiUrl: 'http://127.0.0.1:2',
      pid: gone.pid,
      startedAt: '',
      server: gone,
      owner: gone,
    };
    await writeFile(join(home, 'server.json'), JSON.stringify(record));
    expect(await findServer(home)).toBeUndefined();
    const server = await startDevServer(options());
    expect(server.startedHere).toBe(true);
    await server.stop();
  });

  it('says where its log is when it does not start', async () => {
    const env = { ...process.env, WDS_TEMPORAL_CLI: join(home, 'temporal') };
    await writeFile(
      join(home, 'temporal'),
      '#!/bin/sh\n[ "$1" = --version ] && echo "temporal version 1.5.1 (Server 1.29.1)" || exit 7\n',
      { mode: 0o755 },
    );
    await expect(startDevServer({ ...options(), env })).rejects.toMatchObject({
      code: 'dev_server_unavailable',
      message: expect.stringContaining('exit code 7'),
      nextStep: expect.stringContaining('temporal.log'),
    });
    await expect(readFile(join(home, 'server.json'))).rejects.toThrow('ENOENT');
  });
});

describe('the command line of the dev server', () => {
  const place = { executable: 'temporal', mark: 'wds-home-1', port: 1, uiPort: 2, databaseFile: '/h/temporal.db' };

  it('has one partition, the search attributes, and waits for the disk by default', () => {
    const line = devServerArguments(place).join(' ');
    expect(line).toContain('--dynamic-config-value matching.numTaskqueueReadPartitions=1');
    expect(line).toContain('--dynamic-config-value matching.numTaskqueueWritePartitions=1');
    expect(line).toContain('--dynamic-config-value system.enableActivityEagerExecution=false');
    expect(line).toContain('--search-attribute WdsFileName=Keyword');
    expect(line).toContain('--search-attribute WdsRows=Int');
    expect(line).toContain('--namespace wds-home-1');
    expect(line).toContain('--sqlite-pragma synchronous=FULL');
    expect(line).toContain('--ip 127.0.0.1');
  });

  it('takes other settings for tests', () => {
    const line = devServerArguments(place, { partitions: 4, eagerActivities: true }).join(' ');
    expect(line).toContain('matching.numTaskqueueWritePartitions=4');
    expect(line).toContain('system.enableActivityEagerExecution=true');
  });
});

describe('a free port', () => {
  it('is the next one when the wanted one is in use', async () => {
    const taken = createServer();
    await new Promise<void>((done) => taken.listen(0, '127.0.0.1', done));
    const { port } = taken.address() as { port: number };
    try {
      expect(await freePort(port)).toBeGreaterThan(port);
    } finally {
      taken.close();
    }
  });
});
