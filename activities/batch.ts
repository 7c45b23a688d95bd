/**
 * One attempt at some rows: the only way of an alert to the wire. Sends them wave by wave, each wave announced and confirmed first. It ends
 * when every row has been tried once, when its turn is over, or earlier when there is a reason to stop; open requests are always awaited
 * first. Nothing in here retries: rows that may be tried again are left to the next attempt.
 */

import type { Clock } from '../src/clock.ts';
import type { Verdict } from '../src/domain/answers.ts';
import type { AmbiguousPolicy, RetryPolicy } from '../src/domain/endpoint.ts';
import { mayBegin } from '../src/domain/ledger/fence.ts';
import { WAITS } from '../src/domain/waits.ts';
import type { EndpointSession } from '../src/endpoint/endpoint-session.ts';
import { failpoint } from '../src/failpoint.ts';
import type { ChunkRow } from '../src/store/chunks.ts';
import type { Ledger } from '../src/store/ledger.ts';
import type { OpenRow } from './row-outcomes.ts';
import { RowOutcomes } from './row-outcomes.ts';

/** Why the attempt could not go on. */
export type StopReason =
  | { readonly kind: 'superseded' | 'cancelled' | 'shutdown' | 'down' | 'misconfigured' | 'standing_by' }
  | { readonly kind: 'throttled'; readonly retryAfterMs: number | undefined }
  /** This machine is at its limits. */
  | { readonly kind: 'local_fault'; readonly reason: string }
  | { readonly kind: 'store'; readonly error: unknown };

/** How an attempt ended. `turn_over`: it went well, and others are to have the slot. */
export type BatchEnd = StopReason | { readonly kind: 'done' | 'turn_over' };

export const isStop = (end: BatchEnd): end is StopReason => end.kind !== 'done' && end.kind !== 'turn_over';

/** Why an earlier reason gives way to a later one: what must be known above all comes first. */
const PRECEDENCE: readonly StopReason['kind'][] = [
  'store',
  'superseded',
  'cancelled',
  'shutdown',
  'local_fault',
  'misconfigured',
  'down',
  'throttled',
  'standing_by',
];

/**
 * A batch that sends for longer leaves the slot to others and is scheduled again: where the rate is unknown, or falls, a batch may be minutes
 * long, and a small file must not wait for it.
 */
const TURN_MS = 5_000;

/** As it lies in the chunk, if no receipt mentions it: an attempt has thousands of those, and opens each when its wave goes out. */
export type UnsentRow = ChunkRow | OpenRow;

export const isOpen = (row: UnsentRow): row is OpenRow => 'unknown' in row;

/** Somebody may have got it already. */
export const isRisky = (row: UnsentRow): boolean => isOpen(row) && row.unknown > 0;

export interface BatchOptions {
  readonly session: EndpointSession;
  readonly ledger: Ledger;
  readonly retry: RetryPolicy;
  readonly ambiguous: AmbiguousPolicy;
  readonly clock: Clock;
  /** Opens a row, where it is not open yet. */
  readonly open: (row: UnsentRow) => OpenRow;
}

export class Batch {
  /** What became of the rows; final when `run` has resolved. */
  readonly outcomes: RowOutcomes;
  readonly #session: EndpointSession;
  readonly #ledger: Ledger;
  readonly #ambiguous: AmbiguousPolicy;
  readonly #clock: Clock;
  readonly #openRow: (row: UnsentRow) => OpenRow;
  #stop: StopReason | undefined;
  #open = 0;
  /** Still to be sent, the next one last. */
  #unsent: UnsentRow[] = [];
  /** Their requests have come to nothing final, or were not made. */
  readonly #unended: OpenRow[] = [];
  /** Something has been answered; set while `run` waits for that. */
  #onAnswer: (() => void) | undefined;

  constructor(options: BatchOptions) {
    this.#session = options.session;
    this.#ledger = options.ledger;
    this.#ambiguous = options.ambiguous;
    this.#clock = options.clock;
    this.#openRow = options.open;
    const { wallMs } = options.clock;
    this.outcomes = new RowOutcomes({
      ...options,
      wallMs,
      onStoreFault: (error) => this.stop({ kind: 'store', error }),
    });
  }

