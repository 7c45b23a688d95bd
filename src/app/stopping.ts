/** What becomes of deliveries when a process is stopped, in words for whoever presses Ctrl-C. */
import type { Endpoint } from '../domain/endpoint.ts';

/** `embedded`: the Temporal server is one that wds runs itself. */
export const interruptNotice = (embedded: boolean): string =>
  embedded
    ? 'Deliveries go on if another wds process of this home runs, and else at the next start.'
    : "What was submitted goes on: the delivery is the workers' work.";

/** `open`: requests of this process. undefined: it costs nothing to end it now. */
export function priceOfStopping(open: number, endpoints: readonly Pick<Endpoint, 'ambiguous'>[]): string | undefined {
  if (open === 0) return undefined;
  const [requests, them] = open === 1 ? ['1 request is', 'it'] : [`${open} requests are`, 'them'];
  const holds = endpoints.length > 0 && endpoints.every(({ ambiguous }) => ambiguous === 'hold');
  return holds
    ? `${requests} open; stopping now leaves ${them} unconfirmed, for you to decide.`
    : `${requests} open; stopping now may send ${them} twice.`;
}
