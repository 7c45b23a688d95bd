/** How waves are cut, by what an announcement costs: a folder takes it in microseconds, an object store in a request of milliseconds. */

export interface WaveForm {
  /** A wave holds no more than the pacer lets go within this time, so that an announced row is soon a sent one (fence.ts). */
  readonly horizonMs: number;
  /** Rows that a wave waits for … */
  readonly least: number;
  /** … at most so long. */
  readonly gatherMs: number;
  /** Alerts that may be announced while no connection is free for them, at most; and no more than are answered in `aheadMs`. */
  readonly mostAhead: number;
  readonly aheadMs: number;
}

/** A wave goes out as soon as a row may. */
export const WAVES_OF_A_FOLDER: WaveForm = { horizonMs: 100, least: 1, gatherMs: 0, mostAhead: 0, aheadMs: 0 };

/** Fewer and larger ones, announced ahead of the connections: while the request is under way, others are being sent. */
export const WAVES_OF_OBJECTS: WaveForm = { horizonMs: 500, least: 64, gatherMs: 250, mostAhead: 256, aheadMs: 250 };
