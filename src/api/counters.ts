/** What this API process has done, as text that Prometheus reads. */
import type { FileState, FileStatus } from '../app/app.ts';
import type { EndpointStatus } from '../app/endpoint-status.ts';

interface Line {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export class Counters {
  readonly #requests = new Map<string, number>();
  #uploads = 0;
  #uploadBytes = 0;
  #posts = 0;
  #alerts = 0;

  answered(method: string, route: string, status: number): void {
    const key = JSON.stringify({ method, route, status: String(status) });
    this.#requests.set(key, (this.#requests.get(key) ?? 0) + 1);
  }

  uploaded(bytes: number): void {
    this.#uploads += 1;
    this.#uploadBytes += bytes;
  }

  posted(alerts: number): void {
    this.#posts += 1;
    this.#alerts += alerts;
  }

  /** `files`: the newest ones. */
  text(files: readonly FileStatus[], endpoints: readonly EndpointStatus[]): string {
    const one = (value: number): Line[] => [{ labels: {}, value }];
    const requests = [...this.#requests].map(([key, value]) => ({
      labels: JSON.parse(key) as Record<string, string>,
      value,
    }));
    const governed = endpoints.flatMap(({ name, governor }) => (governor === null ? [] : [{ name, governor }]));
    return [
      metric('wds_api_requests_total', 'counter', 'Requests by route and status', requests),
      metric('wds_api_uploads_total', 'counter', 'Files taken', one(this.#uploads)),
      metric('wds_api_upload_bytes_total', 'counter', 'Bytes of the files taken', one(this.#uploadBytes)),
      metric('wds_api_posts_total', 'counter', 'Posts taken', one(this.#posts)),
      metric('wds_api_posted_alerts_total', 'counter', 'Alerts of the posts taken', one(this.#alerts)),
      metric('wds_files', 'gauge', 'The newest hundred files by state', byState(files)),
      metric('wds_alerts_pending', 'gauge', 'Alerts of these files that have not ended', [
        { labels: {}, value: files.reduce((sum, { pending }) => sum + pending, 0) },
      ]),
      metric(
        'wds_endpoint_paused',
        'gauge',
        'Paused by an operator',
        governed.map(({ name, governor }) => ({ labels: { endpoint: name }, value: Number(governor.paused) })),
      ),
      metric(
        'wds_endpoint_circuit_open',
        'gauge',
        'Nothing but probes is sent',
        governed.map(({ name, governor }) => ({
          labels: { endpoint: name },
          value: Number(governor.circuit !== 'closed'),
        })),
      ),
      metric('process_resident_memory_bytes', 'gauge', 'Of this process', one(process.memoryUsage.rss())),
    ].join('');
  }
}

function byState(files: readonly FileStatus[]): Line[] {
  const counts = new Map<FileState, number>();
  for (const { state } of files) counts.set(state, (counts.get(state) ?? 0) + 1);
  return [...counts].map(([state, value]) => ({ labels: { state }, value }));
}

function metric(name: string, type: 'counter' | 'gauge', help: string, lines: readonly Line[]): string {
  const text = lines.map(({ labels, value }) => {
    const pairs = Object.entries(labels).map(([key, label]) => `${key}="${label.replaceAll(/["\\\n]/g, '\\$&')}"`);
    return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}\n`;
  });
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${text.join('')}`;
}
