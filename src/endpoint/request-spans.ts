/**
 * Spans of single requests to the receiver, below that of their batch: of a share of them, for a span for each of 20,000 requests a second is more than
 * anybody keeps, and of those that fail, up to a number for each batch. Attributes by the semantic conventions for HTTP client spans
 * (https://opentelemetry.io/docs/specs/semconv/http/http-spans/).
 */
import type { Attributes, Context, Span } from '@opentelemetry/api';
import { context, isSpanContextValid, SpanKind, SpanStatusCode, TraceFlags, trace } from '@opentelemetry/api';
import type { Answer } from '../domain/answers.ts';
import type { Endpoint } from '../domain/endpoint.ts';
import { tracer } from '../tracing.ts';
import { compileHeaders } from './request-headers.ts';

const USUAL_SHARE = 0.01;
/** Of a batch: a receiver that refuses everybody would have one for each alert. */
const MOST_FAILURES = 100;

/** What of a request is told to it: when it begins, and how it ends. */
export interface RequestTrace {
  begins(): void;
  /** With those that tell the receiver of the trace, where it is to be told. */
  headers(written: string[]): string[];
  ends(answer: Answer): void;
}

/** Of the requests of the activity that runs; undefined: nobody looks at them. */
export function requestSpans(endpoint: Endpoint, random: () => number): RequestSpans | undefined {
  const parent = trace.getActiveSpan();
  if (parent === undefined || !isSpanContextValid(parent.spanContext())) return undefined;
  if (!parent.isRecording() && !endpoint.tracing?.traceparent) return undefined;
  return new RequestSpans(endpoint, parent, random);
}

export class RequestSpans {
  readonly parent: Span;
  readonly context: Context;
  readonly attributes: Attributes;
  /** The receiver is told. */
  readonly tells: boolean;
  readonly #share: number;
  readonly #random: () => number;
  #failures = 0;

  constructor(endpoint: Endpoint, parent: Span, random: () => number) {
    const { requests = USUAL_SHARE, traceparent = false } = endpoint.tracing ?? {};
    this.parent = parent;
    this.context = trace.setSpan(context.active(), parent);
    this.attributes = attributesOf(endpoint);
    this.tells = traceparent;
    this.#share = parent.isRecording() ? requests : 0;
    this.#random = random;
  }

  /** `id`: its webhook-id, which names no user. `attempts`: how often it was sent before. */
  of(id: string, attempts: number): RequestTrace {
    return new TracedRequest(this, id, attempts, this.#random() < this.#share);
  }

  /** Whether one more that has failed gets a span. */
  get takesFailure(): boolean {
    return this.parent.isRecording() && this.#failures++ < MOST_FAILURES;
  }
}

class TracedRequest implements RequestTrace {
  readonly #spans: RequestSpans;
  readonly #id: string;
  readonly #attempts: number;
  readonly #chosen: boolean;
  #beganMs = 0;
  /** Begun before its end is known only where the receiver is told its ID. */
  #span: Span | undefined;

  constructor(spans: RequestSpans, id: string, attempts: number, chosen: boolean) {
    this.#spans = spans;
    this.#id = id;
    this.#attempts = attempts;
    this.#chosen = chosen;
  }

  begins(): void {
    this.#beganMs = Date.now();
    if (this.#chosen && this.#spans.tells) this.#span = this.#start();
  }

  headers(written: string[]): string[] {
    if (!this.#spans.tells) return written;
    const { traceId, spanId, traceFlags, traceState } = (this.#span ?? this.#spans.parent).spanContext();
    // Of a request without a span of its own the receiver need not keep one, either.
    const flags = this.#span === undefined ? TraceFlags.NONE : traceFlags;
    const state = traceState?.serialize() ?? '';
    const told = ['traceparent', `00-${traceId}-${spanId}-${flags.toString(16).padStart(2, '0')}`];
    return [...written, ...told, ...(state === '' ? [] : ['tracestate', state])];
  }

  ends(answer: Answer): void {
    const error = errorOf(answer);
    // What was taken back before it was written was no request.
    const wanted = answer.kind !== 'withheld' && (this.#chosen || (error !== undefined && this.#spans.takesFailure));
    const span = this.#span ?? (wanted ? this.#start() : undefined);
    if (span === undefined) return;
    if (answer.kind === 'response') span.setAttribute('http.response.status_code', answer.status);
    if (error !== undefined) {
      span.setAttribute('error.type', error);
      span.setStatus({ code: SpanStatusCode.ERROR });
    }
    span.end();
  }

  #start(): Span {
    const again = this.#attempts === 0 ? undefined : { 'http.request.resend_count': this.#attempts };
    const attributes = { ...this.#spans.attributes, 'wds.webhook_id': this.#id, ...again };
    return tracer.startSpan(
      'POST',
      { kind: SpanKind.CLIENT, attributes, startTime: this.#beganMs },
      this.#spans.context,
    );
  }
}

/** A status, or how it is that there is none; undefined: it went well. */
function errorOf(answer: Answer): string | undefined {
  if (answer.kind !== 'response') return answer.kind;
  return answer.status >= 400 ? String(answer.status) : undefined;
}

const known = new WeakMap<Endpoint, Attributes>();

function attributesOf(endpoint: Endpoint): Attributes {
  let attributes = known.get(endpoint);
  if (attributes === undefined) {
    const { hostname, origin, pathname, port, protocol } = new URL(endpoint.url);
    const secrets = compileHeaders(endpoint).secretValues.filter(
      (secret) => secret !== '' && pathname.includes(secret),
    );
    attributes = {
      'http.request.method': 'POST',
      'server.address': hostname,
      'server.port': Number(port || (protocol === 'https:' ? 443 : 80)),
      // Without the query, where tokens may stand.
      'url.full': origin + secrets.reduce((path, secret) => path.replaceAll(secret, 'REDACTED'), pathname),
      'wds.endpoint': endpoint.name,
    };
    known.set(endpoint, attributes);
  }
  return attributes;
}
