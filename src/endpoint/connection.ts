/**
 * One keep-alive connection of an endpoint client, used for one exchange at a time. undici's Pool is not used: it drops a client whose
 * connect failed but goes on feeding it, so that neither the number of connections nor `close` can be relied on.
 */
import type { Socket } from 'node:net';
import type { buildConnector, Dispatcher } from 'undici';
import { Client } from 'undici';
import type { Exchange } from './exchange.ts';

export interface ConnectionOptions {
  readonly origin: string;
  readonly connect: buildConnector.connector;
  /** An idle connection is not used again after this long: the other side may be closing it at this very moment. */
  readonly maxIdleMs: number;
  /** The connection can take the next exchange, but not in the same turn: undici is in the middle of settling its state. */
  readonly onFree: (connection: Connection) => void;
}

/** Answers' header fields, all together. More ends the attempt. */
const MAX_HEADER_BYTES = 16 * 1024;
/** Subtracted from the idle time that a receiver announces (`Keep-Alive: timeout=5`). */
const KEEP_ALIVE_MARGIN_MS = 500;

export class Connection {
  readonly #options: ConnectionOptions;
  #exchange: Exchange | undefined;
  #client: Client;
  #connecting: Socket | undefined;
  #idleSinceMs = Number.POSITIVE_INFINITY;
  readonly #release = (): void => {
    this.#exchange = undefined;
    this.#idleSinceMs = performance.now();
    this.#options.onFree(this);
  };

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#client = this.#createClient();
  }

  /** Not to be called from within an undici callback. */
  dispatch(options: Dispatcher.DispatchOptions, exchange: Exchange, nowMs: number): void {
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
    if (!started) this.#renew();
  }

  /** Resolves when the socket is closed. */
  async destroy(): Promise<void> {
    const client = this.#client;
    const closed = client.destroy();
    this.#connecting?.destroy();
    await closed;
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
    return new Client(origin, {
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
  }
}
