/**
 * A client of the HTTP API (docs/api.md), for programs that run on Node or wherever there is `fetch`. It has no dependencies. What failed for
 * a passing reason is tried again, where that is safe: posts always carry an idempotency key, uploads of the same bytes are the same file.
 */
import type {
  Endpoint,
  EndpointOrder,
  FileStatus,
  FoundUser,
  Posted,
  Problem,
  Receipt,
  Retried,
  UploadedFile,
} from './types.ts';

export type {
  Endpoint,
  EndpointOrder,
  FileStatus,
  FoundUser,
  Posted,
  Problem,
  Receipt,
  Retried,
  UploadedFile,
} from './types.ts';

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

export interface Alert {
  readonly userId: string | number;
  readonly alertMessage: string;
}

interface CallOptions {
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
const UNDER_WAY: ReadonlySet<string> = new Set(['received', 'running', 'paused', 'unknown']);

interface Call extends CallOptions {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | Blob;
}

export class WdsClient {
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

  /**
   * Resolves when the alerts are on the disk of wds. Posts with an equal `idempotencyKey` within seven days are one post; by default each call
   * has a key of its own, so that its retries are one post.
   */
  async post(
    alerts: Alert | readonly Alert[],
    {
      idempotencyKey = globalThis.crypto.randomUUID(),
      signal,
    }: CallOptions & { readonly idempotencyKey?: string } = {},
  ): Promise<Posted> {
    const headers = { 'content-type': 'application/json', 'idempotency-key': idempotencyKey };
    return this.#json({ method: 'POST', path: 'webhook', headers, body: JSON.stringify(alerts), ...given(signal) });
  }

  /** Resolves when the file is in the inbox. `name` tells its kind: `.csv`, `.ndjson`, `.jsonl`, `.json`, each also with `.gz`. */
  async upload(
    name: string,
    content: string | Uint8Array | Blob,
    { priority = 'normal', signal }: CallOptions & { readonly priority?: 'urgent' | 'normal' } = {},
  ): Promise<UploadedFile> {
    const path = `upload?name=${encodeURIComponent(name)}&priority=${priority}`;
    const headers = { 'content-type': 'application/octet-stream' };
    const { files } = await this.#json<{ files: UploadedFile[] }>({
      ...{ method: 'POST', path, headers, body: content },
      ...given(signal),
    });
    return files[0]!;
  }

  /** The newest first. */
  async files({ limit = 20, signal }: CallOptions & { readonly limit?: number } = {}): Promise<readonly FileStatus[]> {
    const { files } = await this.#json<{ files: FileStatus[] }>({
      ...{ method: 'GET', path: `files?limit=${limit}` },
      ...given(signal),
    });
    return files;
  }

  /** `id`: SHA-256 (8 digits or more), workflow ID, or the name it was dropped under. */
  file(id: string, { signal }: CallOptions = {}): Promise<FileStatus> {
    return this.#json({ method: 'GET', path: filePath(id), ...given(signal) });
  }

  /** Resolves when its delivery has ended, however. A paused one is waited for. */
  async ended(
    id: string,
    { everyMs = 1_000, signal }: CallOptions & { readonly everyMs?: number } = {},
  ): Promise<FileStatus> {
    for (;;) {
      const status = await this.file(id, given(signal));
      if (!UNDER_WAY.has(status.state)) return status;
      await pause(everyMs, signal);
    }
  }

  /** What became of each alert, in the order of the file, as it is now. */
  async *receipts(id: string, { signal }: CallOptions = {}): AsyncGenerator<Receipt> {
    const { body } = await this.#call({
      method: 'GET',
      path: `${filePath(id)}/receipts?format=ndjson`,
      ...given(signal),
    });
    const decoder = new TextDecoder();
    let rest = '';
    for await (const bytes of body ?? []) {
      const lines = (rest + decoder.decode(bytes as Uint8Array, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) yield JSON.parse(line) as Receipt;
    }
    if (rest !== '') throw new Error('the receipts broke off');
  }

  /** The alerts of a user, over all files and endpoints. */
  user(userId: string, { limit = 50, signal }: CallOptions & { readonly limit?: number } = {}): Promise<FoundUser> {
    const path = `users/${encodeURIComponent(userId)}?limit=${limit}`;
    return this.#json({ method: 'GET', path, ...given(signal) });
  }

  pause(id: string, options: CallOptions = {}): Promise<FileStatus> {
    return this.#json({ method: 'POST', path: `${filePath(id)}/pause`, ...options });
  }
  resume(id: string, options: CallOptions = {}): Promise<FileStatus> {
    return this.#json({ method: 'POST', path: `${filePath(id)}/resume`, ...options });
  }
  /** Ends its delivery, and waits a while for the end. */
  cancel(id: string, options: CallOptions = {}): Promise<FileStatus> {
    return this.#json({ method: 'POST', path: `${filePath(id)}/cancel`, ...options });
  }

  /** Sends what was not delivered: of one file, or of all. `unconfirmed`: also where a second alert may be the price. */
  async retry(
    which: { readonly file?: string; readonly unconfirmed?: boolean } = {},
    { signal }: CallOptions = {},
  ): Promise<readonly Retried[]> {
    const { files } = await this.#json<{ files: Retried[] }>({
      ...{
        method: 'POST',
        path: 'retry',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(which),
      },
      ...given(signal),
    });
    return files;
  }

  async endpoints({ signal }: CallOptions = {}): Promise<readonly Endpoint[]> {
    return (await this.#json<{ endpoints: Endpoint[] }>({ method: 'GET', path: 'endpoints', ...given(signal) }))
      .endpoints;
  }

  endpoint(name: string, { signal }: CallOptions = {}): Promise<Endpoint> {
    return this.#json({ method: 'GET', path: `endpoints/${encodeURIComponent(name)}`, ...given(signal) });
  }

  order(name: string, order: EndpointOrder, { signal }: CallOptions = {}): Promise<Endpoint> {
    const headers = { 'content-type': 'application/json' };
    const path = `endpoints/${encodeURIComponent(name)}`;
    return this.#json({ method: 'POST', path, headers, body: JSON.stringify(order), ...given(signal) });
  }

  async #json<T>(call: Call): Promise<T> {
    return (await (await this.#call(call)).json()) as T;
  }

  async #call(call: Call): Promise<Response> {
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

const filePath = (id: string): string => `files/${encodeURIComponent(id)}`;
const given = (signal: AbortSignal | undefined): CallOptions => (signal === undefined ? {} : { signal });
const withSlash = (url: URL): URL => new URL(url.pathname.endsWith('/') ? url.href : `${url.href}/`);

/** Rejects when the signal aborts. */
function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
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
