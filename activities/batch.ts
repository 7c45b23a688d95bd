/**
 * One attempt at a batch: sends its rows wave by wave, each wave announced and fenced first. It ends when every row has been tried once, when
 * its turn is over, or earlier when there is a reason to stop; open requests are always awaited first. Nothing in here retries: rows that
 * may be tried again are left to the next attempt.
 */

import type { Verdict } from '../src/domain/answers.ts';
import { LONGEST_WAY_TO_SOCKET_MS } from '../src/domain/batch-plan.ts';
import type { RetryPolicy } from '../src/domain/endpoint.ts';
import type { EndpointSession } from '../src/endpoint/endpoint-session.ts';
import { failpoint } from '../src/failpoint.ts';
import type { Ledger } from '../src/store/receipts.ts';
import type { OpenRow } from './row-outcomes.ts';
import { RowOutcomes } from './row-outcomes.ts';

/** Why the attempt could not go on. */
export type StopReason =
  | { readonly kind: 'superseded' | 'cancelled' | 'shutdown' | 'down' | 'misconfigured' | 'standing_by' }
  | { readonly kind: 'throttled'; readonly retryAfterMs: number | undefined }
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
/** A longer pause is not sat out in the activity's slot. */
const LONGEST_PAUSE_IN_SLOT_MS = 2_000;
/** A row that is not on the socket this long after the fence was asked asks again. */
const FENCE_VALID_MS = 1_000;

export interface BatchOptions {
  readonly session: EndpointSession;
  readonly ledger: Ledger;
  readonly retry: RetryPolicy;
  readonly nowMs: () => number;
}

export class Batch {
  /** What became of the rows; final when `run` has resolved. */
  readonly outcomes: RowOutcomes;
  readonly #session: EndpointSession;
  readonly #ledger: Ledger;
  readonly #nowMs: () => number;
  #stop: StopReason | undefined;
  #open = 0;
  #allAnswered: (() => void) | undefined;
  #fenceAskedMs = 0;

  constructor(options: BatchOptions) {
    this.#session = options.session;
    this.#ledger = options.ledger;
    this.#nowMs = options.nowMs;
    this.outcomes = new RowOutcomes({ ...options, onStoreFault: (error) => this.stop({ kind: 'store', error }) });
  }

  /** Takes no new rows from here on. */
  stop(reason: StopReason): void {
    const current = this.#stop;
    if (current === undefined || PRECEDENCE.indexOf(reason.kind) < PRECEDENCE.indexOf(current.kind)) {
      this.#stop = reason;
    }
    this.#session.wake();
  }

  /** Sends the rows. Resolves when nothing is open any more. */
  async run(rows: readonly OpenRow[]): Promise<BatchEnd> {
    const startMs = this.#nowMs();
    let next = 0;
    let turnOver = false;
    try {
      while (next < rows.length && !this.#mustStop()) {
        // Whoever waits for a rate keeps the slot: to come back for it would only cost history.
        turnOver = next > 0 && this.#nowMs() - startMs > TURN_MS;
        if (turnOver) break;
        const count = await this.#session.admit(rows.length - next);
        if (count === 0) continue;
        if (this.#mustStop()) {
          this.#session.giveBack(count);
          break;
        }
        const wave = rows.slice(next, next + count);
        next += count;
        await this.#sendWave(wave);
      }
    } catch (error) {
      this.stop({ kind: 'store', error });
    }
    if (this.#open > 0) await new Promise<void>((resolve) => (this.#allAnswered = resolve));
    this.outcomes.finish();
    return this.#stop ?? { kind: turnOver ? 'turn_over' : 'done' };
  }

  #mustStop(): boolean {
    if (this.#stop !== undefined) return true;
    if (this.#session.stopping) this.stop({ kind: 'shutdown' });
    if (this.#session.standingBy) this.stop({ kind: 'standing_by' });
    const pauseMs = this.#session.pauseMs;
    if (pauseMs > LONGEST_PAUSE_IN_SLOT_MS) this.stop({ kind: 'throttled', retryAfterMs: pauseMs });
    return this.#stop !== undefined;
  }

  async #sendWave(wave: readonly OpenRow[]): Promise<void> {
    const intendedMs = this.#nowMs();
    if (!(await this.#announce(wave, intendedMs))) {
      this.#session.giveBack(wave.length);
      for (const row of wave) this.#ledger.record('p', row.line, undefined, row.attempts, this.#nowMs());
      return;
    }
    failpoint('sending.announced');
    const askedMs = this.#nowMs();
    this.#fenceAskedMs = askedMs;
    const mayWrite = (): boolean => this.#mayWrite(intendedMs, askedMs);
    for (const row of wave) {
      this.#open++;
      const failedBefore = row.firstFailureMs !== undefined || row.refusedBefore;
      const request = { id: row.id, body: row.body, failedBefore };
      this.#session.send(request, mayWrite, (verdict) => {
        this.#take(row, verdict);
        if (--this.#open === 0) this.#allAnswered?.();
      });
    }
  }

  /** The intent, then the fence. false: the wave must not be sent. */
  async #announce(wave: readonly OpenRow[], nowMs: number): Promise<boolean> {
    try {
      this.#ledger.intend(
        wave.map((row) => row.line),
        nowMs,
      );
      if (this.#session.endpoint.ambiguous === 'hold') await this.#ledger.sync();
    } catch (error) {
      this.stop({ kind: 'store', error });
      return false;
    }
    return !this.#fenced();
  }

  #mayWrite(intendedMs: number, askedMs: number): boolean {
    if (this.#mustStop()) return false;
    // A newer attempt counts on it that an announced row is sent by then, or never.
    if (this.#nowMs() - intendedMs > LONGEST_WAY_TO_SOCKET_MS) return false;
    if (this.#nowMs() - Math.max(askedMs, this.#fenceAskedMs) <= FENCE_VALID_MS) return true;
    if (this.#fenced()) return false;
    this.#fenceAskedMs = this.#nowMs();
    return true;
  }

  /** A fence that cannot be asked is closed. */
  #fenced(): boolean {
    try {
      if (!this.#ledger.superseded()) return false;
      this.stop({ kind: 'superseded' });
    } catch (error) {
      this.stop({ kind: 'store', error });
    }
    return true;
  }

  #take(row: OpenRow, verdict: Verdict): void {
    failpoint('sending.answered');
    this.outcomes.settle(row, verdict);
    if (verdict.kind === 'throttled') this.stop({ kind: 'throttled', retryAfterMs: verdict.retryAfterMs });
    const { health } = this.#session;
    if (!health.ill) return;
    this.outcomes.giveBack();
    this.stop({ kind: health.state === 'misconfigured' ? 'misconfigured' : 'down' });
  }
}
