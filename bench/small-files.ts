/**
 * Many small files at once: how many are delivered in a second, each alert exactly once, and what that takes of memory and CPU time. The
 * receiver is this process: a plain server without a limit that counts the requests of each alert.
 *
 *     node dist/bench/small-files.js [FILES=2000] [ALERTS=10] [WATCHERS=1] [LIMIT_SECONDS=900]
 *
 * Times count from the first file that is renamed into the inbox (the settle time included) to the last answer. The first watcher belongs to
 * `wds up`; the others are `wds watch` processes on the same inbox.
 */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { cpuSeconds, memoryMiB } from './process-figures.ts';

const LAUNCHER = fileURLToPath(new URL('../../bin/wds.mjs', import.meta.url));
const [files = 2_000, alerts = 10, watchers = 1, limitSeconds = 900] = process.argv.slice(2).map(Number);

const requests = new Map<string, number>();
let lastAnswerMs = 0;
const receiver = createServer((request, response) => {
  request.resume();
  const id = String(request.headers['webhook-id']);
  requests.set(id, (requests.get(id) ?? 0) + 1);
  lastAnswerMs = performance.now();
  response.writeHead(200).end();
});
receiver.keepAliveTimeout = 60_000;
await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;

const home = await mkdtemp(join(tmpdir(), 'wds-small-files-'));
const [outside, inbox] = [join(home, 'outside'), join(home, 'inbox')];
await writeFile(join(home, 'wds.config.yaml'), `endpoint: { name: bench, url: '${url}', rate: unlimited }\n`);
await mkdir(outside);
for (let file = 0; file < files; file++) {
  const rows = Array.from(
    { length: alerts },
    (_, row) => `user-${file}-${row},Alert ${row}: your order is on its way\n`,
  );
  await writeFile(join(outside, `${file}.csv`), `userId,alertMessage\n${rows.join('')}`);
}

const children: { readonly name: string; readonly pid: number; readonly child?: ChildProcess }[] = [];
try {
  await start('wds up', ['up', '--no-example'], 'Inbox');
  for (let watcher = 2; watcher <= watchers; watcher++) await start(`watcher ${watcher}`, ['watch'], 'Watching');
  const server = JSON.parse(await readFile(join(home, '.wds', 'server.json'), 'utf8')) as { pid: number };
  children.push({ name: 'Temporal server', pid: server.pid });

  const cpuBefore = await Promise.all(children.map(({ pid }) => cpuSeconds(pid)));
  const droppedMs = performance.now();
  for (const name of await readdir(outside)) await rename(join(outside, name), join(inbox, name));
  const deadlineMs = droppedMs + limitSeconds * 1_000;
  let [shown, shownMs] = [0, droppedMs];
  while (requests.size < files * alerts && performance.now() < deadlineMs) {
    await sleep(250);
    if (performance.now() - shownMs < 10_000) continue;
    const rate = (requests.size - shown) / alerts / ((performance.now() - shownMs) / 1_000);
    [shown, shownMs] = [requests.size, performance.now()];
    const memory = await Promise.all(
      children.map(async ({ name, pid }) => `${name} ${(await memoryMiB(pid, 'RSS')).toFixed(0)}`),
    );
    console.log(`  ${Math.round(shown / alerts)} files, ${rate.toFixed(1)}/s; MiB: ${memory.join(', ')}`);
  }
  const seconds = (lastAnswerMs - droppedMs) / 1_000;
  const cpu = await Promise.all(children.map(({ pid }) => cpuSeconds(pid)));
  await untilPutAway();
  const sent = [...requests.values()];
  const delivered = sent.length / alerts;
  const twice = sent.filter((count) => count > 1).length;
  console.log(
    `${files} files of ${alerts} alerts, ${watchers} watcher(s): ${seconds.toFixed(1)} s, ${(delivered / seconds).toFixed(1)} files/s; ` +
      `alerts not sent by then ${files * alerts - requests.size}, sent twice ${twice}; files put away ${(await put()).length}`,
  );
  for (const [at, { name, pid }] of children.entries()) {
    const milliseconds = ((cpu[at]! - cpuBefore[at]!) * 1_000) / delivered;
    console.log(
      `${name}: peak ${(await memoryMiB(pid, 'HWM')).toFixed(0)} MiB, CPU ${milliseconds.toFixed(1)} ms a file`,
    );
  }
} finally {
  for (const { child } of children.reverse()) {
    if (child === undefined || child.exitCode !== null) continue;
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
  receiver.closeAllConnections();
  receiver.close();
  await rm(home, { recursive: true, force: true });
}

async function start(name: string, args: string[], ready: string): Promise<void> {
  const child = spawn(process.execPath, [LAUNCHER, ...args], { cwd: home, stdio: ['ignore', 'ignore', 'pipe'] });
  children.push({ name, pid: child.pid!, child });
  let said = '';
  child.stderr.on('data', (text: Buffer) => {
    said = `${said}${text}`.slice(-100_000);
  });
  const deadlineMs = performance.now() + 60_000;
  while (!said.includes(ready)) {
    if (performance.now() > deadlineMs || child.exitCode !== null) throw new Error(`${name} does not start:\n${said}`);
    await sleep(50);
  }
}

async function put(): Promise<string[]> {
  return readdir(join(inbox, 'processed'));
}

async function untilPutAway(): Promise<void> {
  for (let tries = 0; tries < 40 && (await put()).length < files; tries++) await sleep(250);
}
