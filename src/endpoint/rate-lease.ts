/**
 * This process's share of an endpoint's rate: asks the governor for it every few seconds while there are alerts to send, tells it what was
 * seen since, and brakes by itself at once when the receiver refuses. The pacer is told what may be sent; without a lease that is nothing.
 */
import type { Clock } from '../clock.ts';
import { systemClock } from '../clock.ts';
import type { Answer, Sign, Verdict } from '../domain/answers.ts';
import type { CircuitName, LeaseAnswer, LeaseRequest } from '../domain/governor/contract.ts';
import { QuotaSight } from '../domain/governor/quota-sight.ts';
import { StrayGuard } from '../domain/governor/stray-guard.ts';
import type { Seen } from './lease-account.ts';
import { nothingSeen, sawCeiling, together, toldCeiling } from './lease-account.ts';
import type { Sending } from './lease-brake.ts';
import { LeaseBrake } from './lease-brake.ts';
import { ownClock, shareOfWindow } from './lease-clock.ts';
import type { RateLeaseOptions } from './lease-options.ts';
import { LeaseTrouble } from './lease-trouble.ts';
import { isUnlimited } from './pacer.ts';
import { rateHintOf } from './rate-headers.ts';

/** Without alerts for this long, the share is given back. */
const IDLE_MS = 2_000;
const ASK_AGAIN_MS = 1_000;
/** A lease that begins within this time is waited for with the batches in hand. */
const SOON_MS = 300;
/** Held back by the pacer: it was not so for less than this part of the time. */
const FREE_PART = 0.2;

export class RateLease {
  readonly #options: RateLeaseOptions;
  readonly #clock: Clock;
  readonly #brake: LeaseBrake;
  readonly #quota = new QuotaSight();
  readonly #strays = new StrayGuard();
  #circuit: CircuitName = 'closed';
  #openLimit = Number.POSITIVE_INFINITY;
  #standingBy = false;
  #asking = false;
  #closed = false;
  #wanted = false;
  #wantedUntilMs = Number.NEGATIVE_INFINITY;
  #cancelStandBy: (() => void) | undefined;
  #cancelAsk: (() => void) | undefined;
  #askAtMs = Number.POSITIVE_INFINITY;
  /** The share is given back; the governor is asked, if at all, whether the pause is over. */
  #away = false;
  /** As the governor last told; undefined: it has not yet. */
  #resumes: number | undefined;
  #free = true;
  #freeSinceMs: number;
  #seen: Seen;
  #inTrouble = false;
  /** The endpoint is ill, and nobody is left but alerts that were tried before. */
  lastTries = false;
  readonly #trouble: LeaseTrouble;

  constructor(options: RateLeaseOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#brake = new LeaseBrake(options.pacer, options.random);
    this.#trouble = new LeaseTrouble((waiting) => options.onWaiting?.(waiting));
    this.#freeSinceMs = this.#clock.now();
    this.#seen = nothingSeen(this.#clock.now());
  }

  get circuit(): CircuitName {
    return this.#circuit;
  }

  /** Requests that are on their way. */
  get open(): number {
    return this.#brake.open;
  }

  /** How many may be, by what is known of the receiver. */
  get openLimit(): number {
    return this.#openLimit;
  }

