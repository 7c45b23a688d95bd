/**
 * The receiver of a round, a process of its own: `node dist/chaos/receiver-process.js PORT STATE-FILE LOG-FILE`. Its mood is read from the
 * state file every 50 ms; what it saw is in the log. It ends at once at SIGTERM, in the middle of its answers, as careless receivers do.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { messageHash, RequestLog } from './receiver-log.ts';
import type { Answer, ReceiverState } from './receiver-mood.ts';
import { decide, readState } from './receiver-mood.ts';

const REREAD_MS = 50;
const BODY_LIMIT_BYTES = 1024 * 1024;

const [port = '', stateFile = '', logFile = ''] = process.argv.slice(2);
const log = new RequestLog(logFile);
let state: ReceiverState = readState(stateFile);
let tokens = 1;
let filledAtMs = performance.now();

setInterval(() => {
  state = readState(stateFile);
}, REREAD_MS);

/** A token bucket of a tenth of a second. */
function hasRoom({ limitPerSecond }: ReceiverState): boolean {
  if (limitPerSecond === undefined) return true;
  const nowMs = performance.now();
  tokens = Math.min(Math.max(1, limitPerSecond / 10), tokens + ((nowMs - filledAtMs) / 1_000) * limitPerSecond);
  filledAtMs = nowMs;
  if (tokens < 1) return false;
  tokens -= 1;
  return true;
}

function receive(request: IncomingMessage, response: ServerResponse): void {
  const pieces: Buffer[] = [];
  let sizeBytes = 0;
  request.on('data', (piece: Buffer) => {
    sizeBytes += piece.length;
    if (sizeBytes <= BODY_LIMIT_BYTES) pieces.push(piece);
  });
  request.once('end', () => {
    const { userId, alertMessage } = JSON.parse(Buffer.concat(pieces).toString('utf8')) as Record<string, string>;
    const user = String(userId);
    const message = String(alertMessage);
    const answer: Answer = hasRoom(state)
      ? decide(state, user, message, Math.random)
      : { accepted: false, afterMs: 0, says: 429, headers: { 'retry-after': '1' } };
    log.append({
      atMs: Date.now(),
      id: String(request.headers['webhook-id']),
      user,
      hash: messageHash(message),
      status: typeof answer.says === 'number' ? answer.says : 0,
      accepted: answer.accepted,
    });
    setTimeout(() => respond(response, answer), answer.afterMs);
  });
}

function respond(response: ServerResponse, { says, headers = {} }: Answer): void {
  const { socket } = response;
  if (socket === null || socket.destroyed) return;
  switch (says) {
    case 'nothing':
      return;
    case 'reset':
      socket.resetAndDestroy();
      return;
    case 'rubbish':
      socket.end('HTTQ/9 \u0001\u0002 what?\r\n\r\n');
      return;
    case 'half':
      socket.end('HTTP/1.1 20');
      return;
    default:
      response.writeHead(says, headers).end();
  }
}

const server = createServer(receive);
// Longer than a client keeps one, so that a connection is never closed under a request.
server.keepAliveTimeout = 60_000;
server.requestTimeout = 0;
server.listen(Number(port), '127.0.0.1', () => process.stdout.write(`listening on ${port}\n`));
process.once('SIGTERM', () => process.exit(0));
