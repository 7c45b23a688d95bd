/** What the receiver counts, as `GET /stats` gives it and as a person reads it. Times are milliseconds since 1970. */
import type { IdSet } from './id-set.ts';
import type { ReceiverSettings } from './receiver-options.ts';

/** How a request ended: 2xx · above the limit · other 3xx and 4xx · 5xx, reset or never answered. */
export type Ending = 'accepted' | 'throttled' | 'refused' | 'failed';

/** Seconds are counted from the first request. */
export interface SecondCounts {
  readonly second: number;
  readonly received: number;
  readonly accepted: number;
}

export interface ReceiverStats {
  readonly received: number;
  readonly accepted: number;
  readonly throttled: number;
  readonly refused: number;
  readonly failed: number;
  /** Requests whose signature was right; 0 without a secret. */
  readonly verified: number;
  /** webhook-ids accepted, and accepted requests beyond the first of each. */
  readonly uniqueIds: number | null;
  readonly repeated: number | null;
  /** Requests that broke off before they had arrived in full; not in `received`. */
  readonly aborted: number;
  readonly statuses: Readonly<Record<string, number>>;
  readonly firstAt: number | null;
  readonly lastAt: number | null;
  /** The last ten minutes, every second of them, those without requests too. */
  readonly perSecond: readonly SecondCounts[];
  /** Most accepted, and most received, in one of all seconds. */
  readonly maxPerSecond: number;
  readonly maxReceivedPerSecond: number;
  readonly openConnections: number;
  readonly openRequests: number;
  readonly peakConcurrency: number;
}

export interface ReceiverReport extends ReceiverStats {
  /** The limit in words. */
  readonly limit: string;
  /** As given, without the secret. */
  readonly settings: ReceiverSettings;
  /** Base of the second listener (`--control-port`), or null. */
  readonly controlUrl: string | null;
}

const KEPT_SECONDS = 600;

export class StatsCounter {
  private readonly ids: IdSet;
  private readonly endings: Record<Ending, number> = { accepted: 0, throttled: 0, refused: 0, failed: 0 };
  private readonly byStatus = new Uint32Array(600);
  private readonly receivedIn = new Uint32Array(KEPT_SECONDS);
  private readonly acceptedIn = new Uint32Array(KEPT_SECONDS);
  private second = -1;
  private firstAt: number | null = null;
  private lastAt: number | null = null;
  private maxPerSecond = 0;
  private maxReceivedPerSecond = 0;
  private repeated = 0;
  private peakConcurrency = 0;
  verified = 0;
  aborted = 0;
  openConnections = 0;
  openRequests = 0;

  constructor(ids: IdSet) {
    this.ids = ids;
  }

  requestOpened(): void {
    this.openRequests += 1;
    if (this.openRequests > this.peakConcurrency) this.peakConcurrency = this.openRequests;
  }

  /** `status` 0: never answered. */
  ended(nowMs: number, ending: Ending, status: number, webhookId: string): void {
    this.firstAt ??= nowMs;
    this.lastAt = nowMs;
    this.moveTo(Math.floor((nowMs - this.firstAt) / 1000));
    const slot = this.second % KEPT_SECONDS;
    this.endings[ending] += 1;
    this.byStatus[status]! += 1;
    const received = ++this.receivedIn[slot]!;
    if (received > this.maxReceivedPerSecond) this.maxReceivedPerSecond = received;
    if (ending !== 'accepted') return;
    const accepted = ++this.acceptedIn[slot]!;
    if (accepted > this.maxPerSecond) this.maxPerSecond = accepted;
    if (webhookId !== '' && !this.ids.add(webhookId)) this.repeated += 1;
  }

  snapshot(): ReceiverStats {
    const statuses: Record<string, number> = {};
    for (const [status, count] of this.byStatus.entries()) {
      if (count > 0) statuses[status] = count;
    }
    const perSecond: SecondCounts[] = [];
    for (let second = Math.max(0, this.second - KEPT_SECONDS + 1); second <= this.second; second++) {
      const slot = second % KEPT_SECONDS;
      perSecond.push({ second, received: this.receivedIn[slot]!, accepted: this.acceptedIn[slot]! });
    }
    return {
      received: this.endings.accepted + this.endings.throttled + this.endings.refused + this.endings.failed,
      ...this.endings,
      verified: this.verified,
      uniqueIds: this.ids.size,
      repeated: this.repeated,
      aborted: this.aborted,
      statuses,
      firstAt: this.firstAt,
      lastAt: this.lastAt,
      perSecond,
      maxPerSecond: this.maxPerSecond,
      maxReceivedPerSecond: this.maxReceivedPerSecond,
      openConnections: this.openConnections,
      openRequests: this.openRequests,
      peakConcurrency: Math.max(this.peakConcurrency, this.openRequests),
    };
  }

  private moveTo(second: number): void {
    if (second <= this.second) return;
    for (let s = Math.max(this.second + 1, second - KEPT_SECONDS + 1); s <= second; s++) {
      this.receivedIn[s % KEPT_SECONDS] = 0;
      this.acceptedIn[s % KEPT_SECONDS] = 0;
    }
    this.second = second;
  }
}

/** The page at `GET /`. */
export function statusPage(stats: ReceiverStats, limit: string): string {
  const last = stats.perSecond.at(-1);
  return [
    'wds receiver: POST alerts to this address.',
    '',
    `limit        ${limit}`,
    `received     ${stats.received}`,
    `accepted     ${stats.accepted}`,
    `  unique     ${stats.uniqueIds ?? 'not tracked'}`,
    `  repeated   ${stats.repeated ?? 'not tracked'}`,
    `throttled    ${stats.throttled}`,
    `refused      ${stats.refused}`,
    `failed       ${stats.failed}`,
    `this second  ${last?.accepted ?? 0} accepted of ${last?.received ?? 0}; most accepted in one: ${stats.maxPerSecond}`,
    `open         ${stats.openConnections} connections, ${stats.openRequests} requests (most: ${stats.peakConcurrency})`,
    '',
    'GET /stats: all figures as JSON. POST /control: change the settings, as JSON.',
    '',
  ].join('\n');
}
