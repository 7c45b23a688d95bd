/** What the log says when an endpoint begins or ceases to be held up, from what the governor tells a worker: one line at each change. */
import type { Logger } from 'pino';
import type { Waiting } from '../domain/governor/contract.ts';
import { plainText } from '../domain/plain-text.ts';

type Log = Pick<Logger, 'warn' | 'info'>;

/** Events by what holds it up; the rest is a `waiting`. */
const BEGINS: Partial<Record<Waiting['why'], string>> = { paused: 'endpoint_paused', circuit: 'circuit_opened' };
const ENDS: Partial<Record<Waiting['why'], readonly [event: string, message: string]>> = {
  paused: ['endpoint_resumed', 'resumed by an operator'],
  circuit: ['circuit_closed', 'circuit closed, it is well again'],
};

export class EndpointLog {
  readonly #log: Log;
  readonly #endpoint: string;
  #waiting: Waiting | null = null;

  constructor(log: Log, endpoint: string) {
    this.#log = log;
    this.#endpoint = endpoint;
  }

  /** Called at each change; null: it is sent what there is. */
  changed(waiting: Waiting | null): void {
    const before = this.#waiting;
    this.#waiting = waiting;
    const endpoint = this.#endpoint;
    const [ended, message] = (before && before.why !== waiting?.why && ENDS[before.why]) || [];
    if (ended !== undefined) this.#log.info({ event: ended, endpoint }, `${endpoint}: ${message}`);
    if (waiting === null) {
      if (ended === undefined) {
        this.#log.info({ event: 'waiting_over', endpoint }, `${endpoint}: it is sent what there is again`);
      }
      return;
    }
    const { text, why, cause, since, until } = waiting;
    // A circuit that stays open for another reason has not opened again.
    const event = (before?.why === why ? undefined : BEGINS[why]) ?? 'waiting';
    const what = why === 'circuit' ? 'circuit open, only probes are sent: ' : why === 'paused' ? '' : 'waiting: ';
    const end = until === null ? '' : `, until ${until}`;
    this.#log.warn(
      { event, endpoint, why, cause, since, until, reason: text },
      `${endpoint}: ${what}${plainText(text)}${end}`,
    );
  }
}
