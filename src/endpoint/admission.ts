/**
 * Who may send next, and how many. Waves are admitted first come, first served, as far as there are places (health) and the pace lets them go
 * soon. An endpoint that seems ill is asked with alerts that were never tried; those that were get few places in any case, for they may be
 * ones that are never answered.
 */
import type { Clock } from '../clock.ts';
import type { WaveForm } from '../domain/ledger/waves.ts';
import type { EndpointHealth } from './health.ts';
import { Lately } from './lately.ts';
import type { Pacer } from './pacer.ts';
import type { Probe } from './probe.ts';
import type { RateLease } from './rate-lease.ts';

/** A wave: rows announced by one intent line. */
const MAX_WAVE = 64;
const PACER_POLL_MS = 10;
/** Open requests to an ill endpoint, where nobody is left but alerts that were tried before: each is to have its last tries. */
const LAST_TRIES_AT_ONCE = 4;
/** So often it is looked at whether more requests may be open, while no answer says so. */
const LOOK_MS = 250;
/** After a sight of alerts that nobody may have got yet, those that somebody may have got are no probes for so long. */
const FRESH_ALERTS_LAST_MS = 60_000;
/** Fresh alerts are news after so long without any; a batch that waits for an ill endpoint comes back sooner. */
const NEWLY_FRESH_MS = 45_000;

interface Waiting {
  readonly max: number;
  readonly tried: boolean;
  readonly resolve: (count: number) => void;
}

export interface AdmissionParts {
  readonly maxConnections: number;
  readonly health: EndpointHealth;
  readonly pacer: Pacer;
  readonly lease: RateLease;
  readonly probe: Probe | undefined;
  readonly waves: WaveForm;
  readonly clock: Clock;
  /** How many of the announced wait for a place. */
  readonly ahead: () => number;
  /** The endpoint's own probe has answered. */
  readonly onProbed: (well: boolean) => void;
}

export class Admission {
  readonly #maxConnections: number;
  readonly #health: EndpointHealth;
  readonly #pacer: Pacer;
  readonly #lease: RateLease;
  readonly #probe: Probe | undefined;
  readonly #waves: WaveForm;
  readonly #clock: Clock;
  readonly #ahead: () => number;
  readonly #onProbed: (well: boolean) => void;
  readonly #waiting: Waiting[] = [];
  /** Admitted and not yet answered: on a connection, or in the pacer's queue. */
  #admitted = 0;
  /** Of these, requests that are on a connection, or about to be. */
  #onWire = 0;
  /** Alerts that were tried before. */
  #admittedAgain = 0;
  /** Of the admitted, not yet handed to the pacer: their intents are being written. */
  #announcing = 0;
  /** Since when requests have been open of which nothing is heard; undefined: something was. */
  #unheardSinceMs: number | undefined;
  #freshSeenMs = Number.NEGATIVE_INFINITY;
  /** Since when a wave is being gathered; undefined: none is. */
  #gatheringSinceMs: number | undefined;
  readonly #answers: Lately;
  #cancelPacerPoll: (() => void) | undefined;
  #cancelGrowth: (() => void) | undefined;

  constructor({ maxConnections, health, pacer, lease, probe, waves, clock, ahead, onProbed }: AdmissionParts) {
    this.#maxConnections = maxConnections;
    this.#health = health;
    this.#pacer = pacer;
    this.#lease = lease;
    this.#probe = probe;
    this.#waves = waves;
    this.#answers = new Lately(waves.aheadMs);
    this.#clock = clock;
    this.#ahead = ahead;
    this.#onProbed = onProbed;
  }

