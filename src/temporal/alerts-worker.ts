/**
 * The alerts worker: sends to one endpoint, and runs no workflows. It scales by starting more of it. All its batches share one session:
 * connections, pace and lease.
 */
import { randomUUID } from 'node:crypto';
import { Context } from '@temporalio/activity';
import { Worker } from '@temporalio/worker';
import { createOwnWork } from '../../activities/own-work.ts';
import { createSendAlert } from '../../activities/send-alert.ts';
import { createSendAlerts } from '../../activities/send-alerts.ts';
import { systemClock } from '../clock.ts';
import type { SendTarget } from '../domain/contracts.ts';
import type { Endpoint, Rate } from '../domain/endpoint.ts';
import { isFast } from '../domain/endpoint.ts';
import { alertsTaskQueue } from '../domain/names.ts';
import { noticeOfCircuit } from '../domain/notices/notice.ts';
import { tokensOf } from '../endpoint/access-tokens.ts';
import { Credentials } from '../endpoint/credentials.ts';
import type { EndpointClient } from '../endpoint/endpoint-client.ts';
import { createEndpointClient } from '../endpoint/endpoint-client.ts';
import { EndpointSession } from '../endpoint/endpoint-session.ts';
import { pacerFor } from '../endpoint/pacer.ts';
import { createProbe } from '../endpoint/probe.ts';
import { RateLease } from '../endpoint/rate-lease.ts';
import { EndpointLog } from './endpoint-log.ts';
import { FaultLog } from './fault-log.ts';
import { GovernorClient, governedBy } from './governor-client.ts';
import { OLD_DELIVERIES, OldQueue } from './old-queue.ts';
import { DeliveryLag, showSending } from './sending-figures.ts';
import { SendingSlots } from './sending-slots.ts';
import type { RunningWorker, WorkerContext } from './worker.ts';
import { commonOptions, run } from './worker.ts';

/** Batches that one process sends at the same time: with more, one worker hoards them and the others idle (docs/decisions/0002-pacing-at-the-socket.md). */
const sendingSlots = (rate: Rate): number => (isFast(rate) ? 4 : 2);
/**
 * A process that hangs still has its polls in the server, and each swallows a batch until its heartbeat is missed: with the usual ten, the
 * only batch of a file came to the other worker after more than 80 s (measured). With a single one, where the queue has four partitions, the
 * next batch is there up to 200 ms late: at 5,000 a second that cost up to 3% of the rate.
 */
const sendingPolls = (rate: Rate): number => (isFast(rate) ? 2 : 1);
const UNUSED_SLOTS = { type: 'fixed-size', numSlots: 1 } as const;

export interface AlertsWorkerOptions {
  readonly batchSize: number;
  readonly shutdownGraceMs: number;
}

export interface AlertsWorker extends RunningWorker {
  /** Requests that are on the wire, and those that are just being connected. */
  readonly openRequests: number;
}

export async function startAlertsWorker(
  context: WorkerContext,
  endpoint: Endpoint,
  options: AlertsWorkerOptions,
): Promise<AlertsWorker> {
  const { client, logger, ownStore } = context;
  const { installation } = ownStore;
  const { name } = endpoint;
  const config = governedBy(endpoint, options.batchSize);
  const governor = new GovernorClient(client, { endpoint: name, config, installation });
  const sender = new Sender(context, endpoint, governor);
  const create = async (from: string | undefined): Promise<RunningWorker> =>
    run(await sender.createWorker(alertsTaskQueue(name, from), options.shutdownGraceMs), context);
  const own = await create(installation);
  const old = new OldQueue({ client, logger, workflows: OLD_DELIVERIES, start: () => create(undefined) });
  // A governor that runs already may have been told another rate by an earlier configuration.
  governor.configure().catch((error: unknown) => {
    logger.debug({ event: 'configure', endpoint: name, error: String(error) }, 'told again with the next start');
  });
  const ended = own.ended.finally(async () => {
    await old.stop();
    sender.credentials.close();
    await sender.session.close();
  });
  ended.catch(() => undefined);
  return {
    ended,
    get openRequests() {
      return sender.client.openRequests;
    },
    async stop() {
      sender.session.stop();
      const isHeard = (await Promise.all([own.stop(), old.stop()])).every(Boolean);
      if (isHeard) await ended;
      // Open requests are answered, and receipts written, all the same.
      else await sender.session.close();
      return isHeard;
    },
  };
}

/** What sends in this process, for whichever queue the batches come from. */
class Sender {
  readonly session: EndpointSession;
  readonly client: EndpointClient;
  readonly credentials: Credentials;
  readonly #context: WorkerContext;
  readonly #endpoint: Endpoint;
  /** Of each of its workers. */
  readonly #slots: SendingSlots[] = [];
  readonly #faults: FaultLog;
  readonly #lag: DeliveryLag;
  #standingBy = false;

