/**
 * One attempt at some rows: the only way of an alert to the wire. Sends them wave by wave, each wave announced and confirmed first. It ends
 * when every row has been tried once, when its turn is over, or earlier when there is a reason to stop. Open requests are awaited first, but
 * for a few that are not answered while others are: those are left behind, and their answers are written down when they come. Nothing in here
 * retries: rows that may be tried again are left to the next attempt.
 */

import type { Clock } from '../src/clock.ts';
import type { Verdict } from '../src/domain/answers.ts';
import type { AmbiguousPolicy, RetryPolicy } from '../src/domain/endpoint.ts';
import { mayBegin } from '../src/domain/ledger/fence.ts';
import { WAITS } from '../src/domain/waits.ts';
import type { EndpointSession } from '../src/endpoint/endpoint-session.ts';
import type { RequestSpans } from '../src/endpoint/request-spans.ts';
import { failpoint } from '../src/failpoint.ts';
import type { Ledger } from '../src/store/ledger.ts';
import type { OpenRow } from './row-outcomes.ts';
import { RowOutcomes } from './row-outcomes.ts';
import type { BatchEnd, StopReason } from './stop-reason.ts';
import { takesPrecedence } from './stop-reason.ts';
import type { UnsentRow } from './unsent-row.ts';
import { isRisky, wasTried } from './unsent-row.ts';

/**
 * A batch that sends for longer leaves the slot to others and is scheduled again: where the rate is unknown, or falls, a batch may be minutes
 * long, and a small file must not wait for it.
 */
const TURN_MS = 5_000;

/** What has been asked for so long, while others who were asked later have been answered, is not waited for. */
const LEAVE_AFTER_MS = 2_000;
const LEAVE_LOOK_MS = 250;
/** The first byte of a request is written within this time of its confirmation (fence.ts). */
const LONGEST_WRITE_MS = 1_000;

export interface BatchOptions {
  readonly session: EndpointSession;
  readonly ledger: Ledger;
  readonly retry: RetryPolicy;
  readonly ambiguous: AmbiguousPolicy;
  readonly clock: Clock;
  /** Opens a row, where it is not open yet. */
  readonly open: (row: UnsentRow) => OpenRow;
  readonly random: () => number;
  /** Undefined: nobody looks at its requests. */
  readonly spans: RequestSpans | undefined;
  /** Requests that may be left behind without an answer, at most. */
  readonly mostLeft: number;
  /** Nothing is sent from then on, by the time of day: what is left is for another turn. */
  readonly closesMs: number;
  /** Nothing is to be sent, there are only answers to be waited for; returns what ends that. */
  readonly onlyWaits: () => () => void;
}

export class Batch {
  /** What became of the rows; final when `run` has resolved. */
  readonly outcomes: RowOutcomes;
  readonly #session: EndpointSession;
  readonly #clock: Clock;
  readonly #options: BatchOptions;
  #stop: StopReason | undefined;
  /** Announced, and not answered; when that was confirmed. */
  readonly #open = new Map<OpenRow, number>();
  #turnOver = false;
  #onDrained: (() => void) | undefined;
  /** Still to be sent, the next one last. */
  #unsent: UnsentRow[] = [];
  /** Their requests have come to nothing final, or were not made. */
  readonly #unended: OpenRow[] = [];
  /** Something has been answered; set while `run` waits for that. */
  #onAnswer: (() => void) | undefined;

  constructor(options: BatchOptions) {
    this.#options = options;
    this.#session = options.session;
    this.#clock = options.clock;
    const onStoreFault = (error: unknown): void => this.stop({ kind: 'store', error });
    this.outcomes = new RowOutcomes({ ...options, wallMs: options.clock.wallMs, onStoreFault });
  }

