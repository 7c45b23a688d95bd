/**
 * What a bad night does to a cluster, in the middle of a file, under `hold`: a host that loses its power or its cable to Temporal, Temporal
 * and PostgreSQL killed, a share that is not mounted, somebody else's installation.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../rates-system.ts';
import { accountAtEnd, accountText, arrived, requestsSoFar } from './account.ts';
import { dropAlerts, writeAlerts } from './alerts.ts';
import type { DeliveringHost, WdsProcess } from './cluster.ts';
import { Cluster, warningsOf } from './cluster.ts';
import { end } from './hosts.ts';
import type { Scenario } from './scenario.ts';

const RATE = 300;
const BEGINNING = 3_000;
const GOES_ON_LIMIT_MS = 120_000;

interface Stage {
  readonly cluster: Cluster;
  /** Each has a watcher and a worker of both roles. */
  readonly hosts: readonly DeliveringHost[];
  /** Of `hosts`, in their order: watcher, worker. */
  readonly processes: readonly WdsProcess[];
}

/** Says what it saw beside the account. */
type Fault = (stage: Stage) => Promise<readonly string[]>;

const faulty = (name: string, alerts: number, fault: Fault): Scenario => ({
  name: `fault-${name}`,
  run: async () => {
    const cluster = await Cluster.start({ receiver: ['--latency', '20ms'], endpoint: { rate: RATE } });
    try {
      const hosts = [await cluster.boot(1), await cluster.boot(2)];
      await hosts[0]!.run('init', '--force');
      const processes: WdsProcess[] = [];
      for (const host of hosts) {
        for (const args of [['watch'], ['worker']] as const) processes.push(await host.serve(args));
      }
      const dropped = dropAlerts(cluster, hosts[0]!, name, alerts);
      await arrived(cluster, BEGINNING);
      const seen = await fault({ cluster, hosts, processes });
      const account = await accountAtEnd(cluster, hosts[1]!, dropped);
      return [accountText(account), ...seen];
    } finally {
      await cluster.close();
    }
  },
});

async function goesOnAfter(cluster: Cluster): Promise<string[]> {
  const [atMs, before] = [performance.now(), await requestsSoFar(cluster)];
  await until(async () => (await requestsSoFar(cluster)) > before + RATE * 5, 'it goes on', GOES_ON_LIMIT_MS);
  return [`five seconds' worth of requests within ${((performance.now() - atMs) / 1_000).toFixed(1)} s`];
}

export const FAULT_SCENARIOS: readonly Scenario[] = [
  faulty('host-killed', 12_000, async ({ cluster, hosts: [first] }) => {
    await first!.host.kill();
    return await goesOnAfter(cluster);
  }),
  faulty('network-cut', 30_000, async ({ cluster, hosts: [first], processes }) => {
    first!.host.plug('service', false);
    const seen = await goesOnAfter(cluster);
    await sleep(60_000);
    const says = warningsOf(processes[1]!);
    first!.host.plug('service', true);
    return [...seen, says];
  }),
  faulty('service-killed', 15_000, async ({ cluster }) => {
    await cluster.temporal.kill();
    await sleep(15_000);
    await cluster.temporal.startPostgres();
    await cluster.temporal.startServer();
    return await goesOnAfter(cluster);
  }),
  faulty('store-not-mounted', 15_000, async ({ hosts: [first], processes }) => {
    first!.mountShared('store', false);
    await sleep(15_000);
    const status = await first!.run('status');
    const newcomer = await first!.start(['worker']);
    await sleep(10_000);
    const seen = [
      `its worker: ${warningsOf(processes[1]!)}`,
      `a worker that starts there: ${readFileSync(newcomer.log, 'utf8')}`,
      `wds status there: ${status.code} ${status.stdout} ${status.stderr}`,
    ];
    await end(newcomer);
    first!.mountShared('store', true);
    return seen;
  }),
  faulty('two-installations', 12_000, async ({ cluster }) => {
    const stranger = await cluster.boot(3, { share: 'other' });
    const refused = await stranger.run('send', writeAlerts(cluster.folder, 'strange', 10).file);
    const neighbour = await cluster.boot(4, { share: 'other', endpoint: { name: 'erp' } });
    for (const args of [['watch'], ['worker']] as const) await neighbour.serve(args);
    const own = dropAlerts(cluster, neighbour, 'neighbour', 6_000);
    const account = await accountAtEnd(cluster, neighbour, own);
    return [`same name: ${refused.code} ${refused.stderr}`, `the neighbour: ${accountText(account)}`];
  }),
];
