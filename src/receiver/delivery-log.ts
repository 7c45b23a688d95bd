/**
 * The receiver's delivery log, the outside witness of what wds sent. One line a request, tab-separated:
 *
 *     arrival in ms since 1970, with fraction · webhook-id · userId as a JSON string · CRC-32 of the message, 8 hex digits · status
 *
 * `null` and `-` stand for a userId and a message that could not be read, status 0 for a request that was read and never answered.
 * Lines are on file (in the page cache) before the answers of the same event-loop turn leave, so that even a `kill -9` of the
 * receiver loses no line of an answered request. A request counts when it has arrived in full: its line stands even if the client
 * left before the answer.
 */
import { closeSync, createReadStream, openSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { crc32 } from 'node:zlib';
import { Fault } from '../domain/failure.ts';

export interface LoggedDelivery {
  readonly atMs: number;
  readonly webhookId: string;
  readonly userId: string | null;
  readonly messageCrc32: string | null;
  readonly status: number;
}

export interface AlertFields {
  readonly userId: string;
  readonly alertMessage: string;
}

/** For comparing the log with an input: the checksum of a message as the log writes it. */
export function messageCrc32(message: string): string {
  return crc32(message).toString(16).padStart(8, '0');
}

export class DeliveryLog {
  private readonly fd: number;
  private lines = '';
  private waiting: (() => void)[] = [];
  private scheduled = false;

  /** Appends to a file that is there. Throws a `usage` Fault when it cannot be written. */
  constructor(file: string) {
    try {
      this.fd = openSync(file, 'a');
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw new Fault(
        'usage',
        `cannot write the delivery log ${file}: ${code}`,
        'Name a file in a folder that exists.',
      );
    }
  }

  /** `onWritten` is called once the line is on file. A log that cannot be written ends the process: a witness must not guess. */
  append(atMs: number, webhookId: string, alert: AlertFields | null, status: number, onWritten: () => void): void {
    const user = alert === null ? 'null' : JSON.stringify(alert.userId);
    const crc = alert === null ? '-' : messageCrc32(alert.alertMessage);
    this.lines += `${atMs.toFixed(3)}\t${webhookId.replaceAll('\t', ' ')}\t${user}\t${crc}\t${status}\n`;
    this.waiting.push(onWritten);
    if (!this.scheduled) {
      this.scheduled = true;
      setImmediate(this.flush);
    }
  }

  readonly flush = (): void => {
    this.scheduled = false;
    if (this.waiting.length === 0) return;
    const bytes = Buffer.from(this.lines);
    const written = this.waiting;
    this.lines = '';
    this.waiting = [];
    for (let from = 0; from < bytes.length; ) from += writeSync(this.fd, bytes, from);
    for (const onWritten of written) onWritten();
  };

  close(): void {
    this.flush();
    closeSync(this.fd);
  }
}

/** Reads a log line by line. A torn last line, as a power loss may leave it, is not returned. */
export async function* readDeliveryLog(file: string): AsyncGenerator<LoggedDelivery> {
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY })) {
    const [atMs, webhookId, user, crc, status, ...rest] = line.split('\t');
    if (status === undefined || !/^(0|[1-5][0-9][0-9])$/.test(status) || rest.length > 0) continue;
    yield {
      atMs: Number(atMs),
      webhookId: webhookId ?? '',
      userId: JSON.parse(user ?? 'null') as string | null,
      messageCrc32: crc === '-' ? null : (crc ?? null),
      status: Number(status),
    };
  }
}
