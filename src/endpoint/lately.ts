/** How often something has happened lately: in the last whole stretch of time, or in this one, where that is more. */
export class Lately {
  readonly #stretchMs: number;
  #sinceMs = Number.NEGATIVE_INFINITY;
  #before = 0;
  #now = 0;

  constructor(stretchMs: number) {
    this.#stretchMs = stretchMs;
  }

  count(nowMs: number): void {
    this.#moveTo(nowMs);
    this.#now++;
  }

  number(nowMs: number): number {
    this.#moveTo(nowMs);
    return Math.max(this.#before, this.#now);
  }

  #moveTo(nowMs: number): void {
    const passed = nowMs - this.#sinceMs;
    if (passed < this.#stretchMs) return;
    this.#before = passed < 2 * this.#stretchMs ? this.#now : 0;
    this.#now = 0;
    this.#sinceMs = nowMs;
  }
}
