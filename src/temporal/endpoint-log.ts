/** What the log says when an endpoint begins or ceases to be held up, from what the governor tells a worker: one line at each change. */
import type { Logger } from 'pino';
import type { Waiting } from '../domain/governor/contract.ts';
import { plainText } from '../domain/plain-text.ts';

type Log = Pick<Logger, 'warn' | 'info'>;

/** By what holds it up; the rest is a `waiting`. */
const BEGINS: Partial<Record<Waiting['why'], { readonly event: string }>> = {
  paused: { event: 'endpoint_paused' },
  circuit: { event: 'circuit_opened' },
};
const GOES_ON = { event: 'waiting' };

export interface CircuitChange {
  readonly isOpen: boolean;
  /** ISO 8601: the same for all workers; '' if it is not known. */
  readonly openedAt: string;
  /** In words. */
  readonly text: string;
}

/** Told when the circuit of an endpoint opens, and when it closes. */
type OnCircuit = (change: CircuitChange) => void;

export class EndpointLog {
  readonly #log: Log;
  readonly #endpoint: string;
  #waiting: Waiting | null = null;
  #isOpen = false;
  readonly #onCircuit: OnCircuit;
  /** When the circuit opened that is open now, or was open last. */
  #openedAt = '';

  constructor(log: Log, endpoint: string, onCircuit: OnCircuit = () => undefined) {
    this.#log = log;
    this.#endpoint = endpoint;
    this.#onCircuit = onCircuit;
  }

  get waiting(): Waiting | null {
    return this.#waiting;
  }

  /** Called at each change; null: it is sent what there is. */
  changed(waiting: Waiting | null): void {
    const before = this.#waiting;
    this.#waiting = waiting;
    const endpoint = this.#endpoint;
    const ended = before?.why !== waiting?.why && this.#ended(before, waiting);
    if (waiting === null) {
      if (!ended) {
        this.#log.info({ event: 'waiting_over', endpoint }, `${endpoint}: it is sent what there is again`);
      }
      return;
    }
    const { text, why, cause, since, until } = waiting;
    // A circuit that stays open for another reason has not opened again.
    const goesOn = before?.why === why || (why === 'circuit' && this.#isOpen);
    const named = (goesOn ? undefined : BEGINS[why]) ?? GOES_ON;
    if (why === 'circuit' && !this.#isOpen) {
      this.#isOpen = true;
      this.#openedAt = since ?? '';
      this.#onCircuit({ isOpen: true, openedAt: this.#openedAt, text });
    }
    const what = why === 'circuit' ? 'circuit open, only probes are sent: ' : why === 'paused' ? '' : 'waiting: ';
    const end = until === null ? '' : `, until ${until}`;
    this.#log.warn(
      { ...named, endpoint, why, cause, since, until, reason: text },
      `${endpoint}: ${what}${plainText(text)}${end}`,
    );
  }

  /** Whether a line has said that something is over. While it is paused nobody knows how an endpoint is. */
  #ended(before: Waiting | null, now: Waiting | null): boolean {
    const endpoint = this.#endpoint;
    const resumed = before?.why === 'paused';
    if (resumed) this.#log.info({ event: 'endpoint_resumed', endpoint }, `${endpoint}: resumed by an operator`);
    const closed = this.#isOpen && now?.why !== 'paused' && now?.why !== 'circuit';
    if (closed) {
      this.#isOpen = false;
      this.#onCircuit({ isOpen: false, openedAt: this.#openedAt, text: 'it is sent to again' });
      this.#log.info({ event: 'circuit_closed', endpoint }, `${endpoint}: circuit closed, it is sent to again`);
    }
    return resumed || closed;
  }
}
