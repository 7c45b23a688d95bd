/**
 * End to end: how fast a dropped file is delivered, held against bare undici to the same receiver in the same run, in alternation. wds runs as
 * `wds up` with its embedded server; receiver, wds and bare client are processes of their own.
 *
 *     node dist/bench/delivery.js [ALERTS=100000] [RUNS=5] [CONCURRENCY=64] [RATE=unlimited]
 *
 * Times count from the drop into the inbox (the settle time included) to the receiver's last answer. CPU time is what the processes used in
 * between, an alert: it says what a figure is made of.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { cpuSeconds } from './process-figures.ts';
import { startReceiverProcess } from './receiver-process.ts';
import { alertsFile, median, startUp, until } from './running-up.ts';

const BARE = fileURLToPath(new URL('./bare-undici.js', import.meta.url));

const [alerts = 100_000, runs = 5, concurrency = 64] = process.argv.slice(2, 5).map(Number);
const [rate = 'unlimited'] = process.argv.slice(5);

async function bareRates(url: string): Promise<{ request: number; dispatch: number; requestCpu: number }> {
  const { stdout } = await promisify(execFile)(process.execPath, [BARE, url, String(alerts), String(concurrency)]);
  const rate = (api: string): number => Number(new RegExp(`${api}\\s+(\\d+)`).exec(stdout)?.[1]);
  const requestCpu = Number(/request.*?([\d.]+) µs/.exec(stdout)?.[1]);
  return { request: rate('request'), dispatch: rate('dispatch'), requestCpu };
}

const home = await mkdtemp(join(tmpdir(), 'wds-bench-'));
const receiver = await startReceiverProcess();
const wds = await startUp(
  home,
  `endpoint: { name: bench, url: '${receiver.url}', rate: ${rate}, maxConnections: ${concurrency} }\n`,
);
try {
  const rows: { request: number; requestCpu: number; wds: number; sending: number; cpu: number }[] = [];
  for (let run = 0; run <= runs; run++) {
    const bare = await bareRates(receiver.url);
    await receiver.control({ reset: true });
    const cpuBefore = await cpuOfAll();
    const droppedMs = await wds.drop(`run-${run}.csv`, alertsFile(String(run), alerts));
    await until(async () => (await receiver.stats()).accepted >= alerts, 'all alerts have arrived');
    const cpu = (await cpuOfAll()).map((seconds, index) => ((seconds - cpuBefore[index]!) * 1e6) / alerts);
    const { firstAt, lastAt } = await receiver.stats();
    const row = {
      ...bare,
      wds: (alerts / (lastAt! - droppedMs)) * 1_000,
      sending: (alerts / (lastAt! - firstAt!)) * 1_000,
      cpu: cpu[0]!,
    };
    const warmUp = run === 0 ? '  (warm-up, not counted)' : '';
    console.log(
      `bare ${row.request} request, ${row.dispatch} dispatch; wds ${Math.round(row.wds)} from the drop, ` +
        `${Math.round(row.sending)} from the first alert; first alert ${Math.round(firstAt! - droppedMs)} ms after the drop; ` +
        `CPU an alert: bare request ${bare.requestCpu.toFixed(1)}, wds ${cpu[0]!.toFixed(1)}, server ${cpu[1]!.toFixed(1)}, receiver ${cpu[2]!.toFixed(1)} µs${warmUp}`,
    );
    if (run > 0) rows.push(row);
    await until(() => wds.completed(), 'the workflows have ended');
  }
  const ratio = median(rows.map((row) => row.wds / row.request));
  const cpuRatio = median(rows.map((row) => row.cpu / row.requestCpu));
  const sendingRatio = median(rows.map((row) => row.sending / row.request));
  const eventsPerThousand = ((await wds.historyEvents()) * 1_000) / ((runs + 1) * alerts);
  console.log(
    `median of ${runs}: wds / bare request ${ratio.toFixed(2)} from the drop, ${sendingRatio.toFixed(2)} while sending; ` +
      `processor time ${cpuRatio.toFixed(2)} of its`,
  );
  console.log(
    `peak memory of wds up ${(await wds.peakMiB()).toFixed(0)} MiB; ${eventsPerThousand.toFixed(1)} history events per 1,000 alerts`,
  );
} finally {
  await wds.stop();
  await receiver.stop();
  await rm(home, { recursive: true, force: true });
}

/** User and system time so far of wds, Temporal's dev server and the receiver. */
async function cpuOfAll(): Promise<number[]> {
  const { wds: own, server } = await wds.cpu();
  return [own, server, await cpuSeconds(receiver.pid)];
}
