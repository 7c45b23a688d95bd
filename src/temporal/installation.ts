/**
 * One installation of wds as a process sees it: the store of its home, the Temporal service it talks to, and the workers it runs. Where no
 * service is configured, the embedded dev server of the home is started, or attached to.
 */
import { mkdir } from 'node:fs/promises';
import type { Logger } from 'pino';
import type { Settings } from '../config/settings.ts';
import { DEFAULT_TIMEOUT_MS, deliveryTo } from '../config/settings.ts';
import { startDevServer } from '../dev-server/dev-server.ts';
import type { SharedServer } from '../dev-server/shared-server.ts';
import type { Endpoint } from '../domain/endpoint.ts';
import type { GovernorConfig } from '../domain/governor/contract.ts';
import { serverMark } from '../domain/names.ts';
import { Monitoring } from '../monitoring/monitoring.ts';
import { settleEndpointName } from '../store/endpoint-names.ts';
import { OwnStore, settleInstallationId } from '../store/installation-identity.ts';
import type { Ledgers } from '../store/ledger.ts';
import type { OpenedStore } from '../store/open-store.ts';
import { openStore } from '../store/open-store.ts';
import type { ReportShelf } from '../store/report-shelf.ts';
import type { SavedUsers } from '../store/scan-users.ts';
import type { Store } from '../store/store.ts';
import type { StoredParts } from '../store/stored-parts.ts';
import type { AccessWatch } from './access-watch.ts';
import { watchAccess } from './access-watch.ts';
import type { AlertsWorker } from './alerts-worker.ts';
import type { TemporalConnection, TemporalTarget } from './connection.ts';
import { connect, devServerTarget, temporalTarget } from './connection.ts';
import { EndpointOwners } from './endpoint-owners.ts';
import { FileDeliveries } from './file-deliveries.ts';
import { governedBy } from './governor-client.ts';
import { Notices } from './notices.ts';
import { isThisHost } from './press.ts';
import { addChecks } from './readiness-checks.ts';
import { findSearchAttributes } from './search-attributes.ts';
import { watchServiceCredentials } from './service-credentials.ts';
import { stopWorkers } from './stop-workers.ts';
import { watchStore } from './store-watch.ts';
import { StuckWorkflows, stuckBy } from './stuck-workflows.ts';
import type { RunningWorker, WorkerContext } from './worker.ts';
import { WorkerConnection } from './worker-connection.ts';

const STOPPED_UNHEARD =
  'stopped without Temporal, which does not answer: what was done is in the receipts, and other workers go on from there';

export interface InstallationOptions {
  readonly settings: Settings;
  readonly logger: Logger;
  /** Absent: nobody looks. */
  readonly monitoring?: Monitoring;
  /** One line for a person. */
  readonly say: (text: string) => void;
  /** Absent: this process sends nothing. */
  readonly suppressed?: WorkerContext['suppressed'];
}

export class Installation {
  readonly settings: Settings;
  readonly store: Store;
  readonly ownStore: OwnStore;
  /** For people. */
  readonly storePlace: string;
  readonly ledgers: Ledgers;
  readonly users: SavedUsers;
  readonly reports: ReportShelf;
  readonly parts: StoredParts;
  readonly temporal: TemporalConnection;
  readonly deliveries: FileDeliveries;
  readonly notices: Notices;
  readonly monitoring: Monitoring;
  readonly access: AccessWatch;
  readonly owners: EndpointOwners;
  readonly devServer: SharedServer | undefined;
  /** Rejects if this process cannot go on, and would if it were started again. */
  readonly lost: Promise<never>;
  #target: TemporalTarget;
  readonly #refused = new Set<string>();
  readonly #logger: Logger;
  readonly #suppressed: WorkerContext['suppressed'];
  readonly #filesWorkers: RunningWorker[] = [];
  readonly #alertsWorkers: AlertsWorker[] = [];
  readonly #closing = new AbortController();
  #native: Promise<WorkerConnection> | undefined;

