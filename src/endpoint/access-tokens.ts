/**
 * Access tokens by OAuth 2.0 client credentials (RFC 6749, section 4.4): fetched when the first request wants one, and again before it ends, for as
 * long as requests go out. Where none can be had nothing is sent, and no alert is to blame: neither the endpoint's health nor an attempt of any
 * alert is touched. A token that the endpoint refuses (401) is replaced once; the answer counts if the new one is refused, too.
 */
import { Client } from 'undici';
import type { Clock } from '../clock.ts';
import { systemClock } from '../clock.ts';
import type { Endpoint, OAuth2Settings } from '../domain/endpoint.ts';
import { plainText } from '../domain/plain-text.ts';
import { reasonOf } from '../thrown.ts';
import { VERSION } from '../version.ts';
import { connectorTo } from './connector.ts';
import type { Credentials } from './credentials.ts';

/** Where the server does not say how long a token lasts. */
const USUAL_MS = 3_600_000;
/** Part of its life after which a token is replaced, and how long before its end at the latest. */
const FRESH_PART = 0.8;
const MARGIN_MS = 5_000;
const LONGEST_MS = 24 * 3_600_000;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;
/** A refusal of a token that is as young as this is no matter of its age. */
const YOUNG_MS = 5_000;
const MAX_ANSWER_BYTES = 64 * 1024;

interface Token {
  readonly value: string;
  readonly fromMs: number;
  /** Not to be used from then on. */
  readonly untilMs: number;
  readonly renewMs: number;
}

/** Asks the token server. Rejects with what is wrong, without secrets. */
export type FetchToken = () => Promise<{ readonly value: string; readonly seconds: number | undefined }>;

export interface AccessTokensOptions {
  readonly fetch: FetchToken;
  /** Told when tokens cannot be had, and `undefined` when they can again. */
  readonly onTrouble?: (text: string | undefined) => void;
  readonly clock?: Pick<Clock, 'now' | 'after'>;
}

export class AccessTokens {
  readonly #fetch: FetchToken;
  readonly #onTrouble: (text: string | undefined) => void;
  readonly #clock: Pick<Clock, 'now' | 'after'>;
  #token: Token | undefined;
  #renewing: Promise<void> | undefined;
  #cancelTimer: (() => void) | undefined;
  #usedMs = Number.NEGATIVE_INFINITY;
  #failures = 0;
  #nextTryMs = Number.NEGATIVE_INFINITY;
  #lastFault = '';
  /** The endpoint has refused the one of before, and taken none since: the next refusal counts. */
  #doubted = false;
  #closed = false;

  constructor({ fetch, onTrouble = () => undefined, clock = systemClock }: AccessTokensOptions) {
    this.#fetch = fetch;
    this.#onTrouble = onTrouble;
    this.#clock = clock;
  }

  /** The one to be sent now; undefined: there is none, see `ready`. */
  take(): string | undefined {
    const nowMs = this.#clock.now();
    this.#usedMs = nowMs;
    const token = this.#token;
    if (token === undefined || nowMs >= token.untilMs) return undefined;
    if (nowMs >= token.renewMs) void this.#renew();
    return token.value;
  }

  /** Resolves when there is one. Rejects where none can be had just now, with the reason; the server is not asked more often than it can bear. */
  async ready(): Promise<void> {
    const nowMs = this.#clock.now();
    if (this.#renewing === undefined && nowMs < this.#nextTryMs) throw new Error(this.#lastFault);
    await this.#renew();
    if (this.take() === undefined) throw new Error(this.#lastFault);
  }

  /** The endpoint has answered 401 to it. Whether that may be the token's age, so that the answer does not count: another one is fetched. */
  isStale(value: string): boolean {
    const token = this.#token;
    if (token === undefined || token.value !== value) return true;
    if (this.#clock.now() - token.fromMs < YOUNG_MS || this.#doubted) return false;
    this.#doubted = true;
    this.#token = undefined;
    void this.#renew();
    return true;
  }

  /** The endpoint has answered something else than 401. */
  wasTaken(): void {
    this.#doubted = false;
  }

  close(): void {
    this.#closed = true;
    this.#cancelTimer?.();
  }

  #renew(): Promise<void> {
    this.#renewing ??= this.#ask().finally(() => {
      this.#renewing = undefined;
    });
    return this.#renewing;
  }

