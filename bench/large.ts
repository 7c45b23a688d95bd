/**
 * A large file, delivered: is each alert accepted exactly once, what is the peak memory of each process, how much processor time do they and the
 * server take, how long are the histories, and how many actions does it cost (what Temporal Cloud counts)?
 * The receiver is this process: a plain server without a limit that counts the requests of each line.
 *
 *     node dist/bench/large.js [ROWS=1000000] [FORMAT=csv|ndjson] [RATE=unlimited] [apart]
 *
 * `apart`: one files worker, two alerts workers and a watcher instead of `wds up`; the server is then the watcher's.
 */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { actionsOf, cpuSeconds, memoryMiB } from './process-figures.ts';

const LAUNCHER = fileURLToPath(new URL('../../bin/wds.mjs', import.meta.url));
const [rowsText = '1000000', format = 'csv', rate = 'unlimited', how = 'together'] = process.argv.slice(2);
const rows = Number(rowsText);
const firstLine = format === 'csv' ? 2 : 1;

const counts = new Uint8Array(rows + firstLine);
let accepted = 0;
const server = createServer((request, response) => {
  request.resume();
  const id = String(request.headers['webhook-id']);
  const line = Number(id.slice(id.lastIndexOf('_') + 1));
  if (counts[line]! < 255) counts[line]!++;
  accepted++;
  response.writeHead(200).end();
});
server.keepAliveTimeout = 60_000;
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;

const home = await mkdtemp(join(tmpdir(), 'wds-large-'));
await writeFile(join(home, 'wds.config.yaml'), `endpoint: { name: bench, url: '${url}', rate: ${rate} }\n`);
await writeRows(join(home, `next.${format}`));

const processes = new Map<string, ChildProcess>();
const start = async (name: string, args: string[], ready: string): Promise<void> => {
  const child = spawn(process.execPath, [LAUNCHER, ...args], { cwd: home, stdio: ['ignore', 'ignore', 'pipe'] });
  processes.set(name, child);
  let said = '';
  child.stderr.on('data', (text: Buffer) => {
    said = `${said}${text}`.slice(-100_000);
  });
  const deadlineMs = Date.now() + 60_000;
  while (!said.includes(ready)) {
    if (Date.now() > deadlineMs || child.exitCode !== null) throw new Error(`${name} does not start:\n${said}`);
    await sleep(50);
  }
};

try {
  if (how === 'apart') {
    await start('watcher', ['watch'], 'Watching');
    await start('files worker', ['worker', '--role', 'files'], 'is running');
    await start('alerts worker 1', ['worker', '--role', 'alerts'], 'is running');
    await start('alerts worker 2', ['worker', '--role', 'alerts'], 'is running');
  } else await start('wds up', ['up', '--no-example'], 'Inbox');
  const { address, pid: serverPid } = JSON.parse(await readFile(join(home, '.wds', 'server.json'), 'utf8'));
  const pids = new Map([...[...processes].map(([name, { pid }]) => [name, pid] as const), ['server', serverPid]]);
  const before = new Map(
    await Promise.all([...pids].map(async ([name, pid]) => [name, await cpuSeconds(pid)] as const)),
  );
  const actionsBefore = await actionsOf(serverPid);
  const droppedMs = Date.now();
  await rename(join(home, `next.${format}`), join(home, 'inbox', `large.${format}`));
  const client = new Client({ connection: await Connection.connect({ address }) });
  const runs = await untilEnded(client);
  const seconds = (Date.now() - droppedMs) / 1_000;
  const perMillion = (value: number): string => Math.round((value * 1e6) / rows).toLocaleString('en');
  const cpu: string[] = [];
  for (const [name, pid] of pids) cpu.push(`${name} ${perMillion((await cpuSeconds(pid)) - before.get(name)!)} s`);
  let missed = 0;
  let twice = 0;
  for (let line = firstLine; line < counts.length; line++) {
    if (counts[line] === 0) missed++;
    if (counts[line]! > 1) twice++;
  }
  const memory: string[] = [];
  for (const [name, child] of processes) memory.push(`${name} ${(await memoryMiB(child.pid, 'HWM')).toFixed(0)} MiB`);
  console.log(
    `${rows} rows of ${format}, ${rate}: ${runs.at(-1)!.status}, accepted ${accepted}, missed ${missed}, twice ${twice}`,
  );
  console.log(`${Math.round(seconds)} s, ${Math.round(rows / seconds)}/s from the drop; ${memory.join(', ')}`);
  console.log(`processor time per million alerts: ${cpu.join(', ')}`);
  const events = runs.map(({ length }) => length);
  const actions = await actionsOf(serverPid);
  const counted = [...actions].map(([kind, count]) => [kind, count - (actionsBefore.get(kind) ?? 0)] as const);
  const sum = counted.reduce((total, [, count]) => total + count, 0);
  console.log(
    `events ${events.join(' + ')}, ${((events.reduce((a, b) => a + b, 0) * 1_000) / rows).toFixed(2)} per 1,000 alerts; ` +
      `${perMillion(await historyBytes(client))} bytes of history per million`,
  );
  console.log(
    `${sum} actions, ${perMillion(sum)} per million alerts: ` +
      counted.flatMap(([kind, count]) => (count === 0 ? [] : [`${kind} ${count}`])).join(', '),
  );
  await client.connection.close();
} finally {
  for (const child of [...processes.values()].reverse()) {
    child.kill('SIGTERM');
    if (child.exitCode === null) await once(child, 'exit');
  }
  server.closeAllConnections();
  server.close();
  await rm(home, { recursive: true, force: true });
}

async function writeRows(path: string): Promise<void> {
  const file = createWriteStream(path);
  if (format === 'csv') file.write('userId,alertMessage\n');
  for (let row = 0; row < rows; ) {
    let text = '';
    for (const end = Math.min(rows, row + 10_000); row < end; row++) {
      const message = `Alert ${row}: your order has been shipped and will arrive tomorrow`;
      text +=
        format === 'csv'
          ? `user-${row},${message}\n`
          : `${JSON.stringify({ userId: `user-${row}`, alertMessage: message })}\n`;
    }
    if (!file.write(text)) await once(file, 'drain');
  }
  file.end();
  await once(file, 'close');
}

async function untilEnded(client: Client): Promise<{ readonly status: string; readonly length: number }[]> {
  for (;;) {
    const runs: { status: string; length: number; startMs: number }[] = [];
    for await (const { status, historyLength, startTime } of client.workflow.list({
      query: 'WorkflowType = "fileWorkflow"',
    })) {
      runs.push({ status: status.name, length: historyLength, startMs: startTime.getTime() });
    }
    runs.sort((a, b) => a.startMs - b.startMs);
    const last = runs.at(-1)?.status;
    if (last !== undefined && last !== 'RUNNING' && last !== 'CONTINUED_AS_NEW') return runs;
    await sleep(1_000);
  }
}

/** Over all workflows of the server. */
async function historyBytes(client: Client): Promise<number> {
  let bytes = 0;
  for await (const { historySize } of client.workflow.list()) bytes += historySize ?? 0;
  return bytes;
}
