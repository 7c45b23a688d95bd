/** Answers as no receiver should give them. Each goes on until the client leaves (or the receiver closes), and then frees all it held. */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { HostileMode } from './receiver-settings.ts';

const HUGE_HEADERS_BYTES = 1024 * 1024;
const ENDLESS_CHUNK = Buffer.alloc(16 * 1024, 'x');
const SLOW_BODY_BYTES = 3600;

/** Modes in which the answer misbehaves, after the alert was accepted; the other modes give no answer. */
export function misbehave(mode: HostileMode, response: ServerResponse): void {
  switch (mode) {
    case 'never-answers':
      return;
    case 'slow-body':
      slowBody(response);
      return;
    case 'endless-body':
      endlessBody(response);
      return;
    case 'huge-headers':
      response.writeHead(200, { 'x-huge': 'x'.repeat(HUGE_HEADERS_BYTES), 'content-length': '0' }).end();
      return;
    case 'reset-before-answer':
    case 'reset-after-read':
      resetConnection(response.socket);
  }
}

export function resetConnection(socket: Socket | null): void {
  socket?.resetAndDestroy();
}

function slowBody(response: ServerResponse): void {
  response.writeHead(200, { 'content-length': String(SLOW_BODY_BYTES) });
  let left = SLOW_BODY_BYTES;
  const timer = setInterval(() => {
    left -= 1;
    if (left > 0) response.write('x');
    else response.end('x');
  }, 1000);
  response.write('');
  response.flushHeaders();
  response.on('close', () => clearInterval(timer));
}

function endlessBody(response: ServerResponse): void {
  response.writeHead(200);
  const more = (): void => {
    while (!response.destroyed && response.write(ENDLESS_CHUNK)) {
      // Until the socket's buffer is full; 'drain' goes on.
    }
  };
  response.on('drain', more);
  more();
}
