/**
 * Requests on their way, and the EndpointClient of each process. A request is written in the turn in which the batch allows it; from there on
 * it is out of everybody's hands: it may arrive late, or not at all, whatever becomes of its sender.
 */
import type { Answer } from '../../src/domain/answers.ts';
import type { EndpointClient } from '../../src/endpoint/endpoint-client.ts';
import type { Chance } from '../chance.ts';
import type { Receiver } from './receiver.ts';
import type { SimProcess } from './sim-process.ts';

/** One request that was written to a socket. */
export interface Written {
  readonly id: string;
  readonly atMs: number;
  readonly process: string;
  /** The sender was told a status. */
  answered: boolean;
  /** From then on it is not waited for any more. */
  untilMs: number;
}

export interface NetworkPace {
  /** Longest ordinary way. */
  readonly wayMs: number;
  /** Shares of requests that arrive late (up to `lateMs`), and that never do. */
  readonly late: number;
  readonly lateMs: number;
  readonly lost: number;
  /** Share of answers that are lost. */
  readonly lostAnswers: number;
}

export class SimNetwork {
  readonly written: Written[] = [];
  /** Told of each request in the turn in which it is written. `open`: an earlier one of the alert may still be answered. */
  onWrite: (process: SimProcess, id: string, open: boolean) => void = () => undefined;
  readonly #receiver: Receiver;
  readonly #chance: Chance;
  readonly #pace: NetworkPace;
  readonly #trace: ((text: string) => void) | undefined;

  constructor(receiver: Receiver, chance: Chance, pace: NetworkPace, trace: ((text: string) => void) | undefined) {
    this.#receiver = receiver;
    this.#chance = chance;
    this.#pace = pace;
    this.#trace = trace;
  }

  client(process: SimProcess, timeoutMs: number): EndpointClient {
    let open = 0;
    const exchange: EndpointClient['exchange'] = (request, mayWrite, done) => {
      if (process.dead) return;
      open++;
      this.#exchange(process, timeoutMs, request, mayWrite, (answer) => {
        open--;
        done(answer);
      });
    };
    return {
      exchange,
      send: (request, mayWrite) => new Promise((resolve) => exchange(request, mayWrite, resolve)),
      get openRequests() {
        return open;
      },
      close: () => Promise.resolve(),
      destroy: () => Promise.resolve(),
    };
  }

  #exchange(
    process: SimProcess,
    timeoutMs: number,
    request: { readonly id: string; readonly body: string },
    mayWrite: () => boolean,
    done: (answer: Answer) => void,
  ): void {
    let written: Written | undefined;
    let over = false;
    const endsMs = process.now() + timeoutMs;
    const end = (answer: Answer): void => {
      if (over) return;
      over = true;
      if (written !== undefined) written.untilMs = process.now();
      cancelDeadline();
      if (written !== undefined && answer.kind === 'response') written.answered = true;
      done(answer);
    };
    const cancelDeadline = process.after(timeoutMs, () => {
      const reason = `no answer within ${timeoutMs / 1_000} s`;
      end(written === undefined ? { kind: 'not_sent', reason } : { kind: 'ambiguous', reason });
    });
    const write = (): void => {
      if (over || process.dead) return;
      if (!mayWrite()) {
        end({ kind: 'withheld' });
        return;
      }
      // The question itself may have been this process's end.
      if (process.dead) return;
      const atMs = process.now();
      const { id } = request;
      const open = this.written.some((other) => other.id === id && atMs < other.untilMs);
      written = { id, atMs, process: process.name, answered: false, untilMs: endsMs };
      this.written.push(written);
      this.onWrite(process, id, open);
      this.#trace?.(`  writes ${request.id}`);
      this.#travel(process, request, end);
    };
    const connectMs = this.#receiver.connectMs(process.now());
    if (connectMs === undefined) {
      process.after(this.#chance.between(0, 5), () => end({ kind: 'not_sent', reason: 'connection refused' }));
    } else if (connectMs < 3) write();
    else process.after(connectMs, write);
  }

  #travel(
    process: SimProcess,
    request: { readonly id: string; readonly body: string },
    end: (answer: Answer) => void,
  ): void {
    const { wayMs, late, lateMs, lost, lostAnswers } = this.#pace;
    const { scheduler } = process;
    const cut: Answer = { kind: 'ambiguous', reason: 'the connection was cut' };
    if (this.#chance.happens(lost)) {
      if (this.#chance.happens(0.5)) process.after(this.#chance.between(0, wayMs), () => end(cut));
      return;
    }
    const onTheWayMs = this.#chance.happens(late) ? this.#chance.between(0, lateMs) : this.#chance.between(0, wayMs);
    scheduler.after(onTheWayMs, undefined, () => {
      const { answer, acts, afterMs } = this.#receiver.receive(scheduler.nowMs, request.id, request.body);
      this.#trace?.(`receiver: ${request.id} ${acts ? 'acted on' : 'not acted on'}`);
      if (answer === undefined || this.#chance.happens(lostAnswers)) return;
      process.after(afterMs + this.#chance.between(0, wayMs), () => {
        this.#trace?.(`  hears of ${request.id}: ${JSON.stringify(answer)}`);
        end(answer === 'cut' ? cut : answer);
      });
    });
  }
}
