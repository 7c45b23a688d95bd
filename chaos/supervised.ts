/**
 * A process under supervision, as a service manager has it: started again when it ends, whoever ended it. It is signalled by its own
 * process ID only.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProcessName } from './plan.ts';

export interface Spawned {
  readonly pid: number;
  /** How it ended: `exit code 1`, `SIGKILL`. */
  readonly ended: Promise<string>;
}

/** Starts the process anew; resolves once it exists. */
export type Spawn = () => Promise<Spawned>;

/** A process that young may not hear signals yet, and ends by a SIGTERM at once, with no work in hand. */
const DEAF_MS = 10_000;
/** After it ended by itself. */
const RESTART_PAUSE_MS = 1_000;

export interface Termination {
  readonly name: ProcessName;
  readonly ms: number;
  readonly how: string;
}

export class Supervised {
  readonly name: ProcessName;
  readonly #spawn: Spawn;
  readonly #say: (text: string) => void;
  #current: Spawned | undefined;
  #spawnedMs = 0;
  #stopped = false;
  /** It was killed or stopped since it was told to end. */
  #disturbed = false;
  #closing = false;
  #downMs = RESTART_PAUSE_MS;
  #supervision: Promise<void> = Promise.resolve();

  constructor(name: ProcessName, spawn: Spawn, say: (text: string) => void) {
    this.name = name;
    this.#spawn = spawn;
    this.#say = say;
  }

  /** Resolves once the process exists; from here on it is started again whenever it ends. */
  async start(): Promise<void> {
    await this.#begin();
    this.#supervision = this.#supervise();
  }

  async #begin(): Promise<void> {
    this.#spawnedMs = performance.now();
    this.#current = await this.#spawn();
  }

  async #supervise(): Promise<void> {
    while (this.#current !== undefined) {
      const how = await this.#current.ended;
      this.#current = undefined;
      this.#stopped = false;
      if (this.#closing) return;
      this.#say(`${this.name} ended (${how})`);
      await sleep(this.#downMs);
      this.#downMs = RESTART_PAUSE_MS;
      while (this.#current === undefined && !this.#closing) {
        try {
          await this.#begin();
          if (this.#closing) this.#signal('SIGKILL');
        } catch (error) {
          this.#say(`${this.name} does not start: ${(error as Error).message}`);
          await sleep(RESTART_PAUSE_MS);
        }
      }
    }
  }

  /** Whether there was a process to kill. It is back after `downMs`. */
  kill(downMs: number): boolean {
    if (this.#current === undefined) return false;
    this.#downMs = downMs;
    this.#disturbed = true;
    return this.#signal('SIGKILL');
  }

  /** SIGTERM. Resolves when it has ended; undefined: there was none that could hear, or it was killed or stopped before it had ended, or too young. */
  async terminate(downMs: number): Promise<Termination | undefined> {
    const current = this.#current;
    if (current === undefined || this.#stopped) return undefined;
    this.#downMs = downMs;
    this.#disturbed = false;
    const startedMs = performance.now();
    this.#signal('SIGTERM');
    const how = await current.ended;
    const wasDeaf = how === 'SIGTERM' && startedMs - this.#spawnedMs < DEAF_MS;
    if (this.#disturbed || wasDeaf) return undefined;
    return { name: this.name, ms: performance.now() - startedMs, how };
  }

  /** SIGSTOP. Whether there was a running process. */
  stop(): boolean {
    if (this.#current === undefined || this.#stopped) return false;
    this.#stopped = true;
    this.#disturbed = true;
    return this.#signal('SIGSTOP');
  }

  /** SIGCONT; nothing, where it is not stopped. */
  continue(): void {
    if (!this.#stopped) return;
    this.#stopped = false;
    this.#signal('SIGCONT');
  }

  /** For the end: SIGTERM, and SIGKILL after `graceMs`. */
  async close(graceMs: number): Promise<Termination | undefined> {
    this.#closing = true;
    this.continue();
    const timer = setTimeout(() => this.#signal('SIGKILL'), graceMs);
    const termination = await this.terminate(0);
    clearTimeout(timer);
    await this.#supervision;
    return termination;
  }

  #signal(signal: NodeJS.Signals): boolean {
    const current = this.#current;
    if (current === undefined) return false;
    try {
      process.kill(current.pid, signal);
      return true;
    } catch {
      // It ended just now.
      return false;
    }
  }
}
