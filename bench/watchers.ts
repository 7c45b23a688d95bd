/**
 * Several watchers and very many files at once, without Temporal: is each file submitted, whole, and how often? In the middle one watcher is stopped
 * (SIGSTOP) for longer than the others wait for a sign of life, and goes on.
 *
 *     node dist/bench/watchers.js [FILES=20000] [WATCHERS=2] [STOP_SECONDS=20]
 *
 * Prints how many files were submitted once, and more than once: the stopped one may have had up to four between their submission and their move.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const WATCHER = fileURLToPath(new URL('../test/intake/watcher-process.js', import.meta.url));
const LIMIT_MS = 900_000;
const [files = 20_000, watchers = 2, stopSeconds = 20] = process.argv.slice(2).map(Number);

const root = await mkdtemp(join(tmpdir(), 'wds-watchers-'));
const [inbox, outside, submissions] = [join(root, 'inbox'), join(root, 'outside'), join(root, 'submissions')];
await mkdir(outside);
await mkdir(inbox);
for (let file = 0; file < files; file++) {
  await writeFile(join(outside, `${file}.csv`), `userId,alertMessage\nuser-${file},hello\n`);
}
const start = () => spawn(process.execPath, [WATCHER, inbox, join(root, 'store'), submissions], { stdio: 'ignore' });
const children = Array.from({ length: watchers }, start);
try {
  await sleep(1_000);
  const droppedMs = performance.now();
  for (const name of await readdir(outside)) await rename(join(outside, name), join(inbox, name));
  console.log(`${files} files dropped in ${((performance.now() - droppedMs) / 1_000).toFixed(1)} s`);
  await until(async () => (await counts()).size >= files / 4);
  const stopped = children[0]!;
  if (watchers > 1 && stopSeconds > 0) {
    stopped.kill('SIGSTOP');
    setTimeout(() => stopped.kill('SIGCONT'), stopSeconds * 1_000).unref();
  }
  await until(async () => (await readdir(join(inbox, 'processed'))).length >= files);
  stopped.kill('SIGCONT');
  await sleep(3_000);
  const seconds = (performance.now() - droppedMs - 3_000) / 1_000;
  const times = [...(await counts()).values()];
  const more = times.filter((count) => count > 1).length;
  console.log(
    `${watchers} watchers, one stopped for ${stopSeconds} s: ${files} files in ${seconds.toFixed(0)} s; submitted ${times.length}, ` +
      `once ${times.length - more}, more than once ${more}; missed ${files - times.length}; ` +
      `put away ${(await readdir(join(inbox, 'processed'))).length}`,
  );
} finally {
  for (const child of children) {
    child.kill('SIGCONT');
    child.kill('SIGTERM');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }
  await rm(root, { recursive: true, force: true });
}

/** Submissions by file. */
async function counts(): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  const text = await readFile(submissions, 'utf8').catch(() => '');
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const { sha256 } = JSON.parse(line) as { readonly sha256: string };
    found.set(sha256, (found.get(sha256) ?? 0) + 1);
  }
  return found;
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + LIMIT_MS;
  while (!(await condition())) {
    if (performance.now() > deadlineMs) throw new Error(`gave up after ${LIMIT_MS / 1_000} s`);
    await sleep(1_000);
  }
}
