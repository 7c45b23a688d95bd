/**
 * What the HTTP client alone reaches: the ceiling that wds is held against, in the same run and to the same receiver. Bodies and
 * headers are like those that wds sends; nothing is read from a file, no receipt is kept, nothing is retried.
 *
 *     node dist/bench/bare-undici.js URL COUNT CONCURRENCY
 *
 * Two figures: `request`, the ordinary call with the body dumped, as a good user writes it, and `dispatch`, undici's lowest level.
 */
import { pathToFileURL } from 'node:url';
import type { Dispatcher } from 'undici';
import { Pool } from 'undici';
import { alertBody } from '../src/domain/alert.ts';

export type BareApi = 'request' | 'dispatch';

export interface BareResult {
  readonly api: BareApi;
  readonly count: number;
  readonly seconds: number;
  readonly alertsPerSecond: number;
  /** Processor time of this process for an alert. */
  readonly cpuMicros: number;
  /** Answers other than 2xx. */
  readonly notAccepted: number;
}

const RUN_ID = 'bare_0123456789abcdef0123456789abcdef';

function requestOptions(path: string, row: number): Dispatcher.RequestOptions & { headers: Record<string, string> } {
  const id = `${RUN_ID}_${row}`;
  return {
    method: 'POST',
    path,
    headers: {
      'content-type': 'application/json',
      'user-agent': 'wds-bench',
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(Date.now() / 1000)),
      'idempotency-key': `"${id}"`,
    },
    body: alertBody(`user-${row}`, `Alert ${row}: your order has been shipped and will arrive tomorrow`),
  };
}

/** Sends `count` alerts with `concurrency` connections, one request at a time on each. */
export async function bareUndici(url: string, count: number, concurrency: number, api: BareApi): Promise<BareResult> {
  const { origin, pathname } = new URL(url);
  const pool = new Pool(origin, { connections: concurrency, pipelining: 1 });
  const sendOne = api === 'request' ? requestOne : dispatchOne;
  let next = 0;
  let notAccepted = 0;
  const lane = async (): Promise<void> => {
    while (next < count) {
      const status = await sendOne(pool, requestOptions(pathname, ++next));
      if (status < 200 || status > 299) notAccepted += 1;
    }
  };
  const cpuBefore = process.cpuUsage();
  const started = performance.now();
  await Promise.all(Array.from({ length: concurrency }, lane));
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  await pool.close();
  return { api, count, seconds, alertsPerSecond: count / seconds, cpuMicros: (user + system) / count, notAccepted };
}

async function requestOne(pool: Pool, options: Dispatcher.RequestOptions): Promise<number> {
  const { statusCode, body } = await pool.request(options);
  await body.dump();
  return statusCode;
}

function dispatchOne(pool: Pool, options: Dispatcher.DispatchOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    let status = 0;
    pool.dispatch(options, {
      onRequestStart() {},
      onResponseStart(_controller, statusCode) {
        status = statusCode;
      },
      onResponseData() {},
      onResponseEnd: () => resolve(status),
      onResponseError: (_controller, error) => reject(error),
    });
  });
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [url, count = '100000', concurrency = '64'] = process.argv.slice(2);
  if (url === undefined) {
    process.stderr.write('usage: node dist/bench/bare-undici.js URL [COUNT] [CONCURRENCY]\n');
    process.exitCode = 2;
  } else {
    for (const api of ['request', 'dispatch'] as const) {
      const result = await bareUndici(url, Number(count), Number(concurrency), api);
      const refused = result.notAccepted === 0 ? '' : `, ${result.notAccepted} not accepted`;
      const { alertsPerSecond, cpuMicros } = result;
      console.log(
        `${api.padEnd(8)}  ${Math.round(alertsPerSecond)} alerts/s, ${cpuMicros.toFixed(1)} µs of processor time an alert${refused}`,
      );
    }
  }
}
