/** Chance from a seed, in the forms that a plan needs. The same seed gives the same throws on any machine. */
import { seededRandom } from '../simulation/rate/event-queue.ts';

export class Dice {
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  /** From `low` up to, but not including, `high`. */
  between(low: number, high: number): number {
    return low + (high - low) * this.#random();
  }

  /** A whole number, both ends included. */
  whole(low: number, high: number): number {
    return Math.floor(this.between(low, high + 1));
  }

  chance(share: number): boolean {
    return this.#random() < share;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.whole(0, list.length - 1)]!;
  }

  /** Each entry as often as its weight says. */
  weighted<T>(entries: readonly (readonly [weight: number, value: T])[]): T {
    let left = this.between(
      0,
      entries.reduce((sum, [weight]) => sum + weight, 0),
    );
    for (const [weight, value] of entries) {
      left -= weight;
      if (left < 0) return value;
    }
    return entries.at(-1)![1];
  }
}
