/** What the receiver answers beside deliveries: `GET /`, `GET /stats`, `POST /control`. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Fault } from '../domain/failure.ts';
import type { ReceiverSettings } from './receiver-options.ts';
import type { ReceiverReport } from './receiver-stats.ts';
import { statusPage } from './receiver-stats.ts';

const MAX_CONTROL_BYTES = 64 * 1024;

export interface Controlled {
  stats(): ReceiverReport;
  reset(): void;
  reconfigure(patch: ReceiverSettings): Promise<void>;
}

export function servePage(request: IncomingMessage, response: ServerResponse, receiver: Controlled): void {
  const path = request.url?.split('?')[0];
  const reads = request.method === 'GET' || request.method === 'HEAD';
  request.resume();
  if (!reads) send(response, 405, { error: 'POST alerts here; GET / and /stats' }, ['Allow', 'GET, HEAD, POST']);
  else if (path === '/stats') send(response, 200, receiver.stats());
  else if (path === '/') sendText(response, 200, statusPage(receiver.stats(), receiver.stats().limit));
  else send(response, 404, { error: `nothing at GET ${path}; there are / and /stats` });
}

/**
 * The body is a JSON object of settings to change (null: back to the default) and maybe `reset: true`. Only for clients on this
 * host: a receiver that listens elsewhere must not be turned by anybody.
 */
export async function serveControl(
  request: IncomingMessage,
  response: ServerResponse,
  receiver: Controlled,
): Promise<void> {
  const peer = request.socket.remoteAddress ?? '';
  if (!/^(::1|(::ffff:)?127\.[0-9.]+)$/.test(peer)) {
    request.resume();
    send(response, 403, { error: 'control is for clients on this host only' });
    return;
  }
  try {
    const { reset, ...patch } = await readControl(request);
    await receiver.reconfigure(patch as ReceiverSettings);
    if (reset === true) receiver.reset();
    send(response, 200, receiver.stats().settings);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    send(response, 400, { error: error.message });
  }
}

async function readControl(request: IncomingMessage): Promise<Record<string, unknown>> {
  let text = '';
  for await (const chunk of request) {
    text += String(chunk);
    if (text.length > MAX_CONTROL_BYTES) throw new Fault('usage', 'the control request is too long');
  }
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Said below.
  }
  throw new Fault('usage', 'the body is not a JSON object', 'Send for example {"rate": 20}.');
}

function send(response: ServerResponse, status: number, value: unknown, headers: readonly string[] = []): void {
  sendText(response, status, `${JSON.stringify(value)}\n`, ['Content-Type', 'application/json', ...headers]);
}

function sendText(response: ServerResponse, status: number, text: string, headers?: readonly string[]): void {
  const type = headers ?? ['Content-Type', 'text/plain; charset=utf-8'];
  response.writeHead(status, [...type, 'Content-Length', String(Buffer.byteLength(text))]).end(text);
}
