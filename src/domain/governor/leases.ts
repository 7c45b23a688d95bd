/**
 * The book of what is lent to whom, on the governor's clock. It keeps one promise: whatever is entered, a worker can use at most what
 * the book says at each instant, because a worker that never hears of its new lease still uses its old one. So a new lease is
 * entered as the maximum of both, and only time gives a rate back (or the worker itself, by giving up its lease). When the total falls, what was lent of the higher
 * total runs out within a lease; until then the sum stays below the higher total. Pure.
 */
import { NO_LIMIT_FROM } from './contract.ts';

/** From `fromMs` to `toMs` on the governor's clock. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
  /** At most this is used. */
  readonly ratePerSecond: number;
  /** The worker's latest lease, which it uses as soon as it hears of it. */
  readonly latestPerSecond: number;
  /** The total of which this is a share. */
  readonly totalPerSecond: number;
}

export interface Borrower {
  /** In time order, without overlap; nothing that is over. */
  readonly lent: readonly Span[];
  /** null: more than it was lent. */
  readonly demandPerSecond: number | null;
  /** At its renewal before. */
  readonly demandBeforePerSecond: number | null;
  /** What it sent lately. */
  readonly sentPerSecond: number;
  readonly askedMs: number;
  /** When it is expected again. */
  readonly nextMs: number;
  /** When it last told of deliveries that no failure came after. Absent: it has not, or an earlier build heard it. */
  readonly wellMs?: number;
  /** What its requests come to, since none got through. Absent: they do get through, or none was sent. */
  readonly trouble?: { readonly cause: string; readonly sinceMs: number };
  /** All that it has left are last tries at an ill endpoint. */
  readonly lastTries?: true;
  /** Until then the receiver has asked it to send nothing. Absent: it has not. */
  readonly pausedUntilMs?: number;
  /** Requests that it may have open at once. Absent: as many as it likes. */
  readonly openLimit?: number;
}

export type LeaseBook = Readonly<Record<string, Borrower>>;

/** An Update takes 20–110 ms; a worker that is later than this is no longer counted on. */
const LATE_MS = 400;
const FORGET_MS = 60_000;

export function spanAt<S extends { readonly fromMs: number; readonly toMs: number }>(
  spans: readonly S[],
  atMs: number,
): S | undefined {
  return spans.find((span) => span.fromMs <= atMs && atMs < span.toMs);
}

/** Rates are lent, and added up, in whole billionths of a request a second: sums of them are exact, in whatever order they are made. */
const BILLION = 1e9;
/** Of a billionth: a rate of up to a million that is read back is a whole number but for less than this. */
const LAST_DIGIT = 0.3;

/** As much of it as can be lent. */
export const lendable = (ratePerSecond: number): number => Math.floor(ratePerSecond * BILLION + LAST_DIGIT) / BILLION;

/** What some borrowers may be using over time, added up once: a renewal costs as much as there are spans, not as their square. */
export class LentOverTime {
  /** When it changes, in time order. */
  readonly edges: readonly number[];
  readonly #steps = new Map<number, { billionths: number; readonly totals: [total: number, count: number][] }>();
  readonly #totals = new Map<number, number>();
  #next = 0;
  #billionths = 0;
  #ofTotal = 0;

  constructor(borrowers: readonly Borrower[]) {
    for (const { lent } of borrowers) for (const span of lent) this.#enter(span);
    this.edges = [...this.#steps.keys()].sort((a, b) => a - b);
  }

  #enter({ fromMs, toMs, ratePerSecond, totalPerSecond }: Span): void {
    const billionths = Math.ceil(ratePerSecond * BILLION - LAST_DIGIT);
    for (const [atMs, sign] of [[fromMs, 1] as const, [toMs, -1] as const]) {
      const step = this.#steps.get(atMs) ?? { billionths: 0, totals: [] };
      step.billionths += sign * billionths;
      step.totals.push([totalPerSecond, sign]);
      this.#steps.set(atMs, step);
    }
  }

