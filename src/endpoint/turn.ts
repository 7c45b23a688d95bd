/** The end of an event-loop turn: first the receipts of its answers are written, then new waves are admitted. */
import type { Clock } from '../clock.ts';

/** Answers after which the next wave goes out: as many rows share one intent, and one look at the fence. */
const EARLY_WAVE = 16;

export class Turn {
  readonly #clock: Clock;
  readonly #after: () => void;
  readonly #writes = new Set<() => void>();
  #answers = 0;
  #scheduled = false;

  /** `after`: what is done when all is written. */
  constructor(clock: Clock, after: () => void) {
    this.#clock = clock;
    this.#after = after;
  }

  /** Has this written once, at the end of the turn at the latest. */
  write(write: () => void): void {
    this.#writes.add(write);
    // The next wave need not wait for the last answer of this turn: the receiver would have nothing to do meanwhile.
    if (++this.#answers >= EARLY_WAVE) this.#end();
    else this.schedule();
  }

  /** There will be an end, whether something is written or not. */
  schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#clock.soon(() => {
      this.#scheduled = false;
      this.#end();
    });
  }

  #end(): void {
    this.#answers = 0;
    for (const write of this.#writes) write();
    this.#writes.clear();
    this.#after();
  }
}
