/** The application behind the commands, on Temporal: what each command brings up, has done, and leaves behind. */

import type { Settings } from '../config/settings.ts';
import type { Endpoint } from '../domain/endpoint.ts';
import type { Override } from '../domain/governor/contract.ts';
import type { DeliveryRecord } from '../store/delivery-record.ts';
import { openKnownStore } from '../store/open-store.ts';
import { Installation } from '../temporal/installation.ts';
import type {
  App,
  AppContext,
  FileEnd,
  FileStatus,
  InitResult,
  ReportedFile,
  RetryOptions,
  SendOptions,
  StatusReport,
  UpOptions,
  WorkerRole,
} from './app.ts';
import { refuseUnfit, retryDeliveries, sendFiles } from './deliveries.ts';
import type { EndpointRelease, EndpointStatus } from './endpoint-status.ts';
import {
  ensureAnswers,
  orderEndpoint,
  pickEndpoint,
  readEndpoint,
  readEndpoints,
  releaseEndpoint,
} from './endpoints.ts';
import type { FileOrder } from './file-orders.ts';
import { approveDelivery, cancelDelivery, pauseDelivery } from './file-orders.ts';
import { readStatus } from './file-status.ts';
import { findDelivery, findRetryable } from './find-delivery.ts';
import type { FollowContext } from './follow.ts';
import { followContext } from './follow.ts';
import { prepareService } from './init.ts';
import { reportDelivery } from './report-delivery.ts';
import { prepareResend, resendAlert } from './resend.ts';
import { byEndpoint, endpointOf, meantEndpoint, meantEndpoints, routesOf } from './routes.ts';
import type { OpenDoor } from './served.ts';
import type { Services } from './services.ts';
import type { ApiState } from './standing.ts';
import { interruptNotice, priceOfStopping } from './stopping.ts';
import { Suppression } from './suppression.ts';

/**
 * What only some commands need (watcher, API, reading of files) is loaded when it is needed: most of a short command's time is its modules'.
 * `openDoor`: how the HTTP API is opened over it. */
export const createApp = async (context: AppContext, openDoor: OpenDoor): Promise<App> =>
  new TemporalApp(context, openDoor);

export class TemporalApp implements App {
  readonly context: AppContext;
  readonly openDoor: OpenDoor;
  readonly #suppression: Suppression;
  #installation: Installation | undefined;
  #services: Services | undefined;
  #closed: Promise<void> | undefined;

  constructor(context: AppContext, openDoor: OpenDoor) {
    this.context = context;
    this.openDoor = openDoor;
    this.#suppression = new Suppression(context);
  }

  async installation(): Promise<Installation> {
    const say = (text: string): void => this.context.messages.message(text);
    const { suppressed } = this.#suppression;
    this.#installation ??= await Installation.open({ ...this.context, say, suppressed });
    return this.#installation;
  }

  async services(): Promise<Services> {
    const [installation, { Services }] = await Promise.all([this.installation(), import('./services.ts')]);
    this.#services ??= new Services(this.context, installation);
    return this.#services;
  }

  async up(options: UpOptions): Promise<void> {
    await this.#suppression.check();
    await (await import('./up.ts')).runUp(this, options);
  }

  async watch(): Promise<void> {
    const routes = await this.#toSend(routesOf);
    const services = await this.services();
    if (this.context.signal.aborted) return;
    await services.startWatchers(routes);
    this.context.messages.message(`Watching ${routes.map(({ inbox }) => inbox).join(', ')}`);
    services.tellOfMissingWorkers();
    await services.untilStopped();
  }

  async api(ready: (state: ApiState) => void): Promise<void> {
    const routes = await this.#toSend(routesOf);
    await (await import('./run-api.ts')).runApi(this, routes, ready);
  }

  async worker(role: WorkerRole): Promise<void> {
    const endpoints = role === 'files' ? [] : await this.#toSend(meantEndpoints);
    const installation = await this.installation();
    for (const endpoint of endpoints) await installation.claimEndpoint(endpoint);
    // Stopped while it connected: it asks for no work that it would only have to end.
    if (this.context.signal.aborted) return;
    if (role !== 'alerts') await (await this.services()).startFilesWorker();
    await Promise.all(endpoints.map((endpoint) => installation.startAlertsWorker(endpoint)));
    const { address } = installation.temporal;
    this.context.messages.message(`Worker (${role}) is running, Temporal at ${address}`);
    await (await this.services()).untilStopped();
  }

  async send(files: readonly string[], options: SendOptions): Promise<readonly FileEnd[]> {
    const endpoint = await this.#toSend(meantEndpoint);
    const unfit = await refuseUnfit(files, options.observer);
    const fit = files.filter((file) => !unfit.has(file));
    if (fit.length > 0) await this.#readyFor(endpoint);
    const ends = fit.length === 0 ? [] : [...(await this.deliver(fit, endpoint, options))];
    return files.map((file) => unfit.get(file) ?? ends.shift()!);
  }

