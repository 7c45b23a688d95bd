/**
 * `/livez`, `/readyz` and `/metrics` of a process that has no HTTP API. Nothing that goes wrong here stops the process: a port that is taken
 * moves to a free one, and an address that cannot be listened at is a line in the log.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import { isErrno, reasonOf } from '../thrown.ts';
import type { Monitoring } from './monitoring.ts';

/** Processes of one host are found one after another. */
const PORTS_TRIED = 20;
const HIGHEST_PORT = 65_535;
const REQUEST_LIMIT_MS = 10_000;

export interface ListenerOptions {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  readonly logger: Pick<Logger, 'info' | 'warn'>;
}

export interface Listener {
  /** `http://127.0.0.1:8481`; undefined: it does not listen. */
  readonly address: string | undefined;
  close(): Promise<void>;
}

export async function openListener(monitoring: Monitoring, options: ListenerOptions): Promise<Listener> {
  const { host, port, logger } = options;
  const server = createServer((request, response) => {
    answer(monitoring, request, response).catch((error: unknown) => {
      if (!response.headersSent) response.writeHead(500, { 'content-type': 'text/plain; charset=utf-8' });
      response.end(`${reasonOf(error)}\n`);
    });
  });
  server.requestTimeout = REQUEST_LIMIT_MS;
  server.headersTimeout = REQUEST_LIMIT_MS;
  // Nobody's life depends on it.
  server.unref();
  // Loaded meanwhile.
  void monitoring.begin();
  try {
    await listen(server, host, port);
  } catch (error) {
    const why = `${host}:${port}: ${reasonOf(error)}`;
    const message = `no /livez, /readyz and /metrics: this process cannot listen at ${why}; set monitoring.host and monitoring.port`;
    logger.warn({ event: 'monitoring_failed', reason: reasonOf(error) }, message);
    return { address: undefined, close: async () => undefined };
  }
  const found = server.address() as AddressInfo;
  const address = `http://${host.includes(':') ? `[${host}]` : host}:${found.port}`;
  const moved = port !== 0 && found.port !== port ? `port ${port} is taken: ` : '';
  logger.info({ event: 'monitoring', address }, `${moved}/livez, /readyz and /metrics are at ${address}`);
  return { address, close: () => close(server) };
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  const ports = port === 0 ? [0] : Array.from({ length: PORTS_TRIED }, (_, at) => port + at);
  for (const candidate of [...ports.filter((one) => one <= HIGHEST_PORT), 0]) {
    try {
      return await listenAt(server, host, candidate);
    } catch (error) {
      if (candidate === 0 || !isErrno(error, 'EADDRINUSE', 'EACCES')) throw error;
    }
  }
}

function listenAt(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void => {
      server.off('listening', listening);
      reject(error);
    };
    const listening = (): void => {
      server.off('error', failed);
      server.on('error', () => undefined);
      resolve();
    };
    server.once('error', failed).once('listening', listening).listen({ host, port, exclusive: true });
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

async function answer(monitoring: Monitoring, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = (request.url ?? '').split('?')[0];
  const send = (status: number, type: string, body: string): void => {
    response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
    response.end(request.method === 'HEAD' ? undefined : body);
  };
  const json = (status: number, body: object): void =>
    send(status, 'application/json; charset=utf-8', `${JSON.stringify(body)}\n`);
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    return send(405, 'text/plain; charset=utf-8', 'only GET and HEAD\n');
  }
  if (path === '/livez') return json(200, { alive: true });
  if (path === '/readyz') {
    const report = await monitoring.readiness.look();
    return json(report.ready ? 200 : 503, report);
  }
  if (path === '/metrics') {
    const { text, contentType } = await monitoring.figures();
    return send(200, contentType, text);
  }
  send(404, 'text/plain; charset=utf-8', 'there are /livez, /readyz and /metrics\n');
}