  /** Rows without an outcome; final when `run` has resolved. */
  get left(): UnsentRow[] {
    return [...this.#unsent, ...this.#unended.filter((row) => !row.ended)];
  }

  /** Takes no new rows from here on. */
  stop(reason: StopReason): void {
    const current = this.#stop;
    if (current === undefined || PRECEDENCE.indexOf(reason.kind) < PRECEDENCE.indexOf(current.kind)) {
      this.#stop = reason;
    }
    this.#session.wake();
  }

  /** Sends the rows, in this order. Resolves when nothing is open any more. */
  async run(rows: readonly UnsentRow[]): Promise<BatchEnd> {
    const startMs = this.#clock.now();
    this.#unsent = rows.toReversed();
    let turnOver = false;
    try {
      while (!turnOver && (this.#unsent.length > 0 || this.#open > 0)) {
        if (this.#unsent.length === 0 || this.#mustStop() || this.#isBarred) {
          if (this.#open === 0) break;
          await new Promise<void>((resolve) => (this.#onAnswer = resolve));
          continue;
        }
        // Whoever waits for a rate keeps the slot: to come back for it would only cost history.
        turnOver = this.#unsent.length < rows.length && this.#clock.now() - startMs > TURN_MS;
        if (!turnOver) await this.#sendSome();
      }
    } catch (error) {
      this.stop({ kind: 'store', error });
    }
    if (this.#stop === undefined && this.#isBarred) this.stop(this.#illness());
    while (this.#open > 0) await new Promise<void>((resolve) => (this.#onAnswer = resolve));
    this.outcomes.finish();
    return this.#stop ?? { kind: turnOver ? 'turn_over' : 'done' };
  }

  async #sendSome(): Promise<void> {
    const risky = this.#nextIsRisky;
    const count = await this.#session.admit(this.#likeTheNext(risky), risky);
    if (count === 0) return;
    if (this.#mustStop() || this.#isBarred) {
      this.#session.giveBack(count);
      return;
    }
    const wave = this.#unsent.splice(-count, count).reverse().map(this.#openRow);
    if (wave.length < count) this.#session.giveBack(count - wave.length);
    await this.#sendWave(wave);
  }

  get #nextIsRisky(): boolean {
    return isRisky(this.#unsent.at(-1)!);
  }

  /** How many of the next rows are risky, or are not, as it is. Rows come in the order of their risk, so a look at both ends mostly tells. */
  #likeTheNext(risky: boolean): number {
    const unsent = this.#unsent;
    if (isRisky(unsent[0]!) === risky) return unsent.length;
    return unsent.length - 1 - unsent.findLastIndex((row) => isRisky(row) !== risky);
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
    return this.#unsent.length > 0 && this.#session.isBarred(this.#nextIsRisky);
  }

  #illness(): StopReason {
    return { kind: this.#session.health.state === 'misconfigured' ? 'misconfigured' : 'down' };
  }

  /** Announces the rows, and sends those whose first byte can be written while the confirmation holds. */
  async #sendWave(wave: readonly OpenRow[]): Promise<void> {
    const confirmedMs = await this.#announce(wave.map((row) => row.line));
    if (confirmedMs === undefined) {
      this.#session.giveBack(wave.length);
      for (const row of wave) this.outcomes.notSent(row);
      this.#unended.push(...wave);
      return;
    }
    failpoint('sending.announced');
    const mayWrite = (): boolean => !this.#mustStop() && mayBegin(confirmedMs, this.#clock.now());
    for (const row of wave) {
      this.#open++;
      const failedBefore = row.firstFailureMs !== undefined || row.refusedBefore;
      const request = { id: row.id, body: row.body, failedBefore, ambiguous: this.#ambiguous };
      this.#session.send(request, mayWrite, (verdict) => this.#take(row, verdict));
    }
  }

  /** undefined: the wave must not be sent. Otherwise when the look began that found the rows to be ours. */
  async #announce(lines: readonly number[]): Promise<number | undefined> {
    try {
      const confirmedMs = await this.#ledger.announce(lines);
      if (confirmedMs === undefined) this.stop({ kind: 'superseded' });
      return confirmedMs;
    } catch (error) {
      this.stop({ kind: 'store', error });
      return undefined;
    }
  }

  #take(row: OpenRow, verdict: Verdict): void {
    failpoint('sending.answered');
    this.#open--;
    if (verdict.kind === 'withheld' && this.#stop === undefined) {
      // It was late for its connection, which is there by now: announced again, it goes at once.
      this.outcomes.notSent(row);
      this.#unsent.push(row);
    } else {
      this.outcomes.settle(row, verdict);
      if (!row.ended) this.#unended.push(row);
    }
    if (verdict.kind === 'local_fault') this.stop(verdict);
    if (verdict.kind === 'throttled') this.stop({ kind: 'throttled', retryAfterMs: verdict.retryAfterMs });
    if (this.#session.health.ill && verdict.kind !== 'withheld') {
      this.outcomes.giveBack();
      this.stop(this.#illness());
    }
    this.#onAnswer?.();
    this.#onAnswer = undefined;
  }
}
