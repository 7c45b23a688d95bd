/**
 * What it costs to learn of 20,000 files that are dropped within five seconds into a local folder: Node's own watch, as wds uses it, and chokidar, once
 * by events and once by polling, told to watch the folder alone (`depth: 0`, all below ignored). Prints the processor time of the listening process
 * beyond that of one that does not listen, and how many events it was told of. Another process makes the files.
 *
 *     node dist/bench/watching.js [files] [seconds]
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { watch as watchFolder } from 'node:fs';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { watch } from 'chokidar';

const WAYS = ['nothing', 'fs.watch', 'chokidar, events', 'chokidar, polling'] as const;
type Way = (typeof WAYS)[number];
const ROUNDS = 3;
/** Longer than a poll, and than chokidar waits between two readings of a folder. */
const REST_MS = 2_500;

/** Starts to listen; returns how many events there were, and what ends it. */
async function listen(
  way: Way,
  folder: string,
): Promise<() => { readonly events: number; close(): Promise<void> | void }> {
  let events = 0;
  if (way === 'nothing') return () => ({ events, close: () => undefined });
  if (way === 'fs.watch') {
    const watcher = watchFolder(folder, () => {
      events += 1;
    });
    return () => ({ events, close: () => watcher.close() });
  }
  const usePolling = way === 'chokidar, polling';
  const only = { depth: 0, ignored: (path: string) => path !== folder, ignoreInitial: true };
  const watcher = watch(folder, { ...only, usePolling, interval: 1_000 });
  watcher.on('raw', () => {
    events += 1;
  });
  await once(watcher, 'ready');
  return () => ({ events, close: () => watcher.close() });
}

async function measure(
  way: Way,
  files: number,
  seconds: number,
): Promise<{ cpuMs: number; events: number; mib: number }> {
  const folder = await mkdtemp(join(tmpdir(), 'wds-watching-'));
  try {
    const told = await listen(way, folder);
    const before = process.cpuUsage();
    const writer = fork(fileURLToPath(import.meta.url), ['--write', folder, String(files), String(seconds)]);
    await new Promise((resolve) => writer.once('exit', resolve));
    await sleep(REST_MS);
    const { user, system } = process.cpuUsage(before);
    const { events, close } = told();
    await close();
    return { cpuMs: (user + system) / 1_000, events, mib: process.memoryUsage.rss() / 1_048_576 };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Each file under another name first, as people should. */
async function write(folder: string, files: number, seconds: number): Promise<void> {
  const startedMs = performance.now();
  for (let number = 1; number <= files; number++) {
    await writeFile(join(folder, '.part'), `userId,alertMessage\nuser-${number},hello\n`);
    await rename(join(folder, '.part'), join(folder, `file-${number}.csv`));
    const dueMs = startedMs + (number / files) * seconds * 1_000;
    if (number % 50 === 0 && dueMs > performance.now()) await sleep(dueMs - performance.now());
  }
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;

const [first, ...rest] = process.argv.slice(2);
if (first === '--write') await write(rest[0]!, Number(rest[1]), Number(rest[2]));
else if (first === '--one') {
  const result = await measure(rest[0] as Way, Number(rest[1]), Number(rest[2]));
  process.send?.(result);
  process.disconnect?.();
} else {
  const [files, seconds] = [Number(first ?? 20_000), Number(rest[0] ?? 5)];
  const seen = new Map<Way, { cpuMs: number; events: number; mib: number }[]>();
  for (let round = 0; round < ROUNDS; round++) {
    for (const way of WAYS) {
      const child = fork(fileURLToPath(import.meta.url), ['--one', way, String(files), String(seconds)]);
      const result = await new Promise<{ cpuMs: number; events: number; mib: number }>((resolve) =>
        child.once('message', (message) => resolve(message as { cpuMs: number; events: number; mib: number })),
      );
      seen.set(way, [...(seen.get(way) ?? []), result]);
    }
  }
  const idleMs = median(seen.get('nothing')!.map(({ cpuMs }) => cpuMs));
  for (const [way, results] of seen) {
    const cpuMs = median(results.map((one) => one.cpuMs)) - idleMs;
    const events = median(results.map((one) => one.events));
    const mib = median(results.map((one) => one.mib));
    console.log(`${way.padEnd(18)} ${cpuMs.toFixed(0).padStart(6)} ms  ${events} events  ${mib.toFixed(0)} MiB`);
  }
}