  /** Resolves to how many of the `max` are admitted; to 0 when they are sent away. Somebody is to call `admit`. */
  ask(max: number, tried: boolean): Promise<number> {
    return new Promise((resolve) => this.#waiting.push({ max, tried, resolve }));
  }

  /** All who wait are told 0. */
  sendAway(): void {
    for (const { resolve } of this.#waiting.splice(0)) resolve(0);
  }

  /** One of the admitted was handed to the pacer, or waits for a place. */
  announced(): void {
    this.#announcing--;
  }

  /** No connection is free for a request that was announced ahead. */
  get isFull(): boolean {
    return this.#waves.mostAhead > 0 && this.#onWire >= this.#limit;
  }

  giveBack(count: number, tried: boolean): void {
    this.#announcing -= count;
    this.leave(count, tried);
  }

  /** They were answered, or are not going to be. */
  leave(count: number, tried: boolean): void {
    this.#admitted -= count;
    if (tried) this.#admittedAgain -= count;
    if (this.#admitted === 0) this.#unheardSinceMs = undefined;
  }

  /** A request that was sent has ended. */
  answered(tried: boolean): void {
    this.#onWire--;
    if (this.#waves.mostAhead > 0) this.#answers.count(this.#clock.now());
    this.leave(1, tried);
  }

  /** A request goes out. */
  sent(nowMs: number): void {
    this.#onWire++;
    if (this.#health.state === 'unproven') this.#unheardSinceMs ??= nowMs;
  }

  /** Some answer came. */
  heard(): void {
    this.#unheardSinceMs = undefined;
  }

  close(): void {
    this.#cancelPacerPoll?.();
    this.#cancelGrowth?.();
  }

  /**
   * Whether an ill endpoint must not be asked just now: by none at all, where its own probe says no, and by no alert that somebody may have
   * got already, while there are others.
   */
  isBarred(risky: boolean): boolean {
    if (!this.#health.ill) return false;
    if (risky && this.#clock.now() - this.#freshSeenMs < FRESH_ALERTS_LAST_MS) return true;
    return this.#probe?.saysNo === true;
  }

  /** There are alerts that nobody may have got yet, and that may tell something. */
  seesFresh(): void {
    const nowMs = this.#clock.now();
    // After others that tell nothing: whether the endpoint is back is known with the first of these, and need not wait for a probe's time.
    if (this.#health.ill && nowMs - this.#freshSeenMs > NEWLY_FRESH_MS) this.#pacer.goNow();
    this.#freshSeenMs = nowMs;
  }

  /** An alert is better chosen from anywhere than as the next one: neighbours may have the same fault. */
  get inDoubt(): boolean {
    return this.#health.inDoubt(this.#admitted);
  }

  /** Lets in as many as may be; at the end of each event-loop turn. */
  admit(): void {
    let paced = false;
    while (this.#waiting.length > 0) {
      const places = this.#freePlaces();
      const index = this.#nextOf(places);
      if (index === -1) {
        // Where nothing is under way, no answer is going to make a place: the governor is, with the next lease.
        const untold = this.#unheardSinceMs !== undefined && !this.#health.ill;
        if (untold || this.#admitted === 0) this.#lookAgain();
        break;
      }
      const allowed = this.#pacer.allowance(this.#waves.horizonMs) - this.#announcing - this.#ahead();
      if (allowed <= 0) {
        paced = true;
        this.#pollPacer();
        break;
      }
      if (this.#health.ill && this.#probe !== undefined && !this.#probe.saysYes) {
        this.#probe.ask(this.#onProbed);
        break;
      }
      const next = this.#waiting[index]!;
      const count = Math.min(next.max, next.tried ? places.again : places.first, allowed, MAX_WAVE);
      if (this.#gathers(count, next)) {
        paced = allowed <= count;
        this.#pollPacer();
        break;
      }
      this.#gatheringSinceMs = undefined;
      this.#waiting.splice(index, 1);
      this.#admitted += count;
      if (next.tried) this.#admittedAgain += count;
      this.#announcing += count;
      next.resolve(count);
    }
    this.#lease.lastTries = this.#onlyTriedAreLeft;
    this.#lease.demand(this.#admitted > 0 || this.#waiting.length > 0, !paced && this.#pacer.queued === 0);
  }

  /**
   * For alerts that are tried for the first time, and for others. Those may be ones that are never answered: they get half of the places, so
   * that they starve nobody; and where the endpoint is ill, none of them stands in the way of one that may tell whether it is back.
   */
  #freePlaces(): { readonly first: number; readonly again: number } {
    const limit = this.#limit;
    const again = this.#admittedAgain;
    if (this.#health.ill) {
      const first = limit - (this.#admitted - again);
      if (this.#waiting.some(({ tried }) => !tried)) return { first, again: 0 };
      return { first, again: (this.#onlyTriedAreLeft ? LAST_TRIES_AT_ONCE : Math.min(first, limit)) - again };
    }
    const free = limit + this.#mayBeAhead - this.#admitted;
    return { first: free, again: Math.min(free, Math.ceil(limit / 2) - again) };
  }

  /** Of open requests. */
  get #limit(): number {
    const unheardMs = this.#unheardSinceMs === undefined ? 0 : this.#clock.now() - this.#unheardSinceMs;
    return Math.min(this.#health.openRequestLimit(this.#maxConnections, unheardMs), this.#lease.openLimit);
  }

  get #mayBeAhead(): number {
    const { mostAhead } = this.#waves;
    if (mostAhead === 0 || this.#health.state !== 'well') return 0;
    return Math.min(mostAhead, this.#answers.number(this.#clock.now()));
  }

  /** Whether a wave of so many is too small to be worth its announcement yet. */
  #gathers(count: number, { max }: Waiting): boolean {
    const { least, gatherMs } = this.#waves;
    if (count >= Math.min(max, least) || this.#health.state !== 'well') return false;
    const nowMs = this.#clock.now();
    this.#gatheringSinceMs ??= nowMs;
    return nowMs - this.#gatheringSinceMs < gatherMs;
  }

  /** There has been no alert for long that might tell whether an ill endpoint is back. */
  get #onlyTriedAreLeft(): boolean {
    return this.#health.ill && this.#clock.now() - this.#freshSeenMs >= FRESH_ALERTS_LAST_MS;
  }

  /** First come, first served. */
  #nextOf({ first, again }: { readonly first: number; readonly again: number }): number {
    return this.#waiting.findIndex(({ tried }) => (tried ? again : first) > 0);
  }

  #lookAgain(): void {
    this.#cancelGrowth ??= this.#clock.after(LOOK_MS, () => {
      this.#cancelGrowth = undefined;
      this.admit();
    });
  }

  #pollPacer(): void {
    this.#cancelPacerPoll ??= this.#clock.after(PACER_POLL_MS, () => {
      this.#cancelPacerPoll = undefined;
      this.admit();
    });
  }
}
