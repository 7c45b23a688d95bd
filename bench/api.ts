/**
 * The HTTP API: how many single alerts a second are taken, each on the disk before its 202; what a large upload costs in memory; and whether
 * anything that was acknowledged is lost, or alerted twice, over kills. The receiver is this process: it counts the requests of each user.
 *
 *     node dist/bench/api.js [SECONDS=10] [UPLOAD_MIB=1024] [KILLS=20] [CALLERS=64]
 *
 * Everything runs on this machine: the embedded Temporal server, the API with workers and watcher in one process (`wds api`), and the callers.
 * The rate is measured while posts are gathered for 60 s, so that nothing is sent meanwhile, and again while all of it is delivered;
 * first without idempotency keys, then with one each. Over the kills each post has one, and a caller whose answer is lost posts the same again.
 */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { json } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Agent, request } from 'undici';
import { memoryMiB } from './process-figures.ts';

const LAUNCHER = fileURLToPath(new URL('../../bin/wds.mjs', import.meta.url));
const [seconds = 10, uploadMiB = 1_024, kills = 20, callers = 64] = process.argv.slice(2).map(Number);
const START_LIMIT_MS = 120_000;

const received = new Map<string, number>();
const receiver = createServer(async (incoming, response) => {
  const { userId } = (await json(incoming)) as { readonly userId: string };
  received.set(userId, (received.get(userId) ?? 0) + 1);
  response.writeHead(200).end();
});
receiver.keepAliveTimeout = 60_000;
await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
const folder = await mkdtemp(join(tmpdir(), 'wds-bench-api-'));
const agent = new Agent({ connections: callers, pipelining: 1 });
let next = 0;
let running: ChildProcess | undefined;

try {
  // Holds the embedded server while the API is killed.
  const worker = await start(['worker', '--role', 'files'], 'Worker (files) is running');
  for (const keyed of [false, true]) {
    await rate('gathered only', 60, keyed);
    await rate('and delivered', 0.5, keyed);
  }
  await memory();
  await killed();
  await stop(worker.child);
} finally {
  running?.kill('SIGKILL');
  await agent.close();
  receiver.close();
  await rm(folder, { recursive: true, force: true });
}

async function rate(what: string, gatherSeconds: number, keyed: boolean): Promise<void> {
  const { child, url } = await startApi(gatherSeconds);
  const before = next;
  const latencies: number[] = [];
  const endMs = performance.now() + seconds * 1_000;
  await Promise.all(
    Array.from({ length: callers }, async () => {
      while (performance.now() < endMs) {
        const beganMs = performance.now();
        if ((await post(url, next++, keyed)) !== 202) throw new Error('a post was refused');
        latencies.push(performance.now() - beganMs);
      }
    }),
  );
  const posts = next - before;
  latencies.sort((a, b) => a - b);
  const at = (share: number): string => `${latencies[Math.floor(share * (latencies.length - 1))]!.toFixed(1)} ms`;
  console.log(
    `POST /webhook, ${callers} callers, ${keyed ? 'a key each' : 'no keys'}, ${what}: ${Math.round(posts / seconds)}/s; ` +
      `median ${at(0.5)}, 99% within ${at(0.99)}, slowest ${at(1)}`,
  );
  await stop(child);
}

async function memory(): Promise<void> {
  const { child, url } = await startApi(0.5);
  const block = Buffer.from('user-000000,your order is on its way and will be with you soon\n'.repeat(16_384)).subarray(
    0,
    1_048_576,
  );
  const peaks: number[] = [];
  for (const mebibytes of [1, 1, uploadMiB]) {
    // What the watcher does with the last one is over by then.
    await sleep(5_000);
    await writeFile(`/proc/${child.pid}/clear_refs`, '5');
    async function* body(): AsyncGenerator<Buffer> {
      for (let sent = 0; sent < mebibytes; sent++) yield block;
      // Unlike any other, and no file of alerts: what is measured is the upload.
      yield Buffer.from(`${mebibytes} ${Math.random()}`);
    }
    const beganMs = performance.now();
    const { statusCode, body: answer } = await request(`${url}/upload?name=large-${mebibytes}.csv`, {
      ...{
        method: 'POST',
        body: Readable.from(body(), { objectMode: false }),
        headers: { 'content-type': 'text/csv' },
        dispatcher: agent,
      },
      ...{ headersTimeout: 0, bodyTimeout: 0 },
    });
    await answer.dump();
    if (statusCode !== 202) throw new Error(`the upload was answered ${statusCode}`);
    const tookMs = performance.now() - beganMs;
    peaks.push(await memoryMiB(child.pid, 'HWM'));
    console.log(
      `upload of ${mebibytes} MiB: ${tookMs.toFixed(0)} ms, peak of the API process ${peaks.at(-1)!.toFixed(0)} MiB`,
    );
  }
  console.log(`an upload of ${uploadMiB} MiB costs ${(peaks[2]! - peaks[1]!).toFixed(0)} MiB more than one of 1 MiB`);
  await stop(child);
}

