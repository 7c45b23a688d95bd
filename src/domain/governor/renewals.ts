/**
 * When a worker is to ask again. Each renewal costs history, so renewals are few; but a share that becomes free should soon find
 * somebody to take it, so they are spread evenly, and whoever waits for a share comes when it is due. Pure.
 */
import { LEASE_MS, RENEW_MS } from './contract.ts';
import type { LeaseBook } from './leases.ts';
import { isActive, lentUntilMs } from './leases.ts';

/** After another's lease has ended, so that the renewal does not come a moment too early. */
const AFTER_END_MS = 150;
const STANDBY_MS = 15_000;
const PAUSED_MS = 10_000;
const SOONEST_MS = 500;
/** A renewal moves at most so far for the sake of even spacing, and not at all for less than the tolerance. */
const SHIFT_MS = 250;
const TOLERANCE_MS = 300;

interface Lent {
  /** Who has the whole rate; null: it is shared. */
  readonly holder: string | null;
  readonly leaseMs: number;
  /** Something was lent to this worker. */
  readonly lends: boolean;
}

export function nextRenewalMs(
  state: { readonly book: LeaseBook; readonly paused: boolean; readonly quietUntilMs: number },
  workerId: string,
  lent: Lent,
  nowMs: number,
): number {
  const { book } = state;
  if (state.paused || book[workerId]?.demandPerSecond === 0) return PAUSED_MS;
  if (nowMs < state.quietUntilMs) return Math.max(SOONEST_MS, state.quietUntilMs - nowMs + AFTER_END_MS);
  if (!lent.lends && lent.holder !== null) {
    const endMs = lentUntilMs(book[lent.holder]) + AFTER_END_MS;
    const heir = Object.entries(book).some(
      ([id, other]) =>
        id !== workerId &&
        id !== lent.holder &&
        isActive(other, nowMs) &&
        other.nextMs >= endMs - 500 &&
        other.nextMs < endMs + 1_000,
    );
    return Math.max(SOONEST_MS, heir ? STANDBY_MS : endMs - nowMs);
  }
  const usualMs = lent.leaseMs - (LEASE_MS - RENEW_MS);
  const others = Object.entries(book).filter(([id, other]) => id !== workerId && other.demandPerSecond !== 0);
  // Somebody is late: his share is free at the end of his lease.
  const lateMs = others
    .filter(([, other]) => !isActive(other, nowMs) && lentUntilMs(other) > nowMs)
    .map(([, other]) => lentUntilMs(other) + AFTER_END_MS - nowMs);
  if (lent.holder === null) {
    const phases = others
      .filter(([, other]) => isActive(other, nowMs))
      .map(([id, other]) => phaseMs(usualMs - (other.nextMs - nowMs), workerId < id));
    return Math.max(SOONEST_MS, Math.min(usualMs - shiftMs(phases), ...lateMs));
  }
  return Math.max(SOONEST_MS, Math.min(usualMs, ...lateMs));
}

/**
 * How long after another's renewal this worker comes. Of two that come at the same time each would think that it comes last, for the other's
 * message is still on its way: one of them is to think that it comes first.
 */
function phaseMs(behindMs: number, isFirst: boolean): number {
  const phase = ((behindMs % RENEW_MS) + RENEW_MS) % RENEW_MS;
  return isFirst && phase < TOLERANCE_MS ? phase + RENEW_MS : phase;
}

/** How much earlier (negative: later) this worker should come to be in the middle between those who come before and after it. */
function shiftMs(phases: readonly number[]): number {
  if (phases.length === 0) return 0;
  const after = Math.min(...phases);
  const before = RENEW_MS - Math.max(...phases);
  const shift = (after - before) / 2;
  return Math.abs(shift) > TOLERANCE_MS ? Math.max(-SHIFT_MS, Math.min(SHIFT_MS, shift)) : 0;
}
