/**
 * Makes a checkout ready to run: packages (`npm ci`), the build (`tsc`), the workflow bundle. Does only what is missing or stale,
 * one process at a time, and says on stderr what it does and how long it took; silent when there is nothing to do. Needs no
 * network when the packages are there. Built-ins only: it runs before anything is installed.
 *
 *     node scripts/setup.mjs            what is missing or stale
 *     node scripts/setup.mjs --build    builds in any case
 *
 * Types are not checked here (`npm run typecheck` does): a checkout that is being worked on should start.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import {
  BUNDLES,
  DIST,
  filesBelow,
  isBuilt,
  isCheckout,
  isInstalled,
  ROOT,
  SOURCE_FOLDERS,
  sourceSignature,
  stampBuild,
} from './checkout.mjs';
import { exclusively } from './exclusive.mjs';

const say = (text) => process.stderr.write(`wds: ${text}\n`);

try {
  if (isCheckout()) {
    await setUp(process.argv.includes('--build'));
  }
} catch (error) {
  say(error.message);
  process.exitCode = 1;
}

async function setUp(buildAnyway) {
  if (isInstalled() && isBuilt() && !buildAnyway) return;
  await exclusively(
    join(DIST, '.setup-lock'),
    async () => {
      // Asked again: whoever held the lock may have done it.
      if (!isInstalled()) await install();
      if (!isBuilt() || buildAnyway) await build();
    },
    (pid) => say(`process ${pid} is setting up this checkout; waiting for it`),
  );
}

async function install() {
  // No package needs its install script; not running any keeps the install quick and quiet.
  const options = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
  await step('installing the packages (npm ci; up to a minute)', ...npm(['ci', ...options]));
}

async function build() {
  const signature = sourceSignature();
  mkdirSync(DIST, { recursive: true });
  const compiler = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  await step('building', process.execPath, [compiler, '-p', join(ROOT, 'scripts', 'tsconfig.build.json')]);
  removeOrphans();
  if (existsSync(join(DIST, 'workflows', 'index.js'))) {
    await step('bundling the workflows', process.execPath, [join(ROOT, 'scripts', 'bundle-workflows.mjs')]);
  } else {
    for (const bundle of Object.values(BUNDLES)) rmSync(bundle, { force: true });
  }
  stampBuild(signature);
}

/** A compiled file whose source is gone would still be imported, bundled and shipped. */
function removeOrphans() {
  for (const folder of SOURCE_FOLDERS) {
    for (const path of filesBelow(join(DIST, folder))) {
      const source = join(ROOT, relative(DIST, path)).replace(/(\.js(\.map)?|\.d\.ts)$/, '.ts');
      if (!existsSync(source)) rmSync(path);
    }
  }
}

/** The npm that started us, else the one on the PATH. */
function npm(args) {
  const own = process.env.npm_execpath;
  return own?.endsWith('npm-cli.js') ? [process.execPath, [own, ...args]] : ['npm', args];
}

/** Runs a command quietly; its output is shown when it fails. */
async function step(what, command, args) {
  const startedAt = performance.now();
  const seconds = () => `${((performance.now() - startedAt) / 1000).toFixed(1)} s`;
  say(`${what} …`);
  const ticker = setInterval(() => say(`  still at it after ${seconds()}`), 15_000);
  const output = [];
  try {
    const code = await new Promise((resolve, reject) => {
      const child = spawn(command, args, {
        cwd: ROOT,
        stdio: ['ignore', 'pipe', 'pipe'],
        shell: process.platform === 'win32' && command === 'npm',
      });
      child.stdout.on('data', (bytes) => output.push(bytes));
      child.stderr.on('data', (bytes) => output.push(bytes));
      child.once('error', reject);
      child.once('close', (exitCode, signal) => resolve(exitCode ?? signal));
    });
    if (code !== 0) throw new Error(`ended with ${code}`);
  } catch (error) {
    process.stderr.write(Buffer.concat(output));
    throw new Error(`${what}: failed after ${seconds()} (${error.message}). Mend the cause above and start again.`);
  } finally {
    clearInterval(ticker);
  }
  say(`  done in ${seconds()}`);
}
