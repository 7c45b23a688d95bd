// @slow: receivers that keep one waiting
/** Answers that people's servers write and a strict parser refuses: what they say counts, at once, and nobody is asked twice. */
import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Answer } from '../../src/domain/answers.ts';
import type { Endpoint } from '../../src/domain/endpoint.ts';
import type { EndpointClient } from '../../src/endpoint/endpoint-client.ts';
import { createEndpointClient } from '../../src/endpoint/endpoint-client.ts';
import type { RawServer, RawServerOptions } from './raw-server.ts';
import { endpointAt, ok, startRawServer } from './raw-server.ts';

let client: EndpointClient | undefined;
let server: RawServer | undefined;
const habits: string[] = [];

async function face(
  onRequest: RawServerOptions['onRequest'],
  changes: Partial<Endpoint> = {},
): Promise<EndpointClient> {
  server = await startRawServer({ ...(onRequest && { onRequest }) });
  client = createEndpointClient(endpointAt(server.url, { timeoutMs: 2_000, ...changes }), {
    onHabit: (manner, why) => habits.push(`${manner}: ${why}`),
  });
  return client;
}

const send = (to: EndpointClient, id: string): Promise<Answer> => to.send({ id, body: '{"userId":"1"}' }, () => true);
const sendMany = (to: EndpointClient, count: number): Promise<Answer[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => send(to, `id${index}`)));
const writes = (text: string) => (socket: Socket) => void socket.write(text, 'latin1');

afterEach(async () => {
  await client?.close();
  await server?.close();
  habits.length = 0;
});

const LENGTH = 'content-length: 2\r\n';
const KINDS: readonly (readonly [string, RawServerOptions['onRequest'], string])[] = [
  [
    'a 100 Continue that was not asked for',
    writes(`HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n${LENGTH}\r\nok`),
    '100 Continue',
  ],
  [
    'a 100 Continue, and its answer later',
    (socket) => {
      socket.write('HTTP/1.1 100 Continue\r\n\r\n');
      setTimeout(() => ok(socket), 5);
    },
    '100 Continue',
  ],
  ['a blank before a colon', writes(`HTTP/1.1 200 OK\r\nx-a : b\r\n${LENGTH}\r\nok`), 'blank before the colon'],
  ['a control character in a value', writes(`HTTP/1.1 200 OK\r\nx-a: b\x01c\r\n${LENGTH}\r\nok`), 'malformed header'],
  ['a folded header', writes(`HTTP/1.1 200 OK\r\nx-a: b\r\n c\r\n${LENGTH}\r\nok`), 'folded'],
  ['lines that end with a line feed alone', writes('HTTP/1.1 200 OK\ncontent-length: 2\n\nok'), 'line feed'],
  ['two equal Content-Lengths', writes(`HTTP/1.1 200 OK\r\n${LENGTH}${LENGTH}\r\nok`), 'Content-Length'],
  ['Content-Length: 2, 2', writes('HTTP/1.1 200 OK\r\ncontent-length: 2, 2\r\n\r\nok'), 'Content-Length'],
  ['an empty Content-Length', writes('HTTP/1.1 200 OK\r\ncontent-length:\r\n\r\n'), 'Content-Length'],
  [
    'Content-Length beside chunked',
    writes(`HTTP/1.1 200 OK\r\n${LENGTH}transfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`),
    'Transfer-Encoding',
  ],
  ['a header without a colon', writes(`HTTP/1.1 200 OK\r\nnonsense\r\n${LENGTH}\r\nok`), 'malformed header'],
  ['a blank line before its status line', writes(`\r\nHTTP/1.1 200 OK\r\n${LENGTH}\r\nok`), 'blank before its status'],
  ['two blanks in its status line', writes(`HTTP/1.1  200 OK\r\n${LENGTH}\r\nok`), 'status line'],
  ['HTTP/2 in its status line', writes(`HTTP/2 200\r\n${LENGTH}\r\nok`), 'status line'],
  ['a body that is longer than it says', writes(`HTTP/1.1 200 OK\r\n${LENGTH}\r\nokay then`), 'more than its answer'],
  ['a body where there is none', writes('HTTP/1.1 204 No Content\r\n\r\nok'), 'more than its answer'],
  ['a head that is cut off', (socket) => void socket.end(`HTTP/1.1 200 OK\r\nx-a: b`), 'a head that has no end'],
];

