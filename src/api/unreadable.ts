/** What no route sees, for it is no request that Node can read: answered in the form of everything else, and the connection is closed. */
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { PROBLEM_TYPE, Problem } from './problem.ts';

/** By the code of Node's error. */
const PROBLEMS: Readonly<Record<string, Problem>> = {
  HPE_HEADER_OVERFLOW: new Problem(431, 'headers_too_large', 'the address and the headers have more than 32 KiB'),
  ERR_HTTP_REQUEST_TIMEOUT: new Problem(408, 'request_timeout', 'the headers took too long'),
};
const NOT_HTTP = new Problem(400, 'not_http', 'this is no HTTP request that could be read');

export function answerUnreadable(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  if (!socket.writable) return void socket.destroy(error);
  const problem = PROBLEMS[error.code ?? ''] ?? NOT_HTTP;
  const body = JSON.stringify(problem.body);
  const head = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
    `Content-Type: ${PROBLEM_TYPE}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
