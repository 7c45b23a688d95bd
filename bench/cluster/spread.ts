/** How the work of one file spreads over hosts: no limit, and a stated rate at a receiver that has little patience. */
import { readdirSync, readFileSync } from 'node:fs';
import type { Traffic } from '../rates-figures.ts';
import { accepted, between, firstMs, lastMs, perSecond, readTraffic, used } from '../rates-figures.ts';
import { percent } from '../rates-scenarios.ts';
import { writeAlerts } from './alerts.ts';
import { Cluster } from './cluster.ts';
import type { Scenario } from './scenario.ts';

const WORKERS = [1, 2, 4] as const;
/** Until then workers start their part; and so long before the last alert there is less left than all of them could send. */
const [SPREAD_MS, ENDING_MS] = [2_000, 2_000] as const;
/** Alerts of a first file, which is not measured. */
const BEFORE = 3_000;

interface Measured {
  readonly traffic: Traffic;
  /** Between start and end. */
  readonly steady: Traffic;
  readonly steadyMs: number;
  /** Who used its processors meanwhile. */
  readonly machine: string;
}

/** One file, read by a files worker on a host of its own, sent by `workers` hosts. */
async function measure(
  workers: number,
  alerts: number,
  receiver: readonly string[],
  endpoint: Readonly<Record<string, unknown>>,
): Promise<Measured> {
  const cluster = await Cluster.start({ receiver, endpoint });
  try {
    const first = await cluster.boot(0);
    await first.run('init', '--force');
    await first.serve(['worker', '--role', 'files']);
    for (let at = 1; at <= workers; at++) {
      const host = await cluster.boot(at);
      await host.serve(['worker', '--role', 'alerts']);
    }
    const send = async (name: string, count: number): Promise<void> => {
      const { code, stderr } = await first.run('send', writeAlerts(cluster.folder, name, count).file, '-o', 'json');
      if (code !== 0) throw new Error(`send ended with ${code}: ${stderr}`);
    };
    // A program that has just begun stands still for tens of milliseconds now and then: receivers have been there for long.
    await send('before', BEFORE);
    const [before, sentMs] = [processorTicks(), Date.now()];
    await send('spread', alerts);
    const traffic = between(await readTraffic(cluster.receiverLog), sentMs, Number.POSITIVE_INFINITY);
    const [fromMs, toMs] = [firstMs(traffic) + SPREAD_MS, lastMs(traffic) - ENDING_MS];
    return {
      traffic,
      steady: between(traffic, fromMs, toMs),
      steadyMs: toMs - fromMs,
      machine: machineText(before, processorTicks()),
    };
  } finally {
    await cluster.close();
  }
}

interface Ticks {
  readonly idle: number;
  readonly all: number;
  readonly ours: number;
}

/** proc(5): user, nice, system, idle, iowait, … of the machine; and user and system time of all processes of the namespace. */
function processorTicks(): Ticks {
  const ticks = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0]!.split(/\s+/).slice(1, 9).map(Number);
  const ours = readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name))
    .map((pid) => ownTicks(pid));
  const sum = (numbers: readonly number[]): number => numbers.reduce((before, one) => before + one, 0);
  return { idle: ticks[3]! + ticks[4]!, all: sum(ticks), ours: sum(ours) };
}

function ownTicks(pid: string): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return Number(fields[11]) + Number(fields[12]);
  } catch {
    // It has ended just now.
    return 0;
  }
}

function machineText(before: Ticks, after: Ticks): string {
  const all = after.all - before.all;
  const [idle, ours] = [(after.idle - before.idle) / all, (after.ours - before.ours) / all];
  return `processors ${percent(idle)} idle, ${percent(ours)} used by these hosts, ${percent(1 - idle - ours)} by the kernel and others`;
}

const unlimited = (latencyMs: number, workers: number): Scenario => ({
  name: `spread-${latencyMs}-${workers}`,
  run: async () => {
    const receiver = ['--latency', `${latencyMs}ms`];
    const { traffic, steady, steadyMs, machine } = await measure(workers, 100_000, receiver, { rate: 'unlimited' });
    return [
      `${Math.round(accepted(steady) / (steadyMs / 1_000))}/s from the third second on`,
      machine,
      perSecond(traffic, firstMs(traffic)).join(' '),
    ];
  },
});

const RATE = 1_000;

const stated = (workers: number): Scenario => ({
  name: `rate-${RATE}-${workers}`,
  run: async () => {
    const receiver = ['--model', 'token-bucket', '--rate', `${RATE}`, '--burst', '20', '--latency', '20ms'];
    const { traffic, steady, steadyMs, machine } = await measure(workers, 100_000, receiver, { rate: RATE });
    return [
      `${percent(used(steady, RATE, steadyMs))} steady, ${percent(used(traffic, RATE))} from the first request to the last`,
      `${traffic.statuses.filter((status) => status === 429).length} × 429`,
      ...refusals(traffic),
      machine,
      perSecond(traffic, firstMs(traffic)).join(' '),
    ];
  },
});

/**
 * Episodes of refusals, each with the stretch of the second before in which most came beyond the rate. A worker makes up for 10 ms at most: more
 * than that in a clump were met at once by a receiver, or a machine, that stood still for as long as nothing came before it.
 */
function refusals({ atMs, statuses }: Traffic): string[] {
  const episodes: string[] = [];
  let endMs = Number.NEGATIVE_INFINITY;
  for (const [index, at] of atMs.entries()) {
    if (statuses[index] !== 429) continue;
    if (at > endMs) {
      const excess = (from: number): number => index - from + 1 - ((at - atMs[from]!) * RATE) / 1_000;
      let first = index;
      for (let from = index; from >= 0 && atMs[from]! > at - 1_000; from--)
        if (excess(from) > excess(first)) first = from;
      const refused = statuses.filter((status, one) => status === 429 && atMs[one]! >= at && atMs[one]! < at + 1_000);
      const silenceMs = atMs[first]! - (atMs[first - 1] ?? Number.NaN);
      episodes.push(
        `at ${((at - atMs[0]!) / 1_000).toFixed(1)} s: ${refused.length} refused, after ${index - first + 1} in ${(at - atMs[first]!).toFixed(1)} ms, and nothing for ${silenceMs.toFixed(1)} ms before`,
      );
    }
    endMs = at + 1_000;
  }
  return episodes;
}

export const SPREAD_SCENARIOS: readonly Scenario[] = [
  ...[20, 100].flatMap((latencyMs) => WORKERS.map((workers) => unlimited(latencyMs, workers))),
  ...WORKERS.map(stated),
];
