/**
 * The store in a bucket (versitygw, which the tests build) against the store in a folder, by turns in the same run: how fast a dropped file is
 * delivered, what that takes of the processor, and how many requests of S3. Each store has a `wds up` of its own, with its embedded server.
 * Gateway, server, receiver and wds share the machine, so the processor time of each is told.
 *
 *     node dist/bench/s3.js [ALERTS=100000] [RUNS=3] [RATE=unlimited]
 *
 * Alerts a second count from the drop into the inbox (a folder for both), and from the receiver's first answer, to its last one. Requests count
 * from the drop to the end of the file, its report included, and what wds asks of a bucket without files.
 */
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BUCKET, CREDENTIALS, startGateway } from '../test/support/versitygw.ts';
import { cpuSeconds } from './process-figures.ts';
import { startReceiverProcess } from './receiver-process.ts';
import type { RunningUp } from './running-up.ts';
import { alertsFile, median, startUp, until } from './running-up.ts';

const [alerts = 100_000, runs = 3] = process.argv.slice(2, 4).map(Number);
const [rate = 'unlimited'] = process.argv.slice(4);

interface Figures {
  readonly fromDrop: number;
  readonly sending: number;
  /** Seconds of processor time. */
  readonly cpu: Readonly<Record<'wds' | 'server' | 'receiver' | 'gateway', number>>;
  /** By operation of S3. */
  readonly requests: ReadonlyMap<string, number>;
}

const root = await mkdtemp(join(tmpdir(), 'wds-bench-s3-'));
const accessLog = join(root, 'access.log');
const gateway = await startGateway(accessLog);
const receiver = await startReceiverProcess();
const stores: Record<string, RunningUp> = {};
try {
  const configuration = `endpoint: { name: bench, url: '${receiver.url}', rate: ${rate} }\n`;
  const inBucket = { ...CREDENTIALS, WDS_STORE: `s3://${BUCKET}/wds`, WDS_S3_ENDPOINT: gateway.endpoint };
  for (const [name, env] of Object.entries({ folder: {}, bucket: inBucket })) {
    await mkdir(join(root, name));
    stores[name] = await startUp(join(root, name), configuration, env);
  }
  const seen: Record<string, Figures[]> = { folder: [], bucket: [] };
  // A file at full speed warms up what a later one would be measured with; at a stated rate the processor is idle anyway.
  for (let run = rate === 'unlimited' ? 0 : 1; run <= runs; run++) {
    for (const [name, up] of Object.entries(stores)) {
      const figures = await measure(`${name}-${run}.csv`, up);
      console.log(`${name}: ${figuresText(figures)}${run === 0 ? '  (warm-up, not counted)' : ''}`);
      if (run > 0) seen[name]!.push(figures);
    }
  }
  const ratio = (of: (figures: Figures) => number): string =>
    (median(seen.bucket!.map(of)) / median(seen.folder!.map(of))).toFixed(2);
  console.log(
    `medians of ${runs}: the bucket ${Math.round(median(seen.bucket!.map(({ fromDrop }) => fromDrop)))}/s from the drop, ` +
      `${ratio(({ fromDrop }) => fromDrop)} of the folder; ${ratio(({ sending }) => sending)} while sending; ` +
      `processor time of wds ${ratio(({ cpu }) => cpu.wds)} of its; ` +
      `${median(seen.bucket!.map(({ requests }) => perThousand(sum(requests)))).toFixed(1)} requests for 1,000 alerts`,
  );
  for (const [name, up] of Object.entries(stores)) {
    console.log(`${name}: peak memory of wds up ${(await up.peakMiB()).toFixed(0)} MiB`);
  }
} finally {
  for (const up of Object.values(stores)) await up.stop();
  await receiver.stop();
  await gateway.stop();
  await rm(root, { recursive: true, force: true });
}

async function measure(name: string, up: RunningUp): Promise<Figures> {
  await receiver.control({ reset: true });
  const cpu = async (): Promise<Figures['cpu']> => ({
    ...(await up.cpu()),
    receiver: await cpuSeconds(receiver.pid),
    gateway: await cpuSeconds(gateway.pid),
  });
  const requestsBefore = await requestsSoFar();
  const before = await cpu();
  const droppedMs = await up.drop(name, alertsFile(name, alerts));
  await until(async () => (await receiver.stats()).accepted >= alerts, 'all alerts have arrived');
  const { firstAt, lastAt } = await receiver.stats();
  await until(() => up.completed(), 'the file has ended');
  const after = await cpu();
  const requests = await requestsSoFar();
  for (const [operation, count] of requestsBefore) requests.set(operation, requests.get(operation)! - count);
  return {
    fromDrop: (alerts / (lastAt! - droppedMs)) * 1_000,
    sending: (alerts / (lastAt! - firstAt!)) * 1_000,
    cpu: {
      wds: after.wds - before.wds,
      server: after.server - before.server,
      receiver: after.receiver - before.receiver,
      gateway: after.gateway - before.gateway,
    },
    requests,
  };
}

/** Of all processes that ask the gateway. */
async function requestsSoFar(): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const [, operation] of (await readFile(accessLog, 'utf8')).matchAll(/ s3_(\w+) /g)) {
    counts.set(operation!, (counts.get(operation!) ?? 0) + 1);
  }
  return counts;
}

function figuresText({ fromDrop, sending, cpu, requests }: Figures): string {
  const asked = [...requests]
    .filter(([, count]) => count > 0)
    .sort(([, a], [, b]) => b - a)
    .map(([operation, count]) => `${perThousand(count).toFixed(2)} ${operation}`);
  const used = Object.entries(cpu).map(([name, seconds]) => `${name} ${seconds.toFixed(1)}`);
  const total = sum(requests);
  return (
    `${Math.round(fromDrop)}/s from the drop, ${Math.round(sending)}/s while sending; seconds of processor time: ${used.join(', ')}` +
    (total === 0 ? '' : `; requests for 1,000 alerts: ${perThousand(total).toFixed(1)} (${asked.join(', ')})`)
  );
}

function perThousand(count: number): number {
  return (count * 1_000) / alerts;
}

function sum(requests: ReadonlyMap<string, number>): number {
  return [...requests.values()].reduce((total, count) => total + count, 0);
}
