/**
 * All sending of one process to one endpoint goes through its session: connections, pace and health are shared by all batches and
 * stubborn alerts. It admits waves first come, first served, and ends each event-loop turn by writing the receipts of that turn.
 */

import type { Answer } from '../domain/answers.ts';
import type { Endpoint } from '../domain/endpoint.ts';
import type { EndpointClient } from './endpoint-client.ts';
import { EndpointHealth } from './health.ts';
import { Pacer } from './pacer.ts';

/** A wave: rows announced by one intent line. */
const MAX_WAVE = 64;
/** A wave holds no more than the pacer lets go within this time, so that an announced row is soon a sent one. */
const WAVE_HORIZON_MS = 100;
const PACER_POLL_MS = 10;
/** Pause after a 429 that names none. */
const DEFAULT_PAUSE_MS = 1_000;

interface Waiting {
  readonly max: number;
  readonly resolve: (count: number) => void;
}

export class EndpointSession {
  readonly endpoint: Endpoint;
  readonly pacer: Pacer;
  readonly health = new EndpointHealth();
  readonly #client: EndpointClient;
  readonly #waiting: Waiting[] = [];
  readonly #endOfTurn = new Set<() => void>();
  /** Admitted and not yet answered: on a connection, or in the pacer's queue. */
  #admitted = 0;
  /** Of these, not yet handed to the pacer: their intents are being written. */
  #announcing = 0;
  #turnScheduled = false;
  #pacerPoll: NodeJS.Timeout | undefined;
  #stopping = false;

  constructor(endpoint: Endpoint, client: EndpointClient, pacer = new Pacer(endpoint.burst)) {
    this.endpoint = endpoint;
    this.#client = client;
    this.pacer = pacer;
  }

  /** Set at shutdown: batches take no new rows, what is open is awaited. */
  get stopping(): boolean {
    return this.#stopping;
  }

  /** How many are open or about to be. */
  get admitted(): number {
    return this.#admitted;
  }

  /** Whether somebody waits to send. */
  get hasDemand(): boolean {
    return this.#admitted > 0 || this.#waiting.length > 0;
  }

  stop(): void {
    this.#stopping = true;
    this.wake();
  }

  async close(): Promise<void> {
    this.stop();
    clearTimeout(this.#pacerPoll);
    await this.#client.close();
  }

  /** Resolves to the size of the wave that may be announced and sent now, at most `max`; to 0 after `wake`. */
  admit(max: number): Promise<number> {
    return new Promise((resolve) => {
      this.#waiting.push({ max, resolve });
      this.#scheduleTurn();
    });
  }

  /** The receiver asked for a pause: all sending of this process heeds it at once. */
  throttled(retryAfterMs: number | undefined): void {
    this.pacer.brake(retryAfterMs ?? DEFAULT_PAUSE_MS);
    this.wake();
  }

  /** Resolves all waiting admissions to 0, so that their owners look at the world again. */
  wake(): void {
    for (const { resolve } of this.#waiting.splice(0)) resolve(0);
  }

  /** Sends one admitted request at its turn. `mayWrite` is asked right before the first byte. Never rejects. */
  send(id: string, body: string, mayWrite: () => boolean): Promise<Answer> {
    this.#announcing--;
    return new Promise((resolve) => {
      this.pacer.enqueue(() => {
        // The question is put here already, so that a batch that has stopped does not open a connection.
        const answer: Promise<Answer> = mayWrite()
          ? this.#client.send({ id, body }, mayWrite)
          : Promise.resolve({ kind: 'withheld' });
        void answer.then((value) => {
          this.#admitted--;
          this.#scheduleTurn();
          resolve(value);
        });
      });
    });
  }

  /** Gives admissions back that are not going to be used. */
  giveBack(count: number): void {
    this.#announcing -= count;
    this.#admitted -= count;
    this.#scheduleTurn();
  }

  /** Runs once at the end of this event-loop turn, before new waves are admitted. */
  atEndOfTurn(write: () => void): void {
    this.#endOfTurn.add(write);
    this.#scheduleTurn();
  }

  #scheduleTurn(): void {
    if (this.#turnScheduled) return;
    this.#turnScheduled = true;
    setImmediate(() => {
      this.#turnScheduled = false;
      for (const write of this.#endOfTurn) write();
      this.#endOfTurn.clear();
      this.#admitWaiting();
    });
  }

  #admitWaiting(): void {
    while (this.#waiting.length > 0) {
      const free = this.health.openRequestLimit(this.endpoint.maxConnections) - this.#admitted;
      if (free <= 0) return;
      const paced = this.pacer.allowance(WAVE_HORIZON_MS) - this.#announcing;
      if (paced <= 0) {
        this.#pacerPoll ??= setTimeout(() => {
          this.#pacerPoll = undefined;
          this.#admitWaiting();
        }, PACER_POLL_MS);
        return;
      }
      const next = this.#waiting.shift()!;
      const count = Math.min(next.max, free, paced, MAX_WAVE);
      this.#admitted += count;
      this.#announcing += count;
      next.resolve(count);
    }
  }
}
