/** The application behind the commands, on Temporal: what each command brings up, does, and leaves behind. */
import { basename } from 'node:path';
import { deliveryTo } from '../config/settings.ts';
import type { Endpoint } from '../domain/endpoint.ts';
import { Fault } from '../domain/failure.ts';
import { detectFormat } from '../formats/detect.ts';
import { stageForSending } from '../intake/stage.ts';
import type { Watcher } from '../intake/watcher.ts';
import { watchInbox } from '../intake/watcher.ts';
import type { DeliveryRecord } from '../store/delivery-record.ts';
import type { DeliveryEnd, Submitted } from '../temporal/file-deliveries.ts';
import { Installation } from '../temporal/installation.ts';
import { ensureSearchAttributes } from '../temporal/search-attributes.ts';
import type {
  App,
  AppContext,
  CreateApp,
  DeliveryObserver,
  FileEnd,
  FileResult,
  InitResult,
  ReportedFile,
  RetryOptions,
  StatusReport,
  UpOptions,
  WorkerRole,
} from './app.ts';
import { findDelivery, findRetryable, readStatus, reportDelivery } from './inspection.ts';
import { runUp } from './up.ts';

export const createApp: CreateApp = async (context) => new TemporalApp(context);

interface WaitOptions {
  readonly observer: DeliveryObserver;
  readonly deadlineMs: number | undefined;
}

export class TemporalApp implements App {
  readonly context: AppContext;
  #installation: Installation | undefined;
  #watcher: Watcher | undefined;
  #closed: Promise<void> | undefined;

  constructor(context: AppContext) {
    this.context = context;
  }

  async installation(): Promise<Installation> {
    const { settings, logger, messages } = this.context;
    this.#installation ??= await Installation.open({ settings, logger, say: (text) => messages.message(text) });
    return this.#installation;
  }

  async up(options: UpOptions): Promise<void> {
    await runUp(this, options);
  }

