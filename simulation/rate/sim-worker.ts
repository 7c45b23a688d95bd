/**
 * A worker process as the simulation sees it: a pace (sim-pace.ts), connections, the local brake, and a renewal every few seconds. The clock is simulated; what it decides with is the real thing.
 */
import type { CircuitName, LeaseAnswer, LeaseRequest } from '../../src/domain/governor/contract.ts';
import { EpisodeCounter } from '../../src/domain/governor/episodes.ts';
import type { LocalBrake } from '../../src/domain/governor/local-brake.ts';
import {
  answered,
  braked,
  exhausted,
  RELEASED_BRAKE,
  renewed,
  reported,
  reportOf,
  stated,
  throttled,
} from '../../src/domain/governor/local-brake.ts';
import { QuotaSight } from '../../src/domain/governor/quota-sight.ts';
import { StrayGuard } from '../../src/domain/governor/stray-guard.ts';
import { sent, taken } from '../../src/domain/governor/trial.ts';
import { nothingSeen, sawCeiling, toldCeiling } from '../../src/endpoint/lease-account.ts';
import type { EventQueue } from './event-queue.ts';
import { SimPace } from './sim-pace.ts';
import type { SimAnswer } from './sim-receiver.ts';

const MAX_OPEN = 256;
const OPEN_UNTIL_FIRST_SUCCESS = 4;

export interface SimWorkerPlan {
  readonly joinsAtMs: number;
  readonly diesAtMs?: number;
  /** Times without alerts. */
  readonly idle?: readonly (readonly [fromMs: number, toMs: number])[];
  /** Left out: there are always more. */
  readonly alertsPerSecond?: number;
  /** Requests that it opens at a time; default 256. */
  readonly connections?: number;
}

export interface SimWorkerLinks {
  readonly queue: EventQueue;
  readonly random: () => number;
  /** A quota may be used at once. */
  readonly bursts: boolean;
  /** Resolves later, by calling back with what the receiver said. */
  readonly request: (answer: (answer: SimAnswer) => void) => void;
  readonly askGovernor: (request: LeaseRequest, answer: (answer: LeaseAnswer) => void) => void;
}

const SIGNS = {
  delivered: { kind: 'success' },
  failure: { kind: 'failure', unanswered: false },
  refused: { kind: 'refusal', status: 401 },
} as const;

export class SimWorker {
  readonly id: string;
  readonly #plan: SimWorkerPlan;
  readonly #links: SimWorkerLinks;
  #brake: LocalBrake = RELEASED_BRAKE;
  readonly #pace: SimPace;
  /** Of the last answer: it outlives the lease. */
  #circuit: CircuitName | undefined;
  readonly #quota = new QuotaSight();
  readonly #episodes = new EpisodeCounter();
  #asking = false;
  #renewal = 0;
  #wake = 0;
  #open = 0;
  #openLimit = Number.POSITIVE_INFINITY;
  #proven = false;
  #backlog = 0;
  #backlogMs = 0;
  #freeSinceMs: number | null = null;
  #seen = nothingSeen(0);
  readonly #strays = new StrayGuard();
  renewals = 0;

  constructor(id: string, plan: SimWorkerPlan, links: SimWorkerLinks) {
    this.id = id;
    this.#plan = plan;
    this.#links = links;
    this.#pace = new SimPace(links.bursts);
    links.queue.at(plan.joinsAtMs, () => {
      this.#seen.sinceMs = plan.joinsAtMs;
      this.#backlogMs = plan.joinsAtMs;
      this.#ask();
    });
    for (const [fromMs, toMs] of plan.idle ?? []) {
      links.queue.at(fromMs, () => this.#ask());
      links.queue.at(toMs, () => this.#ask());
    }
  }

  get #nowMs(): number {
    return this.#links.queue.nowMs;
  }
  get #dead(): boolean {
    return this.#nowMs >= (this.#plan.diesAtMs ?? Number.POSITIVE_INFINITY);
  }
  get #idle(): boolean {
    return (this.#plan.idle ?? []).some(([fromMs, toMs]) => this.#nowMs >= fromMs && this.#nowMs < toMs);
  }

  get #mayOpen(): number {
    return Math.min(this.#proven ? (this.#plan.connections ?? MAX_OPEN) : OPEN_UNTIL_FIRST_SUCCESS, this.#openLimit);
  }

