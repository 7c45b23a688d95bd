/**
 * The files that this watcher has claimed and that are not delivered yet. They are bounded: each is an open workflow, in Temporal and in
 * the memory of the workers, and the inbox is the better place to wait in. Small files and large ones have room of their own, so that
 * neither keeps the other waiting. Urgent ones always have room.
 *
 * What is under way for long waits for something that others need not wait for (a receiver that is silent to a few users, an operator), so
 * it does not count any more.
 */
import type { FilePriority } from '../domain/contracts.ts';
import { SMALL_FILE_BYTES } from '../domain/file-plan.ts';

export type Lane = 'small' | 'large';
export const LANES: readonly Lane[] = ['small', 'large'];

/** Small: enough to keep two cores busy, and each costs 0.4 MB of the workers. Large: the workers read two at a time. */
export const MOST_UNDER_WAY: Readonly<Record<Lane, number>> = { small: 64, large: 8 };
/** A file counts for so long at most. */
export const COUNTED_MS = 60_000;

/** A file of an inbox, as far as its lane goes. */
export interface LaneFile {
  readonly priority: FilePriority;
  readonly sample: { readonly sizeBytes: number } | undefined;
}

export const laneOf = ({ sample }: LaneFile): Lane =>
  (sample?.sizeBytes ?? 0) <= SMALL_FILE_BYTES ? 'small' : 'large';

export class UnderWay {
  readonly #files = new Map<LaneFile, Lane>();

  begin(file: LaneFile): void {
    if (file.priority === 'normal') this.#files.set(file, laneOf(file));
  }

  end(file: LaneFile): void {
    this.#files.delete(file);
  }

  /** Files of this kind that may begin; none: 0. */
  room(lane: Lane): number {
    let taken = 0;
    for (const other of this.#files.values()) if (other === lane) taken += 1;
    return Math.max(0, MOST_UNDER_WAY[lane] - taken);
  }
}
