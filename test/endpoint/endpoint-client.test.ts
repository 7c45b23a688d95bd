// @slow: connections that grow old
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Endpoint } from '../../src/domain/endpoint.ts';
import type { EndpointClient, EndpointClientOptions } from '../../src/endpoint/endpoint-client.ts';
import { createEndpointClient } from '../../src/endpoint/endpoint-client.ts';
import type { RawServer, RawServerOptions } from './raw-server.ts';
import { endpointAt, ok, startRawServer } from './raw-server.ts';

const yes = () => true;
const body = '{"userId":"jörg","alertMessage":"☎ 1"}';
let clients: EndpointClient[] = [];
let servers: RawServer[] = [];

async function serve(options: RawServerOptions = {}): Promise<RawServer> {
  const server = await startRawServer(options);
  servers.push(server);
  return server;
}

function connect(url: string, changes: Partial<Endpoint> = {}, options: EndpointClientOptions = {}): EndpointClient {
  const client = createEndpointClient(endpointAt(url, changes), options);
  clients.push(client);
  return client;
}

afterEach(async () => {
  await Promise.all(clients.map((client) => client.close()));
  // Resolves only when no connection is left.
  await Promise.all(servers.map((server) => server.close()));
  clients = [];
  servers = [];
});

describe('the outgoing request', () => {
  it('is the POST that the guide shows, byte for byte', async () => {
    const server = await serve();
    const client = connect(
      `http://127.0.0.1:${server.port}/a%20b?c=d&e=%C3%BC#f`,
      {},
      { nowMs: () => 1_700_000_000_999 },
    );
    expect(await client.send({ id: 'test_ab_1', body }, yes)).toEqual({ kind: 'response', status: 200 });
    expect(server.requests[0]?.line).toBe('POST /a%20b?c=d&e=%C3%BC HTTP/1.1');
    expect(server.requests[0]?.body).toBe(body);
    expect(server.requests[0]?.headers).toEqual({
      host: `127.0.0.1:${server.port}`,
      connection: 'keep-alive',
      'content-length': String(Buffer.byteLength(body)),
      'content-type': 'application/json',
      'user-agent': expect.stringMatching(/^wds\/\d+\.\d+\.\d+/),
      'webhook-id': 'test_ab_1',
      'webhook-timestamp': '1700000000',
      'idempotency-key': '"test_ab_1"',
    });
  });

  it('carries its own id, time and body each time', async () => {
    const server = await serve();
    let nowMs = 1_000;
    const client = connect(server.url, { maxConnections: 1, idempotencyKey: 'bare' }, { nowMs: () => nowMs });
    await client.send({ id: 'a', body: '1' }, yes);
    nowMs = 61_000;
    await client.send({ id: 'b', body: '2' }, yes);
    const sent = server.requests.map(({ headers, body: text }) => [
      headers['idempotency-key'],
      headers['webhook-timestamp'],
      text,
    ]);
    expect(sent).toEqual([
      ['a', '1', '1'],
      ['b', '61', '2'],
    ]);
  });
});

describe('mayWrite', () => {
  it('keeps the request off the wire when it says no, and the connection in use', async () => {
    const server = await serve();
    const client = connect(server.url, { maxConnections: 1 });
    // The first one's connection shows how the receiver goes about connections; it is not kept.
    await client.send({ id: 'a', body }, yes);
    await client.send({ id: 'b', body }, yes);
    expect(await client.send({ id: 'c', body }, () => false)).toEqual({ kind: 'withheld' });
    await client.send({ id: 'd', body }, yes);
    expect(server.requests.map(({ headers }) => headers['webhook-id'])).toEqual(['a', 'b', 'd']);
    expect(server.accepted).toBe(2);
  });

  it('is asked once a connection is there, not before', async () => {
    const server = await serve();
    const client = connect(server.url, { maxConnections: 1 });
    let open = false;
    const answers = [client.send({ id: 'a', body }, yes), client.send({ id: 'b', body }, () => open)];
    open = true;
    expect(await Promise.all(answers)).toEqual([
      { kind: 'response', status: 200 },
      { kind: 'response', status: 200 },
    ]);
  });

  it('sends nothing when it throws', async () => {
    const server = await serve();
    const client = connect(server.url);
    const answer = await client.send({ id: 'a', body }, () => {
      throw new Error('no idea');
    });
    expect(answer).toEqual({ kind: 'not_sent', reason: 'no idea' });
    expect(server.requests).toEqual([]);
  });
});

