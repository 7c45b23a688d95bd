/**
 * The slots of a worker that sends. While it stands by (another worker has the whole rate) it takes no batches: each would wait in its
 * slot, and at a low rate those few would be all there are.
 */
import type { ActivitySlotInfo, CustomSlotSupplier, SlotPermit } from '@temporalio/worker';

interface Waiting {
  readonly grant: (permit: SlotPermit) => void;
}

export class SendingSlots implements CustomSlotSupplier<ActivitySlotInfo> {
  readonly type = 'custom';
  readonly #waiting = new Set<Waiting>();
  #free: number;
  #open = true;

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

  releaseSlot(): void {
    this.#free++;
    this.#grant();
  }

  #grant(): void {
    for (const waiting of this.#waiting) {
      if (!this.#open || this.#free === 0) return;
      this.#free--;
      this.#waiting.delete(waiting);
      waiting.grant({});
    }
  }
}
