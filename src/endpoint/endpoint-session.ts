/**
 * All sending of one process to one endpoint goes through its session: all batches and stubborn alerts share its connections, pace and
 * health. It admits waves first come, first served, judges the answers, and ends each event-loop turn by writing its receipts.
 */
import type { Clock } from '../clock.ts';
import { systemClock } from '../clock.ts';
import type { Answer, JudgeContext, Verdict } from '../domain/answers.ts';
import { judge, signOf } from '../domain/answers.ts';
import type { AmbiguousPolicy, Endpoint } from '../domain/endpoint.ts';
import type { EndpointClient } from './endpoint-client.ts';
import { EndpointHealth } from './health.ts';
import { Overload } from './overload.ts';
import type { Pacer } from './pacer.ts';
import type { AskProbe } from './probe.ts';
import { Probe } from './probe.ts';
import type { RateLease } from './rate-lease.ts';
import { Turn } from './turn.ts';

/** A wave: rows announced by one intent line. */
const MAX_WAVE = 64;
/** A wave holds no more than the pacer lets go within this time, so that an announced row is soon a sent one. */
const WAVE_HORIZON_MS = 100;
const PACER_POLL_MS = 10;
/** After a sight of alerts that nobody may have got yet, those that somebody may have got are no probes for so long. */
const FRESH_ALERTS_LAST_MS = 60_000;

interface Waiting {
  readonly max: number;
  readonly risky: boolean;
  readonly resolve: (count: number) => void;
}

/** A request in the pacer's queue. */
interface Queued {
  readonly mayWrite: () => boolean;
  readonly withhold: () => void;
}

export interface SessionRequest {
  readonly id: string;
  readonly body: string;
  /** The alert has failed before: if it fails again, that says little about the endpoint. */
  readonly failedBefore: boolean;
  /** The policy that holds for its round. */
  readonly ambiguous: AmbiguousPolicy;
}

export interface SessionParts {
  readonly endpoint: Endpoint;
  readonly client: EndpointClient;
  readonly pacer: Pacer;
  readonly lease: RateLease;
  /** Asks an endpoint that seems ill whether it is well, without an alert; undefined: there is no such question. */
  readonly probe?: AskProbe | undefined;
  readonly clock?: Clock;
}

export class EndpointSession {
  readonly endpoint: Endpoint;
  readonly health = new EndpointHealth();
  readonly #overload = new Overload();
  readonly #client: EndpointClient;
  readonly #pacer: Pacer;
  readonly #lease: RateLease;
  readonly #probe: Probe | undefined;
  readonly #clock: Clock;
  /** Reused for every answer: an object an answer is to be seen. */
  readonly #judging: { -readonly [Key in keyof JudgeContext]: JudgeContext[Key] };
  readonly #waiting: Waiting[] = [];
  readonly #queued = new Set<Queued>();
  readonly #turn: Turn;
  /** Admitted and not yet answered: on a connection, or in the pacer's queue. */
  #admitted = 0;
  /** Of these, not yet handed to the pacer: their intents are being written. */
  #announcing = 0;
  #pausedUntilMs = Number.NEGATIVE_INFINITY;
  #freshSeenMs = Number.NEGATIVE_INFINITY;
  #lastSuccessMs = 0;
  #cancelPacerPoll: (() => void) | undefined;
  #stopping = false;