  #ask(): void {
    if (this.#dead || this.#asking) return;
    this.#asking = true;
    this.renewals++;
    const sentMs = this.#nowMs;
    const elapsedMs = sentMs - this.#seen.sinceMs;
    this.#countFree();
    const told = reportOf(this.#brake, sentMs);
    const { sent: requests, throttled: refused, delivered, latencyMs, freeMs } = this.#seen;
    const spent = this.#pace.spent(sentMs);
    const heldBack = freeMs < 0.2 * elapsedMs || elapsedMs === 0;
    if (this.#idle || told.dropped) this.#pace.drop();
    const request: LeaseRequest = {
      workerId: this.id,
      demandPerSecond: this.#idle ? 0 : heldBack ? null : Math.max(0.1, (requests * 1_000) / elapsedMs),
      ...{ sent: requests, throttled: refused, delivered, elapsedMs },
      ...told,
      episodes: this.#episodes.told(sentMs),
      latencyMs: delivered > 0 ? latencyMs / delivered : null,
      ...toldCeiling(this.#seen),
      ...(spent === undefined ? {} : { spent }),
    };
    this.#brake = reported(this.#brake, sentMs);
    this.#seen = nothingSeen(sentMs);
    this.#links.askGovernor(request, (answer) => this.#lent(answer, sentMs));
  }

  #lent(answer: LeaseAnswer, sentMs: number): void {
    if (this.#dead) return;
    this.#asking = false;
    const renewal = ++this.#renewal;
    if (this.#idle) return;
    this.#circuit = answer.circuit;
    this.#strays.share = answer.strays;
    this.#openLimit = answer.openLimit ?? Number.POSITIVE_INFINITY;
    this.#pace.lend(answer, sentMs, this.#nowMs);
    this.#brake = renewed(this.#brake);
    this.#links.queue.after(answer.renewAfterMs, () => renewal === this.#renewal && !this.#idle && this.#ask());
    this.#pump();
  }

  get #rate(): number {
    return braked(this.#brake, this.#pace.lentAt(this.#nowMs) ?? 0, this.#nowMs);
  }

  #pump(): void {
    const wake = ++this.#wake;
    const wakeAt = (atMs: number): void =>
      this.#links.queue.at(atMs + this.#links.random(), () => wake === this.#wake && this.#pump());
    for (;;) {
      if (this.#dead || this.#idle || !this.#pace.isLent) return;
      const nowMs = this.#nowMs;
      const pace = this.#rate;
      if (pace <= 0) {
        const next = Math.min(...[this.#brake.untilMs, ...this.#pace.startsMs].filter((atMs) => atMs > nowMs));
        if (next < Number.POSITIVE_INFINITY) wakeAt(next);
        return;
      }
      const free = this.#open >= this.#mayOpen || !this.#hasAlert();
      if (free) {
        this.#freeSinceMs ??= nowMs;
        if (!this.#hasAlert()) wakeAt(nowMs + 1_000 / this.#plan.alertsPerSecond!);
        return;
      }
      this.#countFree();
      this.#freeSinceMs = null;
      const dueMs = this.#pace.dueMs(nowMs, pace, this.#brake.untilMs);
      if (dueMs > nowMs) {
        wakeAt(dueMs);
        return;
      }
      this.#pace.sends(dueMs);
      this.#send(pace);
    }
  }

  #askEarly(): void {
    const { askAtMs } = this.#brake;
    if (askAtMs < Number.POSITIVE_INFINITY) {
      this.#links.queue.at(askAtMs, () => this.#brake.askAtMs === askAtMs && !this.#idle && this.#ask());
    }
  }

  #countFree(): void {
    if (this.#freeSinceMs === null) return;
    this.#seen.freeMs += this.#nowMs - this.#freeSinceMs;
    this.#freeSinceMs = this.#nowMs;
  }

  #hasAlert(): boolean {
    const { alertsPerSecond } = this.#plan;
    if (alertsPerSecond === undefined) return true;
    this.#backlog += ((this.#nowMs - this.#backlogMs) * alertsPerSecond) / 1_000;
    this.#backlogMs = this.#nowMs;
    return this.#backlog >= 1;
  }

  #send(pace: number): void {
    const sentMs = this.#nowMs;
    const open = this.#open;
    this.#open++;
    this.#backlog--;
    this.#seen.sent++;
    this.#brake = sent(this.#brake, sentMs);
    this.#links.request((answer) => {
      this.#open--;
      if (this.#dead) return;
      const before = this.#brake;
      this.#take(answer, sentMs, pace, open);
      this.#pace.ended(this.#nowMs, sentMs, answer.kind === 'delivered' ? answer.left?.remaining : undefined);
      if (this.#freeSinceMs !== null || this.#brake !== before) this.#pump();
    });
  }

  #take(answer: SimAnswer, sentMs: number, pacePerSecond: number, open: number): void {
    const nowMs = this.#nowMs;
    const quotaUsed = answer.kind === 'throttled' ? this.#pace.quotaUsed(nowMs) : undefined;
    const refusal = { nowMs, sentMs, pacePerSecond, random: this.#links.random(), quotaUsed };
    if (answer.kind === 'throttled') {
      this.#seen.throttled++;
      if (this.#strays.isStray()) return;
      const { retryAfterMs } = answer;
      this.#brake = throttled(this.#brake, { ...refusal, retryAfterMs, taken: this.#episodes.admitted, open });
      this.#episodes.refused(sentMs, pacePerSecond, this.#brake.stopMs, (retryAfterMs ?? 0) > 0);
      this.#askEarly();
      return;
    }
    this.#strays.took();
    if (answer.kind !== 'failure') {
      this.#episodes.took(sentMs, nowMs);
      this.#brake = taken(this.#brake, sentMs, nowMs);
    }
    if (answer.kind === 'delivered') {
      this.#proven = true;
      this.#seen.delivered++;
      this.#seen.latencyMs += nowMs - sentMs;
      const { left, ceilingPerSecond, ceilingWindowMs } = answer;
      const ceiling = this.#quota.ceilingOf({
        ...left,
        ...(ceilingPerSecond === undefined ? {} : { ceilingPerSecond }),
        ...(ceilingWindowMs === undefined ? {} : { ceilingWindowMs }),
      });
      if (left?.remaining === 0 && ceilingPerSecond === undefined) {
        this.#brake = exhausted(this.#brake, left.resetMs, nowMs);
      }
      if (ceiling !== undefined) {
        sawCeiling(this.#seen, ceiling, this.#quota.windowMs);
        this.#brake = stated(this.#brake, ceiling, pacePerSecond, nowMs);
      }
    }
    this.#brake = answered(this.#brake, SIGNS[answer.kind], nowMs, this.#circuit === 'closed');
    this.#askEarly();
  }
}
