/** Why an attempt at some rows ends, and which of several reasons is told. Pure. */
/** Why the attempt could not go on. */
export type StopReason =
  | { readonly kind: 'superseded' | 'cancelled' | 'shutdown' | 'standing_by' }
  /** What the last requests came to. */
  | { readonly kind: 'down' | 'misconfigured'; readonly cause: string }
  | { readonly kind: 'throttled'; readonly retryAfterMs: number | undefined }
  /** This machine is at its limits. */
  | { readonly kind: 'local_fault'; readonly reason: string }
  | { readonly kind: 'store'; readonly error: unknown };

/** How an attempt ended. `turn_over`: it went well, and others are to have the slot. */
export type BatchEnd = StopReason | { readonly kind: 'done' | 'turn_over' };

export const isStop = (end: BatchEnd): end is StopReason => end.kind !== 'done' && end.kind !== 'turn_over';

/** Why an earlier reason gives way to a later one: what must be known above all comes first. */
const PRECEDENCE: readonly StopReason['kind'][] = [
  'store',
  'superseded',
  'cancelled',
  'shutdown',
  'local_fault',
  'misconfigured',
  'down',
  'throttled',
  'standing_by',
];

/** Whether a later reason takes the place of an earlier one. */
export const takesPrecedence = (later: StopReason, earlier: StopReason): boolean =>
  PRECEDENCE.indexOf(later.kind) < PRECEDENCE.indexOf(earlier.kind);