  /** Rows without an outcome; final when `run` has resolved. */
  get left(): UnsentRow[] {
    return [...this.#unsent, ...this.#unended.filter((row) => !row.ended)];
  }

  /** Takes no new rows from here on. */
  stop(reason: StopReason): void {
    const current = this.#stop;
    if (current === undefined || takesPrecedence(reason, current)) this.#stop = reason;
    this.#session.wake();
  }

  /** Of the rows, those whose requests were left behind; known when `run` has resolved. */
  get laggards(): readonly OpenRow[] {
    return [...this.#open.keys()];
  }

  /** Resolves when what was left behind has been answered, or is not going to be. */
  drained(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#open.size === 0) resolve();
      else this.#onDrained = resolve;
    });
  }

  /** Sends the rows, in this order. Resolves when nothing is open any more, but for what is left behind. */
  async run(rows: readonly UnsentRow[]): Promise<BatchEnd> {
    const startMs = this.#clock.now();
    this.#unsent = rows.toReversed();
    try {
      while (!this.#turnOver && (this.#unsent.length > 0 || this.#open.size > 0)) {
        if (this.#unsent.length === 0 || this.#mustStop() || this.#isBarred) {
          if (this.#open.size === 0 || (await this.#onlyLaggardsAreLeft())) break;
          continue;
        }
        // Whoever waits for a rate keeps the slot: to come back for it would only cost history.
        const isLong = this.#unsent.length < rows.length && this.#clock.now() - startMs > TURN_MS;
        this.#turnOver = isLong || this.#isClosed;
        if (!this.#turnOver) await this.#sendSome();
      }
    } catch (error) {
      this.stop({ kind: 'store', error });
    }
    if (this.#stop === undefined && this.#isBarred) this.stop(this.#illness());
    while (this.#open.size > 0 && !(await this.#onlyLaggardsAreLeft()));
    this.outcomes.finish();
    return this.#stop ?? { kind: this.#turnOver ? 'turn_over' : 'done' };
  }

  /** Waits for the next answer; true: there is nothing but requests that may be left behind. */
  async #onlyLaggardsAreLeft(): Promise<boolean> {
    const isThrough = this.#unsent.length === 0 || this.#turnOver;
    const mayLeave = isThrough && this.#stop === undefined && this.#open.size <= this.#options.mostLeft;
    if (mayLeave) {
      const { health } = this.#session;
      const lastMs = Math.max(...this.#open.values());
      const othersAreAnswered = health.state === 'well' && health.answeredSentMs > lastMs + LONGEST_WRITE_MS;
      if (othersAreAnswered && this.#clock.now() - lastMs > LEAVE_AFTER_MS) return true;
    }
    const endWait = this.#options.onlyWaits();
    let cancelLook: (() => void) | undefined;
    await new Promise<void>((resolve) => {
      this.#onAnswer = resolve;
      if (mayLeave) cancelLook = this.#clock.after(LEAVE_LOOK_MS, resolve);
    });
    cancelLook?.();
    endWait();
    return false;
  }

  async #sendSome(): Promise<void> {
    if (this.#session.inDoubt) this.#chooseAny();
    const next = this.#unsent.at(-1)!;
    const tried = wasTried(next);
    const count = await this.#session.admit(this.#likeTheNext(tried), tried);
    if (count === 0) return;
    if (this.#mustStop() || this.#isBarred || this.#isClosed) {
      this.#session.giveBack(count, tried);
      return;
    }
    const wave = this.#unsent.splice(-count, count).reverse().map(this.#options.open);
    if (wave.length < count) this.#session.giveBack(count - wave.length, tried);
    await this.#sendWave(wave, tried);
  }

  /** The next one is any of those that were never tried. */
  #chooseAny(): void {
    const unsent = this.#unsent;
    const last = unsent.length - 1;
    if (wasTried(unsent[last]!)) return;
    const other = last - Math.floor(this.#options.random() * this.#likeTheNext(false));
    [unsent[last], unsent[other]] = [unsent[other]!, unsent[last]!];
  }

  /** How many of the next rows were tried before, or were not, as it is. Those that were not come first, so a look at both ends mostly tells. */
  #likeTheNext(tried: boolean): number {
    const unsent = this.#unsent;
    if (wasTried(unsent[0]!) === tried) return unsent.length;
    return unsent.length - 1 - unsent.findLastIndex((row) => wasTried(row) !== tried);
  }

  get #isClosed(): boolean {
    const { closesMs } = this.#options;
    return closesMs < Number.POSITIVE_INFINITY && this.#clock.wallMs() >= closesMs;
  }

  #mustStop(): boolean {
    if (this.#stop !== undefined) return true;
    if (this.#session.stopping) this.stop({ kind: 'shutdown' });
    if (this.#session.standingBy) this.stop({ kind: 'standing_by' });
    const pauseMs = this.#session.pauseMs;
    if (pauseMs > WAITS.attempt.longestInSlotMs) this.stop({ kind: 'throttled', retryAfterMs: pauseMs });
    return this.#stop !== undefined;
  }

  /** The row that is next may have reached its user: an ill endpoint is asked with others. */
  get #isBarred(): boolean {
    return this.#unsent.length > 0 && this.#session.isBarred(isRisky(this.#unsent.at(-1)!));
  }

  #illness(): StopReason {
    const { health, lastCause: cause } = this.#session;
    return { kind: health.state === 'misconfigured' ? 'misconfigured' : 'down', cause };
  }

  /** Announces the rows, and sends those whose first byte can be written while the confirmation holds. */
  async #sendWave(wave: readonly OpenRow[], tried: boolean): Promise<void> {
    const confirmedMs = await this.#announce(wave.map((row) => row.line));
    if (confirmedMs === undefined) {
      this.#session.giveBack(wave.length, tried);
      for (const row of wave) this.outcomes.notSent(row);
      this.#unended.push(...wave);
      return;
    }
    failpoint('sending.announced');
    const mayWrite = (): boolean => !this.#mustStop() && !this.#isClosed && mayBegin(confirmedMs, this.#clock.now());
    const { ambiguous, spans } = this.#options;
    for (const row of wave) {
      this.#open.set(row, confirmedMs);
      const { id, body, firstFailureMs: firstFailedMs, othersGotThrough, refusedBefore } = row;
      const trace = spans?.of(id, row.attempts);
      const request = { id, body, tried, firstFailedMs, othersGotThrough, refusedBefore, ambiguous, trace };
      this.#session.send(request, mayWrite, (verdict, latencyMs) => this.#take(row, verdict, latencyMs));
    }
  }

  /** undefined: the wave must not be sent. Otherwise when the look began that found the rows to be ours. */
  async #announce(lines: readonly number[]): Promise<number | undefined> {
    try {
      const confirmedMs = await this.#options.ledger.announce(lines);
      if (confirmedMs === undefined) this.stop({ kind: 'superseded' });
      return confirmedMs;
    } catch (error) {
      this.stop({ kind: 'store', error });
      return undefined;
    }
  }

  #take(row: OpenRow, verdict: Verdict, latencyMs: number | undefined): void {
    failpoint('sending.answered');
    this.#open.delete(row);
    if (verdict.kind === 'withheld' && this.#stop === undefined) {
      // It was late for its connection, which is there by now: announced again, it goes at once.
      this.outcomes.notSent(row);
      this.#unsent.push(row);
    } else {
      this.outcomes.settle(row, verdict, latencyMs);
      if (!row.ended) this.#unended.push(row);
    }
    if (verdict.kind === 'local_fault') this.stop(verdict);
    if (verdict.kind === 'throttled' && !verdict.stray) {
      this.stop({ kind: 'throttled', retryAfterMs: verdict.retryAfterMs });
    }
    if (this.#session.health.ill && verdict.kind !== 'withheld') {
      this.outcomes.giveBack();
      this.stop(this.#illness());
    }
    this.#onAnswer?.();
    this.#onAnswer = undefined;
    if (this.#open.size === 0) this.#onDrained?.();
  }
}
