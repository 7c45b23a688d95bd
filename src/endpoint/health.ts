/**
 * What a process has seen of an endpoint lately, and what follows: how many requests may be open at once, and when to stop spending
 * alerts on it. Pure counting; no clock. A few alerts that are never answered are not an endpoint that is down: what fails is weighed first,
 * and counts only for different alerts, of whatever file, and only if nobody who was asked later has got an answer.
 */
import type { Sign } from '../domain/answers.ts';
import { illnessOf } from '../domain/illness.ts';

/** Open requests until the first success: a wrong URL or secret is noticed before it has cost many requests. */
const UNPROVEN_LIMIT = 4;
/** One more for each so long that nothing is heard: the first alerts of a file may be ones that are never answered. */
const UNPROVEN_GROWTH_MS = 1_000;
/** An alert that has failed so often since anything got through may have a fault of its own: it tells nothing more about the endpoint. */
const SPENT_AFTER = 3;
const NOTHING: Sign = { kind: 'none' };

/** A request that has ended. */
export interface Asked {
  readonly id: string;
  /** Monotonic. */
  readonly sentMs: number;
}

export type HealthState = 'unproven' | 'well' | 'down' | 'misconfigured';

export class EndpointHealth {
  #state: HealthState = 'unproven';
  #successes = 0;
  #failureRun = 0;
  #unansweredRun = 0;
  #refusalRun = 0;
  #refusalStatus = 0;
  /** When the latest of the requests that it answered was sent. */
  #answeredSentMs = Number.NEGATIVE_INFINITY;
  /** How often each of the alerts that count as failed has failed. */
  readonly #failing = new Map<string, number>();

  get state(): HealthState {
    return this.#state;
  }

  get ill(): boolean {
    return this.#state === 'down' || this.#state === 'misconfigured';
  }

  /** Grows with each success: whoever remembers an earlier value knows whether one came between. */
  get successes(): number {
    return this.#successes;
  }

  /** Whoever was asked before this has been answered, or is not going to be. */
  get answeredSentMs(): number {
    return this.#answeredSentMs;
  }

  /** Something fails, or nothing is known yet: alerts of different places are the better question. */
  inDoubt(openRequests: number): boolean {
    return this.ill || this.#failing.size > 0 || (this.#state === 'unproven' && openRequests >= UNPROVEN_LIMIT);
  }

  /** Whether the endpoint is back is better asked with another alert, if there is one. */
  isSpent(id: string): boolean {
    return (this.#failing.get(id) ?? 0) >= SPENT_AFTER;
  }

  /** What the end of a request says about the endpoint, beside what is known of others. To be taken in by `take`. */
  weigh(sign: Sign, { id, sentMs }: Asked): Sign {
    if (sign.kind === 'none') return sign;
    if (sign.kind !== 'failure') {
      if (sentMs > this.#answeredSentMs) this.#answeredSentMs = sentMs;
      return sign;
    }
    if (sentMs < this.#answeredSentMs) return NOTHING;
    if (sign.unsent) return sign;
    const before = this.#failing.get(id) ?? 0;
    this.#failing.set(id, before + 1);
    return before > 0 ? NOTHING : sign;
  }

  /**
   * Each request that was not answered is an alert in doubt: its place is not filled again before something gets through. `unheardMs`: for
   * how long the first requests have been waiting for an answer.
   */
  openRequestLimit(maxConnections: number, unheardMs = 0): number {
    if (this.ill) return 1;
    const unproven = UNPROVEN_LIMIT + Math.floor(unheardMs / UNPROVEN_GROWTH_MS);
    const most = this.#state === 'well' ? maxConnections : Math.min(unproven, maxConnections);
    return Math.max(1, most - this.#unansweredRun);
  }

  take(sign: Sign): void {
    switch (sign.kind) {
      case 'none':
        return;
      case 'success':
        this.#successes++;
        // Even of an empty set this costs a new table.
        if (this.#failing.size > 0) this.#failing.clear();
        this.#failureRun = 0;
        this.#unansweredRun = 0;
        this.#refusalRun = 0;
        this.#state = 'well';
        return;
      case 'failure':
        this.#failureRun++;
        if (sign.unanswered) this.#unansweredRun++;
        if (this.#state !== 'misconfigured') this.#state = illnessOf('failure', this.#failureRun) ?? this.#state;
        return;
      case 'refusal':
        this.#isAtWork();
        this.#refusalRun = sign.status === this.#refusalStatus ? this.#refusalRun + 1 : 1;
        this.#refusalStatus = sign.status;
        this.#state = illnessOf(sign.status, this.#refusalRun) ?? this.#state;
        return;
      default:
        this.#isAtWork();
    }
  }

  #isAtWork(): void {
    this.#failing.clear();
    this.#failureRun = 0;
    this.#unansweredRun = 0;
    if (this.#state === 'down') this.#state = 'unproven';
  }
}
