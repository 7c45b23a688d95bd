/** The parts of wds that run until they are stopped: the workers and the watchers of one process. */
import { columnsFor } from '../config/settings.ts';
import type { Endpoint } from '../domain/endpoint.ts';
import { fileWorkflowId } from '../domain/names.ts';
import { watchBucket } from '../intake/bucket/bucket-watcher.ts';
import type { DiskGuard } from '../intake/disk-guard.ts';
import type { Submission } from '../intake/takers.ts';
import { termsOf } from '../intake/terms.ts';
import { COUNTED_MS } from '../intake/under-way.ts';
import type { InboxOptions, Watcher } from '../intake/watch-options.ts';
import { watchInbox } from '../intake/watcher.ts';
import { OK } from '../monitoring/readiness.ts';
import { openBucket } from '../store/s3/s3-bucket.ts';
import type { Installation } from '../temporal/installation.ts';
import type { AppContext, UnderWayObserver } from './app.ts';
import { watchDisk } from './disk-watch.ts';
import { inboxAnswer } from './inbox-answer.ts';
import { showInbox, showInstallation } from './installation-figures.ts';
import { pruneForEver } from './keeping/auto-prune.ts';
import { houseOf, originalsOf } from './keeping/house-of.ts';
import { MissingWorkers } from './missing-workers.ts';
import type { Route } from './routes.ts';
import { endpointsOf } from './routes.ts';
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
  readonly #watchers: Watcher[] = [];

  constructor(context: AppContext, installation: Installation) {
    this.#context = context;
    this.#installation = installation;
    this.#guard = storeGuard(context.settings);
  }

  /** For endpoints that were claimed. */
  async startWorkers(endpoints: readonly Endpoint[]): Promise<void> {
    const installation = this.#installation;
    const alerts = endpoints.map((endpoint) => installation.startAlertsWorker(endpoint));
    await Promise.all([installation.startFilesWorker(), ...alerts]);
    this.#watchDisk();
  }

  /** One that stays: it keeps the home in order, too. */
  async startFilesWorker(): Promise<void> {
    await this.#installation.startFilesWorker();
    this.#prune([]);
    this.#watchDisk();
  }

  #watchDisk(): void {
    const { notices } = this.#installation;
    const { settings } = this.#context;
    if (!notices.wanted) return;
    void watchDisk({ settings, signal: this.#closing.signal, tell: (notice) => notices.tell(notice) });
  }

  /** Without inboxes: what was dropped is left to those who watch them. */
  #prune(routes: readonly Route[]): void {
    const { settings, logger } = this.#context;
    const house = { ...houseOf(this.#installation), inboxes: routes.flatMap(originalsOf) };
    void pruneForEver({ house, settings, logger, signal: this.#closing.signal });
  }

  /** Resolves when the first scan of each inbox is done. */
  async startWatchers(routes: readonly Route[]): Promise<void> {
    for (const endpoint of endpointsOf(routes)) await this.#installation.claimEndpoint(endpoint);
    const { metrics, readiness } = this.#context.monitoring;
    readiness.add('inbox', () => (this.watching ? (this.paused ?? OK) : INBOX_FAILS));
    showInstallation(metrics, this.#installation);
    await Promise.all(routes.map((route) => this.#startWatcher(route)));
    this.#prune(routes);
  }

  async #startWatcher(route: Route): Promise<void> {
    const { inbox, folder, bucket, endpoints } = route;
    const { settings } = this.#context;
    const { watch, sidecar } = settings;
    const options = this.#inboxOptions(endpoints);
    const takers = endpoints.map((endpoint) => ({
      endpoint: endpoint.name,
      submit: async (submission: Submission) => (await submitFile(this.#installation, endpoint, submission)).outcome,
    }));
    const settle = { seenMs: settings.settleMs, unseenMs: settings.blindSettleMs };
    const ofFolder = { inbox: folder, header: settings.parse.header, sidecar, watch, settle };
    const opened = bucket === undefined ? undefined : await openBucket(bucket);
    // With a bucket: what the API has taken.
    const ready = [this.#started(folder, watchInbox({ ...options, ...ofFolder }, takers))];
    if (opened !== undefined) ready.push(this.#started(inbox, watchBucket({ ...options, bucket: opened }, takers)));
    await Promise.all(ready);
  }

  #inboxOptions(endpoints: readonly Endpoint[]): InboxOptions {
    const { settings, logger } = this.#context;
    const installation = this.#installation;
    const { maxInvalid } = settings.statedDelivery;
    const names = endpoints.map(({ name }) => name);
    return {
      store: installation.store,
      maxExpandedBytes: settings.maxExpandedBytes,
      maxFileBytes: settings.maxFileBytes,
      guard: this.#guard,
      log: logger,
      terms: termsOf(endpoints, { ...settings.parse, ...columnsFor(endpoints), maxInvalid }),
      scanIntervalMs: settings.scanIntervalMs,
      results: settings.results,
      untilEnded: async ({ staged }) => {
        const signal = AbortSignal.any([AbortSignal.timeout(COUNTED_MS), this.#closing.signal]);
        const ids = names.map((name) => fileWorkflowId(staged.sha256, name));
        await Promise.allSettled(ids.map((id) => installation.deliveries.untilEnded(id, signal)));
      },
      answerOf: (submission) => inboxAnswer(installation, names, submission, this.#closing.signal),
    };
  }

  #started(place: string, watcher: Watcher): Promise<void> {
    this.#watchers.push(watcher);
    showInbox(this.#context.monitoring.metrics, place, () => watcher.status());
    return watcher.ready;
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

  /** The watchers run, and nothing that they do fails. */
  get watching(): boolean {
    return this.#watchers.length > 0 && this.#watchers.every((watcher) => !watcher.status().failing);
  }

  /** Why one takes no file though nothing fails; undefined: all take them. */
  get paused(): string | undefined {
    return this.#watchers.map((watcher) => watcher.status().paused).find((paused) => paused !== undefined);
  }

  /** Resolves at the first Ctrl-C; rejects when a worker fails, or the process cannot go on. */
  async untilStopped(): Promise<void> {
    const { signal } = this.#context;
    if (signal.aborted) return;
    const stopped = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    const { workersEnded, lost } = this.#installation;
    const { readiness } = this.#context.monitoring;
    readiness.begun();
    const ends = [lost, ...this.#watchers.map(({ ended }) => ended)];
    await Promise.race([stopped, workersEnded.then(() => stopped), ...ends]).finally(() => readiness.ends());
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all(this.#watchers.map((watcher) => watcher.close()));
  }
}
