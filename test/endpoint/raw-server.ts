/**
 * A receiver that a test writes byte by byte: raw sockets on 127.0.0.1, requests split by content-length. Shows what really arrived, which
 * a well-behaved HTTP server would hide.
 */

import type { AddressInfo, Socket } from 'node:net';
import { createServer } from 'node:net';
import type { Endpoint } from '../../src/domain/endpoint.ts';
import { DEFAULT_RETRY_POLICY } from '../../src/domain/endpoint.ts';

export interface RawRequest {
  readonly line: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly text: string;
}

export interface RawServer {
  readonly port: number;
  readonly url: string;
  readonly requests: RawRequest[];
  readonly sockets: ReadonlySet<Socket>;
  /** Connections accepted so far, and open at once at most. */
  readonly accepted: number;
  readonly mostOpen: number;
  /** Waits until the other side has closed every connection. */
  close(): Promise<void>;
}

export interface RawServerOptions {
  readonly onConnection?: (socket: Socket) => void;
  readonly onRequest?: (socket: Socket, request: RawRequest, number: number) => void;
  readonly port?: number;
}

export const ok = (socket: Socket): void => void socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');

export async function startRawServer({
  onConnection,
  onRequest = ok,
  port = 0,
}: RawServerOptions = {}): Promise<RawServer> {
  const sockets = new Set<Socket>();
  const requests: RawRequest[] = [];
  let accepted = 0;
  let mostOpen = 0;
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    accepted += 1;
    mostOpen = Math.max(mostOpen, sockets.size);
    socket.on('close', () => sockets.delete(socket));
    // The client closes when it likes; that is what is tested.
    socket.on('error', () => {});
    onConnection?.(socket);
    let received = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      for (let request = cut(received); request; request = cut(received)) {
        received = received.subarray(Buffer.byteLength(request.text));
        requests.push(request);
        onRequest(socket, request, requests.length);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const bound = (server.address() as AddressInfo).port;
  return {
    port: bound,
    url: `http://127.0.0.1:${bound}/hook`,
    requests,
    sockets,
    get accepted() {
      return accepted;
    },
    get mostOpen() {
      return mostOpen;
    },
    close: async () => {
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function cut(received: Buffer): RawRequest | undefined {
  const headEnd = received.indexOf('\r\n\r\n');
  if (headEnd === -1) return undefined;
  const [line = '', ...fields] = received.subarray(0, headEnd).toString('latin1').split('\r\n');
  const headers = Object.fromEntries(fields.map((field) => field.split(/: (.*)/s) as [string, string]));
  const end = headEnd + 4 + Number(headers['content-length'] ?? 0);
  if (received.length < end) return undefined;
  return {
    line,
    headers,
    body: received.subarray(headEnd + 4, end).toString(),
    text: received.subarray(0, end).toString(),
  };
}

export function endpointAt(url: string, changes: Partial<Endpoint> = {}): Endpoint {
  return {
    name: 'test',
    url,
    rate: 'unlimited',
    burst: 0,
    ambiguous: 'resend',
    maximumUnanswered: 3,
    timeoutMs: 5_000,
    maxConnections: 4,
    secrets: [],
    idempotencyKey: 'quoted',
    headers: {},
    maxRetryAfterMs: 3_600_000,
    retry: DEFAULT_RETRY_POLICY,
    ...changes,
  };
}
