/**
 * One HTTP attempt at a time, many at once: sends requests to one endpoint over at most `maxConnections` keep-alive connections and says
 * how each ended. Never retries, never follows redirects, never rejects. Every attempt ends within `timeoutMs` of `send`, waiting for a
 * connection, connecting and reading the answer included, plus at most SWEEP_MS.
 */
import { context } from '@opentelemetry/api';
import type { Answer } from '../domain/answers.ts';
import { NO_TOKEN } from '../domain/answers.ts';
import type { Endpoint } from '../domain/endpoint.ts';
import { rateHeaderAliases } from '../domain/endpoint.ts';
import type { RateHeaderAliases } from '../domain/rate-hints.ts';
import { reasonOf } from '../thrown.ts';
import { untraced } from '../tracing.ts';
import type { AccessTokens } from './access-tokens.ts';
import { tokensOf } from './access-tokens.ts';
import type { ConnectionOptions } from './connection.ts';
import { Connection } from './connection.ts';
import { connectorTo } from './connector.ts';
import { Credentials } from './credentials.ts';
import type { ExchangeOwner } from './exchange.ts';
import { Exchange } from './exchange.ts';
import type { Manner } from './receiver-habits.ts';
import { ReceiverHabits } from './receiver-habits.ts';
import type { RequestTrace } from './request-spans.ts';

/** How often deadlines are looked at, at most: one timer for all requests instead of one each. */
const SWEEP_MS = 100;
/** Idle time after which a connection is not used again. With `hold` a request lost to a closing connection is an alert nobody can settle. */
const MAX_IDLE_MS = { resend: 4_000, hold: 1_000 } as const;

export interface EndpointClientOptions {
  /** Wall clock for `webhook-timestamp`. */
  readonly nowMs?: () => number;
  /** Told when the files of its certificates cannot be read; `text` says why. */
  readonly onTrouble?: (text: string) => void;
  /** Those of the endpoint, where others use them, too. Default: its own. */
  readonly tokens?: AccessTokens | undefined;
  /** The same for what its requests are signed with. */
  readonly credentials?: Credentials;
  /** Told when the receiver turns out to use HTTP in a way of its own; `why` ends the sentence "it …". */
  readonly onHabit?: (manner: Manner, why: string) => void;
}

export interface OutgoingAlert {
  readonly id: string;
  readonly body: string;
  readonly trace?: RequestTrace | undefined;
}

export interface EndpointClient {
  /** `mayWrite` is asked in the turn in which the request is written, right before; no: `withheld`. The promise never rejects. */
  send(request: OutgoingAlert, mayWrite: () => boolean): Promise<Answer>;
  /** The same without a promise, for the hot path: `done` is called once, perhaps before this returns. */
  exchange(request: OutgoingAlert, mayWrite: () => boolean, done: (answer: Answer) => void): void;
  /** Sends that have no answer yet, those included that wait for a connection. */
  readonly openRequests: number;
  /** Takes no more, waits for the open ones (each has its deadline), then closes the connections. */
  close(): Promise<void>;
  /** Aborts all open requests, which answer at once, and closes the connections. */
  destroy(): Promise<void>;
}

/** @throws {Fault} `config` for a malformed secret or header, or an address that is refused. */
export function createEndpointClient(endpoint: Endpoint, options: EndpointClientOptions = {}): EndpointClient {
  return new PooledClient(endpoint, options);
}

type Done = (answer: Answer) => void;

/** A token that has come of age meanwhile is nobody's fault. */
function forgiven(answer: Answer, { token }: Exchange, tokens: AccessTokens): Answer {
  if (answer.kind !== 'response') return answer;
  if (answer.status !== 401) tokens.wasTaken();
  else if (token !== undefined && tokens.isStale(token)) {
    return { kind: 'not_sent', reason: `${NO_TOKEN}: the endpoint takes the one of before no more (401)`, local: true };
  }
  return answer;
}

class PooledClient implements EndpointClient, ExchangeOwner {
  readonly rateHeaderAliases: RateHeaderAliases;
  readonly bodyMatches: RegExp | undefined;
  readonly #endpoint: Endpoint;
  readonly #connectionOptions: ConnectionOptions;
  readonly #credentials: Credentials;
  readonly #tokens: AccessTokens | undefined;
  readonly #nowMs: () => number;
  /** Reused for every request: undici has read it when `dispatch` returns. */
  readonly #dispatchOptions: { path: string; method: 'POST'; body: string; headers: string[] };
  readonly #connections: Connection[] = [];
  /** A stack: the connection used last is the least likely to have been closed meanwhile, and the others may go idle. */
  readonly #free: Connection[] = [];
  readonly #waiting: Exchange[] = [];
  /** What is sent is for wds alone to say, and its spans are its own. */
  readonly #untraced = untraced();
  #openRequests = 0;
  #closed = false;
  readonly #onIdle: (() => void)[] = [];
  #sweepTimer: NodeJS.Timeout | undefined;

