import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { findDevServer, startDevServer } from '../../src/dev-server/dev-server.ts';
import { devServerArguments } from '../../src/dev-server/dev-server-process.ts';
import { freePort } from '../../src/dev-server/free-port.ts';
import { identify } from '../../src/dev-server/process-identity.ts';
import { connect, devServerTarget } from '../../src/temporal/connection.ts';
// Brings the build of global-setup.ts along, which the process below runs.
import { uniqueName } from '../support/dev-server.ts';

let home: string;
const lines: string[] = [];
const options = () => ({ home, log: (text: string) => lines.push(text), port: 0, uiPort: 0, durable: false });
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

/** Another wds process that owns the server of `home`; resolves when its server answers. */
async function startOwner(): Promise<{ child: ChildProcess; server: { address: string; pid: number } }> {
  const code = `
    import { startDevServer } from ${JSON.stringify(resolve('dist/src/temporal/dev-server.js'))};
    const server = await startDevServer({ home: process.argv[1], log: () => {}, port: 0, uiPort: 0, durable: false });
    console.log(JSON.stringify({ address: server.address, pid: server.pid }));
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code, home], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const line = await new Promise<string>((done, failed) => {
    child.stdout?.once('data', (bytes: Buffer) => done(bytes.toString()));
    child.once('exit', (exitCode) => failed(new Error(`the owner ended with ${exitCode}`)));
  });
  return { child, server: JSON.parse(line) };
}

describe('the dev server of a home', () => {
  it('keeps its state in the home through a graceful stop and a new start', async () => {
    const workflowId = uniqueName('kept');
    const first = await startDevServer(options());
    expect(first.owned).toBe(true);
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

  it('is one, however many ask at once: the others attach, and their stop leaves it running', async () => {
    const servers = await Promise.all(Array.from({ length: 3 }, () => startDevServer(options())));
    const owner = servers.find((server) => server.owned);
    try {
      expect(servers.filter((server) => server.owned)).toHaveLength(1);
      expect(new Set(servers.map((server) => server.pid)).size).toBe(1);
      await Promise.all(servers.filter((server) => !server.owned).map((server) => server.stop()));
      expect((await findDevServer(home))?.address).toBe(owner?.address);
    } finally {
      await owner?.stop();
    }
    expect(await findDevServer(home)).toBeUndefined();
  });

  it('is started again at the same address when it dies, with its state', async () => {
    const workflowId = uniqueName('survivor');
    const server = await startDevServer(options());
    try {
      await startWorkflow(server.address, workflowId);
      const dead = server.pid;
      process.kill(dead, 'SIGKILL');
      await vi.waitFor(() => expect(server.pid).not.toBe(dead), { timeout: 20_000, interval: 50 });
      await vi.waitFor(async () => expect(await findDevServer(home)).toBeDefined(), { timeout: 20_000, interval: 100 });
      expect(await statusOf(server.address, workflowId)).toBe('RUNNING');
      expect(lines.join('\n')).toContain('dev server ended (SIGKILL)');
    } finally {
      await server.stop();
    }
  });

  it('ends with an owner that is killed, and the next start goes on with its state', async () => {
    const workflowId = uniqueName('orphan');
    const { child, server } = await startOwner();
    const attached = await startDevServer(options());
    expect(attached).toMatchObject({ owned: false, address: server.address });
    await startWorkflow(server.address, workflowId);

    child.removeAllListeners('exit');
    child.kill('SIGKILL');
    await once(child, 'exit');
    const next = await startDevServer(options());
    try {
      expect(next.owned).toBe(true);
      expect(isAlive(server.pid)).toBe(false);
      expect(await statusOf(next.address, workflowId)).toBe('RUNNING');
    } finally {
      await next.stop();
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
    expect(await findDevServer(home)).toBeUndefined();
    const server = await startDevServer(options());
    expect(server.owned).toBe(true);
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
  const place = { executable: 'temporal', port: 1, uiPort: 2, databaseFile: '/h/temporal.db' };

  it('has one partition, the search attributes, and waits for the disk by default', () => {
    const line = devServerArguments(place).join(' ');
    expect(line).toContain('--dynamic-config-value matching.numTaskqueueReadPartitions=1');
    expect(line).toContain('--dynamic-config-value matching.numTaskqueueWritePartitions=1');
    expect(line).toContain('--dynamic-config-value system.enableActivityEagerExecution=false');
    expect(line).toContain('--search-attribute WdsFileName=Keyword');
    expect(line).toContain('--search-attribute WdsRows=Int');
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