  constructor({ endpoint, client, pacer, lease, probe, clock = systemClock }: SessionParts) {
    this.endpoint = endpoint;
    this.#client = client;
    this.#pacer = pacer;
    this.#lease = lease;
    this.#probe = probe && new Probe(probe, clock);
    this.#clock = clock;
    this.#turn = new Turn(clock, () => this.#admitWaiting());
    const { ambiguous, idempotencyKey, maxRetryAfterMs, success } = endpoint;
    this.#judging = {
      ...{ ambiguous, idempotencyKeySent: idempotencyKey !== 'off', maxRetryAfterMs, nowMs: 0 },
      ...{ successStatuses: success?.statuses, hasTakenOne: false },
    };
  }

  /** Set at shutdown: batches take no new rows, what is open is awaited. */
  get stopping(): boolean {
    return this.#stopping;
  }

  /** Others have the whole rate: batches are left to them. Call `wake` when this changes. */
  get standingBy(): boolean {
    return this.#lease.standingBy;
  }

  /** How much longer the receiver asked to be left alone. */
  get pauseMs(): number {
    return this.#pausedUntilMs === Number.NEGATIVE_INFINITY ? 0 : Math.max(0, this.#pausedUntilMs - this.#clock.now());
  }

  /** An operator says that the receiver need not be left alone any longer. */
  resume(): void {
    this.#pausedUntilMs = Number.NEGATIVE_INFINITY;
    this.wake();
  }

  /** When it last delivered anything, by the time of day; 0: never here. */
  get lastSuccessMs(): number {
    return this.#lastSuccessMs;
  }

  /** An ill endpoint must not be asked now: its probe says no, or there are alerts that nobody may have got yet, to ask it with. */
  isBarred(risky: boolean): boolean {
    if (!this.health.ill) return false;
    if (risky && this.#clock.now() - this.#freshSeenMs < FRESH_ALERTS_LAST_MS) return true;
    return this.#probe?.saysNo === true;
  }

  /** There are alerts that nobody may have got yet. */
  seesFresh(): void {
    this.#freshSeenMs = this.#clock.now();
  }

  stop(): void {
    this.#stopping = true;
    this.wake();
  }

  async close(): Promise<void> {
    this.stop();
    this.#cancelPacerPoll?.();
    await this.#client.close();
    await this.#lease.close();
  }

  /** Resolves to the size of the wave that may be announced now; to 0 after `wake`. `risky`: somebody may have got these alerts already. */
  admit(max: number, risky: boolean): Promise<number> {
    return new Promise((resolve) => {
      this.#waiting.push({ max, risky, resolve });
      this.#turn.schedule();
    });
  }

  /**
   * Something has changed: resolves all waiting admissions to 0, so that their owners look at the world again, and takes requests that may
   * not be written any more out of the pacer's queue, where a long pause would hold them.
   */
  wake(): void {
    for (const { resolve } of this.#waiting.splice(0)) resolve(0);
    for (const turn of [...this.#queued]) if (!turn.mayWrite() && this.#queued.has(turn)) turn.withhold();
  }

  /**
   * Sends one admitted request at its turn. `mayWrite` is asked right before the first byte; `done` is called once, perhaps before this
   * returns. A callback, for this is the hot path, and each promise less is to be seen.
   */
  send(request: SessionRequest, mayWrite: () => boolean, done: (verdict: Verdict) => void): void {
    this.#announcing--;
    if (this.#pacer.takes()) {
      this.#sendNow(request, mayWrite, done);
      return;
    }
    const turn: Queued = {
      mayWrite,
      withhold: () => {
        this.#queued.delete(turn);
        cancel();
        this.#admitted--;
        this.#turn.schedule();
        done({ kind: 'withheld' });
      },
    };
    this.#queued.add(turn);
    const cancel = this.#pacer.enqueue(() => {
      this.#queued.delete(turn);
      this.#sendNow(request, mayWrite, done);
    });
  }

  /** Gives admissions back that are not going to be used. */
  giveBack(count: number): void {
    this.#announcing -= count;
    this.#admitted -= count;
    this.#turn.schedule();
  }

  /** Runs once before new waves are admitted, at the end of this event-loop turn at the latest. */
  atEndOfTurn(write: () => void): void {
    this.#turn.write(write);
  }

  #sendNow(request: SessionRequest, mayWrite: () => boolean, done: (verdict: Verdict) => void): void {
    const sentMs = this.#clock.now();
    const { open } = this.#lease;
    const pacePerSecond = this.#lease.sends(sentMs);
    const take = (answer: Answer): void => {
      this.#judging.nowMs = this.#clock.wallMs();
      this.#judging.ambiguous = request.ambiguous;
      this.#judging.hasTakenOne = this.health.successes > 0;
      const isWell = this.health.state === 'well';
      const verdict = this.#overload.judged(judge(answer, this.#judging), request.id, pacePerSecond, isWell, sentMs);
      this.#admitted--;
      const failedBefore = request.failedBefore && !this.health.ill && this.#lease.circuit === 'closed';
      const sign = signOf(verdict, failedBefore, request.ambiguous);
      this.health.take(sign);
      this.#lease.took(answer, verdict, sign, { sentMs, pacePerSecond, open });
      if (sign.kind === 'success') this.#lastSuccessMs = this.#judging.nowMs;
      if (verdict.kind === 'throttled') {
        this.#pausedUntilMs = Math.max(this.#pausedUntilMs, this.#clock.now() + (verdict.retryAfterMs ?? 0));
        this.wake();
      }
      this.#turn.schedule();
      done(verdict);
    };
    // The question is put here already, so that a batch that has stopped opens no connection.
    if (mayWrite()) this.#client.exchange(request, mayWrite, take);
    else take({ kind: 'withheld' });
  }

  #admitWaiting(): void {
    let paced = false;
    while (this.#waiting.length > 0) {
      const most = Math.min(this.health.openRequestLimit(this.endpoint.maxConnections), this.#lease.openLimit);
      const free = most - this.#admitted;
      if (free <= 0) break;
      const allowed = this.#pacer.allowance(WAVE_HORIZON_MS) - this.#announcing;
      if (allowed <= 0) {
        paced = true;
        this.#pollPacer();
        break;
      }
      if (this.health.ill && this.#probe !== undefined && !this.#probe.saysYes) {
        this.#probe.ask((well) => (well ? this.#turn.schedule() : this.wake()));
        break;
      }
      // An ill endpoint is asked with an alert that nobody may have got yet, where there is one.
      const fresh = this.health.ill ? this.#waiting.findIndex(({ risky }) => !risky) : 0;
      const [next] = this.#waiting.splice(Math.max(0, fresh), 1) as [Waiting];
      const count = Math.min(next.max, free, allowed, MAX_WAVE);
      this.#admitted += count;
      this.#announcing += count;
      next.resolve(count);
    }
    this.#lease.demand(this.#admitted > 0 || this.#waiting.length > 0, !paced && this.#pacer.queued === 0);
  }

  #pollPacer(): void {
    this.#cancelPacerPoll ??= this.#clock.after(PACER_POLL_MS, () => {
      this.#cancelPacerPoll = undefined;
      this.#admitWaiting();
    });
  }
}
