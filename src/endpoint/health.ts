/**
 * What a process has seen of an endpoint lately, and what follows: how many requests may be open at once, and when to stop spending
 * alerts on it. Pure counting; no clock.
 */
import type { Sign } from '../domain/answers.ts';
import { illnessOf } from '../domain/illness.ts';

/** Open requests until the first success: a wrong URL or secret is noticed before it has cost many requests. */
const UNPROVEN_LIMIT = 4;

export type HealthState = 'unproven' | 'well' | 'down' | 'misconfigured';

export class EndpointHealth {
  #state: HealthState = 'unproven';
  #successes = 0;
  #failureRun = 0;
  #unansweredRun = 0;
  #refusalRun = 0;
  #refusalStatus = 0;

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

  /** Each request that was not answered is an alert in doubt: its place is not filled again before something gets through. */
  openRequestLimit(maxConnections: number): number {
    if (this.ill) return 1;
    const most = this.#state === 'well' ? maxConnections : Math.min(UNPROVEN_LIMIT, maxConnections);
    return Math.max(1, most - this.#unansweredRun);
  }

  take(sign: Sign): void {
    switch (sign.kind) {
      case 'none':
        return;
      case 'success':
        this.#successes++;
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

  /** Somebody else found out that it answers again. */
  recovers(): void {
    this.#failureRun = 0;
    this.#unansweredRun = 0;
    this.#refusalRun = 0;
    if (this.ill) this.#state = 'unproven';
  }

  #isAtWork(): void {
    this.#failureRun = 0;
    this.#unansweredRun = 0;
    if (this.#state === 'down') this.#state = 'unproven';
  }
}
