/** The rows of the table that the governor has to live up to, each a run of its own with real processes. Times in ms. */
import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Traffic } from './rates-figures.ts';
import {
  accepted,
  between,
  busiestSecond,
  firstMs,
  lastMs,
  longestGap,
  perSecond,
  reachedAfterMs,
  shareOf,
  used,
} from './rates-figures.ts';
import type { SystemOptions } from './rates-system.ts';
import { RatesSystem, until } from './rates-system.ts';

/** Cells of a table's line. */
export type Line = readonly string[];
export interface Scenario {
  readonly name: string;
  run(): Promise<Line>;
}

const SETTLING_MS = 30_000;

/** A bucket holds 50 ms of the limit, at least 2. */
const bucket = (limit: number): string[] => [
  '--model',
  'token-bucket',
  '--rate',
  `${limit}`,
  '--burst',
  `${Math.max(2, limit * 0.05)}`,
];

export const SCENARIOS: readonly Scenario[] = [
  ...[5, 50, 500, 5_000].flatMap((limit) =>
    (['bucket', 'window'] as const).flatMap((model) => [1, 4].map((partitions) => known(limit, model, partitions))),
  ),
  ...[20, 200, 2_000].map((limit) => unknown(limit, 'none')),
  ...[20, 200, 2_000].map((limit) => unknown(limit, 'draft')),
  { name: 'moving', run: moving },
  { name: 'restart', run: restart },
  { name: 'outage-503', run: () => outage({ status: 503 }, { status: null }) },
  { name: 'outage-refused', run: () => outage({ down: true }, { down: false }) },
  { name: 'kill-50', run: () => kill(50) },
  { name: 'kill-500', run: () => kill(500) },
  { name: 'secret', run: wrongSecret },
  { name: 'fair', run: () => fair(500, 500) },
  { name: 'fair-auto', run: () => fair(50, 'auto') },
];

function known(limit: number, model: 'bucket' | 'window', partitions: number): Scenario {
  const receiver = model === 'bucket' ? bucket(limit) : ['--model', 'fixed-window', '--rate', `${limit}`];
  const alerts = limit * (limit < 100 ? 30 : limit > 1_000 ? 40 : 60);
  return {
    name: `known-${limit}-${model}-${partitions}`,
    run: () =>
      withSystem({ partitions, rate: limit, receiver }, async (system) => {
        const { sent } = system.send(await alertsFile(system, 'known', alerts));
        await sent;
        const traffic = await system.traffic();
        complete(traffic, alerts);
        return [percent(used(traffic, limit)), percent(shareOf(traffic, 429)), ...seconds(traffic, limit)];
      }),
  };
}

function unknown(limit: number, headers: 'none' | 'draft'): Scenario {
  const receiver = [...bucket(limit), '--retry-after', '1', '--rate-limit-headers', headers];
  const runMs = 60_000;
  return {
    name: `unknown-${limit}-${headers}`,
    run: () =>
      withSystem({ rate: 'auto', receiver }, async (system) => {
        system.send(await alertsFile(system, 'unknown', limit * 100));
        await sendingFor(system, runMs);
        const traffic = await system.traffic();
        const startMs = firstMs(traffic);
        const settled = between(traffic, startMs + SETTLING_MS, startMs + runMs);
        const all = between(traffic, startMs, startMs + runMs);
        return [
          `${percent(used(settled, limit, runMs - SETTLING_MS))} (${percent(used(all, limit, runMs))} from the first)`,
          `${percent(shareOf(all, 429))}, then ${percent(shareOf(settled, 429))}`,
          ...seconds(traffic, limit),
        ];
      }),
  };
}

