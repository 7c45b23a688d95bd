/** The kinds of limits that real services have, unknown to wds, each met for 150 s by one worker and by two. */

import { accepted, between, firstMs, perSecond, used } from './rates-figures.ts';
import type { Scenario } from './rates-scenarios.ts';
import { alertsFile, percent, sendingFor, withSystem } from './rates-scenarios.ts';

const RUN_MS = 150_000;
const SETTLED_MS = 60_000;

interface Kind {
  readonly name: string;
  readonly perSecond: number;
  readonly receiver: readonly string[];
}

const window = (model: string, rate: string): string[] => ['--model', model, '--rate', rate];
const bucketOf = (rate: number, burst: number): string[] => [
  '--model',
  'token-bucket',
  '--rate',
  `${rate}`,
  '--burst',
  `${burst}`,
];
const NO_HINT = ['--retry-after', 'none'];

const KINDS: readonly Kind[] = [
  { name: '1-burst-3', perSecond: 1, receiver: bucketOf(1, 3) },
  { name: '100-burst-200', perSecond: 100, receiver: [...bucketOf(100, 200), ...NO_HINT] },
  { name: '200-retry-0', perSecond: 200, receiver: [...bucketOf(200, 200), '--retry-after', '0'] },
  { name: '5-in-2s', perSecond: 2.5, receiver: window('fixed-window', '5/2s') },
  { name: '100-in-10s', perSecond: 10, receiver: [...window('sliding-window', '100/10s'), ...NO_HINT] },
  { name: '600-a-minute', perSecond: 10, receiver: window('fixed-window', '600/min') },
  {
    name: '1000-a-minute-draft',
    perSecond: 1_000 / 60,
    receiver: [...window('fixed-window', '1000/min'), '--rate-limit-headers', 'draft'],
  },
  { name: 'bucket-40-2', perSecond: 2, receiver: bucketOf(2, 40) },
  { name: '50-503', perSecond: 50, receiver: [...bucketOf(50, 50), ...NO_HINT, '--throttle-status', '503'] },
  {
    name: '10-at-a-time',
    perSecond: 100,
    receiver: ['--model', 'concurrency', '--concurrency', '10', '--latency', '100ms'],
  },
  { name: 'shield', perSecond: 30, receiver: window('shield', '300/10s') },
];

/** Used and refused after a minute; refused in all; each second. */
export const KIND_SCENARIOS: readonly Scenario[] = KINDS.flatMap(({ name, perSecond: limit, receiver }) =>
  ([1, 2] as const).map((workers) => ({
    name: `kind-${name}-${workers}`,
    run: () =>
      withSystem({ rate: 'auto', receiver, workers }, async (system) => {
        system.send(await alertsFile(system, 'kind', Math.ceil(limit * 250) + 500));
        await sendingFor(system, RUN_MS);
        const traffic = await system.traffic();
        const startMs = firstMs(traffic);
        const all = between(traffic, startMs, startMs + RUN_MS);
        const late = between(traffic, startMs + SETTLED_MS, startMs + RUN_MS);
        const refused = (part: typeof all): string =>
          `${part.statuses.length - accepted(part)} of ${part.statuses.length}`;
        return [
          percent(used(late, limit, RUN_MS - SETTLED_MS)),
          `${refused(all)}; after a minute ${refused(late)}`,
          '',
          '',
          perSecond(all, startMs).join(' '),
        ];
      }),
  })),
);