  /** `missing`: there are alerts to be sent, and the governor does not answer. */
  get standing(): 'held' | 'not_needed' | 'missing' {
    if (this.#inTrouble) return this.#wanted ? 'missing' : 'not_needed';
    return this.#away || this.#standingBy || this.#askAtMs === Number.POSITIVE_INFINITY ? 'not_needed' : 'held';
  }

  /** Others have the whole rate for now; the governor is asked all the same, to take over when they are gone. */
  get standingBy(): boolean {
    return this.#standingBy;
  }

  /** Whether there is something to send, and whether anything but the pace holds it back. Told at every change. */
  demand(wanted: boolean, free: boolean): void {
    const nowMs = this.#clock.now();
    if (free !== this.#free) {
      if (this.#free) this.#seen.freeMs += nowMs - this.#freeSinceMs;
      this.#freeSinceMs = nowMs;
      this.#free = free;
    }
    if (this.#wanted && !wanted) this.#wantedUntilMs = nowMs;
    const begins = wanted && !this.#wanted;
    this.#wanted = wanted;
    if (begins && (this.#away || this.#askAtMs === Number.POSITIVE_INFINITY)) this.#ask();
  }

  /** A request goes out. Returns the pace it goes at, for `took`. */
  sends(sentMs: number): number {
    this.#seen.sent++;
    this.#brake.sends(sentMs);
    const rate = this.#options.pacer.ratePerSecond;
    if (!isUnlimited(rate)) return rate;
    const elapsedMs = Math.max(1_000, sentMs - this.#seen.sinceMs);
    return (this.#seen.sent * 1_000) / elapsedMs;
  }

  /** A request was refused: whether that concerns its own alert only. Asked once for each, before `took`. */
  isStray(): boolean {
    return this.#strays.isStray();
  }

  /** A request was answered, or ended without an answer. */
  took(answer: Answer, verdict: Verdict, sign: Sign, sending: Sending): void {
    const nowMs = this.#clock.now();
    const hint = rateHintOf(answer, this.#clock, this.#options.maxPauseMs);
    const ceiling = hint && this.#quota.ceilingOf(hint);
    sawCeiling(this.#seen, ceiling, this.#quota.windowMs);
    const sent = verdict.kind !== 'withheld' && verdict.kind !== 'local_fault';
    if (!sent) this.#seen.sent--;
    if (verdict.kind === 'throttled') this.#seen.throttled++;
    else if (answer.kind === 'response') this.#strays.took();
    if (sign.kind === 'success') {
      this.#seen.delivered++;
      this.#seen.latencyMs += nowMs - sending.sentMs;
    }
    const changed = this.#brake.took(sending, { verdict, sign, hint, ceiling, nowMs, circuit: this.#circuit });
    this.#options.pacer.ended(sent, hint?.remaining, sending.sentMs);
    if (changed && this.#brake.askAtMs < this.#askAtMs) this.#askAt(this.#brake.askAtMs);
  }

  /** What the last request came to; undefined: it got through. */
  fares(cause: string | undefined): void {
    const tellsMs = this.#trouble.fares(cause, this.#clock.now());
    if (this.#askAtMs < Number.POSITIVE_INFINITY && tellsMs < this.#askAtMs) this.#askAt(tellsMs);
  }

  /** Gives the share back, so that others have it at once. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelAsk?.();
    this.#cancelStandBy?.();
    if (this.#askAtMs === Number.POSITIVE_INFINITY) return;
    this.#options.pacer.lend([]);
    await this.#options.ask(this.#request(0)).catch(() => undefined);
  }

  #askAt(atMs: number): void {
    this.#cancelAsk?.();
    this.#askAtMs = atMs;
    this.#cancelAsk = this.#clock.after(Math.max(0, atMs - this.#clock.now()), () => this.#ask());
  }

  #ask(): void {
    if (this.#asking || this.#closed) return;
    this.#asking = true;
    this.#cancelAsk?.();
    this.#askAtMs = this.#clock.now();
    const sentMs = this.#clock.now();
    const idle = !this.#wanted && !this.#standingBy && sentMs - this.#wantedUntilMs > IDLE_MS;
    this.#away = idle;
    const seen = this.#seen;
    const request = this.#request(idle ? 0 : undefined);
    // Given back before it is said so: what is lent to others from then on is not used here any more.
    if (idle || request.dropped) this.#options.pacer.lend([]);
    const untold = this.#brake.reported(sentMs);
    this.#seen = nothingSeen(sentMs);
    this.#options.ask(request).then(
      (answer) => {
        this.#asking = false;
        this.#inTrouble = false;
        this.#take(answer, sentMs, idle);
      },
      (error: unknown) => {
        this.#asking = false;
        // Nothing was heard: what was to be said is said with the next request.
        untold(request.episodes ?? []);
        this.#seen = together(seen, this.#seen);
        if (!this.#inTrouble) this.#options.onTrouble(error);
        this.#inTrouble = true;
        if (!this.#closed) this.#askAt(this.#clock.now() + ASK_AGAIN_MS * (1 + this.#options.random()));
      },
    );
  }

  /** A governor that was lost counts from 0 again. */
  #hearResumes(resumes: number): void {
    const before = this.#resumes;
    this.#resumes = resumes;
    if (before === undefined || resumes <= before) return;
    this.#brake.resumed(this.#clock.now());
    this.#options.onResume?.();
  }

  #standBy(untilMs: number, nowMs: number): void {
    this.#cancelStandBy?.();
    const standingBy = untilMs - nowMs > SOON_MS;
    if (standingBy && untilMs < Number.POSITIVE_INFINITY) {
      this.#cancelStandBy = this.#clock.after(untilMs - nowMs, () => this.#standBy(untilMs, untilMs));
    }
    if (standingBy === this.#standingBy) return;
    this.#standingBy = standingBy;
    if (!standingBy) {
      // There is no batch here yet, but there may be one in a moment. The time without one is no sign of a small need.
      if (!this.#wanted) this.#wantedUntilMs = nowMs;
      if (this.#seen.sent === 0) this.#seen = nothingSeen(nowMs);
      this.#freeSinceMs = nowMs;
    }
    this.#options.onStandBy?.(standingBy);
  }

  #request(demand: 0 | undefined): LeaseRequest {
    const nowMs = this.#clock.now();
    if (this.#free) this.#seen.freeMs += nowMs - this.#freeSinceMs;
    this.#freeSinceMs = nowMs;
    const { sent, throttled, delivered, latencyMs, sinceMs, freeMs } = this.#seen;
    const spent = this.#options.pacer.spentReport;
    const elapsedMs = Math.max(0, nowMs - sinceMs);
    const heldBack =
      this.#standingBy || (this.#wanted && (elapsedMs === 0 || freeMs < FREE_PART * elapsedMs || sent === 0));
    return {
      workerId: this.#options.workerId,
      demandPerSecond: demand ?? (heldBack ? null : Math.max(0.1, (sent * 1_000) / Math.max(1, elapsedMs))),
      ...{ sent, throttled, delivered, elapsedMs },
      ...this.#brake.report(nowMs),
      latencyMs: delivered > 0 ? latencyMs / delivered : null,
      ...toldCeiling(this.#seen),
      ...(spent === undefined ? {} : { spent }),
      ...(this.lastTries ? { lastTries: true } : {}),
      ...(delivered === 0 ? this.#trouble.report(nowMs) : {}),
    };
  }

  #take(answer: LeaseAnswer, sentMs: number, idle: boolean): void {
    if (this.#closed) return;
    const receivedMs = this.#clock.now();
    this.#circuit = answer.circuit;
    this.#hearResumes(answer.resumes ?? 0);
    this.#trouble.hear(answer.waiting ?? null);
    if (idle) {
      // Stays away until there are alerts again; they may have come meanwhile.
      this.#askAtMs = Number.POSITIVE_INFINITY;
      if (this.#wanted) this.#ask();
      // Batches that wait out a pause are not here, and somebody may end it.
      else if (this.#brake.pauseUntilMs > receivedMs) this.#askAt(receivedMs + answer.renewAfterMs);
      return;
    }
    const segments = ownClock(answer, sentMs, receivedMs);
    this.#strays.share = answer.strays;
    this.#openLimit = answer.openLimit ?? Number.POSITIVE_INFINITY;
    this.#brake.renewed();
    this.#options.pacer.lend(segments, shareOfWindow(answer));
    this.#standBy(answer.paused ? receivedMs : (segments[0]?.fromMs ?? Number.POSITIVE_INFINITY), receivedMs);
    this.#askAt(Math.min(receivedMs + answer.renewAfterMs, this.#brake.askAtMs));
  }
}
