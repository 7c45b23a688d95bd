/** How values are spread, in plain numbers: the hot path may add to it, and whoever shows figures reads it. */

export class Distribution {
  /** Upper bounds, rising; values beyond the last one are counted, too. */
  readonly bounds: readonly number[];
  /** Of each bound by itself, and of what lies beyond. */
  readonly counts: number[];
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  /** `times`: so many of the same value. */
  add(value: number, times = 1): void {
    const { bounds } = this;
    let at = 0;
    while (at < bounds.length && value > bounds[at]!) at++;
    this.counts[at]! += times;
    this.sum += value * times;
  }
}
