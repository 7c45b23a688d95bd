/**
 * One request and its answer, from `send` to the end of the body: turns what undici reports into exactly one Answer.
 *
 * The line between `not_sent` and `ambiguous` is undici's onRequestStart: it is called in the same turn as the write to the socket, right
 * before it, and throwing from it takes the request back unsent and leaves the connection as it was.
 */
import type { Dispatcher } from 'undici';
import type { Answer } from '../domain/answers.ts';
import { RATE_HEADER_NAMES } from '../domain/rate-hints.ts';
import { reasonOf } from '../thrown.ts';
import { bodyExcerpt } from './excerpt.ts';

type IncomingHeaders = Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseStart']>>[2];

/** Kept of the body of an answer other than 2xx. */
const KEPT_BODY_BYTES = 4 * 1024;
/** Read to the end to keep the connection; beyond this a new connection is cheaper than the rest of the body. */
const DRAINED_BODY_BYTES = 64 * 1024;

const TAKEN_BACK = new Error('taken back before it was written');
const BODY_TOO_LONG = new Error('the rest of the body is not wanted');
const WRITTEN_TWICE = new Error('undici would write the request a second time');
const WITHHELD: Answer = { kind: 'withheld' };

export interface ExchangeOwner {
  /** Values that must not show up in an excerpt. */
  readonly secretValues: readonly string[];
  /** The answer is known, once per exchange; the exchange may still hold its connection. */
  onAnswered(): void;
}

export class Exchange implements Dispatcher.DispatchHandler {
  readonly id: string;
  readonly body: string;
  /** On the client's monotonic clock. */
  readonly deadlineMs: number;
  /** Set by the connection that carries it: called once, when undici is done with it. No dispatch may follow in the same turn. */
  onReleased: (() => void) | undefined;
  readonly #mayWrite: () => boolean;
  readonly #resolve: (answer: Answer) => void;
  readonly #owner: ExchangeOwner;
  #controller: Dispatcher.DispatchController | undefined;
  #answered = false;
  #withheld = false;
  #status = 0;
  #headers: IncomingHeaders | undefined;
  #bodyBytes = 0;
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

  /** Ends the exchange now, with what is known; a connection it was written to is closed. */
  abort(reason: string): void {
    if (this.#controller) this.#controller.abort(new Error(reason));
    else this.#answer({ kind: 'not_sent', reason });
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#controller) throw WRITTEN_TWICE;
    if (this.#answered) throw TAKEN_BACK;
    if (!this.#mayWrite()) {
      this.#withheld = true;
      throw TAKEN_BACK;
    }
    this.#controller = controller;
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHeaders): void {
    // 102 and 103 come before the real one.
    if (status < 200) return;
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#bodyBytes < KEPT_BODY_BYTES && this.#status > 299) {
      // Copied: a view would keep undici's whole read buffer alive.
      const kept = Buffer.from(chunk.subarray(0, KEPT_BODY_BYTES - this.#bodyBytes));
      if (this.#kept) this.#kept.push(kept);
      else this.#kept = [kept];
    }
    this.#bodyBytes += chunk.length;
    if (this.#bodyBytes > DRAINED_BODY_BYTES) controller.abort(BODY_TOO_LONG);
  }

  onResponseEnd(): void {
    this.#answer(this.#response());
    this.onReleased?.();
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    if (this.#status !== 0) this.#answer(this.#response());
    else if (this.#withheld) this.#answer(WITHHELD);
    else this.#answer({ kind: this.started ? 'ambiguous' : 'not_sent', reason: reasonOf(error) });
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
    const rateHeaders = pickRateHeaders(headers);
    const ok = status <= 299;
    if (ok && retryAfter === undefined && rateHeaders === undefined) return { kind: 'response', status };
    const date = first(headers.date);
    const excerpt = this.#kept && this.#excerpt(this.#kept, headers);
    return {
      kind: 'response',
      status,
      ...(retryAfter === undefined ? undefined : { retryAfter }),
      ...(date === undefined ? undefined : { date }),
      ...(rateHeaders === undefined ? undefined : { rateHeaders }),
      ...(excerpt ? { excerpt } : undefined),
    };
  }

  #excerpt(kept: readonly Buffer[], headers: IncomingHeaders): string {
    return bodyExcerpt(Buffer.concat(kept), {
      secrets: this.#owner.secretValues,
      cut: this.#bodyBytes > KEPT_BODY_BYTES,
      contentType: first(headers['content-type']),
      contentEncoding: first(headers['content-encoding']),
    });
  }
}

function first(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.[0];
}

function pickRateHeaders(headers: IncomingHeaders): Record<string, string> | undefined {
  let picked: Record<string, string> | undefined;
  for (const name of RATE_HEADER_NAMES) {
    const value = headers[name];
    if (value === undefined) continue;
    picked ??= {};
    picked[name] = typeof value === 'string' ? value : value.join(', ');
  }
  return picked;
}
