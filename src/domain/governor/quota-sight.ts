/**
 * What a limit comes to a second where its headers say how many requests and when the quota is renewed, but not for how long it is: the
 * longest time to a renewal that is seen is the window, or the time in which an empty bucket fills. Until it was seen the rate is taken for
 * higher than it is, and what is left says when to stop. No clock.
 */
import type { RateHint } from '../rate-hints.ts';

/** Resets are whole seconds: of a shorter window they tell too little. */
const SHORTEST_MS = 900;
/** A reset that is given as a time of day is up to a second off. */
const INEXACT_MS = 1_000;

/** It is to be left a little: where nothing is, all that can be done is to wait. */
const BELOW = 0.98;

export class QuotaSight {
  #limit = 0;
  #longestMs = 0;

  /** The window of the ceiling that was answered last; undefined: unknown. */
  windowMs: number | undefined;

  /** undefined: nothing is known of it. */
  ceilingOf({ limit, resetMs, ceilingPerSecond, ceilingWindowMs }: RateHint): number | undefined {
    if (ceilingPerSecond !== undefined) {
      this.windowMs = ceilingWindowMs;
      return ceilingPerSecond;
    }
    if (limit === undefined || resetMs === undefined) return undefined;
    if (limit !== this.#limit) {
      this.#limit = limit;
      this.#longestMs = 0;
    }
    if (resetMs > this.#longestMs + INEXACT_MS || this.#longestMs === 0) this.#longestMs = resetMs;
    if (this.#longestMs < SHORTEST_MS) return undefined;
    this.windowMs = this.#longestMs;
    return (BELOW * limit * 1_000) / this.#longestMs;
  }
}
