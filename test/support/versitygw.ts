/**
 * versitygw, a gateway that speaks S3 over a folder: the real thing that S3 is tested against. Built once by the Go toolchain into wds's cache, as
 * the Temporal CLI is.
 */
import type { ChildProcess } from 'node:child_process';
import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { withProcessLock } from '../../src/dev-server/process-lock.ts';

const VERSION = 'v1.8.0';
const MODULE = 'github.com/versity/versitygw/cmd/versitygw';
export const BUILD_LIMIT_MS = 20 * 60_000;
const START_LIMIT_MS = 20_000;

export const CREDENTIALS = { AWS_ACCESS_KEY_ID: 'wds', AWS_SECRET_ACCESS_KEY: 'wds-secret' };
export const BUCKET = 'alerts';

const GO = 'go';
const CACHE = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'wds');
const PATH = join(CACHE, `versitygw-${VERSION}`, 'versitygw');

/** It was built, or Go is there to build it. */
export const HAS_GATEWAY: boolean = existsSync(PATH) || spawnSync(GO, ['version']).status === 0;

async function executable(): Promise<string> {
  const [cache, path] = [CACHE, PATH];
  if (existsSync(path)) return path;
  await mkdir(cache, { recursive: true });
  await withProcessLock(`${dirname(path)}.lock`, async () => {
    if (existsSync(path)) return;
    const folder = await mkdtemp(join(cache, '.build-versitygw-'));
    try {
      const env = { ...process.env, GOBIN: folder, GOFLAGS: '', GOWORK: 'off' };
      await promisify(execFile)(GO, ['install', '-ldflags=-s -w', `${MODULE}@${VERSION}`], { cwd: folder, env });
      await mkdir(dirname(path), { recursive: true });
      await rename(join(folder, 'versitygw'), path);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
  return path;
}

export interface Gateway {
  /** Its URL. */
  readonly endpoint: string;
  readonly pid: number;
  /** The folder that holds its bucket: each object is a file of that name. */
  readonly folder: string;
  /** How it ended. */
  readonly ended: Promise<string>;
  stop(): Promise<void>;
}

/** With one empty bucket. `accessLog`: a file that gets a line for each request, as Amazon S3 writes them. */
export async function startGateway(accessLog?: string): Promise<Gateway> {
  const path = await executable();
  const root = await mkdtemp(join(tmpdir(), 'wds-s3-'));
  await mkdir(join(root, BUCKET));
  const port = await freePort();
  const log = accessLog === undefined ? [] : ['--access-log', accessLog];
  const args = ['--port', `127.0.0.1:${port}`, '--keep-alive', '--quiet', ...log, 'posix', root];
  const env = {
    ...process.env,
    ROOT_ACCESS_KEY: CREDENTIALS.AWS_ACCESS_KEY_ID,
    ROOT_SECRET_KEY: CREDENTIALS.AWS_SECRET_ACCESS_KEY,
  };
  const child = spawn(path, args, { stdio: ['ignore', 'ignore', 'inherit'], env });
  const ended = once(child, 'exit').then(([code, signal]) => String(signal ?? `exit code ${code}`));
  const endpoint = `http://127.0.0.1:${port}`;
  await answers(endpoint, child);
  return {
    endpoint,
    pid: child.pid!,
    folder: join(root, BUCKET),
    ended,
    async stop() {
      child.kill('SIGKILL');
      await ended;
      await rm(root, { recursive: true, force: true });
    },
  };
}

async function answers(endpoint: string, child: ChildProcess): Promise<void> {
  const endMs = performance.now() + START_LIMIT_MS;
  while (performance.now() < endMs) {
    if (child.exitCode !== null) throw new Error(`versitygw ended with ${child.exitCode}`);
    const answer = await fetch(endpoint).catch(() => undefined);
    if (answer !== undefined) return;
    await sleep(50);
  }
  child.kill('SIGKILL');
  throw new Error('versitygw does not answer');
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
