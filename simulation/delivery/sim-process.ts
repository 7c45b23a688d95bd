/**
 * One simulated operating-system process, with its clocks: the monotonic one is simulated time, the wall clock may be off, step and drift. It
 * can be stopped and continued, and killed, also at its n-th call of the store: what it would have done from there on is never done.
 */
import type { Entry, Owner } from './scheduler.ts';
import { Scheduler } from './scheduler.ts';

/** Simulated time 0 on a wall clock that is right. */
export const EPOCH_MS = Date.UTC(2026, 0, 5, 8);

/** Where a process writes reports. */
export interface ReportPlace {
  takeNumber(): number;
  /** All files at one instant, unless a later report is there. */
  publish(folder: string, files: ReadonlyMap<string, string>, number: number): Promise<void>;
  read(path: string): string | undefined;
}

export class SimProcess implements Owner {
  readonly name: string;
  state: Owner['state'] = 'running';
  held: Entry[] = [];
  /** How far the wall clock is ahead. */
  wallAheadMs = 0;
  /** How much it gains on a right one, a millisecond. */
  wallDrift = 0;
  /** Calls of the store so far. */
  storeCalls = 0;
  /** Dies at this call of the store, before it takes effect. */
  diesAtStoreCall = Number.POSITIVE_INFINITY;
  /** Set by whatever runs in it. */
  reports: ReportPlace | undefined;
  readonly scheduler: Scheduler;
  readonly #onDeath: (() => void)[] = [];

  constructor(scheduler: Scheduler, name: string) {
    this.scheduler = scheduler;
    this.name = name;
  }

  /** The one whose code is running. */
  static running(): SimProcess {
    const owner = Scheduler.active?.current;
    if (owner instanceof SimProcess) return owner;
    throw new Error('this code runs in no process');
  }

  get dead(): boolean {
    return this.state === 'dead';
  }

  // The clock of everything that runs in this process.
  readonly now = (): number => this.scheduler.nowMs;
  readonly wallMs = (): number => Math.floor(EPOCH_MS + this.scheduler.nowMs * (1 + this.wallDrift) + this.wallAheadMs);
  readonly after = (delayMs: number, callback: () => void): (() => void) =>
    this.scheduler.after(Math.max(0, delayMs), this, callback);
  readonly soon = (callback: () => void): void => {
    this.scheduler.post(this.scheduler.nowMs, this, callback);
  };

  onDeath(callback: () => void): void {
    this.#onDeath.push(callback);
  }

  kill(): void {
    if (this.dead) return;
    this.scheduler.kill(this);
    for (const callback of this.#onDeath.splice(0)) callback();
  }
}
