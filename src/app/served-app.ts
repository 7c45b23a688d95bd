/** The application behind the HTTP API, on Temporal. */
import { WorkflowNotFoundError } from '@temporalio/client';
import { deliveryTo, parseFor } from '../config/settings.ts';
import type { Endpoint } from '../domain/endpoint.ts';
import { Fault } from '../domain/failure.ts';
import type { Override } from '../domain/governor/contract.ts';
import type { DiskGuard } from '../intake/disk-guard.ts';
import { MAKE_ROOM } from '../intake/disk-guard.ts';
import { OK } from '../monitoring/readiness.ts';
import type { DeliveryRecord } from '../store/delivery-record.ts';
import { PAGE } from '../store/report-rows.ts';
import { reportFolderName } from '../store/report-shelf.ts';
import type { Installation } from '../temporal/installation.ts';
import type { AppContext, FileStatus, StatusReport } from './app.ts';
import type { EndpointStatus } from './endpoint-status.ts';
import { orderEndpoint, pickEndpoint, readEndpoint, readEndpoints } from './endpoints.ts';
import { approveDelivery, cancelDelivery, pauseDelivery } from './file-orders.ts';
import { fileStatus, readStatus } from './file-status.ts';
import { findDelivery, findRetryable } from './find-delivery.ts';
import type { FoundUser } from './find-user.ts';
import { findUser } from './find-user.ts';
import { Intake } from './intake.ts';
import type { FilePreview } from './preview.ts';
import { previewFile } from './preview.ts';
import { openReceipts } from './receipts.ts';
import { reportDelivery } from './report-delivery.ts';
import type { Route } from './routes.ts';
import { endpointsOf, otherEndpoint } from './routes.ts';
import type { BegunRetry, Door, OpenDoor, Receipt, ServedApp } from './served.ts';
import { storeGuard } from './store-guard.ts';

export interface ServedParts {
  readonly context: AppContext;
  readonly installation: Installation;
  /** Those whose watchers run. */
  readonly routes: readonly Route[];
}

/**
 * Opens a door over an application of its own. What other API processes of these inboxes have left is settled before it opens; when it is
 * closed, everything that it took is in them.
 */
export async function openOver(
  parts: ServedParts,
  open: OpenDoor,
  options: { readonly portMayDiffer: boolean },
): Promise<Door> {
  const intakes: Intake[] = [];
  const closeIntakes = async (): Promise<void> => {
    await Promise.all(intakes.map((intake) => intake.close()));
  };
  try {
    for (const route of parts.routes) intakes.push(await Intake.open(parts.context, route));
    const { readiness } = parts.context.monitoring;
    const failing = (): boolean => intakes.some(({ posts }) => posts.failing);
    readiness.add('posts', () => (failing() ? 'posted alerts cannot be written' : OK));
    const door = await open(new TemporalServedApp(parts, intakes), options);
    return {
      address: door.address,
      async close() {
        await door.close();
        await closeIntakes();
      },
    };
  } catch (error) {
    await closeIntakes();
    throw error;
  }
}

class TemporalServedApp implements ServedApp {
  readonly inboxes: readonly Intake[];
  readonly #parts: ServedParts;
  readonly #guard: DiskGuard;

  constructor(parts: ServedParts, inboxes: readonly Intake[]) {
    this.#parts = parts;
    this.#guard = storeGuard(parts.context.settings);
    this.inboxes = inboxes;
  }

  get settings(): AppContext['settings'] {
    return this.#parts.context.settings;
  }
  get logger(): AppContext['logger'] {
    return this.#parts.context.logger;
  }
  get monitoring(): AppContext['monitoring'] {
    return this.#parts.context.monitoring;
  }

  temporalPage(workflowId: string): string | undefined {
    const { temporal, devServer } = this.#parts.installation;
    const root = devServer?.uiUrl;
    if (root === undefined) return undefined;
    const path = `namespaces/${encodeURIComponent(temporal.namespace)}/workflows/${encodeURIComponent(workflowId)}`;
    return new URL(path, root.endsWith('/') ? root : `${root}/`).href;
  }

