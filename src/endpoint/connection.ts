/**
 * The place of one connection of an endpoint client, used for one exchange at a time: kept alive, or a new one for each exchange where the
 * receiver's habits ask for it. undici's Pool is not used: it drops a client whose connect failed but goes on feeding it, so that neither
 * the number of connections nor `close` can be relied on.
 */
import type { Socket } from 'node:net';
import type { buildConnector, Dispatcher } from 'undici';
import { Client } from 'undici';
import { isErrno } from '../thrown.ts';
import type { OutgoingRequest } from './careful-exchange.ts';
import { CarefulExchange } from './careful-exchange.ts';
import type { Exchange } from './exchange.ts';
import type { ReceiverHabits } from './receiver-habits.ts';
import { CLOSED_FOR_ANSWER_MS } from './receiver-habits.ts';

export interface ConnectionOptions {
  readonly origin: URL;
  readonly habits: ReceiverHabits;
  readonly connect: buildConnector.connector;
  /** An idle connection is not used again after this long: the other side may be closing it at this very moment. */
  readonly maxIdleMs: number;
  /** The connection can take the next exchange, but not in the same turn: undici is in the middle of settling its state. */
  readonly onFree: (connection: Connection) => void;
}

/** Answers' header fields, all together. Some receivers send policies of more than Node's 16 KiB; more than this ends the attempt. */
const MAX_HEADER_BYTES = 128 * 1024;
/** What undici and the careful client need of a request; read before `dispatch` returns. */
export type OutgoingOptions = Dispatcher.DispatchOptions & OutgoingRequest;

/** Subtracted from the idle time that a receiver announces (`Keep-Alive: timeout=5`). */
const KEEP_ALIVE_MARGIN_MS = 500;

export class Connection {
  readonly #options: ConnectionOptions;
  #exchange: Exchange | undefined;
  #client: Client;
  #connecting: Socket | undefined;
  /** Carries the exchange in place of the client. */
  #careful: CarefulExchange | undefined;
  /** Connected for the careful client, and not written to yet. */
  #unused: Socket | undefined;
  /** The last one that was answered on the client's connection. */
  #last: Exchange | undefined;
  #lastEndedMs = 0;
  #idleSinceMs = Number.POSITIVE_INFINITY;
  readonly #release = (): void => {
    const nowMs = performance.now();
    if (this.#exchange?.complete === true) {
      this.#last = this.#exchange;
      this.#lastEndedMs = nowMs;
    }
    this.#exchange = undefined;
    this.#idleSinceMs = nowMs;
    this.#options.onFree(this);
  };

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#client = this.#createClient();
  }

  /** Not to be called from within an undici callback. */
  dispatch(options: OutgoingOptions, exchange: Exchange, nowMs: number): void {
    const manner = this.#options.habits.manner(nowMs);
    const unused = this.#takeUnused(nowMs);
    if (manner !== 'kept') {
      this.#dispatchCarefully(options, exchange, manner === 'scout', unused);
      return;
    }
    unused?.destroy();
    // undici's own idle timer may be late when the process was stopped or busy.
    if (nowMs - this.#idleSinceMs > this.#options.maxIdleMs) this.#renew();
    this.#exchange = exchange;
    exchange.onReleased = this.#release;
    this.#client.dispatch(options, exchange);
  }

  get exchange(): Exchange | undefined {
    return this.#exchange;
  }

  /** Ends the exchange it carries, written or not. */
  abort(reason: string): void {
    const exchange = this.#exchange;
    if (!exchange) return;
    const { started } = exchange;
    exchange.abort(reason);
    // Unwritten, it waits for a connect that may hang: nothing less than a new client frees this place.
    if (started) return;
    if (this.#careful) this.#careful.takeBack();
    else this.#renew();
  }

  /** Resolves when the socket is closed. */
  async destroy(): Promise<void> {
    const client = this.#client;
    const closed = client.destroy();
    this.#unused?.destroy();
    this.#connecting?.destroy();
    await Promise.all([closed, this.#careful?.destroy()]);
  }

  #takeUnused(nowMs: number): Socket | undefined {
    const socket = this.#unused;
    this.#unused = undefined;
    if (socket === undefined || socket.destroyed || socket.readableEnded) return undefined;
    if (nowMs - this.#idleSinceMs <= this.#options.maxIdleMs) return socket;
    socket.destroy();
    return undefined;
  }

  #dispatchCarefully(options: OutgoingOptions, exchange: Exchange, watch: boolean, unused: Socket | undefined): void {
    this.#exchange = exchange;
    const { origin, connect, habits } = this.#options;
    this.#careful = new CarefulExchange(
      {
        ...{ origin, connect, unused, watch, maxHeaderBytes: MAX_HEADER_BYTES },
        onUnused: (socket) => {
          // Whoever uses it next finds it closed.
          socket.on('error', () => undefined);
          this.#unused = socket;
        },
        onEnd: (sighting) => {
          if (sighting !== undefined && (watch || sighting.odd !== undefined)) habits.saw(sighting, performance.now());
          this.#careful = undefined;
          this.#release();
        },
      },
      exchange,
      options,
    );
  }

  #renew(): void {
    const old = this.#client;
    const connecting = this.#connecting;
    this.#connecting = undefined;
    this.#idleSinceMs = Number.POSITIVE_INFINITY;
    this.#client = this.#createClient();
    void old.destroy();
    connecting?.destroy();
  }

  #createClient(): Client {
    const { origin, connect, maxIdleMs } = this.#options;
    const client = new Client(origin.origin, {
      pipelining: 1,
      maxHeaderSize: MAX_HEADER_BYTES,
      keepAliveTimeout: maxIdleMs,
      keepAliveMaxTimeout: maxIdleMs,
      keepAliveTimeoutThreshold: KEEP_ALIVE_MARGIN_MS,
      // One total deadline is kept by the endpoint client; undici's own timers would cost and add nothing.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: (options, callback) => {
        // The declared type hides that the connector returns the socket it opens.
        const socket = connect(options, (...result) => {
          if (this.#connecting === socket) this.#connecting = undefined;
          callback(...result);
        }) as unknown as Socket;
        this.#connecting = socket;
        return socket;
      },
    });
    client.on('disconnect', (_origin, _targets, error) => this.#disconnected(error));
    return client;
  }

  /** Tells habits from accidents: what the strict parser has refused, and a close that nothing but an answer explains. */
  #disconnected(error: Error): void {
    const { habits } = this.#options;
    const last = this.#last;
    this.#last = undefined;
    if (isRefusedByParser(error)) habits.isOdd('what a strict parser refuses');
    else if (isErrno(error, 'UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE') && last?.keepsConnection === true) {
      const nowMs = performance.now();
      if (nowMs - this.#lastEndedMs < CLOSED_FOR_ANSWER_MS) habits.closes(nowMs);
    }
  }
}

function isRefusedByParser(error: Error): boolean {
  return (
    error.name === 'HTTPParserError' || isErrno(error, 'UND_ERR_HEADERS_OVERFLOW') || error.message === 'bad response'
  );
}
