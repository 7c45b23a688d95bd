/**
 * Plays a plan on a site: people act and things go wrong at their times; then everything is well again, what has failed may be tried once more, and
 * all must come to an end.
 */
import type { AmbiguousPolicy } from '../../src/domain/endpoint.ts';
import { Chance } from '../chance.ts';
import type { Dropped } from './people.ts';
import { People } from './people.ts';
import type { Plan, Step } from './plan.ts';
import { Site } from './site.ts';
import { Troubles } from './troubles.ts';

/** Longest simulated time from the last fault to the end of everything. */
const END_LIMIT_MS = 4 * 3_600_000;
const LATE_ATTEMPTS_MS = 10_000;
/** A guard only: an hour of probes at users that fail for ever is 12,000 of them, and a plan may have some such hours. */
const MOST_EVENTS = 100_000;
const MOST_ALARMS = 5;

export class Story {
  readonly site: Site;
  /** What must not happen at all, as it happened. */
  readonly alarms: string[] = [];
  /** That held at some time. */
  readonly policies: AmbiguousPolicy[];
  endedAll = false;
  readonly #plan: Plan;
  readonly #people: People;
  readonly #troubles: Troubles;
  readonly #trace: ((text: string) => void) | undefined;

  constructor(plan: Plan, trace: ((text: string) => void) | undefined) {
    this.#plan = plan;
    this.#trace = trace;
    this.policies = [plan.policy];
    this.site = new Site(plan, trace);
    this.#troubles = new Troubles(this.site, new Chance(plan.seed).fork('story'));
    this.#people = new People({ site: this.site, trace, alarm: (text) => this.alarm(text) }, plan.files);
    const { scheduler, temporal } = this.site;
    scheduler.onCrash = (owner, error) => this.alarm(`${owner?.name ?? 'nobody'} threw ${String(error)}`);
    temporal.onStuck = (run, error) => this.alarm(`${run.runId} is stuck: ${String(error)}`);
    this.site.onBadRequest = (text) => this.alarm(text);
  }

  get dropped(): readonly Dropped[] {
    return this.#people.dropped;
  }

  /** Files say the same to the same users. */
  get shared(): boolean {
    return this.#plan.shared;
  }

  get powerLosses(): number {
    return this.#troubles.powerLosses;
  }

  alarm(text: string): void {
    this.#trace?.(`ALARM ${text}`);
    if (this.alarms.length < MOST_ALARMS) this.alarms.push(text);
  }

  play(): void {
    const { scheduler, temporal } = this.site;
    const { steps, quietAtMs } = this.#plan;
    for (const step of steps) if (step.atMs < quietAtMs) scheduler.at(step.atMs, undefined, () => this.#do(step));
    scheduler.run(() => this.#isTooLong, quietAtMs);
    this.#trace?.('--- all is well from here on');
    this.#troubles.end();
    // An order to pause that is on its way comes before the one to go on.
    scheduler.run(() => this.#people.commands === 0 || this.#isTooLong, scheduler.nowMs + LATE_ATTEMPTS_MS);
    for (const runs of temporal.executions.values()) {
      const run = runs.at(-1);
      if (run?.status === 'RUNNING') temporal.signal(run, 'pause', [false]);
    }
    this.#untilAllEnded();
    if (this.#haveAllEnded && this.#plan.lastRetry) {
      for (const dropped of this.dropped) this.#people.retry(dropped, false);
      this.#untilAllEnded();
    }
    this.endedAll = this.#haveAllEnded;
  }

  get #isTooLong(): boolean {
    return this.site.scheduler.events > MOST_EVENTS;
  }

  get #haveAllEnded(): boolean {
    if (this.#people.commands > 0) return false;
    for (const runs of this.site.temporal.executions.values()) if (runs.at(-1)?.status === 'RUNNING') return false;
    return true;
  }

  /** Attempts whose runs have ended, too: a worker that was stopped may have begun with one late. */
  #untilAllEnded(): void {
    const { scheduler } = this.site;
    scheduler.run(() => this.#isTooLong, scheduler.nowMs + LATE_ATTEMPTS_MS);
    scheduler.run(() => this.#haveAllEnded || this.#isTooLong, scheduler.nowMs + END_LIMIT_MS);
    scheduler.run(() => this.#isTooLong, scheduler.nowMs + LATE_ATTEMPTS_MS);
  }

  #do(step: Step): void {
    this.#trace?.(`step ${JSON.stringify(step)}`);
    this.site.temporal.count(`step ${step.do}`);
    if ('file' in step) this.#people.do(step);
    else if ('worker' in step) this.#troubles.befall(step);
    else if (step.do === 'power-loss') this.#troubles.losePower(step.backAfterMs);
    else if (step.do === 'disk') this.#troubles.disk(step.trouble, step.forMs);
    else {
      this.policies.push(step.policy);
      this.site.policy = step.policy;
      // The new setting comes with a restart.
      this.#troubles.restartAll(500);
    }
  }
}
