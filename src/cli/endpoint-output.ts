/** Endpoints, and what was ordered of them, as text for people. */

import type { EndpointRelease, EndpointStatus } from '../app/endpoint-status.ts';
import { rateText } from '../domain/endpoint.ts';
import type { Override } from '../domain/governor/contract.ts';
import { LEASE_MS } from '../domain/governor/contract.ts';
import type { GovernorView } from '../domain/governor/messages.ts';
import { plainText } from '../domain/plain-text.ts';
import type { FileWaiting } from '../domain/progress/waiting.ts';
import { labelled, table } from './tables.ts';
import type { Paint } from './terminal.ts';
import { timeOf } from './times.ts';

/** Workers come for their share every few seconds. */
const SOON = `within ${LEASE_MS / 1_000} seconds`;

const perSecond = (rate: number | null): string => rateText(rate ?? 'unlimited');

const NO_WORKER = 'no worker serves this endpoint';

/** `99/s, 2 workers sending`: what is going on, and why nothing is. */
export function endpointNow({ governor, note, served = true }: EndpointStatus): string {
  if (governor === null) return note ?? '';
  const unserved = served ? '' : `; ${NO_WORKER}`;
  const { activeWorkers, circuit, paused, ratePerSecond, reason, receiverPause, waiting } = governor;
  if (paused) return `paused by an operator${unserved}`;
  if (circuit === 'open') {
    const since = waiting?.since ? ` since ${timeOf(waiting.since)}` : '';
    return `circuit open${since}, probing now and then: ${plainText(reason ?? '')}${unserved}`;
  }
  if (receiverPause && activeWorkers === 0) return pauseText(receiverPause);
  if (!served) return NO_WORKER;
  if (waiting?.why === 'trouble' || waiting?.why === 'quota') return waitingText(waiting);
  const now = `${perSecond(ratePerSecond)} now`;
  const back = circuit === 'half-open' ? ', rising again' : '';
  const pauses = receiverPause ? `; ${pauseText(receiverPause)}` : '';
  return `${now}${back}, ${workersText(activeWorkers)}${pauses}`;
}

/** `the receiver asked for a pause (HTTP 429), until 14:03:10` */
export function waitingText({ text, since, until }: Pick<FileWaiting, 'text' | 'since' | 'until'>): string {
  const when = until !== null ? `, until ${timeOf(until)}` : since !== null ? `, since ${timeOf(since)}` : '';
  return `${plainText(text)}${when}`;
}

/** The receiver's own wish, by Retry-After or a reset. */
function pauseText({ until, workers }: NonNullable<GovernorView['receiverPause']>): string {
  const who = workers === 1 ? '1 worker waits' : `${workers} workers wait`;
  return `the receiver asked for a pause, ${who} until ${until.slice(0, 19)}Z`;
}

function workersText(count: number): string {
  if (count === 0) return 'idle';
  return count === 1 ? '1 worker sending' : `${count} workers sending`;
}

export function endpointsText(endpoints: readonly EndpointStatus[], paint: Paint): string {
  if (endpoints.length === 0) return 'No endpoints yet: wds knows one as soon as something was sent to it.';
  return table(
    endpoints,
    [
      { title: 'NAME', text: ({ name }) => name },
      { title: 'CONFIGURED', text: ({ rate }) => rate, right: true },
      { title: 'ORDERED', text: ({ governor }) => orderedText(governor), right: true },
      { title: 'STATE', text: endpointNow },
    ],
    paint,
  );
}

const orderedText = (governor: GovernorView | null): string =>
  governor === null || governor.ordered === null ? '-' : rateText(governor.ordered);

export function endpointText(endpoint: EndpointStatus, paint: Paint): string {
  const { governor, name, rate, taskQueueLimit, url } = endpoint;
  const lines: (readonly [string, string])[] = [['State', endpointNow(endpoint)]];
  if (url !== null) lines.push(['URL', url]);
  if (rate !== '') lines.push(['Configured', rate]);
  if (governor?.learned) lines.push(['Learned', governor.learned]);
  if (governor?.shape) lines.push(['Shape', governor.shape]);
  if (governor !== null && governor.ordered !== null) {
    lines.push(['Ordered', `${rateText(governor.ordered)}   back with: wds endpoint set-rate ${name} configured`]);
  }
  if (governor?.receiverPause) lines.push(['Go on at once', `wds endpoint resume ${name}`]);
  lines.push(['Server limit', limitText(taskQueueLimit)]);
  return `${paint(name, 'bold')}\n${labelled(lines)}`;
}

const limitText = (limit: number | null): string =>
  limit === null
    ? 'none'
    : `${limit} ${limit === 1 ? 'batch' : 'batches'} a second, set in Temporal; wds endpoint forget clears it`;

export function releaseText({ name, installation, own }: EndpointRelease): string {
  const whose = own
    ? 'this installation'
    : installation === null
      ? 'an earlier version'
      : `installation ${installation}`;
  return [
    `Released ${name}: it belonged to ${whose}. What was learned about it is forgotten.`,
    '  next      it belongs to whichever installation uses it first; receipts stay where they are',
  ].join('\n');
}

/** What changed, and what will happen. */
export function orderText({ name, governor, rate }: EndpointStatus, order: Override): string {
  switch (order.type) {
    case 'pause':
      return [
        `Paused ${name}: ${SOON} nothing more is sent to it, by any worker. Files wait.`,
        `  go on     wds endpoint resume ${name}`,
      ].join('\n');
    case 'resume':
      return `Resumed ${name}: sending goes on ${SOON}, carefully at first; after a long pause within half a minute.`;
    case 'set-rate':
      if (order.rate === null) return `${name} follows its configuration again (${rate}), ${SOON}.`;
      return [
        `The rate of ${name} is ${rateText(order.rate)} ${SOON}, whatever is configured, also after a restart.`,
        `  undo      wds endpoint set-rate ${name} configured`,
      ].join('\n');
    case 'forget':
      return [
        `Forgot what was learned about ${name}, and cleared its limit in the Temporal server.`,
        `  next      it sends at ${perSecond(governor?.ratePerSecond ?? null)}; the limit comes back when the rate changes`,
      ].join('\n');
  }
}
