/**
 * What becomes of the rows of one attempt: each verdict is exactly one line in the journal, and counts. Failures that may be the endpoint's
 * fault are provisional: a success after them proves the endpoint well, a run of them shows that it is ill, and then they are given back. A
 * request whose outcome is unknown is never given back, and an alert that had one ends delivered or unconfirmed.
 */
import type { Outcome } from '../src/domain/alert.ts';
import type { Verdict } from '../src/domain/answers.ts';
import type { AmbiguousPolicy, RetryPolicy } from '../src/domain/endpoint.ts';
import type { ResultKind } from '../src/domain/ledger/journal.ts';
import { OUTCOME_OF_KIND } from '../src/domain/ledger/journal.ts';
import { WAITS } from '../src/domain/waits.ts';
import type { EndpointSession } from '../src/endpoint/endpoint-session.ts';
import type { Ledger } from '../src/store/ledger.ts';

/** An alert that this attempt is about to send, has sent, or found to have been sent before. */
export interface OpenRow {
  readonly line: number;
  readonly id: string;
  readonly body: string;
  /** Counted ones, this round. */
  attempts: number;
  /** When it first failed in this round. */
  firstFailureMs: number | undefined;
  /** Requests whose outcome is unknown, over all rounds, and how many there may be. */
  unknown: number;
  readonly unknownLimit: number;
  /** When it was last heard of; 0: never. */
  triedAtMs: number;
  /** Others have got through since. */
  readonly othersGotThrough: boolean;
  /** With 401/403/404/410, in this round: the same again is no further sign that the endpoint is misconfigured. */
  readonly refusedBefore: boolean;
  /** By the time of day: not before. Absent: nobody has asked for that. */
  restUntilMs?: number;
  /** Has an outcome. */
  ended: boolean;
  /** Of its last answer in this attempt. */
  status: number | undefined;
  reason: string;
}

/** A result that a later answer may explain: the endpoint's fault, not the alert's. */
interface Provisional {
  readonly row: OpenRow;
  readonly refusal: boolean;
  readonly successesBefore: number;
}

const UNANSWERED_BEFORE = 'an earlier request was not answered';

export interface RowOutcomesOptions {
  readonly session: EndpointSession;
  readonly ledger: Ledger;
  readonly retry: RetryPolicy;
  readonly ambiguous: AmbiguousPolicy;
  /** Time of day. */
  readonly wallMs: () => number;
  /** The journal cannot be written. */
  readonly onStoreFault: (error: unknown) => void;
}

export class RowOutcomes {
  readonly counts: Record<Outcome, number> = {
    delivered: 0,
    rejected: 0,
    undelivered: 0,
    unconfirmed: 0,
    suppressed: 0,
  };
  /** Tried without an end, may be tried again. */
  again: OpenRow[] = [];
  readonly #options: RowOutcomesOptions;
  readonly #writeResults: () => void;
  readonly #successesBefore: number;
  #provisional: Provisional[] = [];

  constructor(options: RowOutcomesOptions) {
    this.#options = options;
    this.#successesBefore = options.session.health.successes;
    this.#writeResults = () => {
      try {
        options.ledger.writeResults();
      } catch (error) {
        options.onStoreFault(error);
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
    const { maximumAttempts, giveUpAfterMs } = this.#options.retry;
    const nowMs = this.#options.wallMs();
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

  /** It was announced, and not sent: whatever it is, nothing was used up. */
  notSent(row: OpenRow): void {
    row.status = undefined;
    row.reason = '';
    this.#write('p', row);
  }

  /** After each of them ask whether the endpoint is ill (`giveBack`). `latencyMs`: undefined where there was no answer. */
  settle(row: OpenRow, verdict: Verdict, latencyMs?: number): void {
    row.status = 'status' in verdict ? verdict.status : undefined;
    row.reason = 'reason' in verdict ? verdict.reason : verdict.kind;
    row.triedAtMs = this.#options.wallMs();
    const { figures } = this.#options.ledger;
    if (latencyMs !== undefined) figures.answered(latencyMs);
    if (verdict.kind === 'throttled') figures.throttled(row.triedAtMs);
    switch (verdict.kind) {
      case 'throttled':
        if (verdict.stray)
          row.restUntilMs = row.triedAtMs + (verdict.retryAfterMs ?? WAITS.attempt.unnamedPauseMs.first);
        this.#tryAgain('p', row);
        break;
      case 'withheld':
      case 'local_fault':
        this.#tryAgain('p', row);
        break;
      case 'delivered':
        row.attempts++;
        row.reason = '';
        this.#end('d', row);
        break;
      case 'permanent':
        row.attempts++;
        if (verdict.endpointSuspect && !this.#isItsOwnFault(row)) {
          this.#remember(row, true);
          this.#write('f', row);
        } else this.#end('r', row);
        break;
      case 'ambiguous':
        row.attempts++;
        row.unknown++;
        row.firstFailureMs ??= row.triedAtMs;
        if (this.#options.ambiguous === 'hold' || row.unknown >= row.unknownLimit) this.#end('c', row);
        else this.#tryAgain('a', row);
        break;
      case 'transient':
      case 'not_sent':
        row.attempts++;
        if (verdict.kind === 'transient' && this.#isItsOwnFault(row)) this.#tryAgain('t', row);
        else this.#failed(row);
        break;
    }
  }

  /** It has failed before, and others have got through since: its failures say nothing about the endpoint. */
  #isItsOwnFault(row: OpenRow): boolean {
    const { health } = this.#options.session;
    if (health.ill || row.firstFailureMs === undefined) return false;
    return row.othersGotThrough || health.successes > this.#successesBefore;
  }

  #failed(row: OpenRow): void {
    row.firstFailureMs ??= row.triedAtMs;
    this.#remember(row, false);
    this.#tryAgain('t', row);
  }

  #remember(row: OpenRow, refusal: boolean): void {
    this.#provisional.push({ row, refusal, successesBefore: this.#options.session.health.successes });
  }

  /** A success since then proves the endpoint well: refusals were meant for the alert, failures count. */
  #settleProvisional(): void {
    const { successes } = this.#options.session.health;
    const undecided: Provisional[] = [];
    for (const entry of this.#provisional) {
      if (entry.successesBefore === successes) undecided.push(entry);
      else if (entry.refusal) this.#end('r', entry.row);
    }
    this.#provisional = undecided;
  }

  /** The endpoint is down or misconfigured: what it cost since its last success is given back, but for what may have got through. */
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

  /** Whoever may have got the alert is not told that he did not: he ends unconfirmed, with the last answer as the reason. */
  #end(kind: 'd' | 'r' | 'u' | 'c', row: OpenRow): void {
    const doubtful = (kind === 'r' || kind === 'u') && row.unknown > 0;
    if (doubtful) row.reason = `${UNANSWERED_BEFORE}${row.reason ? `; the last answer: ${row.reason}` : ''}`;
    const ends = doubtful ? 'c' : kind;
    row.ended = true;
    this.counts[OUTCOME_OF_KIND[ends]]++;
    this.#options.session.figures.ended(OUTCOME_OF_KIND[ends]);
    this.#write(ends, row);
  }

  #write(kind: ResultKind, row: OpenRow): void {
    const { ledger, session } = this.#options;
    ledger.record(kind, row.line, row.status, row.attempts, row.reason);
    session.atEndOfTurn(this.#writeResults);
  }
}