async function moving(): Promise<Line> {
  const steps = [
    { fromMs: 0, limit: 200 },
    { fromMs: 35_000, limit: 20 },
    { fromMs: 70_000, limit: 400 },
  ];
  const schedule = steps.map(({ fromMs, limit }) => `${fromMs}ms:${limit}`).join(',');
  const receiver = ['--model', 'token-bucket', '--schedule', schedule, '--burst', '10', '--retry-after', '1'];
  return withSystem({ rate: 'auto', receiver }, async (system) => {
    system.send(await alertsFile(system, 'moving', 60_000));
    await sendingFor(system, 135_000);
    const traffic = await system.traffic();
    const startMs = firstMs(traffic);
    const [, down, up] = steps;
    const low = between(traffic, startMs + down!.fromMs, startMs + up!.fromMs);
    const high = between(traffic, startMs + up!.fromMs, lastMs(traffic));
    const downMs = reachedAfterMs(low, startMs + down!.fromMs, down!.limit, 0.9, 1.1);
    const upMs = reachedAfterMs(high, startMs + up!.fromMs, up!.limit, 0.9, 1.1);
    return [
      `within 10% after ${inSeconds(downMs)} down, ${inSeconds(upMs)} up`,
      percent(shareOf(traffic, 429)),
      '',
      '',
      perSecond(traffic, startMs).join(' '),
    ];
  });
}

async function restart(): Promise<Line> {
  const limit = 200;
  return withSystem({ rate: 'auto', receiver: [...bucket(limit), '--retry-after', '1'] }, async (system) => {
    system.send(await alertsFile(system, 'restart', limit * 150));
    await sendingFor(system, 45_000);
    await system.stopFollowing();
    await system.stopWorkers();
    await system.stopServer();
    const stoppedMs = Date.now();
    await system.startServer();
    await system.startWorkers();
    await sleep(30_000);
    const after = between(await system.traffic(), stoppedMs, Date.now());
    const startMs = firstMs(after);
    const [first = 0] = perSecond(after, startMs);
    return [
      `${percent(used(after, limit))} after the restart, ${percent(first / limit)} in its first second`,
      `${percent(shareOf(after, 429))} after the restart`,
      ...seconds(after, limit),
    ];
  });
}

type Patch = Parameters<RatesSystem['receiver']['control']>[0];

async function outage(fails: Patch, mends: Patch): Promise<Line> {
  const limit = 1_000;
  const outageMs = Number(process.env.WDS_RATES_OUTAGE_SECONDS ?? 300) * 1_000;
  return withSystem({ rate: limit, receiver: ['--rate', `${limit}`] }, async (system) => {
    const alerts = 100_000;
    const { sent } = system.send(await alertsFile(system, 'outage', alerts));
    await sendingFor(system, 10_000);
    const eventsBefore = await system.historyEvents();
    const downMs = Date.now();
    await system.receiver.control(fails);
    await sleep(outageMs);
    const events = (await system.historyEvents()) - eventsBefore;
    const upMs = Date.now();
    await system.receiver.control(mends);
    await sent;
    const traffic = await system.traffic();
    complete(traffic, alerts);
    const during = between(traffic, downMs, upMs);
    const settledMs = downMs + 5_000;
    const rate = during.atMs.filter((at) => at >= settledMs).length / ((upMs - settledMs) / 1_000);
    const after = between(traffic, upMs, lastMs(traffic));
    return [
      `≥ 90% after ${inSeconds(reachedAfterMs(after, upMs, limit, 0.9))}`,
      percent(shareOf(between(traffic, 0, downMs), 429)),
      '',
      '',
      `${during.atMs.length} requests while down, ${rate.toFixed(2)}/s after the first 5 s; ${events} events; ` +
        `not delivered: ${alerts - accepted(traffic)}; first after ${inSeconds(firstMs(after) - upMs)}`,
    ];
  });
}

async function kill(limit: number): Promise<Line> {
  return withSystem({ rate: limit, receiver: bucket(limit) }, async (system) => {
    system.send(await alertsFile(system, 'kill', limit * 60));
    await sendingFor(system, 15_000);
    const port = Number(new URL(system.receiver.url).port);
    const [pid] = [...system.sendingPids].sort((a, b) => connections(b, port) - connections(a, port));
    const killedMs = Date.now();
    process.kill(pid!, 'SIGKILL');
    await sleep(25_000);
    const traffic = await system.traffic();
    const after = between(traffic, killedMs, Date.now());
    const { gapMs } = longestGap(between(traffic, killedMs - 1_000, Date.now()));
    return [
      '',
      percent(shareOf(traffic, 429)),
      ...seconds(traffic, limit),
      `nothing sent for ${inSeconds(gapMs)}; ≥ 90% after ${inSeconds(reachedAfterMs(after, killedMs, limit, 0.9))}`,
    ];
  });
}

