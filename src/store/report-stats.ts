/** What report.html shows beside the counts, gathered row by row in memory that does not grow with the file. Pure. */
import { AnswerFigures } from '../domain/ledger/answer-figures.ts';
import type { RowState } from '../domain/ledger/row-state.ts';

const MOST_BUCKETS = 96;
const MOST_REASONS = 200;
const MINUTE_MS = 60_000;
/** What one bar stands for. Times of day are cut where people cut them. */
const WIDTHS_MS = [1, 5, 15, 60, 300, 900, 3_600, 6 * 3_600, 24 * 3_600].map((seconds) => seconds * 1_000);
const MOST_ATTEMPTS = 10;

export type RowEnd = 'delivered' | 'rejected' | 'undelivered' | 'unconfirmed' | 'suppressed' | 'pending';

export interface Bucket {
  readonly fromMs: number;
  delivered: number;
  failed: number;
  /** Answers that asked to slow down. */
  throttled: number;
}

/** Alerts that ended otherwise than delivered, for the same reason. */
export interface ReasonSeen {
  readonly outcome: RowEnd;
  readonly reason: string;
  count: number;
  /** The first of them. */
  readonly line: number;
  readonly userId: string;
}

export class ReportStats {
  #widthMs = WIDTHS_MS[0]!;
  readonly #buckets = new Map<number, Bucket>();
  readonly #reasons = new Map<string, ReasonSeen>();
  /** By the requests that an alert took, from 1; the last one holds all above. */
  readonly attempts: number[] = Array.from({ length: MOST_ATTEMPTS }, () => 0);
  /** Of all attempts that have ended in good order. */
  readonly answers = new AnswerFigures();
  otherReasons = 0;

  add(end: RowEnd, state: RowState | undefined, row: { readonly line: number; readonly userId: string }): void {
    if (end === 'pending' || end === 'suppressed' || state === undefined) return;
    const delivered = end === 'delivered';
    this.#bucketAt(state.atMs)[delivered ? 'delivered' : 'failed']++;
    if (state.attempts > 0) this.attempts[Math.min(state.attempts, MOST_ATTEMPTS) - 1]!++;
    if (!delivered) this.#count(end, state, row);
  }

  /** How the attempts at a chunk were answered. */
  heard(figures: AnswerFigures): void {
    this.answers.add(figures);
    for (const [atMs, times] of figures.throttledAt) this.#bucketAt(atMs).throttled += times;
  }

  #count(outcome: RowEnd, { reason }: RowState, { line, userId }: { readonly line: number; readonly userId: string }) {
    const key = `${outcome} ${reason}`;
    const seen = this.#reasons.get(key);
    if (seen !== undefined) seen.count++;
    else if (this.#reasons.size < MOST_REASONS) this.#reasons.set(key, { outcome, reason, count: 1, line, userId });
    else this.otherReasons++;
  }

  #bucketAt(atMs: number): Bucket {
    for (;;) {
      const fromMs = Math.floor(atMs / this.#widthMs) * this.#widthMs;
      const known = this.#buckets.get(fromMs);
      if (known !== undefined) return known;
      if (this.#buckets.size < MOST_BUCKETS) {
        const bucket: Bucket = { fromMs, delivered: 0, failed: 0, throttled: 0 };
        this.#buckets.set(fromMs, bucket);
        return bucket;
      }
      this.#widen();
    }
  }

  #widen(): void {
    const before = [...this.#buckets.values()];
    this.#buckets.clear();
    this.#widthMs = WIDTHS_MS.find((width) => width > this.#widthMs) ?? 2 * this.#widthMs;
    for (const { fromMs, delivered, failed, throttled } of before) {
      const bucket = this.#bucketAt(fromMs);
      bucket.delivered += delivered;
      bucket.failed += failed;
      bucket.throttled += throttled;
    }
  }

  /** In the order of time, each as long as the others; times without any alert are left out only where they would be too many. */
  buckets(): { readonly widthMs: number; readonly buckets: readonly Bucket[] } {
    // A pause of a night between two rounds is shown as the gap that it is, with fewer and longer bars.
    for (;;) {
      const times = [...this.#buckets.keys()];
      const [first, last] = [Math.min(...times), Math.max(...times)];
      if (times.length === 0 || (last - first) / this.#widthMs < MOST_BUCKETS) break;
      this.#widen();
    }
    const widthMs = this.#widthMs;
    const times = [...this.#buckets.keys()];
    const buckets: Bucket[] = [];
    for (let fromMs = Math.min(...times); fromMs <= Math.max(...times); fromMs += widthMs) {
      buckets.push(this.#buckets.get(fromMs) ?? { fromMs, delivered: 0, failed: 0, throttled: 0 });
    }
    return { widthMs, buckets };
  }

  /** Commonest first. */
  reasons(most: number): readonly ReasonSeen[] {
    return [...this.#reasons.values()].sort((a, b) => b.count - a.count || a.line - b.line).slice(0, most);
  }

  /** Kinds of failures that `reasons` leaves out. */
  reasonsBeyond(most: number): number {
    return Math.max(0, this.#reasons.size - most);
  }
}

/** `10:42:05`, or with the day where the bars are longer than a minute. UTC, as in receipts.csv. */
export function timeText(atMs: number, widthMs: number): string {
  const iso = new Date(atMs).toISOString();
  return widthMs < MINUTE_MS ? iso.slice(11, 19) : `${iso.slice(0, 10)} ${iso.slice(11, 16)}`;
}
