/**
 * Waits for the time at which alerts of the file may be sent. Who sends knows when that is (zones and their summer times are no affair of a
 * workflow, whose code is played again elsewhere); here is only the timer, and why it is waited. No command of its own in a file that may be sent at
 * any time.
 */
import { ActivityFailure, ApplicationFailure, sleep } from '@temporalio/workflow';
import { FAILURE } from '../src/domain/names.ts';
import type { Closed } from '../src/domain/restraint/schedule.ts';

/** Clocks differ: who comes a little early is told so, and asks again; each time twice as late, for the clock of a worker may be hours behind. */
const SHORTEST_WAIT_MS = 1_000;
const LONGEST_EARLY_MS = 60_000;

export class Opening {
  readonly #onChange: (closed: Closed | undefined) => void;
  /** Who waits. */
  #waiting = 0;
  #closed: Closed | undefined;

  /** `onChange`: told when the waiting begins, and when it is over. */
  constructor(onChange: (closed: Closed | undefined) => void) {
    this.#onChange = onChange;
  }

  /** undefined: nobody waits. */
  get closed(): Closed | undefined {
    return this.#closed;
  }

  /** Sends, and again each time that it was not the time for it. */
  async send<Result>(attempt: () => Promise<Result>): Promise<Result> {
    for (let earlyMs = SHORTEST_WAIT_MS; ; ) {
      try {
        return await attempt();
      } catch (error) {
        const closed = closedBy(error);
        if (closed === undefined) throw error;
        const leftMs = closed.opensMs - Date.now();
        await this.#wait(closed, Math.max(earlyMs, leftMs));
        earlyMs = leftMs > 0 ? SHORTEST_WAIT_MS : Math.min(LONGEST_EARLY_MS, 2 * earlyMs);
      }
    }
  }

  /** Ends early where it is cancelled: by a pause, or with the file. */
  async #wait(closed: Closed, forMs: number): Promise<void> {
    const isNews = this.#closed?.opensMs !== closed.opensMs;
    this.#closed = closed;
    this.#waiting++;
    if (isNews) this.#onChange(closed);
    try {
      await sleep(forMs);
    } finally {
      if (--this.#waiting === 0) {
        this.#closed = undefined;
        this.#onChange(undefined);
      }
    }
  }
}

/** undefined: it failed for something else. */
function closedBy(error: unknown): Closed | undefined {
  const cause = error instanceof ActivityFailure ? error.cause : undefined;
  return cause instanceof ApplicationFailure && cause.type === FAILURE.closed
    ? (cause.details?.[0] as Closed | undefined)
    : undefined;
}
