/**
 * The brake of one process, wired to its pacer: what each request and each answer do to it, what the governor is to hear of it, and what is
 * counted of the receiver's refusals on the way. The decisions are those of domain/governor/local-brake.ts.
 */
import type { Sign, Verdict } from '../domain/answers.ts';
import type { CircuitName, LeaseRequest } from '../domain/governor/contract.ts';
import type { EpisodeReport } from '../domain/governor/episodes.ts';
import { EpisodeCounter } from '../domain/governor/episodes.ts';
import type { LocalBrake } from '../domain/governor/local-brake.ts';
import { RELEASED_BRAKE, renewed, reported, reportOf, resumed } from '../domain/governor/local-brake.ts';
import { sent, taken, untried } from '../domain/governor/trial.ts';
import type { RateHint } from '../domain/rate-hints.ts';
import { brakeAfter } from './braking.ts';
import type { Pacer } from './pacer.ts';

/** How a request went out. */
export interface Sending {
  readonly sentMs: number;
  /** What it was paced at. */
  readonly pacePerSecond: number;
  /** Others of this process that were on their way. */
  readonly open: number;
}

/** An answer, as the brake takes it. Built for each request: no object is spread on the way. */
export interface Taken {
  readonly verdict: Verdict;
  readonly sign: Sign;
  /** What its headers said, and what that comes to a second. */
  readonly hint: RateHint | undefined;
  readonly ceiling: number | undefined;
  readonly nowMs: number;
  /** As the governor last told. */
  readonly circuit: CircuitName;
}

export class LeaseBrake {
  readonly #pacer: Pacer;
  readonly #random: () => number;
  readonly #episodes = new EpisodeCounter();
  #brake: LocalBrake = RELEASED_BRAKE;
  #open = 0;

  constructor(pacer: Pacer, random: () => number) {
    this.#pacer = pacer;
    this.#random = random;
  }

  /** Requests that are on their way. */
  get open(): number {
    return this.#open;
  }

  get askAtMs(): number {
    return this.#brake.askAtMs;
  }

  get pauseUntilMs(): number {
    return this.#brake.pauseUntilMs;
  }

  sends(sentMs: number): void {
    this.#open++;
    if (this.#brake.trial) this.#set(sent(this.#brake, sentMs));
  }

  /** True: the brake has changed. */
  took({ sentMs, pacePerSecond, open }: Sending, { verdict, sign, hint, ceiling, nowMs, circuit }: Taken): boolean {
    this.#open--;
    const before = this.#brake;
    if (verdict.kind === 'withheld' || verdict.kind === 'local_fault') {
      if (before.trial) this.#set(untried(before, sentMs, nowMs));
      return false;
    }
    let brake = before;
    if (sign.kind === 'success' || sign.kind === 'alive' || sign.kind === 'refusal') {
      this.#episodes.took(sentMs, nowMs);
      brake = taken(before, sentMs, nowMs);
    }
    const askedMs = verdict.kind === 'throttled' ? verdict.retryAfterMs : undefined;
    const random = this.#random();
    const quotaUsed = sign.kind === 'throttled' ? this.#pacer.quotaUsed : undefined;
    const refusal = { sentMs, pacePerSecond, open, nowMs, random, taken: this.#episodes.admitted, quotaUsed };
    brake = brakeAfter(brake, { sign, askedMs, hint, ceiling, refusal, circuit });
    if (sign.kind === 'throttled') this.#episodes.refused(sentMs, pacePerSecond, brake.stopMs, (askedMs ?? 0) > 0);
    if (brake === before) return false;
    this.#set(brake);
    return true;
  }

  /** For a request to the governor that is sent now. */
  report(nowMs: number): Pick<LeaseRequest, 'dropped' | 'brake' | 'badRun' | 'pauseMs' | 'episodes'> {
    return { ...reportOf(this.#brake, nowMs), episodes: this.#episodes.told(nowMs) };
  }

  /** It was sent. Returns what is to be called where it did not arrive: what it said is said with the next one. */
  reported(nowMs: number): (episodes: readonly EpisodeReport[]) => void {
    const before = this.#brake;
    this.#brake = reported(before, nowMs);
    return (episodes) => {
      this.#brake = { ...this.#brake, strike: this.#brake.strike ?? before.strike, runReported: before.runReported };
      this.#episodes.untold(episodes, nowMs);
    };
  }

  /** It was answered: there is a new lease. */
  renewed(): void {
    this.#set(renewed(this.#brake));
  }

  /** An operator has ended all pauses. */
  resumed(nowMs: number): void {
    this.#set(resumed(this.#brake, nowMs));
  }

  #set(brake: LocalBrake): void {
    this.#brake = brake;
    this.#pacer.restrain(brake);
  }
}
