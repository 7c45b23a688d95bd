// @slow: waits for deadlines
/** Receivers that misbehave: each attempt ends, at its deadline at the latest, with the right answer and no connection left. */
import type { Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Endpoint } from '../../src/domain/endpoint.ts';
import type { EndpointClient } from '../../src/endpoint/endpoint-client.ts';
import { createEndpointClient } from '../../src/endpoint/endpoint-client.ts';
import type { RawServer, RawServerOptions } from './raw-server.ts';
import { endpointAt, ok, startRawServer } from './raw-server.ts';

const yes = () => true;
const request = { id: 'test_ab_1', body: '{"userId":"1","alertMessage":"x"}' };
let client: EndpointClient | undefined;
let server: RawServer | undefined;

async function face(options: RawServerOptions, changes: Partial<Endpoint> = {}): Promise<[EndpointClient, RawServer]> {
  server = await startRawServer(options);
  client = createEndpointClient(endpointAt(server.url, { timeoutMs: 500, ...changes }));
  return [client, server];
}

afterEach(async () => {
  await client?.close();
  // Resolves only when no connection is left.
  await server?.close();
  client = undefined;
  server = undefined;
});

/** After `head` write `text` again and again, every few milliseconds or as fast as the other side reads, until it closes. */
function drip(socket: Socket, head: string, text: string): void {
  socket.write(head);
  const timer = setInterval(() => socket.write(text), 5);
  socket.on('close', () => clearInterval(timer));
}
function flood(socket: Socket, head: string, text: string): void {
  socket.write(head);
  const pour = () => {
    while (!socket.destroyed && socket.write(text));
  };
  socket.on('drain', pour);
  pour();
}

describe('before a status', () => {
  it.each<[string, RawServerOptions['onRequest']]>([
    ['never answers', () => {}],
    ['resets the connection', (socket) => socket.resetAndDestroy()],
    ['closes the connection', (socket) => socket.end()],
    ['sends an endless status line', (socket) => flood(socket, 'HTTP/1.1 200 ', 'y'.repeat(9_000))],
    ['sends interim answers for ever', (socket) => drip(socket, '', 'HTTP/1.1 103 Wait\r\n\r\n')],
    ['answers 101', (socket) => socket.write('HTTP/1.1 101 Switch\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n')],
    ['does not speak HTTP', (socket) => socket.write('220 mail ready\r\n')],
  ])('a receiver that %s leaves the alert ambiguous', async (_name, onRequest) => {
    const [sender, receiver] = await face({ ...(onRequest && { onRequest }) });
    expect(await sender.send(request, yes)).toEqual({ kind: 'ambiguous', reason: expect.stringMatching(/./) });
    expect(sender.openRequests).toBe(0);
    expect(receiver.requests).toHaveLength(1);
  });
});

