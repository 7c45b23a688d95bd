/**
 * One request and its answer, from `send` to the end of the body: turns what undici, or the careful client, reports into exactly one Answer.
 *
 * The line between `not_sent` and `ambiguous` is onRequestStart: it is called in the same turn as the write to the socket, right before it,
 * and throwing from it takes the request back unsent (undici leaves the connection as it was).
 */
import type { Dispatcher } from 'undici';
import type { Answer } from '../domain/answers.ts';
import type { RateHeaderAliases } from '../domain/rate-hints.ts';
import { errnoOf, reasonOf } from '../thrown.ts';
import { bodyExcerpt, shownLocation } from './excerpt.ts';
import { pickRateHeaders } from './rate-headers.ts';
import type { RequestTrace } from './request-spans.ts';

type IncomingHeaders = Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseStart']>>[2];

/** Kept of the body of an answer other than 2xx, and of all where the body decides what is a success. */
const KEPT_BODY_BYTES = 4 * 1024;
/** Read to the end to keep the connection; beyond this a new connection is cheaper than the rest of the body. */
const DRAINED_BODY_BYTES = 64 * 1024;

const TAKEN_BACK = new Error('taken back before it was written');
const BODY_TOO_LONG = new Error('the rest of the body is not wanted');
const WRITTEN_TWICE = new Error('undici would write the request a second time');
/** This machine is at its limits: descriptors, buffers, ports, memory. */
const LOCAL_FAULTS: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'EADDRNOTAVAIL', 'ENOMEM']);
const WITHHELD: Answer = { kind: 'withheld' };

export interface ExchangeOwner {
  /** Values that must not show up in an excerpt. */
  readonly secretValues: readonly string[];
  /** What the body of a success must have in it; undefined: anything. */
  readonly bodyMatches: RegExp | undefined;
  /** The endpoint's own names of rate headers. */
  readonly rateHeaderAliases: RateHeaderAliases;
  /** The answer is known, once per exchange; the exchange may still hold its connection. */
  onAnswered(): void;
}

type Controller = Pick<Dispatcher.DispatchController, 'abort'>;

export class Exchange implements Dispatcher.DispatchHandler {
  readonly id: string;
  readonly body: string;
  /** On the client's monotonic clock. */
  readonly deadlineMs: number;
  /** The access token that goes with it; undefined: none does. */
  token: string | undefined;
  trace: RequestTrace | undefined;
  /** Set by the connection that carries it: called once, when undici is done with it. No dispatch may follow in the same turn. */
  onReleased: (() => void) | undefined;
  readonly #mayWrite: () => boolean;
  readonly #resolve: (answer: Answer) => void;
  readonly #owner: ExchangeOwner;
  #controller: Controller | undefined;
  #answered = false;
  #withheld = false;
  #status = 0;
  #headers: IncomingHeaders | undefined;
  #bodyBytes = 0;
  #complete = false;
  #kept: Buffer[] | undefined;

  constructor(
    request: { readonly id: string; readonly body: string },
    mayWrite: () => boolean,
    deadlineMs: number,
    resolve: (answer: Answer) => void,
    owner: ExchangeOwner,
  ) {
    this.id = request.id;
    this.body = request.body;
    this.deadlineMs = deadlineMs;
    this.#mayWrite = mayWrite;
    this.#resolve = resolve;
    this.#owner = owner;
  }

  /** Whether the request was, or may have been, written. */
  get started(): boolean {
    return this.#controller !== undefined;
  }

  /** An answer came to its end, body and all. */
  get complete(): boolean {
    return this.#complete;
  }

  /** Whether the answer has left its connection open, as far as it says: it ends before the connection does, and announces no close. */
  get keepsConnection(): boolean {
    const headers = this.#headers ?? {};
    if (/close/i.test(first(headers.connection) ?? '')) return false;
    const framed = headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
    return framed || this.#status === 204 || this.#status === 304;
  }