async function wrongSecret(): Promise<Line> {
  const alerts = 100_000;
  const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
  const wrong = `whsec_${Buffer.alloc(32, 8).toString('base64')}`;
  const options = { rate: 'unlimited', receiver: [], receiverSecret: secret, env: { WDS_SECRET: wrong } } as const;
  return withSystem(options, async (system) => {
    system.send(await alertsFile(system, 'secret', alerts));
    await sendingFor(system, 20_000);
    const refused = (await system.receiver.stats()).received;
    await system.stopFollowing();
    await system.stopWorkers();
    const mendedMs = Date.now();
    await system.startWorkers({ WDS_SECRET: secret });
    await until(async () => (await system.receiver.stats()).accepted >= alerts, 'all are delivered', 120_000);
    const traffic = await system.traffic();
    complete(traffic, alerts);
    const firstAcceptedMs = traffic.atMs[traffic.statuses.indexOf(200)]!;
    return [
      'all delivered',
      '',
      '',
      '',
      `${refused} refused in 20 s (${(await system.receiver.stats()).refused} in all); first delivered ` +
        `${inSeconds(firstAcceptedMs - mendedMs)} after the restart with the right one, last ${inSeconds(lastMs(traffic) - mendedMs)}`,
    ];
  });
}

/** 100 rows behind 1,000,000. */
async function fair(limit: number, rate: SystemOptions['rate']): Promise<Line> {
  return withSystem({ rate, receiver: [...bucket(limit), '--retry-after', '1'] }, async (system) => {
    const small = await alertsFile(system, 'small', 100);
    system.send(await alertsFile(system, 'big', 1_000_000));
    await sendingFor(system, 15_000);
    const { submittedMs, sent } = system.send(small);
    const doneMs = (await sent) - submittedMs;
    const traffic = await system.traffic();
    return [
      percent(used(traffic, limit)),
      percent(shareOf(traffic, 429)),
      ...seconds(traffic, limit),
      `the small file is done ${inSeconds(doneMs)} after it was submitted`,
    ];
  });
}

export async function withSystem(
  options: SystemOptions,
  measure: (system: RatesSystem) => Promise<Line>,
): Promise<Line> {
  const system = await RatesSystem.start(options);
  try {
    return await measure(system);
  } finally {
    await system.close();
  }
}

export async function alertsFile(system: RatesSystem, name: string, alerts: number): Promise<string> {
  const lines = ['userId,alertMessage'];
  for (let row = 0; row < alerts; row++) lines.push(`${name}-${row},Alert ${row}: your order has been shipped`);
  const path = join(system.home, `${name}.csv`);
  await writeFile(path, `${lines.join('\n')}\n`);
  return path;
}

/** Waits for the first request, and then. */
export async function sendingFor(system: RatesSystem, durationMs: number): Promise<void> {
  await until(async () => (await system.receiver.stats()).received > 0, 'the first request');
  await sleep(durationMs);
}

function complete(traffic: Traffic, alerts: number): void {
  if (accepted(traffic) !== alerts) throw new Error(`${accepted(traffic)} of ${alerts} alerts were accepted`);
}

/** The worst second and the first, as parts of the limit; what was sent, second after second. */
function seconds(traffic: Traffic, limit: number): string[] {
  const counts = perSecond(traffic, firstMs(traffic));
  const worst = Math.max(...counts.slice(1));
  return [
    `${(worst / limit).toFixed(3)} (any: ${(busiestSecond(traffic) / limit).toFixed(3)})`,
    (counts[0]! / limit).toFixed(2),
    counts.join(' '),
  ];
}

/** Of a process to a local port. */
function connections(pid: number, port: number): number {
  const lines = execFileSync('ss', ['-tnp', 'state', 'established', 'dport', `= :${port}`], { encoding: 'utf8' });
  return lines.split('\n').filter((line) => line.includes(`pid=${pid},`)).length;
}

export const percent = (share: number): string => `${(share * 100).toFixed(1)}%`;
const inSeconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
