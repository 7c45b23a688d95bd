/** Requests that were announced and wait for their turn: for a place among the open ones, where they were announced ahead, then for the pacer's. */
import type { Pacer } from './pacer.ts';

interface Queued {
  readonly mayWrite: () => boolean;
  readonly withhold: () => void;
  /** Into the pacer's queue. */
  readonly queue: () => void;
}

export interface QueuedRequest {
  readonly mayWrite: () => boolean;
  /** It is its turn. */
  readonly go: () => void;
  /** It may not be written any more. */
  readonly onWithheld: () => void;
}

export class RequestQueue {
  readonly #pacer: Pacer;
  readonly #isFull: () => boolean;
  readonly #all = new Set<Queued>();
  /** Of these, those that wait for a place, in their order. */
  readonly #ahead = new Set<Queued>();

  constructor(pacer: Pacer, isFull: () => boolean) {
    this.#pacer = pacer;
    this.#isFull = isFull;
  }

  /** How many wait for a place. */
  get ahead(): number {
    return this.#ahead.size;
  }

  /** Whether a request may go at once; then the pacer has accounted for it. */
  takes(): boolean {
    return this.#ahead.size === 0 && !this.#isFull() && this.#pacer.takes();
  }

  push({ mayWrite, go, onWithheld }: QueuedRequest): void {
    let cancel = (): void => void this.#ahead.delete(queued);
    const queued: Queued = {
      mayWrite,
      withhold: () => {
        this.#all.delete(queued);
        cancel();
        onWithheld();
      },
      queue: () => {
        cancel = this.#pacer.enqueue(() => {
          this.#all.delete(queued);
          go();
        });
      },
    };
    this.#all.add(queued);
    if (this.#ahead.size > 0 || this.#isFull()) this.#ahead.add(queued);
    else queued.queue();
  }

  /** There may be places again. */
  release(): void {
    for (const queued of this.#ahead) {
      if (this.#isFull()) return;
      this.#ahead.delete(queued);
      queued.queue();
    }
  }

  /** Takes out what may not be written any more: a long pause would hold it. */
  withholdForbidden(): void {
    for (const queued of [...this.#all]) if (!queued.mayWrite() && this.#all.has(queued)) queued.withhold();
  }
}
