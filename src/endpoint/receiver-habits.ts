/**
 * How a receiver uses HTTP, as far as this process knows. Most keep their connections and write answers that a strict and fast parser reads.
 * Others close each connection after an answer without saying so, and the next request on it is lost; or they write what a strict parser
 * refuses, and an alert that was taken looks unanswered. So the first requests are scouts: sent by the careful client, which reads
 * nearly everything, on connections that are then watched for a moment. What they saw decides how the others are sent.
 */

/** `kept`: on kept-alive connections, read strictly. `once`: by the careful client, one request a connection. `scout`: the same, watched. */
export type Manner = 'scout' | 'kept' | 'once';

/** What was seen of an answer and its connection. */
export interface Sighting {
  /** What a strict parser would not have read; undefined: nothing. */
  readonly odd: string | undefined;
  /** The connection was closed though it might have been kept. */
  readonly closed: boolean;
}

/** So long after a receiver closed connections it is looked at again: it may only have been restarted. */
const LOOK_AGAIN_MS = 30_000;
/** A connection that is closed within this time of an answer was closed for the answer, and not for being idle. */
export const CLOSED_FOR_ANSWER_MS = 1_000;

export class ReceiverHabits {
  readonly #onChange: (manner: Manner, why: string) => void;
  #manner: Manner = 'scout';
  #lookAgainMs = Number.POSITIVE_INFINITY;

  /** `onChange`: told of each change but the first, ordinary one; `why` ends the sentence "it …". */
  constructor(onChange: (manner: Manner, why: string) => void) {
    this.#onChange = onChange;
  }

  /** How the next request is to be sent. */
  manner(nowMs: number): Manner {
    if (this.#manner !== 'once' || nowMs < this.#lookAgainMs) return this.#manner;
    this.#lookAgainMs = nowMs + LOOK_AGAIN_MS;
    return 'scout';
  }

  /** A scout was answered. */
  saw({ odd, closed }: Sighting, nowMs: number): void {
    if (odd !== undefined) this.isOdd(odd);
    else if (closed) this.closes(nowMs);
    else if (this.#manner === 'scout') this.#manner = 'kept';
    else if (this.#manner === 'once' && this.#lookAgainMs < Number.POSITIVE_INFINITY) {
      this.#change('kept', 'keeps its connections again');
    }
  }

  /** An answer was not read, or would not have been: that stays so. */
  isOdd(what: string): void {
    this.#lookAgainMs = Number.POSITIVE_INFINITY;
    this.#change('once', `answers with ${what}`);
  }

  /** A connection was closed right after an answer, without notice. */
  closes(nowMs: number): void {
    if (this.#manner === 'once') return;
    this.#lookAgainMs = nowMs + LOOK_AGAIN_MS;
    this.#change('once', 'closes connections after an answer without saying so');
  }

  #change(manner: Manner, why: string): void {
    if (manner === this.#manner) return;
    this.#manner = manner;
    this.#onChange(manner, why);
  }
}
