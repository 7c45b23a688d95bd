/**
 * One exchange on a connection of its own, read as tolerantly as can be: for receivers whose answers a strict parser refuses, or that close
 * connections without notice (receiver-habits.ts). Node's parser in its insecure mode does most; what it refuses, too, is read from the
 * bytes as they came: a status line that was read counts. Tolerance is no danger here: nothing else is ever read from the same connection.
 */
import type { IncomingMessage } from 'node:http';
import { request as httpRequest } from 'node:http';
import type { Socket } from 'node:net';
import type { buildConnector } from 'undici';
import { readAnswerHead } from './answer-head.ts';
import type { Exchange } from './exchange.ts';
import type { Sighting } from './receiver-habits.ts';

export interface OutgoingRequest {
  readonly path: string;
  readonly body: string;
  /** Names and values in turn; valid until the next request. */
  readonly headers: readonly string[];
}

export interface CarefulParts {
  readonly origin: URL;
  readonly connect: buildConnector.connector;
  /** A connection that nothing was written to yet; undefined: a new one is made. */
  readonly unused: Socket | undefined;
  /** Given back unused: it took longer to connect than the request may wait for. */
  readonly onUnused: (socket: Socket) => void;
  /** Answers' header fields, all together, at most. */
  readonly maxHeaderBytes: number;
  /** Leave the connection open after the answer, and see for a moment what becomes of it. */
  readonly watch: boolean;
  /** The end, once: nothing of it is left. `sighting` of an answer; undefined: there was none. */
  readonly onEnd: (sighting: Sighting | undefined) => void;
}

/** A receiver that closes after each answer does so at once; its FIN is a moment behind the answer. */
const WATCH_MS = 25;
/** Kept of what came, for answers that the parser refuses. */
const KEPT_BYTES = 64 * 1024;
const UPGRADED = new Error('the receiver wants to speak another protocol');

export class CarefulExchange {
  readonly #parts: CarefulParts;
  readonly #exchange: Exchange;
  readonly #request: OutgoingRequest;
  readonly #controller = { abort: (error: Error) => this.#fail(error) };
  #socket: Socket | undefined;
  #received: Buffer[] = [];
  #receivedBytes = 0;
  #response: IncomingMessage | undefined;
  #odd: string | undefined;
  #over = false;
  #ended = false;

  constructor(parts: CarefulParts, exchange: Exchange, request: OutgoingRequest) {
    this.#parts = parts;
    this.#exchange = exchange;
    this.#request = { ...request, headers: [...request.headers] };
    const { unused } = parts;
    if (unused !== undefined) {
      this.#socket = unused;
      queueMicrotask(() => {
        if (!this.#over) this.#write(unused);
      });
      return;
    }
    const { hostname, host, protocol, port } = parts.origin;
    // The declared type hides that the connector returns the socket it opens.
    this.#socket = parts.connect({ hostname, host, protocol, port }, (error, socket) => {
      if (error !== null) this.#fail(error);
      else if (this.#over) socket.destroy();
      else this.#write(socket);
    }) as unknown as Socket;
  }

  /** Ends it unwritten, where it waits for a connect that may hang. */
  takeBack(): void {
    this.#fail(new Error('taken back before it was written'));
  }

  /** Resolves when the socket is closed. */
  async destroy(): Promise<void> {
    const socket = this.#socket;
    if (socket === undefined || socket.closed) return;
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    socket.destroy();
    await closed;
  }

