/**
 * What the receiver writes down: one line of JSON a request that arrived in full, written before its answer leaves. An alert counts as
 * accepted when its line says so: writing it is what this receiver does with an alert. The log outlives a kill -9 of the receiver,
 * for lines are in the page cache by then.
 */
import { closeSync, existsSync, openSync, readFileSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';

export interface LoggedRequest {
  readonly atMs: number;
  readonly id: string;
  readonly user: string;
  /** CRC-32 of the message. */
  readonly hash: number;
  /** What was answered; 0: nothing that a client could read. */
  readonly status: number;
  readonly accepted: boolean;
}

export const messageHash = (message: string): number => crc32(message);

export class RequestLog {
  readonly #fd: number;

  constructor(path: string) {
    this.#fd = openSync(path, 'a');
  }

  append(request: LoggedRequest): void {
    const bytes = Buffer.from(`${JSON.stringify(request)}\n`);
    for (let from = 0; from < bytes.length; ) from += writeSync(this.#fd, bytes, from);
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** A line that a kill tore is no request. */
export function readRequests(path: string): LoggedRequest[] {
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .split('\n')
    .flatMap((line) => {
      try {
        return [JSON.parse(line) as LoggedRequest];
      } catch {
        return [];
      }
    });
}
