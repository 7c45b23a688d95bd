/**
 * Who may ask. On a loopback address without a token: whoever is on this machine, which a web page that is open in a browser here is not, so
 * `Host` must name this machine and `Origin` this server (else any page could post alerts, directly or by a name that it makes point
 * here). With a token: whoever sends it, as `Authorization: Bearer` or, in a browser, as the password of a login.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import { Fault } from '../domain/failure.ts';
import { Problem } from './problem.ts';

export interface AskedBy {
  readonly host: string | undefined;
  readonly origin: string | undefined;
  readonly authorization: string | undefined;
  /** `Sec-Fetch-Site`, as browsers send it. */
  readonly fetchSite: string | undefined;
}

/** Asked by machines that hold no token. */
const OPEN_PATHS: ReadonlySet<string> = new Set(['/livez', '/readyz']);
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[?::1\]?)$/i;

export const isLoopback = (host: string): boolean => LOOPBACK.test(host);

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

export class Access {
  #token: Buffer | undefined;

  /** Throws Fault `config` where others could reach it without a token. */
  constructor(host: string, token: string | undefined) {
    if (token === undefined && !isLoopback(host)) {
      throw new Fault(
        'config',
        `api.host is ${host}: others could reach the HTTP API, and there is no token`,
        'Set WDS_API_TOKEN, or api.tokenFile: at least 16 characters, such as those that `openssl rand -hex 32` prints.',
      );
    }
    this.#token = token === undefined ? undefined : digest(token);
  }

  /** From now on another token holds. */
  set token(token: string) {
    this.#token = digest(token);
  }

  get asksForToken(): boolean {
    return this.#token !== undefined;
  }

  /** Throws Problem. */
  check(path: string, asked: AskedBy): void {
    this.#checkPage(asked);
    if (this.#token === undefined) {
      if (isLoopback(hostName(asked.host ?? ''))) return;
      throw new Problem(403, 'wrong_host', 'Host does not name this machine: ask for localhost or 127.0.0.1');
    }
    if (OPEN_PATHS.has(path)) return;
    const given = tokenIn(asked.authorization);
    if (given !== undefined && timingSafeEqual(digest(given), this.#token)) return;
    throw new Problem(401, 'unauthorized', 'the bearer token of this API is missing or wrong');
  }

  /** Pages of other servers, in a browser that may reach this one. */
  #checkPage({ host, origin, fetchSite }: AskedBy): void {
    const isOwn = origin === undefined || (URL.canParse(origin) && new URL(origin).host === host?.toLowerCase());
    if (isOwn && fetchSite !== 'cross-site') return;
    throw new Problem(403, 'wrong_origin', 'asked by a page of another server');
  }
}

/** Without the port. */
function hostName(host: string): string {
  if (isIP(host) === 6) return host;
  return host.replace(/:\d+$/, '');
}

function tokenIn(authorization: string | undefined): string | undefined {
  const [, scheme = '', value = ''] = /^(bearer|basic) +(\S+)$/i.exec(authorization ?? '') ?? [];
  if (scheme.toLowerCase() === 'bearer') return value;
  if (scheme === '') return undefined;
  const login = Buffer.from(value, 'base64').toString('utf8');
  return login.slice(login.indexOf(':') + 1);
}