  #write(socket: Socket): void {
    this.#socket = socket;
    try {
      this.#exchange.onRequestStart(this.#controller);
    } catch (error) {
      this.#socket = undefined;
      this.#parts.onUnused(socket);
      this.#fail(error as Error);
      return;
    }
    socket.on('data', (chunk: Buffer) => this.#keep(chunk));
    const { path, body, headers } = this.#request;
    const { origin, watch, maxHeaderBytes } = this.#parts;
    const named: Record<string, string> = { host: origin.host, connection: watch ? 'keep-alive' : 'close' };
    for (let at = 0; at < headers.length; at += 2) named[headers[at]!] = headers[at + 1]!;
    named['content-length'] = String(Buffer.byteLength(body));
    const request = httpRequest({
      createConnection: () => socket,
      method: 'POST',
      path,
      headers: named,
      setHost: false,
      insecureHTTPParser: true,
      maxHeaderSize: maxHeaderBytes,
    });
    request.on('response', (response) => this.#read(response));
    request.on('upgrade', () => this.#fail(UPGRADED));
    request.on('error', (error) => {
      // Of what comes behind an answer, or of its body: the answer ends by itself.
      if (this.#response === undefined) this.#fail(error);
      else this.#odd ??= 'more than its answer';
    });
    request.end(body);
  }

  #keep(chunk: Buffer): void {
    if (this.#over) this.#odd ??= 'more than its answer';
    if (this.#receivedBytes >= KEPT_BYTES) return;
    this.#receivedBytes += chunk.length;
    this.#received.push(chunk);
  }

  #read(response: IncomingMessage): void {
    this.#response = response;
    this.#exchange.onResponseStart(this.#controller, response.statusCode ?? 0, response.headers);
    response.on('data', (chunk: Buffer) => this.#exchange.onResponseData(this.#controller, chunk));
    // Whole or cut off: the status has been read.
    response.on('end', () => this.#answered());
    response.on('error', () => this.#answered());
    response.on('close', () => this.#answered());
  }

  #answered(): void {
    if (this.#over) return;
    this.#over = true;
    const head = readAnswerHead(this.#text());
    this.#odd ??= head?.odd;
    this.#exchange.onResponseEnd();
    const socket = this.#socket;
    if (!this.#parts.watch || socket === undefined || this.#odd !== undefined || this.#saysThatItCloses()) {
      this.#end({ odd: this.#odd, closed: false });
      return;
    }
    let closed = socket.destroyed || socket.readableEnded;
    const end = (): void => this.#end({ odd: this.#odd, closed });
    const onClosed = (): void => {
      closed = true;
      end();
    };
    if (closed) {
      end();
      return;
    }
    socket.once('end', onClosed).once('error', onClosed).once('close', onClosed);
    // After a stall timers come before the sockets: what has arrived is read first.
    setTimeout(() => setImmediate(end), WATCH_MS);
  }

  /** By a header, or because the end of the connection is the end of the body. */
  #saysThatItCloses(): boolean {
    const response = this.#response;
    if (response === undefined) return true;
    const { connection = '', 'content-length': length, 'transfer-encoding': coding } = response.headers;
    if (/close/i.test(connection)) return true;
    if (response.httpVersion === '1.0' && !/keep-alive/i.test(connection)) return true;
    const bodyless = response.statusCode === 204 || response.statusCode === 304;
    return length === undefined && coding === undefined && !bodyless;
  }

  #fail(error: Error): void {
    if (this.#over) return;
    const response = this.#response;
    const head = response === undefined && this.#exchange.started ? readAnswerHead(this.#text()) : undefined;
    this.#over = true;
    if (head === undefined) {
      this.#exchange.onResponseError(undefined, error);
      this.#end(undefined);
      return;
    }
    const odd = head.odd ?? (head.bodyAt === undefined ? 'a head that has no end' : 'what is not HTTP');
    this.#exchange.onResponseStart(this.#controller, head.status, head.headers);
    if (head.bodyAt !== undefined) {
      this.#exchange.onResponseData(this.#controller, Buffer.concat(this.#received).subarray(head.bodyAt));
    }
    this.#exchange.onResponseEnd();
    this.#end({ odd, closed: false });
  }

  #text(): string {
    return Buffer.concat(this.#received).toString('latin1');
  }

  #end(sighting: Sighting | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#received = [];
    const socket = this.#socket;
    if (socket !== undefined) {
      socket.on('error', () => undefined);
      socket.destroy();
    }
    this.#parts.onEnd(sighting);
  }
}
