/**
 * What an operator sees and orders of an endpoint. Orders go to governors that run, or to the endpoint of the settings: a misspelt name
 * makes none. Where nobody runs that could answer, this process does for as long as the command takes.
 */

import { shownUrl } from '../config/endpoint-url.ts';
import type { Endpoint } from '../domain/endpoint.ts';
import { rateText } from '../domain/endpoint.ts';
import { Fault } from '../domain/failure.ts';
import type { Override } from '../domain/governor/contract.ts';
import { duration } from '../domain/governor/learned-text.ts';
import type { GovernorView } from '../domain/governor/messages.ts';
import { alertsTaskQueue, filesTaskQueue } from '../domain/names.ts';
import { governedEndpoints, overrideGovernor, queryGovernor, refusedOrder } from '../temporal/governor-client.ts';
import type { Installation } from '../temporal/installation.ts';
import { setTaskQueueLimit } from '../temporal/task-queue-limit.ts';
import { hasPollers, taskQueueLimit } from '../temporal/task-queue-state.ts';
import { reasonOf } from '../thrown.ts';
import type { EndpointRelease, EndpointStatus } from './endpoint-status.ts';

const LOOK_LIMIT_MS = 2_500;

/** With the embedded server: makes sure that somebody answers queries and takes orders. `reading`: and writes reports. */
export async function ensureAnswers(installation: Installation, reading = false): Promise<void> {
  const { devServer, temporal, id } = installation;
  if (devServer === undefined) return;
  const queue = filesTaskQueue(id);
  // A server that was there before has users who may run the workers; of one that we started, old traces say nothing.
  if (!devServer.startedHere && (await hasPollers(temporal.client, queue, 'workflow', Date.now()))) return;
  await installation.startFilesWorker(reading);
}

/** The configured ones first. */
export async function knownEndpoints({ settings, temporal, id }: Installation): Promise<string[]> {
  const configured = settings.endpoints.map(({ name }) => name);
  return [...new Set([...configured, ...(await governedEndpoints(temporal.client, id))])];
}

/** Throws Fault `usage` where it is not clear which one is meant, `not_found` for one that nobody knows. */
export async function pickEndpoint(installation: Installation, name: string | undefined): Promise<string> {
  const { settings } = installation;
  if (name === undefined && settings.endpoint !== undefined) return settings.endpoint.name;
  const known = await knownEndpoints(installation);
  const listed = known.length === 0 ? 'It knows none yet.' : `It knows: ${known.join(', ')}`;
  if (name === undefined) {
    if (known.length === 1) return known[0]!;
    if (known.length > 1)
      throw new Fault('usage', 'which endpoint? There are several', `Name one of: ${known.join(', ')}`);
    throw new Fault(
      'not_found',
      'wds knows no endpoint yet',
      'It knows one as soon as something was sent to it. Check --home, too.',
    );
  }
  if (known.includes(name)) return name;
  throw new Fault('not_found', `wds knows no endpoint ${name}`, `${listed}. Check --home, too.`);
}

export async function readEndpoints(installation: Installation): Promise<EndpointStatus[]> {
  return Promise.all((await knownEndpoints(installation)).map((name) => readEndpoint(installation, name)));
}

/** The configured endpoints, those in use, and of the others so many that it is no more than `most`; and how many are left out. */
export async function endpointsInUse(
  installation: Installation,
  inUse: ReadonlySet<string>,
  most: number,
): Promise<{ readonly endpoints: EndpointStatus[]; readonly more: number }> {
  const own = new Set(installation.settings.endpoints.map(({ name }) => name));
  const known = await knownEndpoints(installation);
  const first = known.filter((name) => own.has(name) || inUse.has(name));
  const others = known.filter((name) => !first.includes(name));
  const shown = [...first, ...others].slice(0, Math.max(most, first.length));
  const endpoints = await Promise.all(shown.map((name) => readEndpoint(installation, name)));
  return { endpoints, more: known.length - shown.length };
}

export async function readEndpoint(installation: Installation, name: string): Promise<EndpointStatus> {
  const { temporal, settings, id, owners } = installation;
  const owner = await owners.ownerOf(name);
  const others = owner.kind === 'installation' && owner.id !== id ? owner.id : undefined;
  const asked =
    others !== undefined
      ? Promise.resolve({ note: `belongs to another installation, ${others}` })
      : queryGovernor(temporal.client, name, LOOK_LIMIT_MS).then(
          (view) => (view === undefined ? { note: 'nothing was sent to it yet' } : { view }),
          () => ({ note: 'no worker answers for it: run wds up, or wds worker' }),
        );
  const queue = alertsTaskQueue(name, id);
  const [answer, limit, served] = await Promise.all([
    asked as Promise<{ readonly view?: GovernorView; readonly note?: string }>,
    taskQueueLimit(temporal.client, queue),
    hasPollers(temporal.client, queue, 'activity', Date.now()),
  ]);
  const own = settings.endpoints.find((endpoint) => endpoint.name === name);
  const rate = own?.rate ?? answer.view?.configured;
  return {
    name,
    url: own === undefined ? null : shownUrl(own.url),
    rate: rate === undefined ? '' : `${rateText(rate)}${ofWindow(own)}`,
    governor: answer.view ?? null,
    note: answer.note ?? null,
    served,
    taskQueueLimit: limit,
  };
}

export async function orderEndpoint(
  installation: Installation,
  name: string,
  order: Override,
): Promise<EndpointStatus> {
  const { temporal, id } = installation;
  const view = await giveOrder(installation, name, order).catch((error: unknown) => {
    if (error instanceof Fault) throw error;
    const refusal = refusedOrder(error);
    if (refusal !== undefined) throw new Fault('usage', `the governor of ${name} refuses it: ${refusal}`);
    throw new Fault(
      'temporal_unreachable',
      `the governor of ${name} does not answer: ${reasonOf(error)}`,
      'A worker that reads files runs it: start wds up, or wds worker --role files.',
      { cause: error },
    );
  });
  if (order.type === 'forget') {
    await setTaskQueueLimit(temporal.client, alertsTaskQueue(name, id), undefined, 'cleared by an operator');
  }
  const status = await readEndpoint(installation, name);
  return { ...status, governor: view, note: null };
}

/** A configured endpoint may be told before it has a governor. */
async function giveOrder(installation: Installation, name: string, order: Override): Promise<GovernorView> {
  const { temporal, settings, id } = installation;
  const own = settings.endpoints.find((endpoint) => endpoint.name === name);
  if (own !== undefined) await installation.claimEndpoint(own);
  const view = await overrideGovernor(temporal.client, { endpoint: name, installation: id }, order);
  if (view === undefined) throw new Error('it has ended');
  return view;
}

/** Frees the name for whichever installation uses it next. Throws Fault `not_found`, and `config` while files are on their way to it. */
export async function releaseEndpoint({ owners, id }: Installation, name: string): Promise<EndpointRelease> {
  const owner = await owners.ownerOf(name);
  if (owner.kind === 'nobody' && !owner.running) {
    throw new Fault(
      'not_found',
      `endpoint ${name} belongs to nobody: there is nothing to release`,
      'Check its spelling.',
    );
  }
  await owners.release(name, owner);
  const installation = owner.kind === 'nobody' ? null : owner.id;
  return { name, installation, own: installation === id };
}

/** The quota as it was stated, where it may be used at once. */
function ofWindow(own: Endpoint | undefined): string {
  if (own?.windowMs === undefined || typeof own.rate !== 'number') return '';
  return ` (${Number(((own.rate * own.windowMs) / 1_000).toFixed(3))} in ${duration(own.windowMs)})`;
}
