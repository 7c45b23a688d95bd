/** What an operator does while files are delivered: real processes, a server of their own, and the bundled receiver as the witness. */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { FileStatus, ReportedFile } from '../../src/app/app.ts';
import type { EndpointStatus } from '../../src/app/endpoint-status.ts';

const COMMAND = join(process.cwd(), 'dist/src/cli/main.js');
const BIG = 20_000;
const LIMIT_MS = 60_000;

let folder: string;
let up: ChildProcess;
let connection: Connection;
let client: Client;

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

interface Started {
  readonly child: ChildProcess;
  /** What it has said so far. */
  readonly text: { readonly out: string; readonly err: string };
  readonly ended: Promise<Ended>;
}

function start(args: readonly string[]): Started {
  const { PATH, HOME } = process.env;
  const child = spawn(process.execPath, [COMMAND, ...args], { cwd: folder, env: { PATH, HOME, NO_COLOR: '1' } });
  const text = { out: '', err: '' };
  child.stdout.on('data', (piece) => {
    text.out += piece;
  });
  child.stderr.on('data', (piece) => {
    text.err += piece;
  });
  const ended = new Promise<Ended>((resolve) => child.once('close', (code) => resolve({ code, ...text })));
  return { child, text, ended };
}

const wds = (...args: string[]): Promise<Ended> => start(args).ended;

async function wdsJson<T>(...args: string[]): Promise<T> {
  const { out, err } = await wds(...args, '-o', 'json');
  expect(out, err).not.toBe('');
  return JSON.parse(out) as T;
}

async function until<T>(what: string, look: () => Promise<T | undefined | false>): Promise<T> {
  for (const deadline = Date.now() + LIMIT_MS; Date.now() < deadline; await sleep(100)) {
    const found = await look();
    if (found) return found;
  }
  throw new Error(`${what} did not come about`);
}

async function alerts(name: string, count: number): Promise<string> {
  const rows = Array.from({ length: count }, (_, index) => `${name}-${index},hello\n`).join('');
  await writeFile(join(folder, name), `userId,alertMessage\n${rows}`);
  return name;
}

async function received(): Promise<{ accepted: number; repeated: number }> {
  const { url } = JSON.parse(await readFile(join(folder, '.wds/receiver.json'), 'utf8')) as { url: string };
  return (await (await fetch(new URL('/stats', url))).json()) as { accepted: number; repeated: number };
}

const report = (file: string): Promise<ReportedFile> => wdsJson<ReportedFile>('report', file);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wds-operator-'));
  up = start(['up', '--no-example']).child;
  const address = await until('the start of wds up', async () => {
    if (!existsSync(join(folder, 'inbox', '.wds'))) return undefined;
    return (JSON.parse(await readFile(join(folder, '.wds/server.json'), 'utf8')) as { address: string }).address;
  });
  connection = await Connection.connect({ address });
  client = new Client({ connection });
});

afterAll(async () => {
  await connection?.close();
  if (up.exitCode === null) {
    const ended = new Promise((resolve) => up.once('close', resolve));
    up.kill('SIGTERM');
    await ended;
  }
  await rm(folder, { recursive: true, force: true });
});

test('a file is paused, overtaken, resumed and cancelled; an endpoint is paused and limited', async () => {
  const big = await alerts('big.csv', BIG);
  await writeFile(join(folder, 'inbox/.big.csv'), await readFile(join(folder, big)));
  await rename(join(folder, 'inbox/.big.csv'), join(folder, 'inbox/big.csv'));
  await until('the first deliveries', async () => (await received()).accepted > 0);

  // A small file in a second terminal does not wait for the big one, and needs no --url.
  const small = await wdsJson<ReportedFile>('send', await alerts('small.csv', 100), '--priority', 'urgent');
  expect(small).toMatchObject({ alerts: 100, delivered: 100 });
  const overtaken = await report(big);
  expect(overtaken.pending).toBeGreaterThan(BIG / 2);
  expect(overtaken.state).toBe('running');
  const { priority } = await client.workflow.getHandle(small.workflowId).describe();
  expect(priority).toMatchObject({ priorityKey: 1, fairnessKey: small.sha256.slice(0, 16) });

  const handle = client.workflow.getHandle(overtaken.workflowId);
  const underWay = async () => (await handle.describe()).raw.pendingActivities ?? [];

  expect(await wdsJson<FileStatus>('pause', big)).toMatchObject({ state: 'paused' });
  await until('the end of what was open', async () => (await underWay()).length === 0);
  const before = await report(big);
  expect(before.state).toBe('paused');
  expect((await received()).accepted).toBe(before.delivered + 100);
  await wds('send', await alerts('other.csv', 100));
  expect((await report(big)).delivered).toBe(before.delivered);
  await wds('resume', big);
  await until('more deliveries', async () => (await received()).accepted > before.delivered + 200);

  // The endpoint: a name that nobody knows makes no governor.
  expect((await wds('endpoint', 'pause', 'bundled-reciever')).code).toBe(5);
  const paused = await wdsJson<EndpointStatus>('endpoint', 'pause');
  expect(paused).toMatchObject({ name: 'bundled-receiver', governor: { paused: true, ratePerSecond: 0 } });
  await until('the limit in the server', async () => {
    const { taskQueueLimit } = await wdsJson<EndpointStatus>('endpoint', 'show');
    return taskQueueLimit === 1;
  });
  await wds('endpoint', 'resume', 'bundled-receiver');
  await wds('endpoint', 'set-rate', '50');
  const known = await wdsJson<EndpointStatus[]>('endpoint', 'list');
  expect(known).toMatchObject([{ name: 'bundled-receiver', rate: '100/s', governor: { ordered: 50, paused: false } }]);
  await wds('endpoint', 'set-rate', 'configured');
  const forgotten = await wdsJson<EndpointStatus>('endpoint', 'forget');
  expect(forgotten).toMatchObject({ taskQueueLimit: null, governor: { ordered: null } });

  const waiting = start(['send', big, '-o', 'json']);
  // A `send` that comes after the end of the file would begin it anew.
  await until('somebody who waits', async () => waiting.text.err.includes(big));
  const cancelled = await wdsJson<FileStatus>('cancel', big);
  expect(cancelled.state).toBe('cancelled');
  const { code, out } = await waiting.ended;
  expect(code).toBe(6);
  const left = await report(big);
  expect(JSON.parse(out)).toMatchObject({ alerts: BIG, delivered: left.delivered });
  expect(left).toMatchObject({ state: 'cancelled', delivered: cancelled.delivered, pending: BIG - left.delivered });
  expect(await received()).toMatchObject({ accepted: left.delivered + 200, repeated: 0 });
}, 240_000);

test('at its end wds up takes the record of its receiver away', async () => {
  const ended = new Promise((resolve) => up.once('close', resolve));
  up.kill('SIGINT');
  await ended;
  expect(existsSync(join(folder, '.wds/receiver.json'))).toBe(false);
});