describe('after a status', () => {
  it.each<[string, RawServerOptions['onRequest']]>([
    ['sends a header a byte at a time', (socket) => drip(socket, 'HTTP/1.1 200 OK\r\nx: ', 'y')],
    ['is slow after half a header', (socket) => socket.write('HTTP/1.1 200 OK\r\nx-half: ')],
    ['sends header after header', (socket) => flood(socket, 'HTTP/1.1 200 OK\r\n', `x: ${'y'.repeat(9_000)}\r\n`)],
    ['sends one endless header', (socket) => flood(socket, 'HTTP/1.1 200 OK\r\nx: ', 'y'.repeat(9_000))],
    ['never ends its body', (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n1')],
    [
      'sends its body a byte at a time',
      (socket) => drip(socket, 'HTTP/1.1 200 OK\r\ncontent-length: 999999\r\n\r\n', '1'),
    ],
    ['floods with its body', (socket) => flood(socket, 'HTTP/1.1 200 OK\r\n\r\n', '1'.repeat(9_000))],
    [
      'resets in its body',
      (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n1', () => socket.resetAndDestroy()),
    ],
    ['cuts its body short', (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n1')],
    [
      'breaks the chunked coding',
      (socket) => socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n'),
    ],
    [
      'sends endless trailers',
      (socket) => flood(socket, 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n', 'x: y\r\n'),
    ],
  ])('a receiver that %s has taken the alert', async (_name, onRequest) => {
    const [sender] = await face({ ...(onRequest && { onRequest }) });
    expect(await sender.send(request, yes)).toEqual({ kind: 'response', status: 200 });
  });

  it('a failure that never ends is a failure, with the beginning of its body', async () => {
    const [sender] = await face({
      onRequest: (socket) => socket.write('HTTP/1.1 500 No\r\ncontent-length: 99\r\n\r\nsorry'),
    });
    expect(await sender.send(request, yes)).toEqual({ kind: 'response', status: 500, excerpt: 'sorry' });
  });
});

describe('before the request is written', () => {
  it('a handshake that hangs ends unsent at the deadline, and frees its place', async () => {
    server = await startRawServer();
    client = createEndpointClient(
      endpointAt(server.url.replace('http', 'https'), { timeoutMs: 500, maxConnections: 1 }),
    );
    const answers = await Promise.all([client.send(request, yes), client.send(request, yes)]);
    expect(answers.map(({ kind }) => kind)).toEqual(['not_sent', 'not_sent']);
    expect((await client.send(request, yes)).kind).toBe('not_sent');
    await vi.waitFor(() => expect(server?.sockets.size).toBe(0));
  });

  it('waiting for a free connection ends unsent at the deadline, and nothing is written later', async () => {
    const [sender, receiver] = await face(
      { onRequest: (socket, _request, number) => number > 1 && ok(socket) },
      { maxConnections: 1 },
    );
    const [first, second] = await Promise.all([
      sender.send(request, yes),
      sender.send({ ...request, id: 'second' }, yes),
    ]);
    expect([first.kind, second.kind]).toEqual(['ambiguous', 'not_sent']);
    expect(await sender.send({ ...request, id: 'third' }, yes)).toEqual({ kind: 'response', status: 200 });
    expect(receiver.requests.map(({ headers }) => headers['webhook-id'])).toEqual([request.id, 'third']);
  });

  it('a reset right after accepting is unsent only where nothing was received', async () => {
    let bytes = 0;
    const [sender] = await face({
      onConnection: (socket) => {
        socket.on('data', (chunk) => {
          bytes += chunk.length;
        });
        socket.resetAndDestroy();
      },
    });
    const answer = await sender.send(request, yes);
    expect(['ambiguous', 'not_sent']).toContain(answer.kind);
    expect(answer.kind === 'not_sent' ? bytes : 0).toBe(0);
  });
});

describe('races', () => {
  it('a receiver that closes kept-alive connections unannounced never makes a sent alert look unsent, nor gets one twice', async () => {
    const [sender, receiver] = await face(
      {
        onRequest: (socket, _request, number) => {
          ok(socket);
          if (number % 3 === 0) socket.end();
          if (number % 3 === 1) socket.resetAndDestroy();
        },
      },
      { timeoutMs: 2_000, maxConnections: 2 },
    );
    const kinds = new Map<string, string>();
    const lane = async (name: string) => {
      for (let i = 0; i < 100; i++) {
        const answer = await sender.send({ ...request, id: `${name}${i}` }, yes);
        kinds.set(`${name}${i}`, answer.kind);
      }
    };
    await Promise.all([lane('a'), lane('b'), lane('c')]);
    const received = receiver.requests.map(({ headers }) => headers['webhook-id'] ?? '');
    expect(new Set(received).size).toBe(received.length);
    for (const [id, kind] of kinds) {
      if (kind === 'not_sent') expect(received).not.toContain(id);
      if (kind === 'response') expect(received).toContain(id);
    }
    expect(kinds.size).toBe(300);
  });

  it('an answer that arrived while this process was stalled beyond the deadline is taken', async () => {
    const [sender] = await face({
      onRequest: (socket) => {
        ok(socket);
        // Holds the event loop of both sides: the answer is in the kernel, and the deadline passes before it can be read.
        const until = performance.now() + 400;
        while (performance.now() < until);
      },
    });
    expect(await sender.send(request, yes)).toEqual({ kind: 'response', status: 200 });
  });
});
