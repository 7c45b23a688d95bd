/**
 * Proof that a watcher is alive, for the others on the same inbox. Each instance keeps a file `alive` beside its claims: who it is
 * (kernel, PID namespace, process and its start time), touched every two seconds. A watcher of the same kernel whose process is gone is dead
 * at once. Any one that is silent for ten seconds counts as dead, too: it hangs, and its files must not. Silence is measured by the
 * observer's own monotonic clock, so that no two clocks are compared. One that wakes up finds its claims gone, and comes in again.
 */
import { randomBytes } from 'node:crypto';
import { readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { processStart } from '../process-start.ts';
import { bootId } from '../store/boot.ts';
import type { Terms } from './terms.ts';

export interface WatcherIdentity {
  readonly instance: string;
  readonly host: string;
  readonly pid: number;
  /** Linux only: the boot and the PID namespace in which `pid` means something, and the start time that makes it unique. */
  readonly kernel?: string;
  readonly processStart?: string;
}

export const ALIVE_FILE = 'alive';
export const HEARTBEAT_MS = 2_000;
/** Observed time without a heartbeat after which a watcher counts as dead. */
export const DEAD_AFTER_MS = 10_000;
/** A claim folder without `alive`: just being made, or given up. */
const GIVEN_UP_AFTER_MS = 1_000;
/** An observer that was itself stopped must not take its own gap for the other's silence. */
const MAX_GAP_MS = 3_000;

function thisKernel(): string | undefined {
  try {
    const boot = bootId();
    return boot === undefined ? undefined : `${boot} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return undefined;
  }
}

export function newIdentity(): WatcherIdentity {
  const kernel = thisKernel();
  const start = processStart('self');
  return {
    instance: `${process.pid}-${randomBytes(4).toString('hex')}`,
    host: hostname(),
    pid: process.pid,
    ...(kernel === undefined || start === undefined ? {} : { kernel, processStart: start }),
  };
}

/** `undefined`: it cannot be told from here. */
export function processRuns(self: WatcherIdentity, other: Partial<WatcherIdentity>): boolean | undefined {
  if (self.kernel === undefined || other.kernel !== self.kernel || typeof other.pid !== 'number') return undefined;
  return processStart(other.pid) === other.processStart;
}

/** What an observer sees of another watcher's `alive`; undefined content: there is no such file. */
export interface Heartbeat {
  readonly content: string | undefined;
  readonly mtimeMs: number;
}

interface Silence {
  heartbeat: Heartbeat;
  silentMs: number;
  observedMs: number;
  /** Its heartbeat has changed since it was first seen. */
  moved: boolean;
}

/** `gone`: its claims may be adopted. `unknown`: it must be observed for longer. */
export type Life = 'alive' | 'gone' | 'unknown';

/** Judges the other watchers of an inbox by what is observed of them over time. */
export class DeathWatch {
  readonly #self: WatcherIdentity;
  readonly #deadAfterMs: number;
  readonly #silences = new Map<string, Silence>();

  constructor(self: WatcherIdentity, deadAfterMs: number = DEAD_AFTER_MS) {
    this.#self = self;
    this.#deadAfterMs = deadAfterMs;
  }

  /** Takes one look at another instance in. `nowMs` is monotonic. */
  observe(instance: string, heartbeat: Heartbeat, nowMs: number): Life {
    const before = this.#silences.get(instance);
    const same = before?.heartbeat.content === heartbeat.content && before?.heartbeat.mtimeMs === heartbeat.mtimeMs;
    const silentMs =
      before !== undefined && same ? before.silentMs + Math.min(nowMs - before.observedMs, MAX_GAP_MS) : 0;
    const moved = before !== undefined && (before.moved || !same);
    this.#silences.set(instance, { heartbeat, silentMs, observedMs: nowMs, moved });
    if (heartbeat.content === undefined) return silentMs >= GIVEN_UP_AFTER_MS ? 'gone' : 'unknown';
    const runs = processRuns(this.#self, parseAlive(heartbeat.content));
    if (runs === false || silentMs >= this.#deadAfterMs) return 'gone';
    return runs === true || moved ? 'alive' : 'unknown';
  }

  /** Observed time since its last heartbeat. */
  silentMs(instance: string): number {
    return this.#silences.get(instance)?.silentMs ?? 0;
  }

  /** Forgets the instances that are gone. */
  retain(instances: ReadonlySet<string>): void {
    for (const instance of this.#silences.keys()) if (!instances.has(instance)) this.#silences.delete(instance);
  }
}

/** What a watcher shows of itself in its `alive` file. */
export interface Alive extends WatcherIdentity {
  /** Absent: of an earlier version. */
  readonly terms?: Terms;
  readonly agreed?: boolean;
}

/** Empty for what cannot be read. */
export function parseAlive(content: string): Partial<Alive> {
  try {
    const value: unknown = JSON.parse(content);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}
