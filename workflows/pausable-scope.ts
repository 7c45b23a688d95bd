/**
 * What an operator may pause: work that runs in here is cancelled by a pause, and says so, and is to be run again after the resume. An
 * activity that is cancelled records the answers to its open requests first.
 */
import { CancellationScope } from '@temporalio/workflow';
import { wasCancelled } from './cancelled.ts';

export class PausableScope {
  #paused = false;
  /** Of whoever made it. A pause may be ordered from within the work that it cancels. */
  readonly #outer = CancellationScope.current();
  /** Another one after each pause. */
  #scope = new CancellationScope();

  get paused(): boolean {
    return this.#paused;
  }

  pause(paused: boolean): void {
    if (paused && !this.#paused) {
      const cancelled = this.#scope;
      this.#scope = new CancellationScope({ cancellable: true, parent: this.#outer });
      cancelled.cancel();
    }
    this.#paused = paused;
  }

  /** Ends all that runs, for good. */
  cancel(): void {
    this.#scope.cancel();
  }

  /** Resolves to false when a pause cut the work short. */
  async run(work: () => Promise<void>): Promise<boolean> {
    const scope = this.#scope;
    try {
      await scope.run(work);
      return true;
    } catch (error) {
      if (wasCancelled(error) && scope !== this.#scope) return false;
      throw error;
    }
  }
}
