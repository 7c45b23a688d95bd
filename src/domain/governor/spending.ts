/**
 * The account of a quota that may be used at once: what each worker has sent within its window, or may have. Whoever was not heard of since counts
 * with all that he was lent. Pure.
 */
import type { LeaseRequest, LeaseSegment } from './contract.ts';
import type { LeaseBook, Span } from './leases.ts';
import { spanAt } from './leases.ts';

/** What a worker has sent, and what it may send besides until its lease ends. */
export interface Spending {
  /** When the last of so many requests was sent; oldest first. */
  readonly sent: readonly (readonly [atMs: number, count: number])[];
  /** Nothing was heard of it since it was lent so much of the quota. Absent: it has nothing. */
  readonly lent?: { readonly perSecond: number; readonly untilMs: number };
}

export interface BurstState {
  readonly spending: Readonly<Record<string, Spending>>;
  /** What was sent before is not known; it was spread evenly. Absent: all is known. */
  readonly sinceMs?: number;
  /** A burst was refused long before the quota was used: until then requests are spaced evenly. */
  readonly evenUntilMs?: number;
  /** For how long that was; twice as long the next time. */
  readonly evenMs?: number;
}

/** What was told may have been on its way still. */
const ON_THE_WAY_MS = 1_000;
/** Workers of which it is known what each has sent; of the others only how much they have sent together. */
const MOST_WORKERS = 16;
const MOST_PIECES = 24;
/** What is sent is not remembered for longer. */
export const LONGEST_WINDOW_MS = 86_400_000;
const TOGETHER = '';
/** A quota that is a whole number is one in spite of the last digit of a product. */
export const LAST_DIGIT = 1e-6;

export const NOTHING_SPENT: BurstState = { spending: {} };

/** A worker asks for a lease. One that knows of no window yet says only how many it has sent since it asked last. */
export function spendingHeard(
  before: BurstState['spending'],
  { workerId, spent, ...request }: LeaseRequest,
  windowMs: number | undefined,
  nowMs: number,
): BurstState['spending'] {
  const spending = kept(before, windowMs, nowMs);
  const sent =
    spent?.map(([ageMs, count]) => [nowMs - ageMs, count] as const) ??
    fewer([...(spending[workerId]?.sent ?? []), ...(request.sent > 0 ? [[nowMs, request.sent] as const] : [])]);
  return { ...spending, [workerId]: { sent } };
}

/** Of too many the oldest together. */
function fewer(sent: Spending['sent']): Spending['sent'] {
  if (sent.length <= MOST_PIECES) return sent;
  const [[, first], [atMs, second], ...rest] = sent as readonly [readonly [number, number], readonly [number, number]];
  return [[atMs, first + second], ...rest];
}

type Other = readonly [id: string, spending: Spending];

/** A segment in pieces, each with the most that others have spent of the window meanwhile. */
export function cut(
  segment: LeaseSegment,
  book: LeaseBook,
  others: readonly Other[],
  windowMs: number,
  nowMs: number,
): LeaseSegment[] {
  const [fromMs, toMs] = [nowMs + segment.fromMs, nowMs + segment.toMs];
  const edges = others.flatMap(([id, { sent, lent }]) => [
    ...sent.map(([atMs]) => atMs + windowMs + ON_THE_WAY_MS),
    ...(lent === undefined ? [] : [lent.untilMs + windowMs + ON_THE_WAY_MS]),
    ...(book[id]?.lent ?? []).flatMap((span) => [span.fromMs, span.toMs]),
  ]);
  const ordered = [...new Set([fromMs, toMs, ...edges])].filter((atMs) => atMs >= fromMs && atMs <= toMs);
  ordered.sort((a, b) => a - b);
  return ordered.slice(0, -1).map((atMs, index) => {
    const spent = others.reduce((sum, [id, one]) => sum + beyond(one, book[id]?.lent ?? [], windowMs, atMs), 0);
    const piece = { ...segment, fromMs: atMs - nowMs, toMs: ordered[index + 1]! - nowMs };
    return spent === 0 ? piece : { ...piece, spent: Math.ceil(spent - LAST_DIGIT) };
  });
}

/** What a worker has in the window that ends at `atMs`, beyond the share that it is lent then: that one is taken from the rate already. */
function beyond({ sent, lent }: Spending, spans: readonly Span[], windowMs: number, atMs: number): number {
  const sinceMs = atMs - windowMs - ON_THE_WAY_MS;
  const heard = sent.reduce((sum, [sentMs, count]) => (sentMs > sinceMs ? sum + count : sum), 0);
  const may = lent !== undefined && lent.untilMs > sinceMs ? (lent.perSecond * windowMs) / 1_000 : 0;
  const share = ((spanAt(spans, atMs)?.ratePerSecond ?? 0) * windowMs) / 1_000;
  return Math.max(0, Math.max(heard, may) - share);
}

/** Without what has left any window; of very many workers the oldest together. */
function kept(spending: BurstState['spending'], windowMs: number | undefined, nowMs: number): BurstState['spending'] {
  const sinceMs = nowMs - 2 * (windowMs ?? LONGEST_WINDOW_MS) - ON_THE_WAY_MS;
  const current = Object.entries(spending).flatMap(([id, { sent, lent }]): [string, Spending][] => {
    const late = sent.filter(([atMs]) => atMs > sinceMs);
    const known = lent !== undefined && lent.untilMs > sinceMs ? { lent } : {};
    return late.length === 0 && !('lent' in known) ? [] : [[id, { sent: late, ...known }]];
  });
  if (current.length <= MOST_WORKERS) return Object.fromEntries(current);
  const byAge = current.sort(([, a], [, b]) => lastMs(b) - lastMs(a));
  const old = byAge.slice(MOST_WORKERS - 1);
  const count = old.reduce((sum, [, { sent }]) => sum + sent.reduce((all, [, each]) => all + each, 0), 0);
  const may = old.map(([, { lent }]) => lent).filter((lent) => lent !== undefined);
  const together: Spending = {
    sent: [[Math.max(...old.map(([, one]) => lastMs(one))), count]],
    ...(may.length === 0
      ? {}
      : {
          lent: {
            perSecond: may.reduce((sum, { perSecond }) => sum + perSecond, 0),
            untilMs: Math.max(...may.map(({ untilMs }) => untilMs)),
          },
        }),
  };
  return Object.fromEntries([...byAge.slice(0, MOST_WORKERS - 1), [TOGETHER, together]]);
}

const lastMs = ({ sent, lent }: Spending): number => Math.max(sent.at(-1)?.[0] ?? 0, lent?.untilMs ?? 0);
