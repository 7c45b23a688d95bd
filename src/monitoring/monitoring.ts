/** What a process lets machines see of itself: whether it is ready, and its figures. */
import { VERSION } from '../version.ts';
import type { Exposition } from './exposition.ts';
import { Metrics } from './metrics.ts';
import { Readiness } from './readiness.ts';

export interface MetricsText {
  readonly text: string;
  readonly contentType: string;
}

/** Events that somebody wants to be woken for (deploy/prometheus/wds.rules.yml). */
const ALERTED = [
  ['warn', 'file_refused'],
  ['error', 'posts_fault'],
];

export class Monitoring {
  readonly metrics = new Metrics();
  readonly readiness = new Readiness();
  /** Counts a line that the log has, or would have if it were asked for more. */
  readonly countEvent: (level: string, event: string) => void;
  /** The text of Temporal's SDK, once it runs in this process. */
  sdk: (() => Promise<string>) | undefined;
  #exposition: Promise<Exposition> | undefined;

  constructor() {
    const built = { name: 'wds_build_info', help: 'Always 1: what runs', labels: ['version', 'node'] };
    this.metrics.gauge(built, () => [[[VERSION, process.version], 1]]);
    const labels = ['level', 'event'];
    const lines = { name: 'wds_log_events_total', help: 'Lines of the log, from info on', labels };
    const count = this.metrics.counting(lines, ALERTED);
    this.countEvent = (level, event) => count([level, event]);
  }

  /** From when on the process looks at itself: called by what listens, so that its first answer tells something. */
  begin(): Promise<Exposition> {
    this.#exposition ??= import('./exposition.ts').then(({ Exposition }) => new Exposition(this.metrics));
    return this.#exposition;
  }

  async figures(): Promise<MetricsText> {
    const exposition = await this.begin();
    return { text: await exposition.text(this.sdk), contentType: exposition.contentType };
  }
}