describe('an answer', () => {
  it('reports Retry-After, Date and rate headers as they came', async () => {
    const head =
      'HTTP/1.1 429 Slow\r\nRetry-After: 5\r\nDate: D\r\nRateLimit: "a";r=0;t=5\r\nRateLimit: "b";r=1;t=1\r\n';
    const server = await serve({
      onRequest: (socket) => socket.write(`${head}X-RateLimit-Reset: 9\r\ncontent-length: 0\r\n\r\n`),
    });
    expect(await connect(server.url).send({ id: 'a', body }, yes)).toEqual({
      kind: 'response',
      status: 429,
      retryAfter: '5',
      date: 'D',
      rateHeaders: { ratelimit: '"a";r=0;t=5, "b";r=1;t=1', 'x-ratelimit-reset': '9' },
    });
  });

  it('has an excerpt that is short, printable and free of our secrets, unless it is a success', async () => {
    const token = 'token-0123456789';
    const text = `no\u0000 \u001b[31m${token}\u202e\n${'😀'.repeat(2_000)}`;
    const server = await serve({
      onRequest: (socket, _request, number) =>
        socket.write(
          `HTTP/1.1 ${number === 1 ? 400 : 200} X\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
        ),
    });
    const client = connect(server.url, { headers: { Authorization: `Bearer ${token}` } });
    const answer = await client.send({ id: 'a', body }, yes);
    const excerpt = answer.kind === 'response' ? (answer.excerpt ?? '') : '';
    expect(excerpt).toMatch(/^no \[31m\*\*\* 😀+…$/u);
    expect(excerpt.length).toBeLessThanOrEqual(200);
    expect(await client.send({ id: 'b', body }, yes)).toEqual({ kind: 'response', status: 200 });
  });

  it('is a redirect where the receiver redirects; it is not followed', async () => {
    const server = await serve({
      onRequest: (socket) => socket.write('HTTP/1.1 307 There\r\nlocation: /other\r\ncontent-length: 0\r\n\r\n'),
    });
    expect(await connect(server.url).send({ id: 'a', body }, yes)).toMatchObject({ kind: 'response', status: 307 });
    expect(server.requests).toHaveLength(1);
  });

  it('is the one after interim answers', async () => {
    const server = await serve({
      onRequest: (socket) => {
        socket.write('HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n');
        ok(socket);
      },
    });
    expect(await connect(server.url).send({ id: 'a', body }, yes)).toEqual({ kind: 'response', status: 200 });
  });
});

describe('what was not sent', () => {
  it('is a refused connection', async () => {
    const server = await startRawServer();
    await server.close();
    const answer = await connect(server.url).send({ id: 'a', body }, yes);
    expect(answer).toEqual({ kind: 'not_sent', reason: expect.stringContaining('ECONNREFUSED') });
  });

  it('is a failed TLS handshake', async () => {
    const server = await serve({ onConnection: (socket) => socket.end('HTTP/1.1 400 Plain\r\n\r\n') });
    const answer = await connect(server.url.replace('http', 'https')).send({ id: 'a', body }, yes);
    expect(answer.kind).toBe('not_sent');
  });

  it('is a name that resolves to a private address, where those are blocked', async () => {
    const server = await serve();
    const client = connect(`http://localhost:${server.port}/`, { publicOnly: true });
    expect(await client.send({ id: 'a', body }, yes)).toEqual({
      kind: 'not_sent',
      reason: expect.stringContaining('EBLOCKED'),
    });
    expect(server.accepted).toBe(0);
    expect(() => connect(server.url, { publicOnly: true })).toThrow(/is a private address/);
  });

  it('is all that comes after close', async () => {
    const server = await serve();
    const client = connect(server.url);
    await client.close();
    expect(await client.send({ id: 'a', body }, yes)).toEqual({ kind: 'not_sent', reason: 'the client is closed' });
  });
});

describe('connections', () => {
  it('are never more than allowed, and come back after the receiver was away', async () => {
    const first = await startRawServer();
    await first.close();
    const client = connect(first.url, { maxConnections: 3 });
    const burst = () => Promise.all(Array.from({ length: 20 }, (_, i) => client.send({ id: `${i}`, body }, yes)));
    expect(new Set((await burst()).map(({ kind }) => kind))).toEqual(new Set(['not_sent']));
    const second = await serve({ port: first.port });
    expect(new Set((await burst()).map(({ kind }) => kind))).toEqual(new Set(['response']));
    expect(second.requests).toHaveLength(20);
    // Those of the first requests are not kept, and the receiver may hear of their end a little late.
    expect(second.mostOpen).toBeLessThanOrEqual(6);
  });

  it('are replaced when the receiver closes each after one answer', async () => {
    const server = await serve({
      onRequest: (socket) => socket.end('HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n'),
    });
    const client = connect(server.url, { maxConnections: 2 });
    const answers = await Promise.all(Array.from({ length: 10 }, (_, i) => client.send({ id: `${i}`, body }, yes)));
    expect(answers).toEqual(Array.from({ length: 10 }, () => ({ kind: 'response', status: 200 })));
    expect(server.requests).toHaveLength(10);
  });

  it('are closed when idle', async () => {
    const server = await serve();
    await connect(server.url, { ambiguous: 'hold' }).send({ id: 'a', body }, yes);
    expect(server.sockets.size).toBe(1);
    await vi.waitFor(() => expect(server.sockets.size).toBe(0), { timeout: 5_000 });
  });
});

describe('an idle connection', () => {
  it('is not used again after its time, even when this process was too busy to close it', async () => {
    const server = await serve();
    const client = connect(server.url, { ambiguous: 'hold' });
    await client.send({ id: 'a', body }, yes);
    const until = performance.now() + 1_050;
    while (performance.now() < until);
    expect(await client.send({ id: 'b', body }, yes)).toEqual({ kind: 'response', status: 200 });
    expect(server.accepted).toBe(2);
  });
});

describe('openRequests', () => {
  it('counts sends without an answer, waiting ones included; close waits for them', async () => {
    const replies: (() => void)[] = [];
    const server = await serve({ onRequest: (socket) => replies.push(() => ok(socket)) });
    const client = connect(server.url, { maxConnections: 1 });
    const answers = [client.send({ id: 'a', body }, yes), client.send({ id: 'b', body }, yes)];
    expect(client.openRequests).toBe(2);
    let closed = false;
    const closing = client.close().then(() => {
      closed = true;
    });
    await vi.waitFor(() => expect(replies).toHaveLength(1));
    replies[0]?.();
    await answers[0];
    expect(client.openRequests).toBe(1);
    expect(closed).toBe(false);
    await vi.waitFor(() => expect(replies).toHaveLength(2));
    replies[1]?.();
    expect(await answers[1]).toEqual({ kind: 'response', status: 200 });
    await closing;
    expect(client.openRequests).toBe(0);
  });
});

describe('destroy', () => {
  it('answers all open requests at once: ambiguous if written, not sent if waiting', async () => {
    const server = await serve({ onRequest: () => {} });
    const client = connect(server.url, { maxConnections: 1 });
    const answers = [client.send({ id: 'a', body }, yes), client.send({ id: 'b', body }, yes)];
    await vi.waitFor(() => expect(server.requests).toHaveLength(1));
    await client.destroy();
    expect((await Promise.all(answers)).map(({ kind }) => kind)).toEqual(['ambiguous', 'not_sent']);
    expect(client.openRequests).toBe(0);
    await vi.waitFor(() => expect(server.sockets.size).toBe(0));
  });

  it('gives a connection up that is still being made', async () => {
    // Accepts, and never answers the TLS handshake.
    const server = await serve();
    const client = connect(server.url.replace('http', 'https'));
    const answer = client.send({ id: 'a', body }, yes);
    await vi.waitFor(() => expect(server.sockets.size).toBe(1));
    await client.destroy();
    expect((await answer).kind).toBe('not_sent');
    await vi.waitFor(() => expect(server.sockets.size).toBe(0));
  });
});
