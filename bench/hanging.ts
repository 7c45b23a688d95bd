/**
 * A receiver that acts on every request and, for some minutes, answers none: what does it cost? `wds up` with its embedded server, the receiver in
 * this process, which counts the requests of each user.
 *
 *     node dist/bench/hanging.js [POLICY=resend] [ROWS=3000] [RATE=50] [HANG_SECONDS=300] [TIMEOUT_SECONDS=15]
 *
 * With ROWS=10 and HANG_SECONDS=600 it is a receiver that never answers, for it hangs from the first request on if there is no time to answer.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const LAUNCHER = fileURLToPath(new URL('../../bin/wds.mjs', import.meta.url));
const [policy = 'resend', ...numbers] = process.argv.slice(2);
const [rows = 3_000, rate = 50, hangSeconds = 300, timeoutSeconds = 15] = numbers.map(Number);
/** A tenth of the file is answered first; a file of a few rows is not answered at all. */
const healthyRequests = rows < 100 ? 0 : rows / 10;

const requests = new Map<string, number>();
let received = 0;
let openAtHang = 0;
const held = new Set<ServerResponse>();
let hangsFromMs = healthyRequests === 0 ? Date.now() : Number.POSITIVE_INFINITY;
const hangs = (): boolean => Date.now() >= hangsFromMs && Date.now() < hangsFromMs + hangSeconds * 1_000;
const duringHang: number[] = [];
const server = createServer((request, response) => {
  const user = String(request.headers['webhook-id']);
  request.resume();
  requests.set(user, (requests.get(user) ?? 0) + 1);
  if (++received === healthyRequests) hangsFromMs = Date.now();
  if (!hangs()) {
    response.writeHead(200).end();
    return;
  }
  duringHang.push(Date.now() - hangsFromMs);
  held.add(response);
  response.on('close', () => held.delete(response));
  if (Date.now() - hangsFromMs < timeoutSeconds * 1_000) openAtHang = Math.max(openAtHang, held.size);
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
const home = await mkdtemp(join(tmpdir(), 'wds-hanging-'));
await writeFile(
  join(home, 'wds.config.yaml'),
  JSON.stringify({ endpoint: { name: 'crm', url, rate, ambiguous: policy, timeoutSeconds } }),
);
const lines = Array.from({ length: rows }, (_, row) => `user-${row},Alert ${row}\n`);
await writeFile(join(home, 'next.csv'), `userId,alertMessage\n${lines.join('')}`);
const wds = spawn(process.execPath, [LAUNCHER, 'send', 'next.csv', '-o', 'json'], {
  cwd: home,
  stdio: ['ignore', 'pipe', 'pipe'],
});
let out = '';
wds.stdout.on('data', (text: Buffer) => {
  out += text.toString();
});
const startedMs = Date.now();
try {
  const [code] = await Promise.race([
    once(wds, 'exit'),
    sleep((hangSeconds + 1_800) * 1_000, ['did not end'], { ref: false }),
  ]);
  const times = [...requests.values()];
  const { delivered, unconfirmed } = JSON.parse(out || '{}');
  console.log(
    JSON.stringify({
      ...{ policy, rows, rate, hangSeconds, timeoutSeconds },
      ...{ exit: code, seconds: Math.round((Date.now() - startedMs) / 1_000), delivered, unconfirmed },
      ...{ requestsWhileItHung: duringHang.length, openAtHang },
      ...{ usersAskedTwice: times.filter((count) => count === 2).length, mostRequestsOfAUser: Math.max(...times) },
    }),
  );
} finally {
  if (wds.exitCode === null) wds.kill('SIGTERM');
  server.closeAllConnections();
  server.close();
  await rename(home, `${home}.done`);
  await rm(`${home}.done`, { recursive: true, force: true });
}
