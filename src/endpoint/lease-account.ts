/** What a process saw of its endpoint since it last told the governor. */
import type { LeaseRequest } from '../domain/governor/contract.ts';

export interface Seen {
  sent: number;
  throttled: number;
  delivered: number;
  latencyMs: number;
  ceiling: number | null;
  /** The window of the ceiling; undefined: unknown. */
  ceilingWindowMs: number | undefined;
  sinceMs: number;
  /** Not held back by the pace. */
  freeMs: number;
}

export const nothingSeen = (sinceMs: number): Seen => ({
  sent: 0,
  throttled: 0,
  delivered: 0,
  latencyMs: 0,
  ceiling: null,
  ceilingWindowMs: undefined,
  sinceMs,
  freeMs: 0,
});

/** What was to be told twice is told once. */
export const together = (earlier: Seen, later: Seen): Seen => ({
  sent: earlier.sent + later.sent,
  throttled: earlier.throttled + later.throttled,
  delivered: earlier.delivered + later.delivered,
  latencyMs: earlier.latencyMs + later.latencyMs,
  ceiling: later.ceiling ?? earlier.ceiling,
  ceilingWindowMs: later.ceiling === null ? earlier.ceilingWindowMs : later.ceilingWindowMs,
  sinceMs: earlier.sinceMs,
  freeMs: earlier.freeMs + later.freeMs,
});

/** Headers stated a ceiling: of several the lowest is told. */
export function sawCeiling(seen: Seen, perSecond: number | undefined, windowMs: number | undefined): void {
  if (perSecond === undefined || (seen.ceiling !== null && seen.ceiling < perSecond)) return;
  seen.ceiling = perSecond;
  seen.ceilingWindowMs = windowMs;
}

/** As the governor is told it. */
export const toldCeiling = ({
  ceiling,
  ceilingWindowMs,
}: Seen): Pick<LeaseRequest, 'ceilingPerSecond' | 'ceilingWindowMs'> => ({
  ceilingPerSecond: ceiling,
  ...(ceiling === null || ceilingWindowMs === undefined ? {} : { ceilingWindowMs }),
});