  /** The endpoints are this installation's, and where nobody else can be expected to work for them, this process does. */
  async #readyFor(...endpoints: readonly Endpoint[]): Promise<void> {
    const installation = await this.installation();
    for (const endpoint of endpoints) await installation.claimEndpoint(endpoint);
    if (installation.embedded) await (await this.services()).startWorkers(endpoints);
  }

  /** Submits and follows; the workers are there, or somebody else's. */
  async deliver(files: readonly string[], endpoint: Endpoint, options: SendOptions): Promise<readonly FileEnd[]> {
    const { lost } = await this.installation();
    return Promise.race([sendFiles(files, await this.#followContext(endpoint, options)), lost]);
  }

  async retry(file: string | undefined, options: RetryOptions): Promise<readonly FileEnd[]> {
    const { settings } = this.context;
    const named = file === undefined ? undefined : await this.#find(file);
    const endpoints = await this.#toSend((own) =>
      named === undefined ? meantEndpoints(own) : [endpointOf(named, own)],
    );
    await openKnownStore(settings);
    const installation = await this.installation();
    const records = named === undefined ? await findRetryable(installation) : [named];
    const some = byEndpoint(records, endpoints);
    if (some.length === 0) return [];
    await this.#readyFor(...some.map(({ endpoint }) => endpoint));
    const retried = some.map(async ({ endpoint, own }) =>
      retryDeliveries(own, options.unconfirmed, await this.#followContext(endpoint, options)),
    );
    return Promise.race([Promise.all(retried).then((ends) => ends.flat()), installation.lost]);
  }

  readonly preview: App['preview'] = async (file) =>
    (await import('./preview.ts')).previewFile(file, this.context.settings);

  async resend(userId: string, file: string, options: SendOptions): Promise<FileEnd> {
    const { settings, messages } = this.context;
    const record = await this.#find(file);
    const endpoint = await this.#toSend((own) => endpointOf(record, own));
    const home = await openKnownStore(settings);
    const resend = await prepareResend(home, record, userId, (text) => messages.message(text));
    await this.#readyFor(endpoint);
    const { lost } = await this.installation();
    return Promise.race([resendAlert(resend, await this.#followContext(endpoint, options)), lost]);
  }

  async status(options: { readonly limit: number }): Promise<StatusReport> {
    await openKnownStore(this.context.settings);
    return readStatus(await this.#answering(), options.limit);
  }

  async report(file: string): Promise<ReportedFile> {
    const record = await this.#find(file);
    const { sentNow: _now, ...report } = await reportDelivery(await this.installation(), record);
    return report;
  }

  pauseFile(file: string, paused: boolean): Promise<FileStatus> {
    return this.#order(file, (installation, record) => pauseDelivery(installation, record, paused));
  }

  approveFile(file: string): Promise<FileStatus> {
    return this.#order(file, approveDelivery);
  }

  cancelFile(file: string): Promise<FileStatus> {
    const { signal } = this.context;
    return this.#order(file, (installation, record) => cancelDelivery(installation, record, signal), true);
  }

  /** `reports`: what is ordered needs a worker that writes reports. */
  async #order(file: string, give: FileOrder, reports = false): Promise<FileStatus> {
    const record = await this.#find(file);
    return give(await this.#answering(reports), record);
  }

  async #answering(reports = false): Promise<Installation> {
    const installation = await this.installation();
    await ensureAnswers(installation, reports);
    return installation;
  }

  async endpoints(): Promise<readonly EndpointStatus[]> {
    await openKnownStore(this.context.settings);
    return readEndpoints(await this.#answering());
  }

  async endpoint(name: string | undefined, order?: Override): Promise<EndpointStatus> {
    if (order === undefined) await openKnownStore(this.context.settings);
    const installation = await this.installation();
    const endpoint = await pickEndpoint(installation, name);
    await ensureAnswers(installation);
    return order === undefined ? readEndpoint(installation, endpoint) : orderEndpoint(installation, endpoint, order);
  }

  async releaseEndpoint(name: string): Promise<EndpointRelease> {
    return releaseEndpoint(await this.installation(), name);
  }

  init(): Promise<InitResult> {
    return prepareService(this.context.settings.temporal);
  }

  interruptNotice(): string {
    return interruptNotice(this.#installation?.embedded ?? true);
  }

  priceOfStopping(): string | undefined {
    return priceOfStopping(this.#installation?.openRequests ?? 0, this.context.settings.endpoints);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await this.#services?.close();
    await this.#installation?.close();
  }

  async #followContext(endpoint: Endpoint, options: SendOptions): Promise<FollowContext> {
    return followContext(await this.installation(), endpoint, options, this.context.signal);
  }

  async #find(file: string): Promise<DeliveryRecord> {
    const { settings } = this.context;
    return findDelivery((await openKnownStore(settings)).store, file, settings.endpoint?.name);
  }

  /** What is meant, where it may be sent to. Throws Fault `config`, too, where nothing could be sent for want of a suppression list. */
  async #toSend<T>(pick: (settings: Settings) => T): Promise<T> {
    const picked = pick(this.context.settings);
    await this.#suppression.check();
    return picked;
  }
}