  /** Ends the exchange now, with what is known; a connection it was written to is closed. */
  abort(reason: string): void {
    if (this.#controller) this.#controller.abort(new Error(reason));
    else this.#answer({ kind: 'not_sent', reason });
  }

  onRequestStart(controller: Controller): void {
    if (this.#controller) throw WRITTEN_TWICE;
    if (this.#answered) throw TAKEN_BACK;
    if (!this.#mayWrite()) {
      this.#withheld = true;
      throw TAKEN_BACK;
    }
    this.#controller = controller;
  }

  onResponseStart(_controller: Controller, status: number, headers: IncomingHeaders): void {
    // 102 and 103 come before the real one.
    if (status < 200) return;
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    if (this.#bodyBytes < KEPT_BODY_BYTES && (this.#status > 299 || this.#owner.bodyMatches !== undefined)) {
      // Copied: a view would keep undici's whole read buffer alive.
      const kept = Buffer.from(chunk.subarray(0, KEPT_BODY_BYTES - this.#bodyBytes));
      if (this.#kept) this.#kept.push(kept);
      else this.#kept = [kept];
    }
    this.#bodyBytes += chunk.length;
    if (this.#bodyBytes > DRAINED_BODY_BYTES) controller.abort(BODY_TOO_LONG);
  }

  onResponseEnd(): void {
    this.#complete = true;
    this.#answer(this.#response());
    this.onReleased?.();
  }

  onResponseError(_controller: Controller | undefined, error: Error): void {
    if (this.#status !== 0) this.#answer(this.#response());
    else if (this.#withheld) this.#answer(WITHHELD);
    else if (this.started) this.#answer({ kind: 'ambiguous', reason: reasonOf(error) });
    else this.#answer({ kind: 'not_sent', reason: reasonOf(error), ...(isLocal(error) ? { local: true } : undefined) });
    this.onReleased?.();
  }

  #answer(answer: Answer): void {
    if (this.#answered) return;
    this.#answered = true;
    this.#owner.onAnswered();
    this.#resolve(answer);
  }

  #response(): Answer {
    const status = this.#status;
    const headers = this.#headers ?? {};
    const retryAfter = first(headers['retry-after']);
    const rateHeaders = pickRateHeaders(headers, this.#owner.rateHeaderAliases);
    const ok = status <= 299;
    const { bodyMatches } = this.#owner;
    if (ok && retryAfter === undefined && rateHeaders === undefined && bodyMatches === undefined) {
      return { kind: 'response', status };
    }
    const date = first(headers.date);
    const unlike = bodyMatches !== undefined && !bodyMatches.test(Buffer.concat(this.#kept ?? []).toString('utf8'));
    const excerpt = this.#kept && (!ok || unlike) ? this.#excerpt(this.#kept, headers) : undefined;
    const location = status >= 300 && status <= 399 ? first(headers.location) : undefined;
    return {
      kind: 'response',
      status,
      ...(retryAfter === undefined ? undefined : { retryAfter }),
      ...(date === undefined ? undefined : { date }),
      ...(rateHeaders === undefined ? undefined : { rateHeaders }),
      ...(location === undefined ? undefined : { location: shownLocation(location, this.#secrets) }),
      ...(unlike ? { bodyUnlike: true } : undefined),
      ...(excerpt ? { excerpt } : undefined),
    };
  }

  /** With the token that this request carried: there may be another one by now. */
  get #secrets(): readonly string[] {
    const { secretValues } = this.#owner;
    return this.token === undefined ? secretValues : [...secretValues, this.token];
  }

  #excerpt(kept: readonly Buffer[], headers: IncomingHeaders): string {
    return bodyExcerpt(Buffer.concat(kept), {
      secrets: this.#secrets,
      cut: this.#bodyBytes > KEPT_BODY_BYTES,
      contentType: first(headers['content-type']),
      contentEncoding: first(headers['content-encoding']),
    });
  }
}

/** Of several addresses each has an error of its own. */
function isLocal(error: Error): boolean {
  const errors: readonly unknown[] = error instanceof AggregateError ? error.errors : [error];
  return errors.some((one) => LOCAL_FAULTS.has(errnoOf(one) ?? ''));
}

function first(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.[0];
}
