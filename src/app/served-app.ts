/** The application behind the HTTP API, on Temporal. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { WorkflowNotFoundError } from '@temporalio/client';
import { deliveryTo } from '../config/settings.ts';
import type { Endpoint } from '../domain/endpoint.ts';
import { Fault } from '../domain/failure.ts';
import type { Override } from '../domain/governor/contract.ts';
import { parseKey } from '../domain/parse-options.ts';
import type { DiskGuard } from '../intake/disk-guard.ts';
import { MAKE_ROOM } from '../intake/disk-guard.ts';
import { Entrance } from '../intake/entrance.ts';
import { speaker } from '../intake/log.ts';
import { Uploads } from '../intake/uploads.ts';
import { OK } from '../monitoring/readiness.ts';
import { Posts } from '../posts/posts.ts';
import type { DeliveryRecord } from '../store/delivery-record.ts';
import { readRefusal } from '../store/refusals.ts';
import { reportFolderName } from '../store/report-files.ts';
import { PAGE } from '../store/report-rows.ts';
import type { Installation } from '../temporal/installation.ts';
import { isErrno } from '../thrown.ts';
import type { AppContext, FileStatus, StatusReport } from './app.ts';
import { otherEndpoint } from './deliveries.ts';
import type { EndpointStatus } from './endpoint-status.ts';
import { orderEndpoint, pickEndpoint, readEndpoint, readEndpoints } from './endpoints.ts';
import { approveDelivery, cancelDelivery, pauseDelivery } from './file-orders.ts';
import { fileStatus, readStatus } from './file-status.ts';
import { findDelivery, findRetryable } from './find-delivery.ts';
import type { FoundUser } from './find-user.ts';
import { findUser } from './find-user.ts';
import { openReceipts } from './receipts.ts';
import { reportDelivery } from './report-delivery.ts';
import type { BegunRetry, Door, OpenDoor, Receipt, ServedApp, ServedFile } from './served.ts';
import { storeGuard } from './store-guard.ts';

export interface ServedParts {
  readonly context: AppContext;
  readonly installation: Installation;
  readonly endpoint: Endpoint;
}

/**
 * Opens a door over an application of its own. What other API processes of this inbox have left is settled before it opens; when it is
 * closed, everything that it took is in the inbox.
 */
export async function openOver(
  parts: ServedParts,
  open: OpenDoor,
  options: { readonly portMayDiffer: boolean },
): Promise<Door> {
  const { settings, logger } = parts.context;
  const { sidecar } = settings;
  const entrance = new Entrance(settings.inbox);
  await entrance.enter();
  const say = speaker(logger, parts.endpoint.name);
  const posts = new Posts({ entrance, parse: settings.parse, gatherMs: settings.api.gatherMs, sidecar, say });
  const closeIntake = async (): Promise<void> => {
    await posts.close();
    await entrance.close();
  };
  try {
    await posts.begin();
    const { readiness } = parts.context.monitoring;
    readiness.add('posts', () => (posts.failing ? 'posted alerts cannot be written' : OK));
    const uploads = new Uploads(entrance, { sidecar, maxBytes: settings.api.maxUploadBytes });
    const door = await open(new TemporalServedApp(parts, uploads, posts), options);
    return {
      address: door.address,
      async close() {
        await door.close();
        await closeIntake();
      },
    };
  } catch (error) {
    await closeIntake();
    throw error;
  }
}

class TemporalServedApp implements ServedApp {
  readonly uploads: Uploads;
  readonly posts: Posts;
  readonly #parts: ServedParts;
  readonly #guard: DiskGuard;

  constructor(parts: ServedParts, uploads: Uploads, posts: Posts) {
    this.#parts = parts;
    this.#guard = storeGuard(parts.context.settings);
    this.uploads = uploads;
    this.posts = posts;
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

  get endpointName(): string {
    return this.#parts.endpoint.name;
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

  async file(id: string): Promise<ServedFile> {
    const { installation } = this.#parts;
    const record = await this.#find(id);
    try {
      const info = await installation.temporal.client.workflow.getHandle(record.workflowId).describe();
      const status = await fileStatus(installation, info);
      if (status.state !== 'refused') return status;
      const refusal = await readRefusal(installation.store, record.sha256, parseKey(record.parse));
      return { ...status, ...(refusal === undefined ? {} : { reason: refusal.message }) };
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

  async receipts(id: string): Promise<AsyncIterable<readonly Receipt[]>> {
    return openReceipts(this.#parts.installation, await this.#find(id));
  }

  async beginRetry(id: string | undefined, unconfirmed: boolean): Promise<readonly BegunRetry[]> {
    const { installation, endpoint, context } = this.#parts;
    const pressedMs = Date.now();
    const named = id === undefined ? undefined : await this.#find(id);
    if (named !== undefined && named.endpoint !== endpoint.name) throw otherEndpoint(named, endpoint);
    const records = named === undefined ? await findRetryable(installation) : [named];
    const own = records.filter((record) => record.endpoint === endpoint.name);
    // Whoever retries has seen how the first ones went.
    const delivery = deliveryTo(endpoint, { ...context.settings.statedDelivery, first: undefined });
    const begun: BegunRetry[] = [];
    for (const record of own) {
      const how = { reopenUnconfirmed: unconfirmed, pressedMs };
      const { outcome, workflowId } = await installation.deliveries.start(record, delivery, how);
      begun.push({ file: record.fileName, sha256: record.sha256, workflowId, outcome });
    }
    return begun;
  }

  user(userId: string, limit: number): Promise<FoundUser> {
    const { home } = this.settings;
    return findUser({ home, userId, limit, say: (text) => this.logger.info({ event: 'users_saved' }, text) });
  }

  async reportPage(id: string): Promise<string | undefined> {
    const { reportsRoot } = this.#parts.installation;
    const { fileName, sha256, endpoint } = await this.#find(id);
    const path = join(reportsRoot, reportFolderName(fileName, sha256, endpoint), PAGE);
    return readFile(path, 'utf8').catch((error: unknown) => {
      if (isErrno(error, 'ENOENT')) return undefined;
      throw error;
    });
  }

  async pauseFile(id: string, paused: boolean): Promise<FileStatus> {
    return pauseDelivery(this.#parts.installation, await this.#find(id), paused);
  }

  async approveFile(id: string): Promise<FileStatus> {
    return approveDelivery(this.#parts.installation, await this.#find(id));
  }

  async cancelFile(id: string): Promise<FileStatus> {
    const { installation, context } = this.#parts;
    return cancelDelivery(installation, await this.#find(id), context.signal);
  }

  endpoints(): Promise<readonly EndpointStatus[]> {
    return readEndpoints(this.#parts.installation);
  }

  async endpoint(name: string, order?: Override): Promise<EndpointStatus> {
    const { installation } = this.#parts;
    const endpoint = await pickEndpoint(installation, name);
    return order === undefined ? readEndpoint(installation, endpoint) : orderEndpoint(installation, endpoint, order);
  }

  async requireRoom(): Promise<void> {
    await this.#guard.look();
    const { paused } = this.#guard;
    if (paused !== undefined) throw new Fault('store', `nothing is taken in: ${paused}`, MAKE_ROOM);
  }

  #find(id: string): Promise<DeliveryRecord> {
    const { installation, endpoint } = this.#parts;
    return findDelivery(installation.store, id, endpoint.name, false);
  }
}
