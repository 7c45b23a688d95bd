/** The parts of wds that run until they are stopped: the workers and the watcher of one process. */
import type { Endpoint } from '../domain/endpoint.ts';
import { fileWorkflowId } from '../domain/names.ts';
import type { DiskGuard } from '../intake/disk-guard.ts';
import { termsOf } from '../intake/terms.ts';
import { COUNTED_MS } from '../intake/under-way.ts';
import type { Watcher } from '../intake/watch-options.ts';
import { watchInbox } from '../intake/watcher.ts';
import { OK } from '../monitoring/readiness.ts';
import type { Installation } from '../temporal/installation.ts';
import type { AppContext, UnderWayObserver } from './app.ts';
import { inboxAnswer } from './inbox-answer.ts';
import { pruneForEver } from './keeping/auto-prune.ts';
import { houseOf } from './keeping/house-of.ts';
import { MissingWorkers } from './missing-workers.ts';
import { storeGuard } from './store-guard.ts';
import { submitFile } from './submit-file.ts';
import { watchUnderWay } from './under-way.ts';

const LOOK_FOR_WORKERS_MS = 2_000;
const INBOX_FAILS = 'the watcher cannot do some of its work at present';

export class Services {
  readonly #context: AppContext;
  readonly #installation: Installation;
  readonly #closing = new AbortController();
  /** Of the disk of the store. */
  readonly #guard: DiskGuard;
  #watcher: Watcher | undefined;

  constructor(context: AppContext, installation: Installation) {
    this.#context = context;
    this.#installation = installation;
    this.#guard = storeGuard(context.settings);
  }

  async startWorkers(endpoint: Endpoint): Promise<void> {
    const installation = this.#installation;
    await Promise.all([installation.startFilesWorker(), installation.startAlertsWorker(endpoint)]);
  }

  /** One that stays: it keeps the home in order, too. */
  async startFilesWorker(): Promise<void> {
    await this.#installation.startFilesWorker();
    this.#prune(undefined);
  }

  /** Without an inbox: what was dropped is left to those who watch it. */
  #prune(inbox: string | undefined): void {
    const { settings, logger } = this.#context;
    const house = { ...houseOf(this.#installation), inbox };
    void pruneForEver({ house, settings, logger, signal: this.#closing.signal });
  }

  /** Resolves when the first scan of the inbox is done. */
  async startWatcher(endpoint: Endpoint): Promise<void> {
    const { settings, logger } = this.#context;
    const installation = this.#installation;
    await installation.claimEndpoint(endpoint);
    const watcher = watchInbox(
      {
        inbox: settings.inbox,
        store: installation.store,
        maxExpandedBytes: settings.maxExpandedBytes,
        maxFileBytes: settings.maxFileBytes,
        guard: this.#guard,
        log: logger,
        endpoint: endpoint.name,
        terms: termsOf(endpoint, { ...settings.parse, maxInvalid: settings.statedDelivery.maxInvalid }),
        header: settings.parse.header,
        sidecar: settings.sidecar,
        scanIntervalMs: settings.scanIntervalMs,
        settle: { seenMs: settings.settleMs, unseenMs: settings.blindSettleMs },
        results: settings.results,
        untilEnded: async ({ staged }) => {
          const signal = AbortSignal.any([AbortSignal.timeout(COUNTED_MS), this.#closing.signal]);
          await installation.deliveries.untilEnded(fileWorkflowId(staged.sha256, endpoint.name), signal);
        },
        answerOf: (submission) => inboxAnswer(installation, endpoint.name, submission, this.#closing.signal),
      },
      async (submission) => (await submitFile(installation, endpoint, submission)).outcome,
    );
    this.#watcher = watcher;
    this.#context.monitoring.readiness.add('inbox', () => (this.watching ? (this.paused ?? OK) : INBOX_FAILS));
    await watcher.ready;
    this.#prune(settings.inbox);
  }

  /** Looks on at all files that are under way, until this process stops. */
  lookOn(observer: UnderWayObserver, everyMs: number): void {
    const signal = AbortSignal.any([this.#context.signal, this.#closing.signal]);
    void watchUnderWay(this.#installation, observer, { everyMs, signal });
  }

  /** Whoever only watches has no workers of its own: the log says when nobody does the work. */
  tellOfMissingWorkers(): void {
    this.lookOn(new MissingWorkers(this.#context.logger), LOOK_FOR_WORKERS_MS);
  }

  /** The watcher runs, and nothing that it does fails. */
  get watching(): boolean {
    return this.#watcher?.status().failing === false;
  }

  /** Why it takes no file though nothing fails; undefined: it takes them. */
  get paused(): string | undefined {
    return this.#watcher?.status().paused;
  }

  /** Resolves at the first Ctrl-C; rejects when a worker fails, or the process cannot go on. */
  async untilStopped(): Promise<void> {
    const { signal } = this.#context;
    if (signal.aborted) return;
    const stopped = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    const { workersEnded, lost } = this.#installation;
    const { readiness } = this.#context.monitoring;
    readiness.begun();
    await Promise.race([stopped, workersEnded.then(() => stopped), lost, this.#watcher?.ended ?? stopped]).finally(() =>
      readiness.ends(),
    );
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#watcher?.close();
  }
}
