/**
 * What a process has seen of an endpoint lately, and what follows: how many requests may be open at once, and when to stop spending
 * alerts on it. Pure counting; no clock.
 */

/** As many identical 401/403/404/410 answers in a row, with no success between, mean that the endpoint is misconfigured. */
export const MISCONFIGURED_RUN = 20;
/** As many passing failures in a row, with no answer of another kind between, mean that the endpoint is down. */
export const DOWN_RUN = 10;
/** Open requests until the first success: a wrong URL or secret is noticed before it has cost many requests. */
const UNPROVEN_LIMIT = 4;

export type HealthState = 'unproven' | 'well' | 'down' | 'misconfigured';

export class EndpointHealth {
  #state: HealthState = 'unproven';
  #successes = 0;
  #failureRun = 0;
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

  openRequestLimit(maxConnections: number): number {
    if (this.#state === 'well') return maxConnections;
    return this.ill ? 1 : Math.min(UNPROVEN_LIMIT, maxConnections);
  }

  success(): void {
    this.#successes++;
    this.#failureRun = 0;
    this.#refusalRun = 0;
    this.#state = 'well';
  }

  /** An answer that shows the endpoint at work without being a success: throttled, or a refusal of the alert itself. */
  signOfLife(): void {
    this.#failureRun = 0;
    if (this.#state === 'down') this.#state = 'unproven';
  }

  /** A refused connection, a timeout, a 5xx. */
  failure(): void {
    this.#failureRun++;
    if (this.#failureRun >= DOWN_RUN && this.#state !== 'misconfigured') this.#state = 'down';
  }

  /** 401, 403, 404 or 410. */
  refusal(status: number): void {
    this.signOfLife();
    this.#refusalRun = status === this.#refusalStatus ? this.#refusalRun + 1 : 1;
    this.#refusalStatus = status;
    if (this.#refusalRun >= MISCONFIGURED_RUN) this.#state = 'misconfigured';
  }
}
