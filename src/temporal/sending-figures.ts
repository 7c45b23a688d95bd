/** What a sending process shows of its endpoint: alerts and requests, its share of the rate and why there is none, and how late alerts are. */

import type { SendTarget } from '../domain/contracts.ts';
import type { Endpoint } from '../domain/endpoint.ts';
import type { Waiting } from '../domain/governor/contract.ts';
import type { EndpointSession } from '../endpoint/endpoint-session.ts';
import type { EndpointFigures } from '../endpoint/figures.ts';
import type { Pacer } from '../endpoint/pacer.ts';
import { isUnlimited } from '../endpoint/pacer.ts';
import type { RateLease } from '../endpoint/rate-lease.ts';
import type { Figure } from '../monitoring/metrics.ts';
import type { Monitoring } from '../monitoring/monitoring.ts';
import { OK } from '../monitoring/readiness.ts';
import { readDeliveryRecord } from '../store/delivery-record.ts';
import type { Store } from '../store/store.ts';

const WAITING: readonly Waiting['why'][] = ['paused', 'circuit', 'asked', 'quota', 'trouble'];

export interface SendingParts {
  readonly endpoint: Endpoint;
  readonly session: EndpointSession;
  readonly pacer: Pacer;
  readonly lease: RateLease;
  /** Of this process. */
  readonly openRequests: () => number;
  /** What holds the endpoint up, as far as the governor has told. */
  readonly waiting: () => Waiting | null;
}

export function showSending({ metrics, readiness }: Monitoring, parts: SendingParts): void {
  const { session, pacer, lease } = parts;
  const { figures } = session;
  const { name } = parts.endpoint;
  const of = (figure: Figure, ...labels: readonly string[]): Figure => ({ ...figure, labels: ['endpoint', ...labels] });
  const byKind = (counts: Readonly<Record<string, number>>) =>
    Object.entries(counts).map(([kind, count]) => [[name, kind], count] as const);

  const alerts = { name: 'wds_alerts_total', help: 'Alerts that ended here, by outcome; a retried one may end again' };
  metrics.counter(of(alerts, 'outcome'), () => byKind(figures.outcomes));
  const requests = { name: 'wds_requests_total', help: 'Requests that ended, by what the answer means' };
  metrics.counter(of(requests, 'result'), () => byKind(figures.requests));
  const responses = { name: 'wds_responses_total', help: 'Answers, by status' };
  metrics.counter(of(responses, 'status'), () =>
    [...figures.statuses].map(([status, count]) => [[name, `${status}`], count] as const),
  );
  const seconds = { name: 'wds_request_duration_seconds', help: 'From a request to the end of its answer' };
  metrics.histogram(of(seconds), () => [[[name], figures.answerSeconds]]);
  const lag = { name: 'wds_delivery_lag_seconds', help: 'From the submission of a file to the delivery of its alerts' };
  metrics.histogram(of(lag), () => [[[name], figures.lagSeconds]]);

  const one = (figure: Figure, read: () => number): void => metrics.gauge(of(figure), () => [[[name], read()]]);
  one({ name: 'wds_requests_open', help: 'Requests on the wire, or being connected' }, parts.openRequests);
  const rate = {
    name: 'wds_rate_lent_per_second',
    help: 'What this process may send now; all processes together: the limit',
  };
  one(rate, () => (isUnlimited(pacer.ratePerSecond) ? Number.POSITIVE_INFINITY : pacer.ratePerSecond));
  one({ name: 'wds_lease_held', help: '1: the governor has lent this process a share of the rate' }, () =>
    Number(lease.standing === 'held'),
  );
  one({ name: 'wds_lease_missing', help: '1: there are alerts to send, and the governor does not answer' }, () =>
    Number(lease.standing === 'missing'),
  );
  const asked = { name: 'wds_pause_asked_seconds', help: 'How much longer the receiver wants to be left alone' };
  one(asked, () => session.pauseMs / 1_000);
  const waiting = { name: 'wds_endpoint_waiting', help: '1: nothing is sent to the endpoint, and why' };
  metrics.gauge(of(waiting, 'why'), () =>
    // Whoever has nothing to send does not hear when it is over.
    WAITING.map((why) => [[name, why], Number(lease.standing === 'held' && parts.waiting()?.why === why)] as const),
  );
  readiness.add(`lease of ${name}`, () =>
    lease.standing === 'missing' ? 'the governor of the rate does not answer: is a files worker running?' : OK,
  );
}

/** So many files are remembered by when they were submitted. */
const MOST_FILES = 1_000;

/** How late the alerts of a file are delivered; of its first try only, for a retry is late by the will of whoever orders it. */
export class DeliveryLag {
  readonly #store: Store;
  readonly #figures: EndpointFigures;
  readonly #submittedMs = new Map<string, Promise<number>>();

  constructor(store: Store, figures: EndpointFigures) {
    this.#store = store;
    this.#figures = figures;
  }

  /** So many alerts of a file were delivered just now. */
  delivered(of: SendTarget, alerts: number): void {
    if (alerts === 0 || of.round !== 1) return;
    const nowMs = Date.now();
    const submitted = this.#submittedMs.get(of.sha256) ?? this.#read(of);
    this.#submittedMs.set(of.sha256, submitted);
    const [oldest] = this.#submittedMs.keys();
    if (this.#submittedMs.size > MOST_FILES && oldest !== undefined) this.#submittedMs.delete(oldest);
    submitted.then((ms) => {
      if (!Number.isNaN(ms)) this.#figures.lagSeconds.add(Math.max(0, nowMs - ms) / 1_000, alerts);
    });
  }

  /** NaN: it is not known. Never rejects: it is for a figure only. */
  #read(of: SendTarget): Promise<number> {
    return readDeliveryRecord(this.#store, of).then(
      (record) => Date.parse(record?.firstSubmittedAt ?? ''),
      () => Number.NaN,
    );
  }
}
