/** When a file of an inbox is due for its next look or try. Times are a monotonic clock of the caller, in ms. */

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;

export class NextTry {
  dueMs = 0;
  #failures = 0;

  /** A step of its submission failed: due again after a pause that doubles from failure to failure. */
  failed(nowMs: number): void {
    this.dueMs = nowMs + Math.min(FIRST_PAUSE_MS * 2 ** this.#failures, LONGEST_PAUSE_MS);
    this.#failures += 1;
  }

  done(): void {
    this.#failures = 0;
  }

  /** What made it fail is over, as another file has shown: it need not sit out its pause. */
  soon(nowMs: number): void {
    this.dueMs = Math.min(this.dueMs, nowMs + FIRST_PAUSE_MS);
  }
}
