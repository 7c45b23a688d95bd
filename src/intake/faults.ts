/** Faults that last: said when one begins and when it is over, not at every try. */

import { reasonOf } from '../thrown.ts';
import type { Say } from './log.ts';

export class Faults {
  readonly #say: Say;
  readonly #open = new Set<string>();

  constructor(say: Say) {
    this.#say = say;
  }

  get any(): boolean {
    return this.#open.size > 0;
  }

  begin(what: string, error: unknown, file?: string): void {
    if (this.#open.has(what)) return;
    this.#open.add(what);
    const fields = { event: 'intake_failing', reason: reasonOf(error) };
    this.#say('error', `${what} fails; trying again`, file === undefined ? fields : { ...fields, file });
  }

  end(what: string): void {
    if (this.#open.delete(what)) this.#say('info', `${what} works again`, { event: 'intake_recovered' });
  }

  /** Runs one part so that its fault does not stop the others. */
  async guard(what: string, act: () => Promise<void>): Promise<void> {
    try {
      await act();
      this.end(what);
    } catch (error) {
      this.begin(what, error);
    }
  }
}
