/**
 * What a process that watches an inbox shows of the whole installation: files under way and their alerts, and the governors. Temporal is asked when
 * figures are, and not more often than every ten seconds; what it does not answer in time is as it was.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { WatcherStatus } from '../intake/watch-options.ts';
import type { Figure, Metrics, Reading } from '../monitoring/metrics.ts';
import type { Installation } from '../temporal/installation.ts';
import type { FileStatus, StatusReport } from './app.ts';
import type { EndpointStatus } from './endpoint-status.ts';
import { readStatus } from './file-status.ts';

/** Of more files nobody can keep an eye on: what they have in common is in the alerts that are sent. */
const MOST_FILES = 100;
const FRESH_MS = 10_000;
const ANSWER_LIMIT_MS = 3_000;

type Seen = Pick<StatusReport, 'files' | 'endpoints'>;
const NOTHING: Seen = { files: [], endpoints: [] };

/** `read`: what there is now. */
export class InstallationLook {
  readonly #read: () => Promise<Seen>;
  readonly #nowMs: () => number;
  #seen: Seen = NOTHING;
  #seenMs = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | undefined;

  constructor(read: () => Promise<Seen>, nowMs: () => number = () => performance.now()) {
    this.#read = read;
    this.#nowMs = nowMs;
  }

  async fresh(): Promise<Seen> {
    if (this.#nowMs() - this.#seenMs > FRESH_MS) {
      this.#reading ??= this.#read()
        .then(
          (seen) => {
            this.#seen = seen;
            this.#seenMs = this.#nowMs();
          },
          () => undefined,
        )
        .finally(() => {
          this.#reading = undefined;
        });
      await Promise.race([this.#reading, sleep(ANSWER_LIMIT_MS, undefined, { ref: false })]);
    }
    return this.#seen;
  }
}

export function showInstallation(metrics: Metrics, installation: Installation): void {
  showSeen(metrics, new InstallationLook(() => readStatus(installation, MOST_FILES)));
}

export function showSeen(metrics: Metrics, look: InstallationLook): void {
  const files = (figure: Figure, read: (files: readonly FileStatus[]) => readonly Reading[]): void =>
    metrics.gauge(figure, async () => read((await look.fresh()).files));
  files({ name: 'wds_files', help: 'The newest hundred files, by state', labels: ['state'] }, (all) =>
    counted(all.map(({ state }) => state)),
  );
  files({ name: 'wds_alerts_pending', help: 'Alerts of these files that have not ended' }, (all) => [
    [[], all.filter(isUnderWay).reduce((sum, { pending }) => sum + pending, 0)],
  ]);
  files({ name: 'wds_files_waiting', help: 'Of these files, those that wait, and why', labels: ['why'] }, (all) =>
    counted(all.flatMap(({ waiting }) => waiting?.why ?? [])),
  );
  files(
    { name: 'wds_oldest_file_seconds', help: 'For how long the oldest file that runs has been under way' },
    (all) => [[[], Math.max(0, ...all.filter(isUnderWay).map(({ seconds }) => seconds))]],
  );

  const endpoints = (name: string, help: string, read: (one: EndpointStatus) => number | undefined): void =>
    metrics.gauge({ name, help, labels: ['endpoint'] }, async () =>
      (await look.fresh()).endpoints.flatMap((one): Reading[] => {
        const value = read(one);
        return value === undefined ? [] : [[[one.name], value]];
      }),
    );
  endpoints('wds_endpoint_rate_limit_per_second', 'What all processes together may send now', ({ governor }) =>
    governor === null ? undefined : (governor.ratePerSecond ?? Number.POSITIVE_INFINITY),
  );
  endpoints('wds_endpoint_paused', '1: paused by an operator', ({ governor }) =>
    governor === null ? undefined : Number(governor.paused),
  );
  endpoints('wds_endpoint_circuit_open', '1: nothing but probes is sent', ({ governor }) =>
    governor === null ? undefined : Number(governor.circuit !== 'closed'),
  );
  endpoints('wds_endpoint_senders', 'Processes that send to it', ({ governor }) => governor?.activeWorkers);
  endpoints('wds_endpoint_served', '1: a worker asks for its alerts', ({ served }) =>
    served === undefined ? undefined : Number(served),
  );
}

/** `status`: of the watcher of an inbox. */
export function showInbox(metrics: Metrics, inbox: string, status: () => WatcherStatus): void {
  const labels = ['inbox', 'where'];
  metrics.gauge({ name: 'wds_inbox_files', help: 'Files that were dropped and not submitted yet', labels }, () => [
    [[inbox, 'waiting'], status().pendingFiles],
    [[inbox, 'claimed'], status().claimedFiles],
  ]);
  metrics.gauge(
    { name: 'wds_inbox_bytes', help: 'Bytes of the files that wait in the inbox', labels: ['inbox'] },
    () => [[[inbox], status().pendingBytes]],
  );
  metrics.gauge({ name: 'wds_inbox_failing', help: '1: some of its work cannot be done', labels: ['inbox'] }, () => [
    [[inbox], Number(status().failing)],
  ]);
  metrics.gauge(
    { name: 'wds_inbox_paused', help: '1: no room on the disk, nothing is taken', labels: ['inbox'] },
    () => [[[inbox], Number(status().paused !== undefined)]],
  );
  metrics.counter({ name: 'wds_files_submitted_total', help: 'Files that were submitted', labels: ['inbox'] }, () => [
    [[inbox], status().submittedFiles],
  ]);
}

const isUnderWay = ({ state }: FileStatus): boolean => state === 'running' || state === 'paused';

function counted(names: readonly string[]): Reading[] {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([name, count]) => [[name], count]);
}