  constructor(endpoint: Endpoint, options: EndpointClientOptions) {
    const url = new URL(endpoint.url);
    this.#endpoint = endpoint;
    this.#nowMs = options.nowMs ?? Date.now;
    this.#credentials = options.credentials ?? new Credentials(endpoint);
    this.#tokens = options.tokens ?? tokensOf(endpoint, this.#credentials);
    this.rateHeaderAliases = rateHeaderAliases(endpoint);
    const { bodyMatches } = endpoint.success ?? {};
    this.bodyMatches = bodyMatches === undefined ? undefined : new RegExp(bodyMatches, 'u');
    this.#dispatchOptions = { path: url.pathname + url.search, method: 'POST', body: '', headers: [] };
    this.#connectionOptions = {
      origin: url,
      habits: new ReceiverHabits(options.onHabit ?? (() => undefined)),
      maxIdleMs: MAX_IDLE_MS[endpoint.ambiguous],
      onFree: (connection) => this.#onFree(connection),
      connect: connectorTo(endpoint, options.onTrouble),
    };
  }

  get secretValues(): readonly string[] {
    return this.#credentials.headers.secretValues;
  }

  get openRequests(): number {
    return this.#openRequests;
  }

  send(request: OutgoingAlert, mayWrite: () => boolean): Promise<Answer> {
    return new Promise((resolve) => this.exchange(request, mayWrite, resolve));
  }

  exchange(request: OutgoingAlert, mayWrite: () => boolean, done: Done): void {
    if (this.#closed) {
      done({ kind: 'not_sent', reason: 'the client is closed' });
      return;
    }
    if (this.#tokens === undefined) this.#begin(request, mayWrite, done, undefined);
    else this.#beginWithToken(this.#tokens, request, mayWrite, done);
  }

  /** Waits for a token where there is none yet. */
  #beginWithToken(tokens: AccessTokens, request: OutgoingAlert, mayWrite: () => boolean, done: Done): void {
    const token = tokens.take();
    if (token !== undefined) {
      const exchange = this.#begin(request, mayWrite, (answer) => done(forgiven(answer, exchange, tokens)), token);
      return;
    }
    tokens.ready().then(
      () => this.exchange(request, mayWrite, done),
      (error: unknown) => done({ kind: 'not_sent', reason: `${NO_TOKEN}: ${reasonOf(error)}`, local: true }),
    );
  }

  #begin(request: OutgoingAlert, mayWrite: () => boolean, done: Done, token: string | undefined): Exchange {
    const nowMs = performance.now();
    const { trace } = request;
    trace?.begins();
    const tell: Done = trace === undefined ? done : (answer) => [trace.ends(answer), done(answer)];
    const exchange = new Exchange(request, mayWrite, nowMs + this.#endpoint.timeoutMs, tell, this);
    exchange.token = token;
    exchange.trace = trace;
    this.#openRequests += 1;
    this.#sweepTimer ??= this.#startSweeping();
    const connection = this.#free.pop() ?? this.#addConnection();
    if (connection) this.#dispatch(connection, exchange, nowMs);
    else this.#waiting.push(exchange);
    return exchange;
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#openRequests > 0) await new Promise<void>((resolve) => this.#onIdle.push(resolve));
    await this.#closeConnections();
  }

  async destroy(): Promise<void> {
    this.#closed = true;
    for (const exchange of this.#waiting.splice(0)) exchange.abort('the client was stopped');
    for (const connection of this.#connections) connection.abort('the client was stopped');
    await this.#closeConnections();
  }

  onAnswered(): void {
    this.#openRequests -= 1;
    if (this.#openRequests > 0 || this.#onIdle.length === 0) return;
    for (const resolve of this.#onIdle.splice(0)) resolve();
  }

  #onFree(connection: Connection): void {
    if (this.#waiting.length === 0) this.#free.push(connection);
    else queueMicrotask(() => this.#serveNext(connection));
  }

  #serveNext(connection: Connection): void {
    const next = this.#waiting.shift();
    if (next) this.#dispatch(connection, next, performance.now());
    else this.#free.push(connection);
  }

  #dispatch(connection: Connection, exchange: Exchange, nowMs: number): void {
    const options = this.#dispatchOptions;
    options.body = exchange.body;
    // It may have waited for longer than its token lasts.
    if (this.#tokens !== undefined) exchange.token = this.#tokens.take() ?? exchange.token;
    const headers = this.#credentials.headers.write(exchange.id, exchange.body, this.#nowMs(), exchange.token);
    options.headers = exchange.trace === undefined ? headers : exchange.trace.headers(headers);
    const apart = this.#untraced;
    if (apart === undefined) connection.dispatch(options, exchange, nowMs);
    else context.with(apart, () => connection.dispatch(options, exchange, nowMs));
  }

  #addConnection(): Connection | undefined {
    if (this.#connections.length >= this.#endpoint.maxConnections) return undefined;
    const connection = new Connection(this.#connectionOptions);
    this.#connections.push(connection);
    return connection;
  }

  #startSweeping(): NodeJS.Timeout {
    const everyMs = Math.min(SWEEP_MS, Math.max(5, this.#endpoint.timeoutMs / 10));
    // After a stall (a stopped process, a long turn) timers come before the sockets: answers that have arrived are read first.
    return setInterval(() => setImmediate(() => this.#sweep()), everyMs);
  }

  #sweep(): void {
    if (this.#openRequests === 0) {
      clearInterval(this.#sweepTimer);
      this.#sweepTimer = undefined;
      return;
    }
    const nowMs = performance.now();
    const seconds = this.#endpoint.timeoutMs / 1000;
    while (this.#waiting[0] && this.#waiting[0].deadlineMs <= nowMs) {
      this.#waiting.shift()?.abort(`no connection was free within ${seconds} s`);
    }
    for (const connection of this.#connections) {
      const { exchange } = connection;
      if (!exchange || exchange.complete || exchange.deadlineMs > nowMs) continue;
      connection.abort(exchange.started ? `no answer within ${seconds} s` : `no connection within ${seconds} s`);
    }
  }

  async #closeConnections(): Promise<void> {
    this.#tokens?.close();
    clearInterval(this.#sweepTimer);
    this.#sweepTimer = undefined;
    await Promise.all(this.#connections.map((connection) => connection.destroy()));
  }
}
