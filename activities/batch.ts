/**
 * One attempt at a batch: sends what no receipt has settled, wave by wave, and writes down what becomes of each row. It ends when
 * every row has been tried once, or earlier when there is a reason to stop; open requests are always awaited first. Nothing in here
 * retries: rows that may be tried again are left to the next attempt.
 */

import type { Verdict } from '../src/domain/answers.ts';
import { LONGEST_WAY_TO_SOCKET_MS } from '../src/domain/batch-plan.ts';
import type { RetryPolicy } from '../src/domain/endpoint.ts';
import type { ResultKind } from '../src/domain/receipts.ts';
import { OUTCOME_OF_KIND } from '../src/domain/receipts.ts';
import type { EndpointSession } from '../src/endpoint/endpoint-session.ts';
import type { Ledger } from '../src/store/receipts.ts';

/** An alert that this attempt may send. */
export interface OpenRow {
  readonly line: number;
  readonly id: string;
  readonly body: string;
  /** Counted ones, this round. */
  attempts: number;
  /** When it first failed in this round. */
  firstFailureMs: number | undefined;
  /** Others have got through since. */
  readonly othersGotThrough: boolean;
  /** With 401/403/404/410, in this round: the same again is no further sign that the endpoint is misconfigured. */
  readonly refusedBefore: boolean;
  /** Has an outcome. */
  ended: boolean;
  status?: number | undefined;
  reason?: string;
}

export type StopReason =
  | { readonly kind: 'superseded' | 'cancelled' | 'shutdown' | 'down' | 'misconfigured' }
  | { readonly kind: 'throttled'; readonly retryAfterMs: number | undefined }
  | { readonly kind: 'store'; readonly error: unknown };

/** Why an earlier reason gives way to a later one: what must be known above all comes first. */
const PRECEDENCE: readonly StopReason['kind'][] = [
  'store',
  'superseded',
  'cancelled',
  'shutdown',
  'misconfigured',
  'down',
  'throttled',
];

/** A longer pause is not sat out in the activity's slot. */
const LONGEST_PAUSE_IN_SLOT_MS = 2_000;
/** A row that is not on the socket this long after the fence was asked asks again. */
const FENCE_VALID_MS = 1_000;

/** A result that a later answer may explain: the endpoint's fault, not the alert's. */
interface Provisional {
  readonly row: OpenRow;
  readonly refusal: boolean;
  readonly successesBefore: number;
}

export interface BatchOptions {
  readonly session: EndpointSession;
  readonly ledger: Ledger;
  readonly retry: RetryPolicy;
  readonly nowMs: () => number;
}

export interface BatchTally {
  delivered: number;
  rejected: number;
  undelivered: number;
  unconfirmed: number;
  /** Tried without an end, may be tried again. */
  again: OpenRow[];
  /** Refusals that nothing has proved yet. */
  unproven: number;
  stop: StopReason | undefined;
}

