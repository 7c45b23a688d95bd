import { Heap } from '../heap.ts';

/** Simulated time: runs callbacks in the order of their instants (ties: in the order they were added). */
interface Entry {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

export class EventQueue {
  nowMs = 0;
  readonly #heap = new Heap(before);
  #order = 0;

  at(atMs: number, run: () => void): void {
    this.#heap.push({ atMs: Math.max(atMs, this.nowMs), order: this.#order++, run });
  }

  after(delayMs: number, run: () => void): void {
    this.at(this.nowMs + delayMs, run);
  }

  runUntil(endMs: number): void {
    for (let entry = this.#heap.top; entry !== undefined && entry.atMs <= endMs; entry = this.#heap.top) {
      this.#heap.pop();
      this.nowMs = entry.atMs;
      entry.run();
    }
    this.nowMs = endMs;
  }
}

function before(a: Entry, b: Entry): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
