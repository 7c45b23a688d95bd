/** How the work of one file spreads over workers: a stated rate, and no limit at a receiver that takes 20 ms for each answer. */

import { accepted, between, firstMs, lastMs, perSecond, shareOf, used } from './rates-figures.ts';
import type { Scenario } from './rates-scenarios.ts';
import { alertsFile, percent, withSystem } from './rates-scenarios.ts';

const WORKERS = [1, 2, 4] as const;
/** Until then workers start their part. */
const SPREAD_MS = 2_000;

const stated = (workers: (typeof WORKERS)[number]): Scenario => ({
  name: `spread-1000-${workers}`,
  run: () => {
    const [limit, alerts] = [1_000, 40_000];
    const receiver = ['--model', 'token-bucket', '--rate', `${limit}`, '--burst', '20'];
    return withSystem({ partitions: 4, rate: limit, receiver, workers }, async (system) => {
      await system.send(await alertsFile(system, 'spread', alerts)).sent;
      const traffic = await system.traffic();
      const counts = perSecond(traffic, firstMs(traffic));
      return [
        percent(used(traffic, limit)),
        `${traffic.statuses.length - accepted(traffic)} (${percent(shareOf(traffic, 429))})`,
        '',
        '',
        counts.join(' '),
      ];
    });
  },
});

const unlimited = (workers: (typeof WORKERS)[number]): Scenario => ({
  name: `spread-unlimited-${workers}`,
  run: () =>
    withSystem({ partitions: 4, rate: 'unlimited', receiver: ['--latency', '20ms'], workers }, async (system) => {
      await system.send(await alertsFile(system, 'spread', 100_000)).sent;
      const traffic = await system.traffic();
      const fromMs = firstMs(traffic) + SPREAD_MS;
      const steady = between(traffic, fromMs, lastMs(traffic));
      const perSecondSteady = accepted(steady) / ((lastMs(traffic) - fromMs) / 1_000);
      return [
        `${Math.round(perSecondSteady)}/s from the third second on`,
        '',
        '',
        '',
        perSecond(traffic, firstMs(traffic)).join(' '),
      ];
    }),
});

export const SPREAD_SCENARIOS: readonly Scenario[] = WORKERS.flatMap((workers) => [
  stated(workers),
  unlimited(workers),
]);