describe.each(KINDS)('an endpoint that answers with %s', (_kind, onRequest, word) => {
  it.each(['resend', 'hold'] as const)(
    'delivers each alert with one request (%s), and it is said once',
    async (ambiguous) => {
      const to = await face(onRequest, { ambiguous, maxConnections: 8 });
      const answers = [...(await sendMany(to, 8)), ...(await sendMany(to, 40))];
      const statuses = answers.map((answer) => (answer.kind === 'response' ? Math.floor(answer.status / 100) : answer));
      expect(statuses).toEqual(Array.from({ length: 48 }, () => 2));
      expect(server!.requests).toHaveLength(48);
      expect(habits).toHaveLength(1);
      expect(habits[0]).toContain(word);
      // The receiver may hear of a connection's end a little after the beginning of the next.
      expect(server!.mostOpen).toBeLessThanOrEqual(16);
    },
  );
});

describe('an answer that no strict parser reads', () => {
  it('is read with its headers and the start of its body, whatever it says', async () => {
    const to = await face(
      writes('HTTP/1.1 503 Busy\r\nx-a : b\r\nRetry-After : 7\r\ncontent-length: 9\r\n\r\ncome back'),
    );
    expect(await send(to, 'a')).toEqual({ kind: 'response', status: 503, retryAfter: '7', excerpt: 'come back' });
  });

  it('that comes first in mid-file leaves only what was open in doubt', async () => {
    let odd = false;
    const to = await face((socket) => (odd ? writes('HTTP/1.1 200 OK\ncontent-length: 0\n\n')(socket) : ok(socket)), {
      maxConnections: 2,
    });
    await sendMany(to, 20);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await sendMany(to, 20);
    odd = true;
    const kinds = (await sendMany(to, 20)).map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === 'ambiguous').length).toBeLessThanOrEqual(2);
    expect(kinds.filter((kind) => kind === 'response').length).toBeGreaterThanOrEqual(18);
    expect(habits).toEqual(['once: answers with what a strict parser refuses']);
  });
});

describe('an ordinary receiver', () => {
  it.each([
    ['no reason phrase', `HTTP/1.1 200\r\n${LENGTH}\r\nok`],
    ['an empty reason phrase', `HTTP/1.1 200 \r\n${LENGTH}\r\nok`],
    ['60 KB of headers', `HTTP/1.1 200 OK\r\nx-policy: ${'x'.repeat(60_000)}\r\n${LENGTH}\r\nok`],
    ['103 Early Hints', `HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 200 OK\r\n${LENGTH}\r\nok`],
    ['a Latin-1 header', `HTTP/1.1 200 OK\r\nx-a: caf\xe9\r\n${LENGTH}\r\nok`],
  ])('with %s keeps its connections', async (_kind, text) => {
    const to = await face(writes(text), { maxConnections: 4 });
    await sendMany(to, 4);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const answers = await sendMany(to, 100);
    expect(new Set(answers.map(({ kind }) => kind))).toEqual(new Set(['response']));
    expect(habits).toEqual([]);
    // Those of the first requests, and those that are kept.
    expect(server!.accepted).toBeLessThanOrEqual(8);
  });

  it('of HTTP/1.0, or with bodies that end with the connection, is asked with ordinary requests', async () => {
    const to = await face((socket) => void socket.end('HTTP/1.0 200 OK\r\n\r\nok'));
    const answers = [...(await sendMany(to, 4)), ...(await sendMany(to, 40))];
    expect(new Set(answers.map(({ kind }) => kind))).toEqual(new Set(['response']));
    expect(habits).toEqual([]);
  });
});

describe('an endpoint that closes after each answer without saying so', () => {
  it.each([
    ['at once', (socket: Socket) => void socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')],
    [
      'a moment later',
      (socket: Socket) => {
        ok(socket);
        setTimeout(() => socket.end(), 5);
      },
    ],
  ])('(%s) gets one request a connection, and no alert is in doubt', async (_how, onRequest) => {
    const to = await face(onRequest, { maxConnections: 16 });
    const answers = [...(await sendMany(to, 4)), ...(await sendMany(to, 200))];
    expect(answers).toEqual(Array.from({ length: 204 }, () => ({ kind: 'response', status: 200 })));
    expect(server!.requests).toHaveLength(204);
    expect(server!.requests.at(-1)?.headers.connection).toBe('close');
    expect(habits).toEqual(['once: closes connections after an answer without saying so']);
  });
});
