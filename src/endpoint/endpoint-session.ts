/**
 * All sending of one process to one endpoint goes through its session: all batches and stubborn alerts share its connections, pace and
 * health. It admits waves first come, first served, judges the answers, and ends each event-loop turn by writing its receipts.
 */
import type { Clock } from '../clock.ts';
import { systemClock } from '../clock.ts';
import type { Answer, JudgeContext, Verdict } from '../domain/answers.ts';
import { causeOf, judge, signOf } from '../domain/answers.ts';
import type { AmbiguousPolicy, Endpoint } from '../domain/endpoint.ts';
import { LONGEST_CAUSE } from '../domain/governor/contract.ts';
import type { WaveForm } from '../domain/ledger/waves.ts';
import { WAVES_OF_A_FOLDER } from '../domain/ledger/waves.ts';
import { clipped } from '../domain/plain-text.ts';
import { Admission } from './admission.ts';
import type { EndpointClient } from './endpoint-client.ts';
import { EndpointFigures } from './figures.ts';
import { EndpointHealth } from './health.ts';
import { Overload } from './overload.ts';
import type { Pacer } from './pacer.ts';
import type { AskProbe } from './probe.ts';
import { Probe } from './probe.ts';
import type { RateLease } from './rate-lease.ts';
import { RequestQueue } from './request-queue.ts';
import type { RequestTrace } from './request-spans.ts';
import { Turn } from './turn.ts';

export interface SessionRequest {
  readonly id: string;
  readonly body: string;
  /** It failed, or may have been accepted, before. */
  readonly tried: boolean;
  /** When it first failed, by the time of day; undefined: it has not. */
  readonly firstFailedMs: number | undefined;
  /** Others have got through since then, as its receipts know. */
  readonly othersGotThrough: boolean;
  /** Refused in a way that may be the endpoint's fault: the same again is no further sign of that. */
  readonly refusedBefore: boolean;
  /** The policy that holds for its round. */
  readonly ambiguous: AmbiguousPolicy;
  /** Who is told of it; absent: nobody. */
  readonly trace?: RequestTrace | undefined;
}

/** See EndpointSession.send. */
type Done = (verdict: Verdict, latencyMs?: number) => void;

export interface SessionParts {
  readonly endpoint: Endpoint;
  readonly client: EndpointClient;
  readonly pacer: Pacer;
  readonly lease: RateLease;
  /** Asks an endpoint that seems ill whether it is well, without an alert; undefined: there is no such question. */
  readonly probe?: AskProbe | undefined;
  /** As the ledger has them. */
  readonly waves?: WaveForm;
  readonly clock?: Clock;
}

export class EndpointSession {
  readonly endpoint: Endpoint;
  readonly health = new EndpointHealth();
  readonly figures = new EndpointFigures();
  readonly #overload = new Overload();
  readonly #client: EndpointClient;
  readonly #lease: RateLease;
  readonly #clock: Clock;
  /** Reused for every answer: an object an answer is to be seen. */
  readonly #judging: { -readonly [Key in keyof JudgeContext]: JudgeContext[Key] };
  readonly #queue: RequestQueue;
  readonly #turn: Turn;
  readonly #admission: Admission;
  #pausedUntilMs = Number.NEGATIVE_INFINITY;
  #lastSuccessMs = 0;
  #lastCause = '';
  #throttledSinceMs: number | undefined;
  /** Of attempts that have ended before their last answers came. */
  readonly #afterwards = new Set<Promise<void>>();
  #stopping = false;

