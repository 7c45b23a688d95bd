/**
 * How connections to an endpoint are opened: to addresses that may be connected to (connect-guard.ts), with the authorities and the client
 * certificate of the endpoint, and through its proxy. By undici's own connector; a proxy is asked by CONNECT, as undici's ProxyAgent does, for
 * each connection is a client's own here (connection.ts).
 */
import { EventEmitter } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { createSecureContext } from 'node:tls';
import { buildConnector, Client } from 'undici';
import type { Endpoint } from '../domain/endpoint.ts';
import { signsOf } from '../file-signs.ts';
import { errnoOf, reasonOf } from '../thrown.ts';
import { addressGuard, guardedLookup, refuseLiteral } from './connect-guard.ts';

export type ConnectTo = Pick<Endpoint, 'url' | 'proxy' | 'tls' | 'publicOnly' | 'allowAddresses'>;
type Connect = buildConnector.connector;
type Target = buildConnector.Options;

/** Files that have changed are seen by connections that are made this much later, at the latest. */
const LOOK_EVERY_MS = 1_000;

/** @throws {Fault} `config` where the URL's host is an address that is refused. `onTrouble`: told when the files of its certificates cannot be read. */
export function connectorTo(endpoint: ConnectTo, onTrouble: (text: string) => void = () => undefined): Connect {
  const refuse = addressGuard(endpoint);
  refuseLiteral(new URL(endpoint.url), refuse);
  const direct = { timeout: 0, lookup: guardedLookup(refuse) };
  const { proxy, tls } = endpoint;
  if (proxy === undefined && tls === undefined) return literally(buildConnector(direct));
  const files = new TlsFiles(tls ?? {}, onTrouble);
  const base = proxy === undefined ? direct : { timeout: 0 };
  /** It keeps sessions, so one whose files stay the same is used again. */
  let built: { readonly options: TlsOptions; readonly connect: Connect } | undefined;
  return deferred(async (target, opening) => {
    const options = await files.options();
    if (built?.options !== options) {
      built = { options, connect: literally(buildConnector({ ...base, ...options })) };
    }
    const { connect } = built;
    if (proxy === undefined) return opened(connect, target, opening);
    const socket = await tunnel(new URL(proxy), target, opening);
    if (target.protocol !== 'https:') return socket;
    return opened(connect, { ...target, httpSocket: socket as never }, opening);
  });
}

/** An IPv6 address stands in brackets in a URL, and nowhere else. */
const literally =
  (connect: Connect): Connect =>
  (target, callback) =>
    connect({ ...target, hostname: plainHost(target.hostname) }, callback);

const plainHost = (hostname: string): string => hostname.replace(/^\[|\]$/g, '');

interface TlsOptions {
  readonly ca?: Buffer[];
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

/** The endpoint's certificates, read again when their files have changed. */
class TlsFiles {
  readonly #paths: NonNullable<Endpoint['tls']>;
  readonly #onTrouble: (text: string) => void;
  #options: TlsOptions | undefined;
  #seen = '';
  #lookedMs = Number.NEGATIVE_INFINITY;
  #failing = false;

  constructor(paths: NonNullable<Endpoint['tls']>, onTrouble: (text: string) => void) {
    this.#paths = paths;
    this.#onTrouble = onTrouble;
  }

  /** Those of before where the files cannot be read just now. Rejects where they never could be. */
  async options(): Promise<TlsOptions> {
    const nowMs = performance.now();
    if (this.#options !== undefined && nowMs - this.#lookedMs < LOOK_EVERY_MS) return this.#options;
    this.#lookedMs = nowMs;
    try {
      const { ca = [], cert, key } = this.#paths;
      const paths = [...ca, ...[cert, key].filter((path) => path !== undefined)];
      const seen = await signsOf(paths);
      if (this.#options === undefined || seen !== this.#seen) {
        const [authorities, ...own] = await Promise.all([
          Promise.all(ca.map((path) => readFile(path))),
          cert === undefined ? undefined : readFile(cert),
          key === undefined ? undefined : readFile(key),
        ]);
        const options = {
          ...(ca.length === 0 ? {} : { ca: authorities }),
          ...(own[0] === undefined ? {} : { cert: own[0] }),
          ...(own[1] === undefined ? {} : { key: own[1] }),
        };
        // While they are being replaced a certificate may not fit its key.
        createSecureContext(options);
        this.#options = options;
        this.#seen = seen;
      }
      this.#failing = false;
    } catch (error) {
      if (this.#options === undefined) throw error;
      if (!this.#failing) this.#onTrouble(`${reasonOf(error)}; what was read before is used`);
      this.#failing = true;
    }
    return this.#options;
  }
}

/** What stands for a socket that is not there yet: it can be given up. */
class Opening extends EventEmitter {
  closed = false;
  #inner: { destroy(): unknown } | undefined;

  /** Destroyed at once where this was given up before. */
  holds(inner: { destroy(): unknown }): void {
    this.#inner = inner;
    if (this.closed) inner.destroy();
  }

  destroy(): this {
    if (this.closed) return this;
    this.closed = true;
    this.#inner?.destroy();
    queueMicrotask(() => this.emit('close'));
    return this;
  }
}

function deferred(open: (target: Target, opening: Opening) => Promise<Socket>): Connect {
  return (target, callback) => {
    const opening = new Opening();
    open(target, opening).then(
      (socket) => (opening.closed ? socket.destroy() : callback(null, socket)),
      (error: Error) => {
        if (!opening.closed) callback(error, null);
      },
    );
    // The declared type hides that a connector returns the socket it opens.
    return opening as unknown as ReturnType<Connect>;
  };
}

function opened(connect: Connect, target: Target, opening: Opening): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(target, (error, connected) =>
      error === null ? resolve(connected as Socket) : reject(error),
    );
    opening.holds(socket as unknown as Socket);
  });
}

/** A connection through the proxy. Rejects, with the proxy's name, where it gives none. */
async function tunnel(proxy: URL, { hostname, protocol, port }: Target, opening: Opening): Promise<Socket> {
  const authority = `${hostname}:${port || (protocol === 'https:' ? 443 : 80)}`;
  const { username, password } = proxy;
  const login = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64');
  const client = new Client(proxy.origin, { headersTimeout: 0, connect: { timeout: 0 } });
  opening.holds({ destroy: () => void client.destroy() });
  try {
    const { statusCode, socket } = await client.connect({
      path: authority,
      headers: { host: authority, ...(username === '' ? {} : { 'proxy-authorization': `Basic ${login}` }) },
    });
    if (statusCode >= 200 && statusCode <= 299) return socket as Socket;
    socket.on('error', () => undefined).destroy();
    throw new Error(statusCode === 407 ? 'it asks for a login, or for another one (407)' : `it answers ${statusCode}`);
  } catch (error) {
    const code = errnoOf(error);
    const failed = new Error(`the proxy ${proxy.host} gives no connection: ${reasonOf(error)}`, { cause: error });
    throw code === undefined ? failed : Object.assign(failed, { code });
  }
}