  async #ask(): Promise<void> {
    if (this.#closed || this.#clock.now() < this.#nextTryMs) return;
    try {
      const askedMs = this.#clock.now();
      const { value, seconds } = await this.#fetch();
      const lastsMs = Math.min(seconds === undefined ? USUAL_MS : seconds * 1_000, LONGEST_MS);
      const untilMs = askedMs + Math.max(lastsMs - MARGIN_MS, lastsMs / 2);
      const renewMs = Math.min(askedMs + lastsMs * FRESH_PART, untilMs);
      this.#token = { value, fromMs: this.#clock.now(), untilMs, renewMs };
      if (this.#failures > 0) this.#onTrouble(undefined);
      this.#failures = 0;
      this.#plan(renewMs);
    } catch (error) {
      this.#lastFault = reasonOf(error);
      if (this.#failures++ === 0) this.#onTrouble(this.#lastFault);
      this.#nextTryMs = this.#clock.now() + Math.min(FIRST_PAUSE_MS * 2 ** (this.#failures - 1), LONGEST_PAUSE_MS);
      // The one of before may still be good for a while.
      if (this.#token !== undefined) this.#plan(this.#nextTryMs);
    }
  }

  /** Renewed ahead only where requests have gone out since the last one: an idle worker asks for nothing. */
  #plan(atMs: number): void {
    this.#cancelTimer?.();
    if (this.#closed) return;
    const fromMs = this.#token?.fromMs ?? 0;
    this.#cancelTimer = this.#clock.after(Math.max(0, atMs - this.#clock.now()), () => {
      if (this.#usedMs >= fromMs) void this.#renew();
    });
  }
}

/** undefined: its requests carry none. */
export const tokensOf = (
  endpoint: Endpoint,
  credentials: Pick<Credentials, 'clientSecret'>,
  onTrouble?: (text: string | undefined) => void,
): AccessTokens | undefined =>
  endpoint.oauth2 === undefined
    ? undefined
    : new AccessTokens({
        fetch: fetchTokenFor(endpoint, endpoint.oauth2, credentials),
        ...(onTrouble === undefined ? {} : { onTrouble }),
      });

/** Of the endpoint's token server, each time with the secret that holds then. */
export function fetchTokenFor(
  endpoint: Endpoint,
  settings: OAuth2Settings,
  credentials: Pick<Credentials, 'clientSecret'> = settings,
): FetchToken {
  const { tokenUrl, proxy } = settings;
  const url = new URL(tokenUrl);
  const { proxy: _endpoints, ...way } = endpoint;
  const connect = connectorTo({ ...way, url: tokenUrl, ...(proxy === undefined ? {} : { proxy }) });
  return async () => {
    const client = new Client(url.origin, { connect });
    try {
      const path = url.pathname + url.search;
      const signal = AbortSignal.timeout(endpoint.timeoutMs);
      const question = questionOf(settings, credentials.clientSecret);
      const { statusCode, body } = await client.request({ method: 'POST', path, signal, ...question });
      let text = '';
      for await (const chunk of body) if (text.length < MAX_ANSWER_BYTES) text += String(chunk);
      return tokenIn(statusCode, text);
    } catch (error) {
      throw new Error(`the token server ${url.host}: ${reasonOf(error)}`, { cause: error });
    } finally {
      await client.destroy();
    }
  };
}

function questionOf({ clientId, scope, audience, clientAuth }: OAuth2Settings, clientSecret: string) {
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    ...(scope === undefined ? {} : { scope }),
    ...(audience === undefined ? {} : { audience }),
    ...(clientAuth === 'basic' ? {} : { client_id: clientId, client_secret: clientSecret }),
  });
  // Both are form-encoded before they are joined (RFC 6749, section 2.3.1).
  const login = [clientId, clientSecret].map((text) => new URLSearchParams([['', text]]).toString().slice(1)).join(':');
  const headers = {
    'content-type': 'application/x-www-form-urlencoded',
    accept: 'application/json',
    'user-agent': `wds/${VERSION}`,
    ...(clientAuth === 'basic' ? { authorization: `Basic ${Buffer.from(login).toString('base64')}` } : {}),
  };
  return { headers, body: form.toString() };
}

/** By RFC 6749, sections 5.1 and 5.2. What is quoted are the server's error codes, nothing else of its answer. */
export function tokenIn(status: number, text: string): Awaited<ReturnType<FetchToken>> {
  let answer: Readonly<Record<string, unknown>> = {};
  try {
    answer = (JSON.parse(text) ?? {}) as typeof answer;
  } catch {
    // Said below.
  }
  const { access_token: value, token_type: type, expires_in: seconds, error } = answer;
  if (status < 200 || status > 299) {
    const code = typeof error === 'string' && /^[\x20-\x7e]{1,60}$/.test(error) ? ` ${plainText(error)}` : '';
    throw new Error(`it answers ${status}${code}`);
  }
  if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value)) throw new Error('its answer has no access_token');
  if (type !== undefined && String(type).toLowerCase() !== 'bearer') throw new Error('its token is no bearer token');
  const lasts = Number(seconds);
  return { value, seconds: seconds !== undefined && Number.isFinite(lasts) && lasts > 0 ? lasts : undefined };
}
