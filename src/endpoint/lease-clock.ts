/** What a lease is worth on this process's own clock. Pure. */
import type { LeaseAnswer, LeaseSegment } from '../domain/governor/contract.ts';
import { lentAt } from '../domain/governor/rate-share.ts';
import type { RateSegment } from './pacer.ts';
import type { WindowShare } from './window-pace.ts';

/** By the rule of lentAt: rises by the later reading of the governor's instant, falls by the earlier. */
export function ownClock(answer: LeaseAnswer, sentMs: number, receivedMs: number): RateSegment[] {
  const edges = new Set<number>();
  for (const { fromMs, toMs } of answer.segments) {
    for (const edge of [fromMs, toMs]) edges.add(sentMs + edge).add(receivedMs + edge);
  }
  const ordered = [...edges].filter((edge) => edge >= receivedMs).sort((a, b) => a - b);
  const segments: RateSegment[] = [];
  ordered.slice(0, -1).forEach((fromMs, index) => {
    const toMs = ordered[index + 1]!;
    const middleMs = (fromMs + toMs) / 2;
    const lent = lentAt(answer.segments, middleMs - sentMs, middleMs - receivedMs);
    if (lent === undefined) return;
    const spent = spentAt(answer.segments, middleMs - sentMs, middleMs - receivedMs);
    segments.push({ fromMs, toMs, ratePerSecond: lent.ratePerSecond, ...(spent === 0 ? {} : { spent }) });
  });
  return segments;
}

/** What others have spent at the instant that is meant, at most. */
function spentAt(segments: readonly LeaseSegment[], sinceSentMs: number, sinceReceivedMs: number): number {
  const meant = segments.filter(({ fromMs, toMs }) => fromMs <= sinceSentMs && toMs > sinceReceivedMs);
  return Math.max(0, ...meant.map(({ spent = 0 }) => spent));
}

/** undefined: requests are spaced evenly. */
export const shareOfWindow = ({ windowMs, evenly }: LeaseAnswer): WindowShare | undefined =>
  windowMs === undefined ? undefined : { windowMs, evenly: evenly === true };