  constructor({ endpoint, client, pacer, lease, probe, waves = WAVES_OF_A_FOLDER, clock = systemClock }: SessionParts) {
    this.endpoint = endpoint;
    this.#client = client;
    this.#lease = lease;
    this.#clock = clock;
    this.#admission = new Admission({
      ...{ maxConnections: endpoint.maxConnections, health: this.health, pacer, lease, waves, clock },
      probe: probe && new Probe(probe, clock),
      ahead: () => this.#queue.ahead,
      onProbed: (well) => (well ? this.#turn.schedule() : this.wake()),
    });
    this.#queue = new RequestQueue(pacer, () => this.#admission.isFull);
    this.#turn = new Turn(clock, () => {
      this.#queue.release();
      this.#admission.admit();
    });
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

  /** For how long it has asked for pauses and taken nothing, as far as this process knows. */
  get throttledForMs(): number {
    return this.#throttledSinceMs === undefined ? 0 : this.#clock.now() - this.#throttledSinceMs;
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

  /** See Admission. */
  isBarred(risky: boolean): boolean {
    return this.#admission.isBarred(risky);
  }

  seesFresh(): void {
    this.#admission.seesFresh();
  }

  /** What the last request came to that did not get through; '' if all did. No text of a body. */
  get lastCause(): string {
    return this.#lastCause;
  }

  /** An alert is better chosen from anywhere than as the next one: neighbours may have the same fault. */
  get inDoubt(): boolean {
    return this.#admission.inDoubt;
  }

  /** What is to be done when answers come that nobody waits for any more; `close` waits for it. */
  afterwards(work: Promise<void>): void {
    const done = work.catch(() => undefined).finally(() => this.#afterwards.delete(done));
    this.#afterwards.add(done);
  }

  stop(): void {
    this.#stopping = true;
    this.wake();
  }

  async close(): Promise<void> {
    this.stop();
    this.#admission.close();
    await this.#client.close();
    await Promise.all(this.#afterwards);
    await this.#lease.close();
  }

  /** Resolves to the size of the wave that may be announced and sent now, at most `max`; to 0 after `wake`. `tried`: all of them were, before. */
  admit(max: number, tried: boolean): Promise<number> {
    const admitted = this.#admission.ask(max, tried);
    this.#turn.schedule();
    return admitted;
  }

  /**
   * Something has changed: resolves all waiting admissions to 0, so that their owners look at the world again, and takes requests that may
   * not be written any more out of the queue.
   */
  wake(): void {
    this.#admission.sendAway();
    this.#queue.withholdForbidden();
  }

  /**
   * Sends one admitted request at its turn. `mayWrite` is asked right before the first byte; `done` is called once, perhaps before this
   * returns, with how long the answer took, where there was one. A callback, for this is the hot path, and each promise less is to be seen.
   */
  send(request: SessionRequest, mayWrite: () => boolean, done: Done): void {
    this.#admission.announced();
    if (this.#queue.takes()) {
      this.#sendNow(request, mayWrite, done);
      return;
    }
    this.#queue.push({
      mayWrite,
      go: () => this.#sendNow(request, mayWrite, done),
      onWithheld: () => {
        this.#admission.leave(1, request.tried);
        this.#turn.schedule();
        done({ kind: 'withheld' });
      },
    });
  }

  /** Gives admissions back that are not going to be used. */
  giveBack(count: number, tried: boolean): void {
    this.#admission.giveBack(count, tried);
    this.#turn.schedule();
  }

  /** Runs once before new waves are admitted, at the end of this event-loop turn at the latest. */
  atEndOfTurn(write: () => void): void {
    this.#turn.write(write);
  }

  #sendNow(request: SessionRequest, mayWrite: () => boolean, done: Done): void {
    const sentMs = this.#clock.now();
    const { open } = this.#lease;
    const pacePerSecond = this.#lease.sends(sentMs);
    this.#admission.sent(sentMs);
    const take = (answer: Answer): void => {
      this.#judging.nowMs = this.#clock.wallMs();
      this.#judging.ambiguous = request.ambiguous;
      this.#judging.hasTakenOne = this.health.successes > 0;
      const isWell = this.health.state === 'well';
      const judged = this.#overload.judged(judge(answer, this.#judging), request.id, pacePerSecond, isWell, sentMs);
      const verdict: Verdict =
        judged.kind === 'throttled' && this.#lease.isStray() ? { ...judged, stray: true } : judged;
      const tookMs = this.#clock.now() - sentMs;
      this.figures.took(answer, verdict, tookMs);
      this.#admission.answered(request.tried);
      const ownFault = this.#isItsOwnFault(request) || (verdict.kind === 'permanent' && request.refusedBefore);
      const sign = this.health.weigh(signOf(verdict, ownFault, request.ambiguous), { id: request.id, sentMs });
      this.health.take(sign);
      if (answer.kind === 'response') this.#admission.heard();
      if (verdict.kind === 'throttled') this.#throttledSinceMs ??= this.#clock.now();
      else if (answer.kind === 'response') this.#throttledSinceMs = undefined;
      if (sign.kind === 'success' || sign.kind === 'alive') this.#lease.fares(undefined);
      else if (answer.kind !== 'withheld' && !ownFault) {
        this.#lastCause = clipped(causeOf(answer), LONGEST_CAUSE);
        this.#lease.fares(this.#lastCause);
      }
      this.#lease.took(answer, verdict, sign, { sentMs, pacePerSecond, open });
      if (sign.kind === 'success') this.#lastSuccessMs = this.#judging.nowMs;
      if (verdict.kind === 'throttled' && !verdict.stray) {
        this.#pausedUntilMs = Math.max(this.#pausedUntilMs, this.#clock.now() + (verdict.retryAfterMs ?? 0));
        this.wake();
      }
      this.#turn.schedule();
      done(verdict, answer.kind === 'response' ? tookMs : undefined);
    };
    // The question is put here already, so that a batch that has stopped opens no connection.
    if (mayWrite()) this.#client.exchange(request, mayWrite, take);
    else take({ kind: 'withheld' });
  }

  /** It has failed before, and others have got through since. */
  #isItsOwnFault({ firstFailedMs, othersGotThrough }: SessionRequest): boolean {
    return firstFailedMs !== undefined && (othersGotThrough || this.#lastSuccessMs > firstFailedMs);
  }
}