  /** The sum, and the highest total that it was promised of. To be asked at rising times. */
  at(atMs: number): { readonly perSecond: number; readonly ofTotal: number } {
    const before = this.#next;
    for (; this.edges[this.#next]! <= atMs; this.#next++) {
      const step = this.#steps.get(this.edges[this.#next]!)!;
      this.#billionths += step.billionths;
      for (const [total, count] of step.totals) {
        const now = (this.#totals.get(total) ?? 0) + count;
        if (now === 0) this.#totals.delete(total);
        else this.#totals.set(total, now);
      }
    }
    if (this.#next > before) this.#ofTotal = Math.max(0, ...this.#totals.keys());
    return { perSecond: this.#billionths / BILLION, ofTotal: this.#ofTotal };
  }
}

/** What the others are thought to send now. */
export function usedByOthers(book: LeaseBook, workerId: string, nowMs: number): number {
  let sum = 0;
  for (const [id, { lent, demandPerSecond, sentPerSecond }] of Object.entries(book)) {
    if (id === workerId) continue;
    const latest = spanAt(lent, nowMs)?.latestPerSecond ?? 0;
    // A share of "no limit" says nothing about what is sent.
    const used = latest >= NO_LIMIT_FROM ? sentPerSecond : latest;
    sum += Math.min(used, demandPerSecond ?? Number.POSITIVE_INFINITY);
  }
  return sum;
}

/** Requests that the others may have open; `latencyMs`: how long one takes, where that was not limited. */
export function openAtOthers(book: LeaseBook, workerId: string, latencyMs: number, nowMs: number): number {
  let sum = 0;
  for (const [id, other] of Object.entries(book)) {
    if (id === workerId || lentUntilMs(other) <= nowMs) continue;
    sum += other.openLimit ?? (other.sentPerSecond * latencyMs) / 1_000;
  }
  return Math.round(sum);
}

export function lentUntilMs(borrower: Borrower | undefined): number {
  return borrower?.lent.at(-1)?.toMs ?? Number.NEGATIVE_INFINITY;
}

/** Wants to send, and came when it was expected. */
export function isActive(borrower: Borrower, nowMs: number): boolean {
  return borrower.demandPerSecond !== 0 && nowMs <= borrower.nextMs + LATE_MS;
}

/** Without leases that are over and workers that have long been gone. */
export function pruned(book: LeaseBook, nowMs: number): LeaseBook {
  const kept = Object.entries(book)
    .map(([id, borrower]): [string, Borrower] => [
      id,
      { ...borrower, lent: borrower.lent.filter((span) => span.toMs > nowMs) },
    ])
    .filter(([, borrower]) => borrower.lent.length > 0 || nowMs < borrower.nextMs + FORGET_MS);
  return Object.fromEntries(kept);
}

/** Enters a new lease beside the old one: at each instant the higher of both. */
export function raised(lent: readonly Span[], added: readonly Span[], nowMs: number): Span[] {
  const edges = new Set([nowMs]);
  for (const span of [...lent, ...added])
    for (const edge of [span.fromMs, span.toMs]) if (edge > nowMs) edges.add(edge);
  return spansBetween(edges, (atMs) => {
    const before = spanAt(lent, atMs);
    const after = spanAt(added, atMs);
    return {
      ratePerSecond: Math.max(before?.ratePerSecond ?? 0, after?.ratePerSecond ?? 0),
      latestPerSecond: after?.ratePerSecond ?? 0,
      totalPerSecond: Math.max(before?.totalPerSecond ?? 0, after?.totalPerSecond ?? 0),
    };
  });
}

/** One span per pair of neighbouring edges; empty ones are left out, equal neighbours become one. */
export function spansBetween(
  edges: ReadonlySet<number>,
  valueAt: (atMs: number) => Omit<Span, 'fromMs' | 'toMs'>,
): Span[] {
  const spans: Span[] = [];
  const sorted = Float64Array.from(edges).sort();
  let last: (Omit<Span, 'toMs'> & { toMs: number }) | undefined;
  for (let index = 0; index + 1 < sorted.length; index++) {
    const fromMs = sorted[index]!;
    const toMs = sorted[index + 1]!;
    const value = valueAt(fromMs);
    if (value.ratePerSecond <= 0) continue;
    const same =
      last?.toMs === fromMs &&
      last.ratePerSecond === value.ratePerSecond &&
      last.latestPerSecond === value.latestPerSecond &&
      last.totalPerSecond === value.totalPerSecond;
    if (same) last!.toMs = toMs;
    else {
      last = { ...value, fromMs, toMs };
      spans.push(last);
    }
  }
  return spans;
}
