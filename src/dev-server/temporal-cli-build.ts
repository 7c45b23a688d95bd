/**
 * The Temporal CLI built from its source by the Go toolchain: 2.5 to 4 minutes of all cores, once, into wds's cache. One process at
 * a time builds, the others wait for it and use the same file; the file appears whole (rename) or not at all.
 */
import { execFile, spawn } from 'node:child_process';
import { access, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { withProcessLock } from './process-lock.ts';

const MODULE = 'github.com/temporalio/cli';
/** From 1.21 on, Go fetches the newer toolchain that a module asks for (1.25 here) by itself. */
const MINIMUM_GO_MINOR = 21;
const PROGRESS_MS = 10_000;

export interface BuildOptions {
  readonly version: string;
  /** Where the executable is to be. */
  readonly path: string;
  readonly env: NodeJS.ProcessEnv;
  readonly say: (text: string) => void;
  /** The Go command; a test gives its own. */
  readonly go?: string;
}

/** Resolves to `path`; throws with the reason. */
export async function buildTemporalCli(options: BuildOptions): Promise<string> {
  const { path, say, go = 'go' } = options;
  await checkGo(go, options.env);
  const cache = dirname(dirname(path));
  const build = async () => {
    // Whoever held the lock before has probably built it.
    if (await isThere(path)) return path;
    await removeRemains(cache);
    const folder = await mkdtemp(join(cache, '.build-'));
    try {
      await goInstall(go, folder, options);
      await mkdir(dirname(path), { recursive: true });
      await rename(join(folder, basename(path)), path);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
    return path;
  };
  return await withProcessLock(`${dirname(path)}.lock`, build, {
    onWait: (pid) => say(`process ${pid} is building the Temporal CLI; waiting for it …`),
  });
}

async function checkGo(go: string, env: NodeJS.ProcessEnv): Promise<void> {
  let answer: string;
  try {
    answer = (await promisify(execFile)(go, ['version'], { env, timeout: 20_000 })).stdout;
  } catch {
    throw new Error('no Go toolchain on the PATH');
  }
  const minor = /\bgo1\.(\d+)/.exec(answer)?.[1];
  if (minor !== undefined && Number(minor) < MINIMUM_GO_MINOR) {
    throw new Error(`${answer.trim()} is too old; Go 1.25 or newer is needed`);
  }
}

async function goInstall(go: string, folder: string, { version, env, say }: BuildOptions): Promise<void> {
  const startedAt = performance.now();
  const seconds = () => Math.round((performance.now() - startedAt) / 1000);
  say(`building the Temporal CLI ${version} from source (once; takes 2 to 4 minutes) …`);
  const ticker = setInterval(() => say(`  building the Temporal CLI: ${seconds()} s`), PROGRESS_MS);
  let output = '';
  try {
    const ended = await new Promise<number | string>((resolve, reject) => {
      const flags = `-ldflags=-s -w -X ${MODULE}/temporalcli.Version=${version}`;
      const child = spawn(go, ['install', flags, `${MODULE}/cmd/temporal@${version.replace(/^v?/, 'v')}`], {
        // Neither a go.mod nor a go.work of the folder wds runs in, nor flags meant for other work, may choose toolchain or modules.
        cwd: folder,
        env: { ...env, GOBIN: folder, GOFLAGS: '', GOWORK: 'off' },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const keep = (bytes: Buffer) => {
        output = (output + bytes.toString()).slice(-2000);
      };
      child.stdout.on('data', keep);
      child.stderr.on('data', keep);
      child.once('error', reject);
      child.once('close', (code, signal) => resolve(code ?? signal ?? 'no exit code'));
    });
    if (ended !== 0)
      throw new Error(`go install ended with ${ended}: ${output.trim().split('\n').slice(-3).join(' | ')}`);
  } finally {
    clearInterval(ticker);
  }
  say(`  built in ${seconds()} s`);
}

/** Of builds that were killed; called under the lock. */
async function removeRemains(cache: string): Promise<void> {
  for (const name of await readdir(cache)) {
    if (name.startsWith('.build-')) await rm(join(cache, name), { recursive: true, force: true });
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}