async function killed(): Promise<void> {
  const first = next;
  const acknowledged = new Set<number>();
  let [lostAnswers, open] = [0, [] as number[]];
  for (let kill = 0; kill < kills; kill++) {
    const { child, url } = await startApi(0.2);
    const again = open;
    open = [];
    let alive = true;
    const working = Array.from({ length: callers }, async () => {
      while (alive) {
        const number = again.pop() ?? next++;
        const status = await post(url, number).catch(() => undefined);
        if (status === 202) acknowledged.add(number);
        else {
          open.push(number);
          lostAnswers += 1;
          await sleep(20);
        }
      }
      // What was not asked for again in this life.
    });
    await sleep(200 + Math.random() * 1_500);
    child.kill('SIGKILL');
    alive = false;
    await Promise.all([...working, once(child, 'exit')]);
    open.push(...again);
  }
  const { child, url } = await startApi(0.2);
  for (const number of open) {
    let status: number | undefined;
    for (let tries = 0; status !== 202 && tries < 100; tries++) {
      status = await post(url, number);
      if (status !== 202) await sleep(100);
    }
    if (status === 202) acknowledged.add(number);
  }
  const deadlineMs = performance.now() + 300_000;
  const missing = (): number => [...acknowledged].filter((number) => !received.has(`user-${number}`)).length;
  while (missing() > 0 && performance.now() < deadlineMs) await sleep(1_000);
  await sleep(3_000);
  const twice = [...received].filter(([user, times]) => times > 1 && Number(user.slice(5)) >= first);
  console.log(
    `${kills} kills: ${acknowledged.size} posts acknowledged, ${lostAnswers} answers lost and asked for again; ` +
      `${missing()} lost, ${twice.length} alerted twice`,
  );
  await stop(child);
}

async function post(url: string, number: number, keyed = true): Promise<number> {
  const { statusCode, body } = await request(`${url}/webhook`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(keyed ? { 'idempotency-key': `bench-${number}` } : {}) },
    body: JSON.stringify({ userId: `user-${number}`, alertMessage: 'Your order has left our warehouse.' }),
    dispatcher: agent,
  });
  await body.dump();
  return statusCode;
}

async function startApi(gatherSeconds: number): Promise<{ child: ChildProcess; url: string }> {
  const { port } = receiver.address() as AddressInfo;
  const endpoint = { name: 'bench', url: `http://127.0.0.1:${port}/hook`, rate: 'unlimited' };
  const api = { gatherSeconds, maxRequestsPerSecond: 1_000_000 };
  await writeFile(join(folder, 'wds.config.yaml'), JSON.stringify({ endpoint, api }));
  const { child, said } = await start(['api', '--api-port', '0'], 'Workers ');
  running = child;
  return { child, url: /^API +(http:\S+)/m.exec(said)?.[1] ?? '' };
}

async function start(args: readonly string[], sign: string): Promise<{ child: ChildProcess; said: string }> {
  if (args[0] === 'worker') await writeFile(join(folder, 'wds.config.yaml'), '{}');
  const child = spawn(process.execPath, [LAUNCHER, ...args], { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-20_000);
  });
  const deadlineMs = performance.now() + START_LIMIT_MS;
  while (!said.includes(sign)) {
    if (child.exitCode !== null || performance.now() > deadlineMs) throw new Error(`wds ${args[0]}: ${said}`);
    await sleep(20);
  }
  return { child, said };
}

async function stop(child: ChildProcess): Promise<void> {
  child.kill('SIGTERM');
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}