  private constructor(
    options: InstallationOptions,
    { store, ledgers, users, reports, parts, place }: OpenedStore,
    ownStore: OwnStore,
    target: TemporalTarget,
    temporal: TemporalConnection,
    devServer: SharedServer | undefined,
    searchAttributes: boolean,
  ) {
    this.settings = options.settings;
    this.#logger = options.logger;
    this.monitoring = options.monitoring ?? new Monitoring();
    this.#suppressed = options.suppressed ?? (() => Promise.reject(new Error('this process was not to send anything')));
    this.#target = target;
    this.temporal = temporal;
    this.devServer = devServer;
    const replaced = watchStore(ownStore, this.#closing.signal);
    this.lost = Promise.race([replaced, ...(devServer === undefined ? [] : [devServer.moved])]).then((fault) => {
      throw fault;
    });
    this.lost.catch(() => undefined);
    this.store = store;
    this.ledgers = ledgers;
    this.ownStore = ownStore;
    this.storePlace = place;
    this.users = users;
    this.reports = reports;
    this.parts = parts;
    const { client } = temporal;
    this.access = watchAccess(temporal, this.monitoring, options.logger);
    const { home } = options.settings;
    addChecks(this.monitoring.readiness, { temporal, access: this.access, ownStore, home });
    this.owners = new EndpointOwners(
      client,
      ownStore.installation,
      options.settings.store === undefined ? home : place,
    );
    const { owners } = this;
    const sameClock = devServer !== undefined || isThisHost(target.address);
    this.notices = new Notices({
      client,
      logger: options.logger,
      installation: ownStore.installation,
      notify: options.settings.notify,
    });
    this.deliveries = new FileDeliveries({ client, store, ownStore, owners, searchAttributes, sameClock });
    const stopWatching = watchServiceCredentials({
      ...{ flags: options.settings.temporal, client: temporal.connection, logger: options.logger },
      native: () => this.#native,
      reconnect: async (renewed) => {
        await (await this.#native)?.renew(renewed);
        await temporal.renew(renewed);
        this.#target = renewed;
      },
    });
    this.#closing.signal.addEventListener('abort', stopWatching, { once: true });
  }

  /** Throws Faults `temporal_unreachable`, `dev_server_unavailable`, `config`, `store`. */
  static async open(options: InstallationOptions): Promise<Installation> {
    const { settings, say } = options;
    const configured = temporalTarget(settings.temporal);
    const opened = await openStore(settings);
    await opened.prove();
    // A store in a bucket makes none, and a process has a place of its own all the same.
    await mkdir(settings.home, { recursive: true });
    const ownStore = new OwnStore(opened.store, await settleInstallationId(opened.store), opened.place);
    const mark = serverMark(ownStore.installation);
    const devServer =
      configured === undefined ? await startDevServer({ home: settings.home, mark, log: say }) : undefined;
    try {
      const target = configured ?? devServerTarget(devServer!);
      const temporal = await connect(target);
      const { missing } = await findSearchAttributes(temporal.connection, temporal.namespace);
      return new Installation(options, opened, ownStore, target, temporal, devServer, missing.length === 0);
    } catch (error) {
      await devServer?.stop();
      throw error;
    }
  }

  /** Short and random: tells this installation from all others, of one Temporal namespace among others. */
  get id(): string {
    return this.ownStore.installation;
  }

  get embedded(): boolean {
    return this.devServer !== undefined;
  }

  /** Rejects when one of the workers fails; settles when all have ended. */
  get workersEnded(): Promise<unknown> {
    return Promise.all([...this.#filesWorkers, ...this.#alertsWorkers].map((worker) => worker.ended));
  }

  /** Of this process. */
  get openRequests(): number {
    return this.#alertsWorkers.reduce((sum, worker) => sum + worker.openRequests, 0);
  }

  /** `reading`: false for one that only moves workflows on and answers for them. */
  async startFilesWorker(reading = true): Promise<void> {
    const { endpoints } = this.settings;
    const timeouts = endpoints.map(({ timeoutMs }) => timeoutMs);
    const requestTimeoutMs = timeouts.length === 0 ? DEFAULT_TIMEOUT_MS : Math.max(...timeouts);
    const options = { requestTimeoutMs, reading, endpoints: endpoints.map(({ name }) => name) };
    // Loaded where it is needed: the SDK's worker takes a third of a second, which commands that only look do not have.
    const { startFilesWorker } = await import('./files-worker.ts');
    this.#filesWorkers.push(await startFilesWorker(await this.#workerContext(), options));
  }

  /** For an endpoint that was claimed. */
  async startAlertsWorker(endpoint: Endpoint): Promise<void> {
    const { shutdownGraceMs } = this.settings;
    const { batchSize } = this.#governed(endpoint);
    const { startAlertsWorker } = await import('./alerts-worker.ts');
    this.#alertsWorkers.push(
      await startAlertsWorker(await this.#workerContext(), endpoint, { batchSize, shutdownGraceMs }),
    );
  }

  /**
   * To be called before anything is submitted or sent to an endpoint. Throws Fault `config` where its name belongs to another installation,
   * or differs only in case from one that this store knows.
   */
  async claimEndpoint(endpoint: Endpoint): Promise<void> {
    await settleEndpointName(this.store, endpoint.name);
    await this.owners.claim(endpoint.name, this.#governed(endpoint));
  }

  #governed(endpoint: Endpoint): GovernorConfig {
    const { batchSize } = deliveryTo(endpoint, this.settings.statedDelivery);
    return governedBy(endpoint, batchSize);
  }

  /** Workers finish what is open. Then the connections are closed, then the dev server ends, unless others use it. */
  async close(): Promise<void> {
    this.#closing.abort();
    const hurried = this.embedded ? this.notices.hurry() : undefined;
    this.access.close();
    const { isHeard, silentMs } = await stopWorkers(this.#alertsWorkers, this.#filesWorkers, hurried);
    if (isHeard) await (await this.#native)?.close();
    else this.#logger.warn({ event: 'stopped_unheard' }, STOPPED_UNHEARD);
    await this.devServer?.stop(silentMs);
    // Last: a call that waits for its next retry throws, where nobody can catch it, once its connection is closed.
    await this.temporal.close();
  }

  async #connectWorkers(): Promise<WorkerConnection> {
    const { logThrough } = await import('./sdk-log.ts');
    const stuck = new StuckWorkflows({
      ...{ logger: this.#logger, metrics: this.monitoring.metrics },
      ...stuckBy(this.temporal.client),
    });
    this.#closing.signal.addEventListener('abort', () => stuck.close(), { once: true });
    const notReplayable = (runId: string, failure: string): void => void stuck.found(runId, failure);
    const read = await logThrough({ logger: this.#logger, refused: this.#refused, notReplayable });
    if (read !== undefined) this.monitoring.sdk = read;
    return WorkerConnection.open(this.#target);
  }

  async #workerContext(): Promise<WorkerContext> {
    if (this.#native === undefined) {
      this.#native = this.#connectWorkers();
    }
    const connection = await this.#native;
    const { store, ownStore, ledgers, reports, settings } = this;
    const { client } = this.temporal;
    const reportForm = settings.reports;
    const logger = this.#logger;
    const { monitoring, access } = this;
    monitoring.readiness.add('polls', () => access.polls);
    const { notify } = settings;
    const { notices } = this;
    const seen = { logger, notices, notify, monitoring, access, refused: this.#refused, suppressed: this.#suppressed };
    const { deploymentVersion } = settings;
    return { ...seen, deploymentVersion, client, connection, store, ownStore, ledgers, reports, reportForm };
  }
}
