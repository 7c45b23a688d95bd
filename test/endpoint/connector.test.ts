// @slow: waits for files to be looked at again
/** Ways to an endpoint: through a proxy, by its own authorities, with a client certificate. */
import { copyFile, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import type { Server as HttpServer } from 'node:http';
import { createServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { connect as connectSocket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { defaultEndpoint } from '../../src/config/settings.ts';
import type { Answer } from '../../src/domain/answers.ts';
import type { Endpoint } from '../../src/domain/endpoint.ts';
import { createEndpointClient } from '../../src/endpoint/endpoint-client.ts';

const CERT = fileURLToPath(new URL('../e2e/support/loopback-certificate.pem', import.meta.url));
const KEY = fileURLToPath(new URL('../e2e/support/loopback-key.pem', import.meta.url));
let pem: { cert: Buffer; key: Buffer };
const ends: (() => unknown)[] = [];

beforeAll(async () => {
  pem = { cert: await readFile(CERT), key: await readFile(KEY) };
});
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

async function listen(server: HttpServer): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket.on('error', () => undefined)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ends.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** Answers each CONNECT with `status`, and remembers what was asked for. */
async function proxy(status = 200): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    response.writeHead(500).end();
  });
  server.on('connect', (request, socket: Socket) => {
    asked.push(`${request.url} ${request.headers['proxy-authorization'] ?? ''}`.trim());
    socket.on('error', () => undefined);
    if (status !== 200) {
      socket.end(`HTTP/1.1 ${status} No\r\ncontent-length: 0\r\n\r\n`);
      return;
    }
    const [host, port] = (request.url ?? '').split(':');
    const far = connectSocket(Number(port), host, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      far.pipe(socket).pipe(far);
    });
    far.on('error', () => socket.destroy());
  });
  return { url: `http://user:pa%3Ass@127.0.0.1:${await listen(server)}`, asked };
}

/** A receiver behind TLS; which client certificates it saw. */
async function secure(options: object = {}): Promise<{ url: string; seen: (string | undefined)[] }> {
  const seen: (string | undefined)[] = [];
  const server = createHttpsServer({ ...pem, ...options }, (request, response) => {
    seen.push((request.socket as TLSSocket).getPeerCertificate().fingerprint256);
    request.resume().on('end', () => response.end());
  });
  return { url: `https://127.0.0.1:${await listen(server)}/hook`, seen };
}

async function send(url: string, given: Partial<Endpoint>, onTrouble?: (text: string) => void) {
  const client = createEndpointClient(defaultEndpoint(url, { timeoutMs: 5_000, ...given }), {
    ...(onTrouble ? { onTrouble } : {}),
  });
  ends.push(() => client.destroy());
  const once = (): Promise<Answer> => client.send({ id: 'a_1', body: '{}' }, () => true);
  return { answer: await once(), once, client };
}

describe('through a proxy', () => {
  it('a request goes by CONNECT, with the login of the proxy, to http and to https', async () => {
    const through = await proxy();
    const plain = createServer((request, response) => request.resume().on('end', () => response.end()));
    const port = await listen(plain);
    expect((await send(`http://127.0.0.1:${port}/hook`, { proxy: through.url })).answer).toMatchObject({ status: 200 });
    const { url } = await secure();
    const { answer, once } = await send(url, { proxy: through.url, tls: { ca: [CERT] } });
    expect(answer).toMatchObject({ kind: 'response', status: 200 });
    expect(await once()).toMatchObject({ status: 200 });
    const login = `Basic ${Buffer.from('user:pa:ss').toString('base64')}`;
    const authorities = [`127.0.0.1:${port} ${login}`, `127.0.0.1:${new URL(url).port} ${login}`];
    expect([...new Set(through.asked)]).toEqual(authorities);
  });

  it('that refuses, or is not there, nothing is sent', async () => {
    const { url, seen } = await secure();
    const closed = await proxy(407);
    const { answer } = await send(url, { proxy: closed.url });
    expect(answer).toMatchObject({ kind: 'not_sent', reason: expect.stringContaining('it asks for a login') });
    expect(answer).toMatchObject({ reason: expect.not.stringContaining('pa:ss') });
    const nowhere = await send(url, { proxy: 'http://127.0.0.1:9' });
    expect(nowhere.answer).toMatchObject({
      kind: 'not_sent',
      reason: expect.stringContaining('the proxy 127.0.0.1:9 gives no connection'),
    });
    expect(seen).toEqual([]);
  });

  it('that never answers is given up at the deadline', async () => {
    const silent = createServer().on('connect', (_request, socket: Socket) => socket.on('error', () => undefined));
    const port = await listen(silent);
    const startedMs = performance.now();
    const { answer, client } = await send('https://127.0.0.1:9/', {
      proxy: `http://127.0.0.1:${port}`,
      timeoutMs: 300,
    });
    expect(answer.kind).toBe('not_sent');
    expect(performance.now() - startedMs).toBeLessThan(4_000);
    await client.close();
  });
});

describe('with certificates', () => {
  it('the authorities of the endpoint decide', async () => {
    const { url } = await secure();
    expect((await send(url, {})).answer).toMatchObject({
      kind: 'not_sent',
      reason: expect.stringMatching(/SELF_SIGNED|self-signed/),
    });
    expect((await send(url, { tls: { ca: [CERT] } })).answer).toMatchObject({ status: 200 });
  });

  it('wds shows its own', async () => {
    const { url, seen } = await secure({ ca: pem.cert, requestCert: true, rejectUnauthorized: true });
    expect((await send(url, { tls: { ca: [CERT] } })).answer.kind).not.toBe('response');
    expect((await send(url, { tls: { ca: [CERT], cert: CERT, key: KEY } })).answer).toMatchObject({ status: 200 });
    expect(seen).toEqual([expect.any(String)]);
  });

  it('changed files are read again, and what was read before is used while they cannot be', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'wds-tls-'));
    ends.push(() => rm(folder, { recursive: true, force: true }));
    const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
    await copyFile(CERT, cert);
    await copyFile(KEY, key);
    const told: string[] = [];
    // Each request is a connection of its own.
    const { url } = await secure({ ca: pem.cert, requestCert: true, rejectUnauthorized: true, keepAliveTimeout: 1 });
    const { answer, once } = await send(url, { tls: { ca: [CERT], cert, key } }, (text) => told.push(text));
    expect(answer).toMatchObject({ status: 200 });
    await rm(key);
    await sleep(1_100);
    expect(await once()).toMatchObject({ status: 200 });
    expect(told).toEqual([expect.stringContaining('what was read before is used')]);
    await writeFile(key, 'not a key');
    await utimes(key, new Date(), new Date());
    await sleep(1_100);
    expect(await once()).toMatchObject({ status: 200 });
    expect(told).toHaveLength(1);
    await copyFile(KEY, key);
    await sleep(1_100);
    expect(await once()).toMatchObject({ status: 200 });
  });
});
