/**
 * Stages a small file of alerts through the real reader, and sends it by the real activities to a real HTTP server that answers as
 * scripted and remembers what it accepted: the witness outside. Time is a clock that tests move.
 */
import { createHash, randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { createReadChunks } from '../../activities/read-chunks.ts';
import type { SendDependencies } from '../../activities/send-activity.ts';
import { createSendAlert } from '../../activities/send-alert.ts';
import { createSendAlerts } from '../../activities/send-alerts.ts';
import type { Clock } from '../../src/clock.ts';
import { systemClock } from '../../src/clock.ts';
import type { Answer, Verdict } from '../../src/domain/answers.ts';
import type { SendAlertInput, SendAlertsInput, WindowResult } from '../../src/domain/contracts.ts';
import type { Endpoint } from '../../src/domain/endpoint.ts';
import { DEFAULT_RETRY_POLICY } from '../../src/domain/endpoint.ts';
import type { ParseOptions } from '../../src/domain/parse-options.ts';
import { DEFAULT_PARSE_OPTIONS, parseKey } from '../../src/domain/parse-options.ts';
import type { EndpointClient } from '../../src/endpoint/endpoint-client.ts';
import { createEndpointClient } from '../../src/endpoint/endpoint-client.ts';
import { EndpointSession } from '../../src/endpoint/endpoint-session.ts';
import { Pacer } from '../../src/endpoint/pacer.ts';
import { RateLease } from '../../src/endpoint/rate-lease.ts';
import { settleDeliveryRecord, settleOptions } from '../../src/store/delivery-record.ts';
import { FolderLedgers } from '../../src/store/folder-ledger.ts';
import { FolderStore } from '../../src/store/folder-store.ts';
import { contentKey } from '../../src/store/layout.ts';
import { beginRound } from '../../src/store/rounds.ts';
import { writeStagedFile } from '../../src/store/staged-file.ts';
import type { JournalStore, Store } from '../../src/store/store.ts';

/** `accepted, …`: the alert was taken, and the sender does not learn of it. `reset`, `silence`: it was not taken. */
export type Reply =
  | number
  | { readonly status: number; readonly headers: Readonly<Record<string, string>> }
  | 'reset'
  | 'silence'
  | 'accepted, reset'
  | 'accepted, silence';

export interface Witnessed {
  readonly line: number;
  readonly accepted: boolean;
}

export class ScriptedReceiver {
  readonly log: Witnessed[] = [];
  /** Whoever got an alert, in order, as often as that. */
  readonly alerted: string[] = [];
  /** What to answer; asked once a request. */
  script: (line: number, times: number) => Reply | Promise<Reply> = () => 200;
  readonly #server = createServer((request, response) => void this.#handle(request, response));

  static async start(): Promise<ScriptedReceiver> {
    const receiver = new ScriptedReceiver();
    await new Promise<void>((resolve) => receiver.#server.listen(0, '127.0.0.1', resolve));
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/hook`;
  }

  /** How often each line was accepted. */
  get accepted(): Map<number, number> {
    const counts = new Map<number, number>();
    for (const { line, accepted } of this.log) if (accepted) counts.set(line, (counts.get(line) ?? 0) + 1);
    return counts;
  }

  requestsOf(line: number): number {
    return this.log.filter((entry) => entry.line === line).length;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const piece of request.on('error', () => undefined)) body += String(piece);
    const line = Number(String(request.headers['webhook-id']).split('_').at(-1));
    const reply = await this.script(line, this.requestsOf(line) + 1);
    const status = typeof reply === 'object' ? reply.status : reply;
    const accepted = typeof status === 'number' ? status >= 200 && status <= 299 : status.startsWith('accepted');
    this.log.push({ line, accepted });
    if (accepted) this.alerted.push((JSON.parse(body) as { userId: string }).userId);
    if (typeof status === 'number') response.writeHead(status, typeof reply === 'object' ? reply.headers : {}).end();
    else if (status.endsWith('reset')) request.socket.destroy();
  }
}

export interface StagedAlerts {
  readonly root: string;
  readonly store: FolderStore;
  readonly storeFolder: string;
  readonly sha256: string;
  readonly parse: ParseOptions;
  readonly windows: readonly WindowResult[];
  /** Of the alerts, in the order of the file. */
  readonly lines: readonly number[];
  remove(): Promise<void>;
}

/** A file of `count` alerts; `extraRows` are appended as they are. */
export async function stageAlerts(
  count: number,
  options: { readonly chunkSize?: number; readonly extraRows?: string; readonly user?: (line: number) => string } = {},
): Promise<StagedAlerts> {
  const root = await mkdtemp(join(tmpdir(), 'wds-delivery-'));
  const storeFolder = join(root, 'store');
  const store = new FolderStore(storeFolder);
  const parse: ParseOptions = { ...DEFAULT_PARSE_OPTIONS, format: 'csv', chunkSize: options.chunkSize ?? 1_000 };
  const lines = Array.from({ length: count }, (_, index) => index + 2);
  const user = options.user ?? ((line: number) => `user-${line}`);
  const rows = lines.map((line) => `${user(line)},hello ${line}\n`).join('');
  const content = `userId,alertMessage\n${rows}${options.extraRows ?? ''}`;
  const { sha256, window } = await stageContent(store, parse, content);
  const remove = () => rm(root, { recursive: true, force: true });
  return { root, store, storeFolder, sha256, parse, windows: [window], lines, remove };
}

/** A file of this content, read, submitted, and with a round begun. */
export async function stageContent(
  store: Store,
  parse: ParseOptions,
  content: string,
): Promise<{ readonly sha256: string; readonly window: WindowResult }> {
  const sha256 = createHash('sha256').update(content).digest('hex');
  await store.put(contentKey(sha256), content);
  const bytes = Buffer.byteLength(content);
  const dropped = { name: 'alerts.csv', format: 'csv', gzip: false, stagedAt: new Date(0).toISOString() } as const;
  await writeStagedFile(store, { ...dropped, sha256, sizeBytes: bytes, contentBytes: bytes });
  const { readChunks } = createReadChunks({ store, heartbeat: () => undefined, cancellation: () => undefined });
  const window = await readChunks({ sha256, parse, window: 1, cursor: null, windowRows: 500_000 });
  const of = { sha256, endpoint: 'test', fileName: 'alerts.csv', workflowId: 'w', firstSubmittedAt: '' };
  await settleDeliveryRecord(store, { ...of, parse });
  await settleOptions(store, of, parse);
  await nextRound(store, sha256);
  return { sha256, window };
}

/** Begins the next try at the file, as a new run of its workflow would; returns its number. */
export async function nextRound(store: Store, sha256: string): Promise<number> {
  const of = { sha256, endpoint: 'test' };
  return (await beginRound(store, of, { runId: randomUUID(), begunAt: new Date().toISOString() })).round;
}

export function batchInput(staged: StagedAlerts, changes: Partial<SendAlertsInput> = {}): SendAlertsInput {
  const { sha256, parse, lines } = staged;
  const chunk = changes.chunk ?? 1;
  const to = Math.min(parse.chunkSize, lines.length - (chunk - 1) * parse.chunkSize);
  const place = { sha256, endpoint: 'test', parseKey: parseKey(parse), window: 1, chunk, from: 0, to };
  const rest = { round: 1, reopenUnconfirmed: false, maxHandover: 5 };
  const visit = { endpointLost: false, closing: false };
  return { ...place, ...rest, ...visit, ...changes };
}

export function alertInput(staged: StagedAlerts, line: number, changes: Partial<SendAlertInput> = {}): SendAlertInput {
  const chunk = Math.floor(staged.lines.indexOf(line) / staged.parse.chunkSize) + 1;
  const { from: _from, to: _to, maxHandover: _most, closing: _closing, ...rest } = batchInput(staged, { chunk });
  return { ...rest, line, ...changes };
}

/** A clock that runs, and jumps when it is told to: time passes for everybody, but timers go on as they were. */
export class MovableClock implements Clock {
  #aheadMs = 0;
  readonly now = (): number => performance.now() + this.#aheadMs;
  readonly wallMs = (): number => Date.now() + this.#aheadMs;
  readonly after = systemClock.after;
  readonly soon = systemClock.soon;
  advance(ms: number): void {
    this.#aheadMs += ms;
  }
}

export interface WorkerOptions {
  readonly url: string;
  readonly store: JournalStore;
  readonly clock: MovableClock;
  readonly ownStore?: SendDependencies['ownStore'];
  readonly endpoint?: Partial<Endpoint>;
  readonly ratePerSecond?: number;
  readonly wrapClient?: (client: EndpointClient) => EndpointClient;
  /** The run of the machine. */
  readonly boot?: string;
}

/** Lends the same rate for ever; brakes for a Retry-After as the real one does. */
class FixedLease extends RateLease {
  readonly #pacer: Pacer;

  constructor(pacer: Pacer, ratePerSecond: number) {
    const ask = () => Promise.reject(new Error('nobody is asked'));
    super({ pacer, workerId: 'test', ask, random: () => 0.5, maxPauseMs: 3_600_000, onTrouble: () => undefined });
    this.#pacer = pacer;
    pacer.lend([{ fromMs: Number.NEGATIVE_INFINITY, toMs: Number.POSITIVE_INFINITY, ratePerSecond }]);
  }

  override demand(): void {}

  override took(_answer: Answer, verdict: Verdict): void {
    if (verdict.kind !== 'throttled' || verdict.retryAfterMs === undefined) return;
    this.#pacer.restrain({ untilMs: performance.now() + verdict.retryAfterMs, capPerSecond: null });
  }
}

/** What a worker process is to its activities: one session, and the scope of the activity that runs. */
export class TestWorker {
  readonly session: EndpointSession;
  readonly pacer: Pacer;
  readonly dependencies: SendDependencies;
  readonly sendAlerts: ReturnType<typeof createSendAlerts>;
  readonly sendAlert: ReturnType<typeof createSendAlert>;
  readonly cancellation = new AbortController();
  readonly #client: EndpointClient;
  attempt = 1;
  /** Nobody is, unless a test says so. */
  suppressed: SendDependencies['suppressed'] = async () => undefined;

  constructor(options: WorkerOptions) {
    const { url, store, clock, endpoint = {}, ratePerSecond, wrapClient, boot = 'this run' } = options;
    const { ownStore = { confirm: async () => undefined } } = options;
    const compiled: Endpoint = {
      ...({
        name: 'test',
        url,
        rate: ratePerSecond ?? 'unlimited',
        burst: 0,
        ambiguous: 'resend',
        timeoutMs: 5_000,
      } as const),
      ...{
        maximumUnanswered: 3,
        maxConnections: 8,
        secrets: [],
        idempotencyKey: 'quoted',
        headers: {},
        maxRetryAfterMs: 3_600_000,
      },
      ...{ retry: DEFAULT_RETRY_POLICY, ...endpoint },
    };
    this.#client = createEndpointClient(compiled);
    this.pacer = new Pacer();
    const lease = new FixedLease(this.pacer, ratePerSecond ?? Number.POSITIVE_INFINITY);
    this.session = new EndpointSession({
      endpoint: compiled,
      client: wrapClient?.(this.#client) ?? this.#client,
      pacer: this.pacer,
      lease,
      clock,
    });
    this.dependencies = {
      store,
      ledgers: new FolderLedgers({ store, clock, boot }),
      ownStore,
      session: (name) => (name === 'test' ? this.session : undefined),
      scope: () => ({
        attempt: this.attempt,
        cancellationSignal: this.cancellation.signal,
        heartbeat: () => undefined,
      }),
      suppressed: (file) => this.suppressed(file),
      clock,
      random: () => 0.5,
    };
    this.sendAlerts = createSendAlerts(this.dependencies);
    this.sendAlert = createSendAlert(this.dependencies);
  }

  /** Cuts all connections. */
  async kill(): Promise<void> {
    await this.#client.destroy();
  }
}

/** The failure of a promise that must fail, with the fields of an ApplicationFailure where it is one. */
export async function failureOf(promise: Promise<unknown>): Promise<
  Error & {
    readonly type?: string | null;
    readonly nonRetryable?: boolean | null;
    readonly nextRetryDelay?: unknown;
    readonly category?: unknown;
  }
> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error('it did not fail');
}

/** Records of a CSV report, by its header. */
export async function csvRecords(path: string): Promise<Record<string, string>[]> {
  return parse(await readFile(path), { columns: true, bom: true }) as Record<string, string>[];
}
