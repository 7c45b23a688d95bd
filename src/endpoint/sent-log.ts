/**
 * How many requests ended within the last so many milliseconds, for windows of any length up to a day that need not be known beforehand. What is
 * long ago is kept in coarser pieces: a piece covers a 64th of its age at most and counts until its last request is old enough, so a count is never
 * too low, and a request leaves it at most a 64th of the window late. Some thousands of pieces at most, however many requests there were. No clock.
 */

/** Requests this close together are one piece from the beginning. */
const GRAIN_MS = 1;
const PART_OF_AGE = 64;
const MOST_PIECES = 4_096;
const KEPT_MS = 25 * 3_600_000;

export class SentLog {
  /** Oldest first: when the first and the last request of a piece ended, and how many there are. */
  #beganMs: number[] = [];
  #endedMs: number[] = [];
  #counts: number[] = [];
  /** Pieces from here on are in the window that was last asked for. */
  #first = 0;
  #sum = 0;
  #sinceMs = Number.NEGATIVE_INFINITY;

  /** A request has ended; times do not go backwards. */
  add(nowMs: number): void {
    const last = this.#counts.length - 1;
    this.#sum++;
    if (last >= this.#first && nowMs - this.#beganMs[last]! <= GRAIN_MS) {
      this.#endedMs[last] = nowMs;
      this.#counts[last]!++;
      return;
    }
    this.#beganMs.push(nowMs);
    this.#endedMs.push(nowMs);
    this.#counts.push(1);
    if (this.#counts.length > MOST_PIECES) this.#compact(nowMs);
  }

  /** How many ended later than `sinceMs`. Quick where it is asked with rising times. */
  after(sinceMs: number): number {
    if (sinceMs < this.#sinceMs) {
      this.#first = this.#counts.length;
      this.#sum = 0;
      while (this.#first > 0 && this.#endedMs[this.#first - 1]! > sinceMs) this.#sum += this.#counts[--this.#first]!;
    }
    this.#sinceMs = sinceMs;
    while (this.#first < this.#counts.length && this.#endedMs[this.#first]! <= sinceMs) {
      this.#sum -= this.#counts[this.#first++]!;
    }
    return this.#sum;
  }

  /** Of those that `after` counted last, how many ended until `untilMs`. */
  until(untilMs: number): number {
    let count = 0;
    for (let at = this.#first; at < this.#counts.length && this.#endedMs[at]! <= untilMs; at++) {
      count += this.#counts[at]!;
    }
    return count;
  }

  /** When the first of those ended; undefined: there are none. */
  get firstMs(): number | undefined {
    return this.#endedMs[this.#first];
  }

  /** Those later than `sinceMs`, in pieces of a `most`-th of that time: the age of the last request of each, and how many there are. Oldest first. */
  pieces(sinceMs: number, nowMs: number, most: number): [ageMs: number, count: number][] {
    const longestMs = (nowMs - sinceMs) / most;
    const found: [number, number][] = [];
    let beganMs = Number.NEGATIVE_INFINITY;
    this.#counts.forEach((count, at) => {
      const endedMs = this.#endedMs[at]!;
      if (endedMs <= sinceMs) return;
      const ageMs = Math.max(0, Math.floor(nowMs - endedMs));
      if (endedMs - beganMs <= longestMs) found[found.length - 1] = [ageMs, found.at(-1)![1] + count];
      else {
        found.push([ageMs, count]);
        beganMs = this.#beganMs[at]!;
      }
    });
    return found;
  }

  #compact(nowMs: number): void {
    const before = { began: this.#beganMs, ended: this.#endedMs, counts: this.#counts };
    this.#beganMs = [];
    this.#endedMs = [];
    this.#counts = [];
    let last = -1;
    before.counts.forEach((count, at) => {
      const [beganMs, endedMs] = [before.began[at]!, before.ended[at]!];
      if (nowMs - endedMs > KEPT_MS) return;
      if (last >= 0 && endedMs - this.#beganMs[last]! <= (nowMs - endedMs) / PART_OF_AGE) {
        this.#endedMs[last] = endedMs;
        this.#counts[last]! += count;
        return;
      }
      last = this.#counts.push(count) - 1;
      this.#beganMs.push(beganMs);
      this.#endedMs.push(endedMs);
    });
    // The pieces in the window are other ones now.
    const sinceMs = this.#sinceMs;
    this.#sinceMs = Number.POSITIVE_INFINITY;
    this.after(sinceMs);
  }
}
