/**
 * Figures as text that Prometheus reads: those of wds, those of the process (memory, processor time, event loop, garbage collection), and those of
 * Temporal's SDK. Loaded by what listens: the library takes a tenth of a second, which commands that only look do not have.
 */
import type { Metric } from 'prom-client';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { Distribution } from '../distribution.ts';
import type { Family, Metrics, Reading } from './metrics.ts';

/** Of an event loop that is held up: how exactly it is seen. */
const EVENT_LOOP_PRECISION_MS = 10;

export class Exposition {
  readonly contentType = Registry.PROMETHEUS_CONTENT_TYPE;
  readonly #metrics: Metrics;
  readonly #process = new Registry();

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
    collectDefaultMetrics({ register: this.#process, eventLoopMonitoringPrecision: EVENT_LOOP_PRECISION_MS });
  }

  /** `sdk`: what Temporal's SDK has to show, as text. */
  async text(sdk: (() => Promise<string>) | undefined): Promise<string> {
    const own = new Registry();
    for (const family of this.#metrics.families) own.registerMetric(metricOf(family));
    const texts = await Promise.all([
      own.metrics(),
      this.#process.metrics(),
      // What its exporter does not give is missing, and the rest is there.
      sdk?.().catch(() => ''),
    ]);
    return texts.filter((text) => text !== undefined && text !== '').join('\n');
  }
}

/** The library's own kinds hold their values themselves; a registry takes whatever tells them. */
function metricOf(family: Family): Metric {
  const { name, help, type, labels: names = [], reads } = family;
  const get = async () => {
    const readings = (await Promise.all(reads.map((read) => read()))).flatMap((found) => [...found]);
    const values = together(readings).flatMap((reading) => linesOf(name, names, reading));
    return { name, help, type, aggregator: 'sum', values };
  };
  return { name, get } as unknown as Metric;
}

/** Several parts that tell the same thing of the same: their sum. */
function together(readings: readonly Reading[]): Reading[] {
  const sums = new Map<string, Reading>();
  for (const [labels, value] of readings) {
    const key = labels.join('\n');
    const before = sums.get(key)?.[1];
    sums.set(key, [labels, typeof before === 'number' && typeof value === 'number' ? before + value : value]);
  }
  return [...sums.values()];
}

interface Line {
  readonly metricName: string;
  readonly labels: Record<string, string>;
  readonly value: number;
}

function linesOf(name: string, names: readonly string[], [values, value]: Reading): Line[] {
  const labels = Object.fromEntries(names.map((label, at) => [label, values[at] ?? '']));
  if (!(value instanceof Distribution)) return [{ metricName: name, labels, value }];
  let count = 0;
  const buckets = value.counts.map((more, at) => {
    count += more;
    return { metricName: `${name}_bucket`, labels: { ...labels, le: `${value.bounds[at] ?? '+Inf'}` }, value: count };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: value.sum },
    { metricName: `${name}_count`, labels, value: count },
  ];
}
