/**
 * What becomes of the rows of one attempt: each verdict is exactly one line in the journal, and counts. Failures that may be the endpoint's
 * fault are provisional: a success after them proves the endpoint well, a run of them shows that it is ill, and then they are given back.
 */
import type { Outcome } from '../src/domain/alert.ts';
import type { Verdict } from '../src/domain/answers.ts';
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

/** A result that a later answer may explain: the endpoint's fault, not the alert's. */
interface Provisional {
  readonly row: OpenRow;
  readonly refusal: boolean;
  readonly successesBefore: number;
}

export interface RowOutcomesOptions {
  readonly session: EndpointSession;
  readonly ledger: Ledger;
  readonly retry: RetryPolicy;
  readonly nowMs: () => number;
  /** The journal cannot be written. */
  readonly onStoreFault: (error: unknown) => void;
}

export class RowOutcomes {
  readonly counts: Record<Outcome, number> = { delivered: 0, rejected: 0, undelivered: 0, unconfirmed: 0 };
  /** Tried without an end, may be tried again. */
  again: OpenRow[] = [];
  readonly #session: EndpointSession;
  readonly #ledger: Ledger;
  readonly #retry: RetryPolicy;
  readonly #nowMs: () => number;
  readonly #writeResults: () => void;
  readonly #successesBefore: number;
  #provisional: Provisional[] = [];

  constructor({ session, ledger, retry, nowMs, onStoreFault }: RowOutcomesOptions) {
    this.#session = session;
    this.#ledger = ledger;
    this.#retry = retry;
    this.#nowMs = nowMs;
    this.#successesBefore = session.health.successes;
    this.#writeResults = () => {
      try {
        ledger.writeResults();
      } catch (error) {
        onStoreFault(error);
      }
    };
  }

  /** Refusals that nothing has proved yet. */
  get unproven(): number {
    return this.#provisional.filter(({ refusal }) => refusal).length;
  }

  /** When nothing is open any more. */
  finish(): void {
    this.#settleProvisional();
    const { maximumAttempts, giveUpAfterMs } = this.#retry;
    const nowMs = this.#nowMs();
    const exhausted = (row: OpenRow): boolean =>
      row.attempts >= maximumAttempts ||
      (row.firstFailureMs !== undefined && nowMs - row.firstFailureMs > giveUpAfterMs);
    this.giveUpOn(this.again.filter(exhausted));
  }

  /** Ends these rows as undelivered. */
  giveUpOn(rows: readonly OpenRow[]): void {
    for (const row of rows) this.#end('u', row);
    const ended = new Set(rows);
    this.again = this.again.filter((row) => !ended.has(row));
  }

  /** Believes the refusals that are still unproven: the rows are rejected. */
  believeRefusals(): void {
    for (const { row, refusal } of this.#provisional) if (refusal) this.#end('r', row);
    this.#provisional = [];
  }

  /** After each of them ask whether the endpoint is ill (`giveBack`). */
  settle(row: OpenRow, verdict: Verdict): void {
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
  giveBack(): void {
    this.#settleProvisional();
    for (const { row, refusal } of this.#provisional) {
      row.attempts--;
      if (refusal) this.#tryAgain('x', row);
      else this.#write('x', row);
    }
    this.#provisional = [];
  }

  #tryAgain(kind: 'p' | 't' | 'a' | 'x', row: OpenRow): void {
    this.#write(kind, row);
    this.again.push(row);
  }

  #end(kind: 'd' | 'r' | 'u' | 'c', row: OpenRow): void {
    row.ended = true;
    this.counts[OUTCOME_OF_KIND[kind]]++;
    this.#write(kind, row);
  }

  #write(kind: ResultKind, row: OpenRow): void {
    this.#ledger.record(kind, row.line, row.status, row.attempts, this.#nowMs(), row.reason);
    this.#session.atEndOfTurn(this.#writeResults);
  }
}
