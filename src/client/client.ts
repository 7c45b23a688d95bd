/**
 * A client of the HTTP API (docs/api.md), for programs that run on Node or wherever there is `fetch`. It has no dependencies. What failed for
 * a passing reason is tried again, where that is safe: posts always carry an idempotency key, uploads of the same bytes are the same file.
 */
import type { Call, CallOptions, WdsClientOptions } from './transport.ts';
import { given, pause, Transport } from './transport.ts';
import type {
  Endpoint,
  EndpointOrder,
  FileStatus,
  FoundUser,
  Posted,
  Receipt,
  Retried,
  UploadedFile,
} from './types.ts';

export type { WdsClientOptions } from './transport.ts';
export { WdsApiError } from './transport.ts';
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

export interface Alert {
  readonly userId: string | number;
  readonly alertMessage: string;
}

export interface InboxChoice {
  /** Where there are several inboxes: those that the one that is meant delivers to. */
  readonly endpoints?: readonly string[];
}

export interface UploadOptions {
  /** Urgent files are taken first. */
  readonly priority?: 'urgent' | 'normal';
  /** So many alerts are sent, and the rest after `approve`. */
  readonly first?: number;
}

const inboxQuery = (endpoints: readonly string[]): string => `endpoint=${encodeURIComponent(endpoints.join(','))}`;
const UNDER_WAY: ReadonlySet<string> = new Set(['received', 'running', 'paused', 'unknown']);

export class WdsClient {
  readonly #transport: Transport;

  constructor(options: WdsClientOptions) {
    this.#transport = new Transport(options);
  }

  /**
   * Resolves when the alerts are on the disk of wds. Posts with an equal `idempotencyKey` within seven days are one post; by default each call
   * has a key of its own, so that its retries are one post.
   */
  async post(
    alerts: Alert | readonly Alert[],
    {
      idempotencyKey = globalThis.crypto.randomUUID(),
      endpoints,
      signal,
    }: CallOptions & InboxChoice & { readonly idempotencyKey?: string } = {},
  ): Promise<Posted> {
    const headers = { 'content-type': 'application/json', 'idempotency-key': idempotencyKey };
    const path = endpoints === undefined ? 'webhook' : `webhook?${inboxQuery(endpoints)}`;
    return this.#json({ method: 'POST', path, headers, body: JSON.stringify(alerts), ...given(signal) });
  }

  /** Resolves when the file is in the inbox. `name` tells its kind: `.csv`, `.ndjson`, `.jsonl`, `.json`, each also with `.gz`. */
  async upload(
    name: string,
    content: string | Uint8Array | Blob,
    { priority = 'normal', first, endpoints, signal }: CallOptions & InboxChoice & UploadOptions = {},
  ): Promise<UploadedFile> {
    const inbox = endpoints === undefined ? '' : `&${inboxQuery(endpoints)}`;
    const few = first === undefined ? '' : `&first=${first}`;
    const path = `upload?name=${encodeURIComponent(name)}&priority=${priority}${few}${inbox}`;
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
    const { body } = await this.#transport.call({
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
  /** A file that waits for a decision (`waiting.why` is `decision`) goes on. */
  approve(id: string, options: CallOptions = {}): Promise<FileStatus> {
    return this.#json({ method: 'POST', path: `${filePath(id)}/approve`, ...options });
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
    return (await (await this.#transport.call(call)).json()) as T;
  }
}

const filePath = (id: string): string => `files/${encodeURIComponent(id)}`;
