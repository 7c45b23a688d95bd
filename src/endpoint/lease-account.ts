/** What a process saw of its endpoint since it last told the governor. */
export interface Seen {
  sent: number;
  throttled: number;
  delivered: number;
  latencyMs: number;
  ceiling: number | null;
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
  sinceMs: earlier.sinceMs,
  freeMs: earlier.freeMs + later.freeMs,
});
