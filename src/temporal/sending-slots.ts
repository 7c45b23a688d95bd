/**
 * The slots of a worker that sends. While it stands by (another worker has the whole rate) it takes no batches: each would wait in its
 * slot, and at a low rate those few would be all there are. Whoever only waits for answers lends his slot to others: a few alerts that are
 * never answered must not hold up everybody.
 */
import type { ActivitySlotInfo, CustomSlotSupplier, SlotPermit } from '@temporalio/worker';

interface Waiting {
  readonly grant: (permit: SlotPermit) => void;
}

/** Each of them costs a heartbeat now and then. */
const MOST_LENT = 200;

export class SendingSlots implements CustomSlotSupplier<ActivitySlotInfo> {
  readonly type = 'custom';
  readonly #waiting = new Set<Waiting>();
  #free: number;
  #open = true;
  #lent = 0;

  constructor(slots: number) {
    this.#free = slots;
  }

  /** Closed, no slot is given out; those that are taken stay so. */
  set open(open: boolean) {
    this.#open = open;
    this.#grant();
  }

  reserveSlot(_context: unknown, abortSignal: AbortSignal): Promise<SlotPermit> {
    return new Promise((resolve, reject) => {
      const waiting: Waiting = { grant: resolve };
      this.#waiting.add(waiting);
      abortSignal.addEventListener(
        'abort',
        () => {
          if (this.#waiting.delete(waiting)) reject(abortSignal.reason);
        },
        { once: true },
      );
      this.#grant();
    });
  }

  /** For eager activities only, which sending never is. */
  tryReserveSlot(): null {
    return null;
  }

  markSlotUsed(): void {}

  /** Returns how to take it back; then there may be fewer free slots than none for a while. */
  lend(): () => void {
    if (this.#lent >= MOST_LENT) return () => undefined;
    this.#lent++;
    this.#free++;
    this.#grant();
    let isBack = false;
    return () => {
      if (isBack) return;
      isBack = true;
      this.#lent--;
      this.#free--;
    };
  }

  releaseSlot(): void {
    this.#free++;
    this.#grant();
  }

  #grant(): void {
    for (const waiting of this.#waiting) {
      if (!this.#open || this.#free <= 0) return;
      this.#free--;
      this.#waiting.delete(waiting);
      waiting.grant({});
    }
  }
}
