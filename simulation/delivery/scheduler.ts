/**
 * Simulated time. Whatever happens is an event of one queue, in the order of its instant; of events at the same instant a seeded chance decides.
 * An event belongs to a process (or to nobody: the network, the server). After it all microtasks are run before the next one begins, so
 * that at each await on the store, the network, a timer or Temporal, and nowhere else, other processes may come in between.
 *
 * A dead process has no events any more: its code never runs on. Those of a stopped one wait until it goes on.
 */
import type { Chance } from '../chance.ts';
import { Heap } from '../heap.ts';

/** Whose events they are. */
export interface Owner {
  readonly name: string;
  state: 'running' | 'stopped' | 'dead';
  /** What came while it was stopped. */
  held: Entry[];
}

export interface Entry {
  atMs: number;
  tie: number;
  readonly owner: Owner | undefined;
  /** undefined: cancelled. */
  run: (() => void) | undefined;
}

/** Runs every microtask and `nextTick` callback that is waiting. Only outside of a microtask. */
const drainMicrotasks = (process as unknown as { _tickCallback(): void })._tickCallback;
if (typeof drainMicrotasks !== 'function') throw new Error('this version of Node cannot run the simulation');

export class Scheduler {
  /** The one that runs events now. */
  static active: Scheduler | undefined;

  nowMs = 0;
  events = 0;
  /** Whose code is running. */
  current: Owner | undefined;
  /** Called with what an event threw. */
  onCrash: (owner: Owner | undefined, error: unknown) => void = (_owner, error) => {
    throw error;
  };
  readonly #chance: Chance;
  readonly #heap = new Heap(before);

  constructor(chance: Chance) {
    this.#chance = chance;
  }

  /** Returns a canceller. */
  at(atMs: number, owner: Owner | undefined, run: () => void): () => void {
    const entry = this.post(atMs, owner, run);
    return () => {
      entry.run = undefined;
    };
  }

  /** The same for what is not going to be cancelled. */
  post(atMs: number, owner: Owner | undefined, run: () => void): Entry {
    if (Number.isNaN(atMs)) throw new Error('an event at no time');
    const entry: Entry = { atMs: Math.max(atMs, this.nowMs), tie: this.#chance.next(), owner, run };
    this.#heap.push(entry);
    return entry;
  }

  after(delayMs: number, owner: Owner | undefined, run: () => void): () => void {
    return this.at(this.nowMs + delayMs, owner, run);
  }

  stop(owner: Owner): void {
    if (owner.state === 'running') owner.state = 'stopped';
  }

  goOn(owner: Owner): void {
    if (owner.state !== 'stopped') return;
    owner.state = 'running';
    for (const entry of owner.held.splice(0)) {
      entry.atMs = this.nowMs;
      entry.tie = this.#chance.next();
      this.#heap.push(entry);
    }
  }

  kill(owner: Owner): void {
    owner.state = 'dead';
    owner.held = [];
  }

  /** Runs events until `done` says so, there are none left, or the instant is reached. */
  run(done: () => boolean, untilMs: number): void {
    while (!done()) {
      const next = this.#heap.top;
      if (next === undefined || next.atMs > untilMs) {
        this.nowMs = Math.max(this.nowMs, Math.min(untilMs, next?.atMs ?? untilMs));
        return;
      }
      this.#heap.pop();
      if (next.run === undefined) continue;
      this.nowMs = next.atMs;
      const { owner, run } = next;
      if (owner?.state === 'stopped') owner.held.push(next);
      else if (owner?.state !== 'dead') this.#runEvent(owner, run);
    }
  }

  #runEvent(owner: Owner | undefined, run: () => void): void {
    this.events++;
    this.current = owner;
    Scheduler.active = this;
    try {
      run();
      drainMicrotasks();
    } catch (error) {
      this.onCrash(owner, error);
    } finally {
      this.current = undefined;
    }
  }

  /** For code that has several turns within one event. */
  drain(): void {
    drainMicrotasks();
  }
}

function before(a: Entry, b: Entry): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.tie < b.tie);
}
