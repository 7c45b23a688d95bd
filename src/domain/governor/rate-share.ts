/** How a rate is divided among those who want it, and what a lease is worth at an instant. Pure. */
import type { LeaseSegment } from './contract.ts';

/**
 * Equal shares of `total`, but nobody gets more than he can use; what he leaves goes to the others. `Infinity`: can use anything.
 * The shares are in the order of the demands; their sum never exceeds `total`.
 */
export function fairShares(total: number, demands: readonly number[]): number[] {
  const shares = demands.map(() => 0);
  const byDemand = demands.map((_, index) => index).sort((a, b) => demands[a]! - demands[b]!);
  let left = total;
  byDemand.forEach((index, position) => {
    const share = Math.max(0, Math.min(demands[index]!, left / (demands.length - position)));
    shares[index] = share;
    left -= share;
  });
  return shares;
}

/**
 * What a worker may use of a lease now. The segments are counted from the governor's decision, an instant that the worker does not know:
 * it lies between sending the request and receiving the answer. So the time since the decision lies between `sinceReceivedMs` and
 * `sinceSentMs`, and the worker takes the least that the lease says of any instant between: a rise starts by the later clock, a fall
 * and the end come by the earlier one. Two workers that do so never overlap, however slow their messages are.
 */
export function lentAt(
  segments: readonly LeaseSegment[],
  sinceSentMs: number,
  sinceReceivedMs: number,
): LeaseSegment | undefined {
  let least: LeaseSegment | undefined;
  let coveredToMs = sinceReceivedMs;
  for (const segment of segments) {
    if (segment.toMs <= coveredToMs) continue;
    if (segment.fromMs > coveredToMs) return undefined;
    if (least === undefined || segment.ratePerSecond < least.ratePerSecond) least = segment;
    coveredToMs = segment.toMs;
    if (coveredToMs > sinceSentMs) return least;
  }
  return undefined;
}