  status({ limit }: { readonly limit: number }): Promise<StatusReport> {
    return readStatus(this.#parts.installation, limit);
  }

  async file(id: string, endpoint?: string): Promise<FileStatus> {
    const { installation } = this.#parts;
    const record = await this.#find(id, endpoint);
    try {
      const info = await installation.temporal.client.workflow.getHandle(record.workflowId).describe();
      return await fileStatus(installation, info);
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    }
    // Submitted just now, or forgotten by Temporal: the receipts know.
    const {
      reports: _names,
      fault: _why,
      sentNow: _now,
      readToTheEnd: _all,
      ...status
    } = await reportDelivery(installation, record);
    return { ...status, startedAt: record.firstSubmittedAt };
  }

  async receipts(id: string, endpoint?: string): Promise<AsyncIterable<readonly Receipt[]>> {
    return openReceipts(this.#parts.installation, await this.#find(id, endpoint));
  }

  async beginRetry(id: string | undefined, unconfirmed: boolean, endpoint?: string): Promise<readonly BegunRetry[]> {
    const { installation, context } = this.#parts;
    const { settings } = context;
    const pressedMs = Date.now();
    const named = id === undefined ? undefined : await this.#find(id, endpoint);
    const served = this.#endpoints.filter(({ name }) => endpoint === undefined || name === endpoint);
    if (named !== undefined && !served.some(({ name }) => name === named.endpoint)) throw otherEndpoint(named, served);
    const records = named === undefined ? await findRetryable(installation) : [named];
    const begun: BegunRetry[] = [];
    for (const record of records) {
      const to = served.find(({ name }) => name === record.endpoint);
      if (to === undefined) continue;
      // Whoever retries has seen how the first ones went.
      const delivery = deliveryTo(to, { ...settings.statedDelivery, first: undefined });
      const how = { reopenUnconfirmed: unconfirmed, pressedMs };
      const { outcome, workflowId } = await installation.deliveries.start(record, delivery, how);
      begun.push({ file: record.fileName, sha256: record.sha256, workflowId, outcome });
    }
    return begun;
  }

  user(userId: string, limit: number): Promise<FoundUser> {
    return findUser({
      at: this.settings,
      userId,
      limit,
      say: (text) => this.logger.info({ event: 'users_saved' }, text),
    });
  }

  async reportPage(id: string, endpoint?: string): Promise<string | undefined> {
    const { fileName, sha256, endpoint: name } = await this.#find(id, endpoint);
    return this.#parts.installation.reports.read(reportFolderName(fileName, sha256, name), PAGE);
  }

  async pauseFile(id: string, paused: boolean, endpoint?: string): Promise<FileStatus> {
    return pauseDelivery(this.#parts.installation, await this.#find(id, endpoint), paused);
  }

  async approveFile(id: string, endpoint?: string): Promise<FileStatus> {
    return approveDelivery(this.#parts.installation, await this.#find(id, endpoint));
  }

  async cancelFile(id: string, endpoint?: string): Promise<FileStatus> {
    const { installation, context } = this.#parts;
    return cancelDelivery(installation, await this.#find(id, endpoint), context.signal);
  }

  endpoints(): Promise<readonly EndpointStatus[]> {
    return readEndpoints(this.#parts.installation);
  }

  async endpoint(name: string, order?: Override): Promise<EndpointStatus> {
    const { installation } = this.#parts;
    const endpoint = await pickEndpoint(installation, name);
    return order === undefined ? readEndpoint(installation, endpoint) : orderEndpoint(installation, endpoint, order);
  }

  preview(path: string, name: string, endpoints: readonly string[]): Promise<FilePreview> {
    const endpoint = this.#endpoints.find((one) => one.name === endpoints[0]);
    const parse = parseFor(endpoint, this.settings.parse, this.settings.statedDelivery);
    return previewFile(path, { ...this.settings, endpoint, parse }, name);
  }

  async requireRoom(): Promise<void> {
    await this.#guard.look();
    const { paused } = this.#guard;
    if (paused !== undefined) throw new Fault('store', `nothing is taken in: ${paused}`, MAKE_ROOM);
  }

  get #endpoints(): readonly Endpoint[] {
    return endpointsOf(this.#parts.routes);
  }

  #find(id: string, endpoint?: string): Promise<DeliveryRecord> {
    const only = this.#endpoints.length === 1 ? this.#endpoints[0]?.name : undefined;
    return findDelivery(this.#parts.installation.store, id, endpoint ?? only, false);
  }
}
