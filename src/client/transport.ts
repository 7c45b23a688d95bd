/** How the client asks: one request, tried again where it failed for a passing reason. */
import type { Problem } from './types.ts';

export interface WdsClientOptions {
  /** Where `wds api` or `wds up` listens: `http://127.0.0.1:8480`. */
  readonly url: string | URL;
  /** The bearer token, where the API asks for one. */
  readonly token?: string;
  /** Tries after the first one. Default 5. */
  readonly retries?: number;
  /** Default: the global one. */
  readonly fetch?: typeof fetch;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
}

/** The API refused a request, or could not answer it. */
export class WdsApiError extends Error {
  readonly status: number;
  /** Stays the same through releases: `not_found`, `invalid_alerts`, `key_reused` … */
  readonly code: string;
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail);
    this.name = 'WdsApiError';
    this.status = problem.status;
    this.code = problem.code;
    this.problem = problem;
  }
}

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 10_000;

export interface Call extends CallOptions {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | Blob;
}

export class Transport {
  readonly #url: URL;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #retries: number;
  readonly #fetch: typeof fetch;

  constructor({ url, token, retries = 5, fetch: given = fetch }: WdsClientOptions) {
    this.#url = new URL(url);
    this.#headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    this.#retries = retries;
    this.#fetch = given;
  }

  /** Answers with 2xx only. Throws WdsApiError, and what fetch throws. */
  async call(call: Call): Promise<Response> {
    for (let tries = 0; ; tries++) {
      const error = await this.#try(call);
      if (error instanceof Response) return error;
      const mayPass = !(error instanceof WdsApiError) || isPassing(error);
      if (!mayPass || tries >= this.#retries || call.signal?.aborted === true) throw error;
      const after = error instanceof WdsApiError ? Number(error.problem.retryAfterSeconds ?? 0) * 1_000 : 0;
      await pause(Math.max(after, Math.min(FIRST_PAUSE_MS * 2 ** tries, LONGEST_PAUSE_MS)), call.signal);
    }
  }

  async #try({ method, path, headers, body, signal }: Call): Promise<unknown> {
    try {
      const init = { method, headers: { ...this.#headers, ...headers }, ...(body === undefined ? {} : { body }) };
      const response = await this.#fetch(new URL(path, withSlash(this.#url)), {
        ...init,
        ...given(signal),
      } as RequestInit);
      return response.ok ? response : new WdsApiError(await problemIn(response));
    } catch (error) {
      return error;
    }
  }
}

/** What the same request may not meet again. */
const isPassing = ({ status, code }: WdsApiError): boolean =>
  status === 429 || status === 503 || status === 502 || status === 504 || code === 'key_in_use';

async function problemIn(response: Response): Promise<Problem> {
  const { status, statusText: title } = response;
  const retryAfter = Number(response.headers.get('retry-after'));
  const after = Number.isFinite(retryAfter) && retryAfter > 0 ? { retryAfterSeconds: retryAfter } : {};
  const text = await response.text();
  try {
    const body = JSON.parse(text) as Partial<Problem>;
    if (typeof body.detail === 'string' && typeof body.code === 'string') return { ...(body as Problem), ...after };
  } catch {
    // Not of wds: of a proxy, perhaps.
  }
  return { type: 'about:blank', title, status, detail: `HTTP ${status}`, code: 'unknown', ...after };
}

export const given = (signal: AbortSignal | undefined): CallOptions => (signal === undefined ? {} : { signal });
const withSlash = (url: URL): URL => new URL(url.pathname.endsWith('/') ? url.href : `${url.href}/`);

/** Rejects when the signal aborts. */
export function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const aborted = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', aborted);
      resolve();
    }, ms);
    signal?.addEventListener('abort', aborted, { once: true });
  });
}