  constructor(context: WorkerContext, endpoint: Endpoint, governor: GovernorClient) {
    const { logger, monitoring, access } = context;
    this.#context = context;
    this.#endpoint = endpoint;
    this.#faults = new FaultLog(logger, monitoring.metrics);
    const pacer = pacerFor(endpoint);
    const log = new EndpointLog(logger, endpoint.name, (change) => {
      void context.notices.tell(noticeOfCircuit(endpoint.name, change, new Date().toISOString()));
    });
    const lease = new RateLease({
      pacer,
      workerId: randomUUID(),
      ask: (request) => governor.lease(request),
      random: Math.random,
      maxPauseMs: endpoint.maxRetryAfterMs,
      onStandBy: (standingBy) => this.#standBy(standingBy),
      onResume: () => this.session.resume(),
      onWaiting: (waiting) => log.changed(waiting),
      onTrouble: (error) => {
        // Where Temporal does not let this process in, that is said instead.
        if (access.tell(error)) return;
        logger.warn(
          { event: 'no_lease', endpoint: endpoint.name, error: (error as Error).message },
          'the governor of the rate does not answer: is a files worker running? Sending waits for it',
        );
      },
    });
    const { name } = endpoint;
    this.credentials = new Credentials(endpoint, {
      onRenewed: () =>
        logger.info(
          { event: 'secrets_renewed', endpoint: name },
          'secrets and headers were read again: their files have changed',
        ),
      onTrouble: (reason) =>
        logger.warn(
          { event: 'secrets_trouble', endpoint: name, reason },
          'secrets or headers cannot be read again; those of before are used',
        ),
    });
    const { credentials } = this;
    const tokens = tokensOf(endpoint, credentials, (reason) => {
      if (reason === undefined)
        logger.info({ event: 'token_recovered', endpoint: name }, 'there are access tokens again');
      else logger.warn({ event: 'token_trouble', endpoint: name, reason }, 'no access token; it is tried again');
    });
    const probe = createProbe(endpoint, tokens, credentials);
    this.client = createEndpointClient(endpoint, {
      ...{ tokens, credentials },
      onTrouble: (reason) =>
        logger.warn({ event: 'certificate_trouble', endpoint: name, reason }, 'certificates cannot be read again'),
      onHabit: (manner, why) =>
        logger.info(
          { event: 'connections', endpoint: endpoint.name, manner },
          `the endpoint ${why}: ${manner === 'once' ? 'each connection is used for one request, and read leniently' : 'they are used again'}`,
        ),
    });
    this.session = new EndpointSession({
      endpoint,
      client: this.client,
      pacer,
      lease,
      probe,
      waves: context.ledgers.waves,
    });
    const { session, client } = this;
    const openRequests = (): number => client.openRequests;
    showSending(monitoring, { endpoint, session, pacer, lease, openRequests, waiting: () => log.waiting });
    this.#lag = new DeliveryLag(context.store, session.figures);
  }

  #standBy(standingBy: boolean): void {
    this.#standingBy = standingBy;
    for (const slots of this.#slots) slots.open = !standingBy;
    this.session.wake();
  }

  createWorker(taskQueue: string, shutdownGraceMs: number): Promise<Worker> {
    const { store, ledgers, ownStore, suppressed } = this.#context;
    const { name, rate } = this.#endpoint;
    const scope = () => {
      const activity = Context.current();
      return {
        attempt: activity.info.attempt,
        cancellationSignal: activity.cancellationSignal,
        heartbeat: () => activity.heartbeat(),
      };
    };
    const slots = new SendingSlots(sendingSlots(rate));
    const dependencies = {
      ...{ store, ledgers, ownStore, suppressed, scope, lendSlot: () => slots.lend() },
      session: (wanted: string) => (wanted === name ? this.session : undefined),
      clock: systemClock,
      random: Math.random,
      onDelivered: (of: SendTarget, alerts: number) => this.#lag.delivered(of, alerts),
    };
    const own = this.#faults.telling(createOwnWork({ store, ownStore, scope }));
    slots.open = !this.#standingBy;
    this.#slots.push(slots);
    return Worker.create({
      ...commonOptions(this.#context),
      taskQueue,
      tuner: {
        activityTaskSlotSupplier: slots,
        workflowTaskSlotSupplier: UNUSED_SLOTS,
        localActivityTaskSlotSupplier: UNUSED_SLOTS,
        nexusTaskSlotSupplier: UNUSED_SLOTS,
      },
      activityTaskPollerBehavior: { type: 'simple-maximum', maximum: sendingPolls(rate) },
      shutdownGraceTime: shutdownGraceMs,
      activities: {
        sendAlerts: own(createSendAlerts(dependencies)),
        sendAlert: own(createSendAlert(dependencies)),
      },
    });
  }
}
