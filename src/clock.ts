/**
 * Time, for everything that sends: handed in, so that tests and the simulation have their own. The monotonic clock decides (fences, turns,
 * deadlines, pace), for the time of day may step; the time of day is written down, for other processes and people to read.
 */
export interface Clock {
  /** Monotonic, milliseconds; its zero means nothing. */
  now(): number;
  /** Milliseconds since 1970. May step, in both directions. */
  wallMs(): number;
  /** Calls back once after `delayMs`; returns a canceller. */
  after(delayMs: number, callback: () => void): () => void;
  /** Calls back once when this turn of the event loop has dealt with what has come in. */
  soon(callback: () => void): void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  wallMs: () => Date.now(),
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
  soon: (callback) => {
    setImmediate(callback);
  },
};

/** Calls back every `everyMs` until it is cancelled. */
export function every(clock: Clock, everyMs: number, callback: () => void): () => void {
  let cancel = clock.after(everyMs, function again() {
    cancel = clock.after(everyMs, again);
    callback();
  });
  return () => cancel();
}
