#!/usr/bin/env node
/**
 * The command `wds`. In a checkout it first sets up what is missing or stale (a few milliseconds when nothing is); an installed
 * package goes straight to the compiled command. Kept free of newer syntax, so that an old Node gets to say that it is too old.
 */
import { spawnSync } from 'node:child_process';
import module from 'node:module';
import { fileURLToPath } from 'node:url';

const NEEDED = [20, 19];
const [major, minor] = process.versions.node.split('.').map(Number);

if (major < NEEDED[0] || (major === NEEDED[0] && minor < NEEDED[1])) {
  process.stderr.write(
    `wds: needs Node.js ${NEEDED.join('.')} or newer; this is ${process.versions.node} (${process.execPath}).\n`,
  );
  process.exit(1);
}

const { isBuilt, isCheckout, isInstalled } = await import('../scripts/checkout.mjs');
if (isCheckout() && !(isInstalled() && isBuilt())) {
  const setup = fileURLToPath(new URL('../scripts/setup.mjs', import.meta.url));
  // Its standard output is ours, and belongs to the command's data: set-up speaks on stderr only.
  const { status, signal } = spawnSync(process.execPath, [setup], { stdio: ['ignore', 2, 2] });
  if (status !== 0) process.exit(signal === 'SIGINT' ? 130 : 1);
}

// Half of a short command's time is the compiling of its modules. Node.js 20 cannot keep what it compiled.
module.enableCompileCache?.();
await import('../dist/src/cli/main.js');
