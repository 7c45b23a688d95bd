/** Stands between wds and an S3 service, and does to its requests what networks and services do. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * `slow_down`: refused with 503. `error`: done, answered with 500. `lost`: done, and the connection is cut instead of an answer. `cut`: the answer
 * breaks off. `refused`: done, answered with 412, as if something on the way had sent it twice. `hang`: done, never answered. `stale`: of a
 * listing, the answer of the time before.
 */
export type WireFault = 'slow_down' | 'error' | 'lost' | 'cut' | 'refused' | 'hang' | 'stale';

export interface FaultyProxy {
  readonly endpoint: string;
  /** Asked once a request. */
  fault: (request: { readonly method: string; readonly url: string }) => WireFault | undefined;
  requests: number;
  close(): Promise<void>;
}

export async function startFaultyProxy(target: string): Promise<FaultyProxy> {
  const { hostname, port } = new URL(target);
  const agent = new Agent({ keepAlive: true });
  const earlier = new Map<string, Buffer>();
  const server = createServer((asked, answer) => {
    void serve(asked, answer).catch(() => answer.destroy());
  });

  async function serve(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    const { method = 'GET', url = '/', headers } = asked;
    const body = await bytesOf(asked);
    proxy.requests++;
    const fault = proxy.fault({ method, url });
    if (fault === 'slow_down') return refuse(answer, 503, 'SlowDown');
    const {
      status,
      headers: received,
      bytes,
    } = await new Promise<Received>((resolve, reject) => {
      const sent = request({ agent, hostname, port, method, path: url, headers }, (got) => {
        bytesOf(got).then((bytes) => resolve({ status: got.statusCode ?? 500, headers: got.headers, bytes }), reject);
      });
      sent.once('error', reject);
      sent.end(body);
    });
    const before = earlier.get(url);
    if (url.includes('list-type=')) earlier.set(url, bytes);
    if (fault === 'lost') return void answer.destroy();
    if (fault === 'hang') return;
    if (fault === 'error') return refuse(answer, 500, 'InternalError');
    if (fault === 'refused') return refuse(answer, 412, 'PreconditionFailed');
    const sent = fault === 'stale' && before !== undefined ? before : bytes;
    const length = method === 'HEAD' ? received['content-length'] : `${sent.length}`;
    answer.writeHead(status, { ...received, 'content-length': length });
    if (fault !== 'cut') return void answer.end(sent);
    answer.write(sent.subarray(0, sent.length / 2));
    setTimeout(() => answer.destroy(), 5);
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const proxy: FaultyProxy = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    fault: () => undefined,
    requests: 0,
    async close() {
      agent.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}

interface Received {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly bytes: Buffer;
}

async function bytesOf(message: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of message) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

function refuse(answer: ServerResponse, status: number, code: string): void {
  answer.writeHead(status, { 'content-type': 'application/xml' });
  answer.end(`<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`);
}