export class Batch {
  readonly #session: EndpointSession;
  readonly #ledger: Ledger;
  readonly #retry: RetryPolicy;
  readonly #nowMs: () => number;
  readonly #tally: BatchTally = {
    delivered: 0,
    rejected: 0,
    undelivered: 0,
    unconfirmed: 0,
    again: [],
    unproven: 0,
    stop: undefined,
  };
  #provisional: Provisional[] = [];
  #open = 0;
  #allAnswered: (() => void) | undefined;
  #fenceAskedMs = 0;
  #successesBefore = 0;

  constructor(options: BatchOptions) {
    this.#session = options.session;
    this.#ledger = options.ledger;
    this.#retry = options.retry;
    this.#nowMs = options.nowMs;
  }

  /** Takes no new rows from here on. */
  stop(reason: StopReason): void {
    const current = this.#tally.stop;
    if (current === undefined || PRECEDENCE.indexOf(reason.kind) < PRECEDENCE.indexOf(current.kind)) {
      this.#tally.stop = reason;
    }
    this.#session.wake();
  }

  /** Sends the rows. Resolves when all are answered, or a reason to stop came up and all that was open is answered. */
  async run(rows: readonly OpenRow[]): Promise<BatchTally> {
    let next = 0;
    this.#successesBefore = this.#session.health.successes;
    try {
      while (next < rows.length && !this.#mustStop()) {
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
    this.#settleProvisional();
    this.#tally.unproven = this.#provisional.filter(({ refusal }) => refusal).length;
    this.#giveUpOnTheExhausted();
    return this.#tally;
  }

  /** Believes the refusals that are still unproven: the rows are rejected. */
  believeRefusals(): void {
    for (const { row, refusal } of this.#provisional) if (refusal) this.#end('r', row);
    this.#provisional = [];
    this.#tally.unproven = 0;
  }

  #mustStop(): boolean {
    if (this.#tally.stop !== undefined) return true;
    if (this.#session.stopping) this.stop({ kind: 'shutdown' });
    const pauseMs = this.#session.pauseMs;
    if (pauseMs > LONGEST_PAUSE_IN_SLOT_MS) this.stop({ kind: 'throttled', retryAfterMs: pauseMs });
    return this.#tally.stop !== undefined;
  }

  async #sendWave(wave: readonly OpenRow[]): Promise<void> {
    const intendedMs = this.#nowMs();
    if (!(await this.#announce(wave, intendedMs))) {
      this.#session.giveBack(wave.length);
      for (const row of wave) this.#ledger.record('p', row.line, undefined, row.attempts, this.#nowMs());
      return;
    }
    const askedMs = this.#nowMs();
    this.#fenceAskedMs = askedMs;
    for (const row of wave) {
      this.#open++;
      void this.#session
        .send(row.id, row.body, () => this.#mayWrite(intendedMs, askedMs))
        .then((verdict) => {
          this.#settle(row, verdict);
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

  /** Every verdict becomes exactly one line in the journal, here. */
  #settle(row: OpenRow, verdict: Verdict): void {
    const { health, endpoint } = this.#session;
    row.status = 'status' in verdict ? verdict.status : undefined;
    row.reason = 'reason' in verdict ? verdict.reason : verdict.kind;
    switch (verdict.kind) {
      case 'withheld':
        this.#tryAgain('p', row);
        break;
      case 'delivered':
        row.attempts++;
        row.reason = '';
        health.success();
        this.#end('d', row);
        break;
      case 'throttled':
        health.signOfLife();
        this.#tryAgain('p', row);
        this.stop({ kind: 'throttled', retryAfterMs: verdict.retryAfterMs });
        break;
      case 'permanent':
        row.attempts++;
        if (verdict.endpointSuspect && !this.#isItsOwnFault(row)) {
          if (!row.refusedBefore || health.ill) health.refusal(verdict.status);
          else health.signOfLife();
          this.#remember(row, true);
          this.#write('f', row);
        } else {
          health.signOfLife();
          this.#end('r', row);
        }
        break;
      case 'ambiguous':
        row.attempts++;
        if (endpoint.ambiguous === 'hold') {
          health.failure();
          this.#end('c', row);
        } else this.#failedByAnswer('a', row);
        break;
      case 'transient':
        row.attempts++;
        this.#failedByAnswer('t', row);
        break;
      case 'not_sent':
        row.attempts++;
        health.failure();
        this.#failed('t', row);
        break;
    }
    if (health.ill) this.#stopAsIll();
  }

  /** It has failed before, and others have got through since: its failures say nothing about the endpoint. */
  #isItsOwnFault(row: OpenRow): boolean {
    const { health } = this.#session;
    if (health.ill || row.firstFailureMs === undefined) return false;
    return row.othersGotThrough || health.successes > this.#successesBefore;
  }

  #failedByAnswer(kind: 't' | 'a', row: OpenRow): void {
    const { health } = this.#session;
    // A few alerts that fail again and again do not make an endpoint that is down: it takes as many different ones.
    if (row.firstFailureMs === undefined || health.ill) health.failure();
    if (this.#isItsOwnFault(row)) this.#tryAgain(kind, row);
    else this.#failed(kind, row);
  }

  #failed(kind: 't' | 'a', row: OpenRow): void {
    row.firstFailureMs ??= this.#nowMs();
    this.#remember(row, false);
    this.#tryAgain(kind, row);
  }

  #remember(row: OpenRow, refusal: boolean): void {
    this.#provisional.push({ row, refusal, successesBefore: this.#session.health.successes });
  }

  /** A success since then proves the endpoint well: refusals were meant for the alert, failures count. */
  #settleProvisional(): void {
    const { successes } = this.#session.health;
    const undecided: Provisional[] = [];
    for (const entry of this.#provisional) {
      if (entry.successesBefore === successes) undecided.push(entry);
      else if (entry.refusal) this.#end('r', entry.row);
    }
    this.#provisional = undecided;
  }

  /** The endpoint is down or misconfigured: what it cost since its last success is given back. */
  #stopAsIll(): void {
    this.#settleProvisional();
    for (const { row, refusal } of this.#provisional) {
      row.attempts--;
      if (refusal) this.#tryAgain('x', row);
      else this.#write('x', row);
    }
    this.#provisional = [];
    this.stop({ kind: this.#session.health.state === 'misconfigured' ? 'misconfigured' : 'down' });
  }

  #giveUpOnTheExhausted(): void {
    const { maximumAttempts, giveUpAfterMs } = this.#retry;
    const nowMs = this.#nowMs();
    const exhausted = (row: OpenRow): boolean =>
      row.attempts >= maximumAttempts ||
      (row.firstFailureMs !== undefined && nowMs - row.firstFailureMs > giveUpAfterMs);
    this.giveUpOn(this.#tally.again.filter(exhausted));
  }

  /** Ends these rows as undelivered. */
  giveUpOn(rows: readonly OpenRow[]): void {
    for (const row of rows) this.#end('u', row);
    const ended = new Set(rows);
    this.#tally.again = this.#tally.again.filter((row) => !ended.has(row));
  }

  #tryAgain(kind: 'p' | 't' | 'a' | 'x', row: OpenRow): void {
    this.#write(kind, row);
    this.#tally.again.push(row);
  }

  #end(kind: 'd' | 'r' | 'u' | 'c', row: OpenRow): void {
    row.ended = true;
    this.#tally[OUTCOME_OF_KIND[kind]]++;
    this.#write(kind, row);
  }

  #write(kind: ResultKind, row: OpenRow): void {
    this.#ledger.record(kind, row.line, row.status, row.attempts, this.#nowMs(), row.reason);
    this.#session.atEndOfTurn(this.#writeResults);
  }

  readonly #writeResults = (): void => {
    try {
      this.#ledger.writeResults();
    } catch (error) {
      this.stop({ kind: 'store', error });
    }
  };
}
