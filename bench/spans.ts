/**
 * What spans cost the path of a request: processor time of this process an alert, over the real client to a receiver in a process of its own, in
 * batches of 5,000, in alternation. `none`: as if there were no spans. `api`: without an SDK, as most run. `sdk`, `sdk all`: with one that batches spans and
 * throws them away, with the usual share of requests (0.01) and with all.
 *
 *     node dist/bench/spans.js [BATCHES=10] [RUNS=3]
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { defaultEndpoint } from '../src/config/settings.ts';
import type { Endpoint } from '../src/domain/endpoint.ts';
import { createEndpointClient } from '../src/endpoint/endpoint-client.ts';
import { requestSpans } from '../src/endpoint/request-spans.ts';
import { tracer } from '../src/tracing.ts';
import { startReceiverProcess } from './receiver-process.ts';

const KINDS = ['none', 'api', 'sdk', 'sdk all'] as const;
type Kind = (typeof KINDS)[number];
const BATCH = 5_000;
const AT_ONCE = 64;
const body = JSON.stringify({ userId: 'user-1234567', alertMessage: 'Your order 1234567 has left our warehouse' });

async function sendBatch(
  client: ReturnType<typeof createEndpointClient>,
  endpoint: Endpoint,
  kind: Kind,
): Promise<void> {
  await tracer.startActiveSpan('sendAlerts', { root: true }, async (span) => {
    const spans = kind === 'none' ? undefined : requestSpans(endpoint, Math.random);
    let next = 0;
    await new Promise<void>((resolve) => {
      let open = 0;
      const send = (): void => {
        if (next === BATCH) {
          if (open === 0) resolve();
          return;
        }
        const id = `bench_${next++}`;
        open++;
        const done = (): void => {
          open--;
          // As a batch does, not in the turn of the answer.
          setImmediate(send);
        };
        client.exchange({ id, body, trace: spans?.of(id, 0) }, () => true, done);
      };
      for (let lane = 0; lane < AT_ONCE; lane++) send();
    });
    span.end();
  });
}

/** Microseconds of processor time an alert. */
async function measure(url: string, kind: Kind, batches: number): Promise<number> {
  if (kind.startsWith('sdk')) {
    const exporter = {
      export: (_: unknown, done: (result: { code: 0 }) => void) => done({ code: 0 }),
      shutdown: async () => undefined,
    };
    new NodeTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter)] }).register();
  }
  const endpoint: Endpoint = { ...defaultEndpoint(url), ...(kind === 'sdk all' ? { tracing: { requests: 1 } } : {}) };
  const client = createEndpointClient(endpoint);
  await sendBatch(client, endpoint, kind);
  const before = process.cpuUsage();
  for (let batch = 0; batch < batches; batch++) await sendBatch(client, endpoint, kind);
  const { user, system } = process.cpuUsage(before);
  await client.close();
  return (user + system) / (batches * BATCH);
}

const [, self, first = '10', second = '3', ...rest] = process.argv;
if (rest.length > 0) {
  console.log(await measure(first, rest[0] as Kind, Number(second)));
} else {
  const receiver = await startReceiverProcess([]);
  const seen = new Map<Kind, number[]>();
  try {
    for (let round = 0; round < Number(second); round++) {
      for (const kind of KINDS) {
        const run = promisify(execFile)(process.execPath, [self!, receiver.url, first, kind]);
        seen.set(kind, [...(seen.get(kind) ?? []), Number((await run).stdout)]);
      }
    }
  } finally {
    await receiver.stop();
  }
  for (const [kind, all] of seen) {
    const sorted = all.toSorted((a, b) => a - b);
    const text = sorted.map((micros) => micros.toFixed(1)).join(', ');
    console.log(`${kind.padEnd(8)} ${sorted[sorted.length >> 1]!.toFixed(1)} µs an alert (${text})`);
  }
}