  async watch(): Promise<void> {
    const { settings, messages } = this.context;
    await this.startWatcher(this.#endpoint());
    messages.message(`Watching ${settings.inbox}`);
    await this.untilStopped();
  }

  async worker(role: WorkerRole): Promise<void> {
    const installation = await this.installation();
    if (role !== 'alerts') await installation.startFilesWorker();
    if (role !== 'files') await installation.startAlertsWorker(this.#endpoint());
    const { address } = installation.temporal;
    this.context.messages.message(`Worker (${role}) is running, Temporal at ${address}`);
    await this.untilStopped();
  }

  async send(files: readonly string[], options: WaitOptions): Promise<readonly FileEnd[]> {
    const endpoint = this.#endpoint();
    const { embedded } = await this.installation();
    if (embedded) await this.startWorkers(endpoint);
    return this.deliver(files, endpoint, options);
  }

  /** Submits and follows; the workers are there, or somebody else's. */
  async deliver(files: readonly string[], endpoint: Endpoint, options: WaitOptions): Promise<readonly FileEnd[]> {
    const installation = await this.installation();
    const deadline = stopWaiting(this.context.signal, options.deadlineMs);
    const ends = files.map(async (file): Promise<FileEnd> => {
      const end = await this.#sendFile(installation, endpoint, file, options.observer, deadline);
      options.observer.ended(end);
      return end;
    });
    return Promise.all(ends);
  }

  async retry(file: string | undefined, options: RetryOptions): Promise<readonly FileEnd[]> {
    const installation = await this.installation();
    const records =
      file === undefined
        ? await findRetryable(installation)
        : [await findDelivery(installation, file, this.#endpointName())];
    if (records.length === 0) return [];
    const endpoint = this.#endpoint();
    const foreign = records.find((record) => record.endpoint !== endpoint.name);
    if (foreign !== undefined && file !== undefined) throw otherEndpoint(foreign, endpoint);
    if (installation.embedded) await this.startWorkers(endpoint);
    const deadline = stopWaiting(this.context.signal, options.deadlineMs);
    const ends = records
      .filter((record) => record.endpoint === endpoint.name)
      .map(async (record): Promise<FileEnd> => {
        const startedMs = performance.now();
        const delivery = deliveryTo(endpoint, installation.settings.statedDelivery);
        const submitted = await installation.deliveries.start(record, delivery, options.unconfirmed);
        const end = await this.#follow(
          installation,
          record.fileName,
          record.sha256,
          submitted,
          startedMs,
          options.observer,
          deadline,
        );
        options.observer.ended(end);
        return end;
      });
    return Promise.all(ends);
  }

  async status(options: { readonly limit: number }): Promise<StatusReport> {
    return readStatus(await this.installation(), options.limit);
  }

  async report(file: string): Promise<ReportedFile> {
    const installation = await this.installation();
    return reportDelivery(installation, await findDelivery(installation, file, this.#endpointName()));
  }

  async init(): Promise<InitResult> {
    const { temporal } = await this.installation();
    const before = await ensureSearchAttributes(temporal.connection, temporal.namespace);
    if (before.missing.length > 0) {
      throw new Fault(
        'temporal_unreachable',
        `search attributes ${before.missing.join(', ')} could not be registered: ${before.reason ?? 'refused'}`,
        "Register them with your cluster's own tool (Temporal Cloud: tcld, or its web page). wds works without them.",
      );
    }
    return { registered: before.usable, alreadyThere: [] };
  }

  interruptNotice(): string {
    return this.#installation?.embedded === false
      ? "What was submitted goes on: the delivery is the workers' work."
      : 'Deliveries pause here and go on at the next start.';
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await this.#watcher?.close();
    await this.#installation?.close();
  }

  async startWatcher(endpoint: Endpoint): Promise<void> {
    const installation = await this.installation();
    const { settings, logger } = this.context;
    const watcher = watchInbox(
      {
        inbox: settings.inbox,
        store: installation.store,
        maxExpandedBytes: settings.maxExpandedBytes,
        log: logger,
        endpoint: endpoint.name,
        scanIntervalMs: settings.scanIntervalMs,
        settle: { seenMs: settings.settleMs, unseenMs: settings.blindSettleMs },
      },
      async ({ staged, fileName }) => {
        const request = {
          staged,
          fileName,
          endpoint: endpoint.name,
          parse: settings.parse,
          delivery: deliveryTo(endpoint, settings.statedDelivery),
        };
        return (await installation.deliveries.submit(request)).outcome;
      },
    );
    this.#watcher = watcher;
    await watcher.ready;
  }

  /** Resolves at the first Ctrl-C; rejects when a worker fails. */
  async untilStopped(): Promise<void> {
    const { signal } = this.context;
    if (signal.aborted) return;
    const stopped = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    const failed = this.#installation?.workersEnded.then(() => stopped) ?? stopped;
    await Promise.race([stopped, failed]);
  }

  #endpointName(): string | undefined {
    return this.context.settings.endpoint?.name;
  }

  #endpoint(): Endpoint {
    const { endpoint } = this.context.settings;
    if (endpoint === undefined) {
      throw new Fault('config', 'no endpoint is configured', 'Give --url URL, or endpoint.url in wds.config.yaml.');
    }
    return endpoint;
  }

  async startWorkers(endpoint: Endpoint): Promise<void> {
    const installation = await this.installation();
    await Promise.all([installation.startFilesWorker(), installation.startAlertsWorker(endpoint)]);
  }

  async #sendFile(
    installation: Installation,
    endpoint: Endpoint,
    file: string,
    observer: DeliveryObserver,
    deadline: StopWaiting,
  ): Promise<FileEnd> {
    const startedMs = performance.now();
    const { settings } = this.context;
    try {
      const kind = detectFormat(basename(file));
      if (kind === undefined) {
        throw new Fault(
          'unsupported_file',
          `${file} is not a kind of file that wds reads`,
          'Give it one of the extensions .csv, .ndjson, .jsonl, .json, each also with .gz.',
        );
      }
      const staged = await stageForSending(installation.store, file, {
        ...kind,
        name: basename(file),
        maxExpandedBytes: settings.maxExpandedBytes,
      });
      const submitted = await installation.deliveries.submit({
        staged,
        fileName: basename(file),
        endpoint: endpoint.name,
        parse: settings.parse,
        delivery: deliveryTo(endpoint, settings.statedDelivery),
      });
      return await this.#follow(installation, file, staged.sha256, submitted, startedMs, observer, deadline);
    } catch (error) {
      return { kind: 'failed', file, fault: error as Error };
    }
  }

  async #follow(
    installation: Installation,
    file: string,
    sha256: string,
    submitted: Submitted,
    startedMs: number,
    observer: DeliveryObserver,
    deadline: StopWaiting,
  ): Promise<FileEnd> {
    const { workflowId, outcome } = submitted;
    const end = await installation.deliveries.follow(workflowId, {
      onProgress: (progress) => observer.progress({ file, progress }),
      signal: deadline.signal,
    });
    const seconds = Math.round(performance.now() - startedMs) / 1_000;
    return fileEnd(end, { file, sha256, workflowId, seconds }, outcome === 'already_delivered', deadline);
  }
}

type Frame = Pick<FileResult, 'file' | 'sha256' | 'workflowId' | 'seconds'>;

function fileEnd(end: DeliveryEnd, frame: Frame, alreadyDelivered: boolean, deadline: StopWaiting): FileEnd {
  switch (end.kind) {
    case 'failed':
      return { kind: 'failed', file: frame.file, fault: end.fault };
    case 'ended':
      return { kind: 'ended', result: { ...end.summary, ...frame }, alreadyDelivered };
    case 'stopped_waiting': {
      const counts = end.progress?.counts ?? NO_COUNTS;
      return { kind: 'running', result: { ...counts, ...frame, reportDir: '' }, why: deadline.why() };
    }
  }
}

const NO_COUNTS = {
  rows: 0,
  alerts: 0,
  delivered: 0,
  rejected: 0,
  undelivered: 0,
  unconfirmed: 0,
  invalid: 0,
  duplicates: 0,
};

interface StopWaiting {
  readonly signal: AbortSignal;
  why(): 'deadline' | 'interrupted';
}

function stopWaiting(interrupted: AbortSignal, deadlineMs: number | undefined): StopWaiting {
  const signal =
    deadlineMs === undefined ? interrupted : AbortSignal.any([interrupted, AbortSignal.timeout(deadlineMs)]);
  return { signal, why: () => (interrupted.aborted ? 'interrupted' : 'deadline') };
}

function otherEndpoint(record: DeliveryRecord, endpoint: Endpoint): Fault {
  return new Fault(
    'not_found',
    `${record.fileName} was delivered to endpoint ${record.endpoint}; this command is configured for ${endpoint.name}`,
    'Give the URL, or the configuration, of that endpoint.',
  );
}
