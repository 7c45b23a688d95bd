/**
 * What the end of one HTTP attempt means for its alert. Pure: the table "What an answer means" of docs/guide.md, nothing else.
 * `judge` says what happened; whether an ambiguous alert is sent again or held is the endpoint's policy and the caller's to apply.
 */
import type { AmbiguousPolicy } from './endpoint.ts';
import { parseHttpDate } from './http-date.ts';
import type { RateHeaders } from './rate-hints.ts';

/** How an attempt ended, as seen at the socket. Nothing here holds a secret; `excerpt` may echo what was sent: it is for reports, never for a log or for history. */
export type Answer =
  | {
      readonly kind: 'response';
      readonly status: number;
      /** Raw headers, where present. `date` is kept only beside a Retry-After or a rate header, which are read against it. */
      readonly retryAfter?: string;
      readonly date?: string;
      readonly rateHeaders?: RateHeaders;
      /** Start of the body of an answer other than 2xx: printable, at most 200 characters. */
      readonly excerpt?: string;
      /** Where a redirect points, without its query. */
      readonly location?: string;
      /** The body has not in it what the endpoint's successes have (`endpoint.success.bodyMatches`). */
      readonly bodyUnlike?: true;
    }
  /**
   * Nothing of the request can have reached the receiver, or nothing but what it refused at the door. `local`: it is neither the alert's fault nor
   * the endpoint's: this machine was at its limits, or there was no access token (NO_TOKEN).
   */
  | { readonly kind: 'not_sent'; readonly reason: string; readonly local?: true }
  /** The request was handed to the socket, and no status came back. */
  | { readonly kind: 'ambiguous'; readonly reason: string }
  /** The caller's last check before the write said no. Nothing was sent; nothing is wrong with the endpoint. */
  | { readonly kind: 'withheld' };

/** How the reason begins where an endpoint's access token cannot be had. */
export const NO_TOKEN = 'no access token';

/** A `reason` may quote the receiver: it is for the receipts and their reports, never for a log or for history. */
export type Verdict =
  | { readonly kind: 'delivered'; readonly status: number }
  /** No attempt is used up. `retryAfterMs` is a floor; `capped` says that the receiver asked for longer. */
  | {
      readonly kind: 'throttled';
      readonly status: number;
      readonly retryAfterMs: number | undefined;
      readonly capped: boolean;
      /** It does not come from the rate: only this alert has to wait. */
      readonly stray?: true;
    }
  | { readonly kind: 'transient'; readonly status: number | undefined; readonly reason: string }
  | { readonly kind: 'not_sent'; readonly reason: string }
  /** This machine had no descriptor, port or buffer for it: nobody else's fault, and nothing is used up. */
  | { readonly kind: 'local_fault'; readonly reason: string }
  | { readonly kind: 'ambiguous'; readonly status: number | undefined; readonly reason: string }
  /** `endpointSuspect`: it may be the endpoint's fault, or that of its configuration, and not the alert's. */
  | {
      readonly kind: 'permanent';
      readonly status: number;
      readonly reason: string;
      readonly endpointSuspect: boolean;
    }
  | { readonly kind: 'withheld' };

export interface JudgeContext {
  readonly ambiguous: AmbiguousPolicy;
  /** A receiver that answers 409 to a key it knows is still busy with the first request; without a key 409 is a refusal. */
  readonly idempotencyKeySent: boolean;
  readonly maxRetryAfterMs: number;
  /** Statuses of a success; undefined: 2xx. */
  readonly successStatuses: readonly number[] | undefined;
  /** It has taken an alert: a 400 is the alert's fault then. */
  readonly hasTakenOne: boolean;
  /** Wall clock, for a Retry-After date in an answer that carries no Date of its own. */
  readonly nowMs: number;
}

/**
 * What the end of an attempt says about the endpoint, whoever the alert was for. The one classification that everything goes by: the
 * process's own sight of its health, its brake, and what the governor is told.
 */
export type Sign =
  | { readonly kind: 'success' }
  /** It asks for a pause: at work, and at its limit. */
  | { readonly kind: 'throttled' }
  /** At work, whatever it thinks of this alert. */
  | { readonly kind: 'alive' }
  /** Refused in a way that may be the endpoint's fault. */
  | { readonly kind: 'refusal'; readonly status: number }
  /**
   * `unanswered`: the request went out, nothing came back, and under `hold` its alert is lost for that. `unsent`: no connection, which says so
   * whoever asks.
   */
  | { readonly kind: 'failure'; readonly unanswered: boolean; readonly unsent?: true }
  | { readonly kind: 'none' };

const SUCCESS: Sign = { kind: 'success' };
const THROTTLED: Sign = { kind: 'throttled' };
const ALIVE: Sign = { kind: 'alive' };
const FAILURE: Sign = { kind: 'failure', unanswered: false };
const UNSENT: Sign = { kind: 'failure', unanswered: false, unsent: true };
const UNANSWERED: Sign = { kind: 'failure', unanswered: true };
const NONE: Sign = { kind: 'none' };

/** `ownFault`: this alert failed before, and others have got through since: that it fails again is its own affair. */
export function signOf(verdict: Verdict, ownFault: boolean, ambiguous: AmbiguousPolicy): Sign {
  switch (verdict.kind) {
    case 'delivered':
      return SUCCESS;
    case 'throttled':
      return verdict.stray ? ALIVE : THROTTLED;
    case 'permanent':
      return verdict.endpointSuspect && !ownFault ? { kind: 'refusal', status: verdict.status } : ALIVE;
    case 'transient':
      return ownFault ? NONE : FAILURE;
    case 'ambiguous':
      return ownFault ? NONE : ambiguous === 'hold' && verdict.status === undefined ? UNANSWERED : FAILURE;
    case 'not_sent':
      return UNSENT;
    case 'local_fault':
    case 'withheld':
      return NONE;
  }
}

/** Besides redirects: a wrong URL, method, secret, protocol or form of request, which every alert meets alike. */
const ENDPOINT_SUSPECTS: ReadonlySet<number> = new Set([
  ...[401, 402, 403, 404, 405, 407, 410, 411, 415, 421, 426],
  ...[501, 505],
]);
const TRANSIENT_4XX: ReadonlySet<number> = new Set([408, 425]);
const PERMANENT_5XX: ReadonlySet<number> = new Set([501, 505]);

export function judge(answer: Answer, context: JudgeContext): Verdict {
  switch (answer.kind) {
    case 'withheld':
      return answer;
    case 'not_sent':
      return { kind: answer.local ? 'local_fault' : 'not_sent', reason: answer.reason };
    case 'ambiguous':
      return { kind: 'ambiguous', status: undefined, reason: answer.reason };
    case 'response':
      return judgeStatus(answer, context);
  }
}

function judgeStatus(answer: Answer & { kind: 'response' }, context: JudgeContext): Verdict {
  const { status } = answer;
  const stated = context.successStatuses;
  const accepted = stated === undefined ? is2xx(status) : stated.includes(status);
  if (accepted && !answer.bodyUnlike) return { kind: 'delivered', status };

  const asked =
    answer.retryAfter === undefined ? undefined : parseRetryAfterMs(answer.retryAfter, answer.date, context.nowMs);
  if (status === 429 || (status === 503 && asked !== undefined)) {
    const capped = asked !== undefined && asked > context.maxRetryAfterMs;
    return { kind: 'throttled', status, retryAfterMs: capped ? context.maxRetryAfterMs : asked, capped };
  }

  // A page of somebody in between, or a failure that is told in the body.
  if (accepted || is2xx(status)) {
    const why = accepted ? 'but its body is not that of a success' : 'which is no success here';
    return { kind: 'transient', status, reason: withExcerpt(`HTTP ${status}, ${why}`, answer) };
  }

  const reason = withExcerpt(causeOf(answer), answer);
  if (context.ambiguous === 'hold' && mayHavePassedOn(status)) return { kind: 'ambiguous', status, reason };
  if (isTransient(status, context.idempotencyKeySent)) return { kind: 'transient', status, reason };
  // An interim status as the last word: the request went out, and whether it was acted on is unknown.
  if (!(status >= 200)) return { kind: 'ambiguous', status, reason };
  const endpointSuspect = status < 400 || ENDPOINT_SUSPECTS.has(status) || (status === 400 && !context.hasTakenOne);
  return { kind: 'permanent', status, reason, endpointSuspect };
}

/** What happened, in words that hold nothing of a body: fit for Temporal's history and the log. */
export function causeOf(answer: Exclude<Answer, { readonly kind: 'withheld' }>): string {
  if (answer.kind !== 'response') return answer.reason;
  return `HTTP ${answer.status}${answer.location === undefined ? '' : `, a redirect to ${answer.location}`}`;
}

const withExcerpt = (text: string, { excerpt }: Answer & { kind: 'response' }): string =>
  excerpt === undefined ? text : `${text}: ${excerpt}`;

const is2xx = (status: number): boolean => status >= 200 && status <= 299;

/** Statuses of proxies and servers that gave up waiting: the application behind them may have got the request. */
function mayHavePassedOn(status: number): boolean {
  return status === 408 || status === 502 || status === 504 || (status >= 520 && status <= 524);
}

function isTransient(status: number, idempotencyKeySent: boolean): boolean {
  if (status === 409) return idempotencyKeySent;
  // A status above 599 is invalid and to be treated as a server error (RFC 9110, 15).
  return status >= 500 ? !PERMANENT_5XX.has(status) : TRANSIENT_4XX.has(status);
}

/**
 * The wait that a Retry-After header asks for (RFC 9110, 10.2.3): whole seconds, or an HTTP date, read against the answer's own Date so
 * that the two clocks need not agree. A date that has passed asks for no wait. Undefined: not a valid value, ignore it.
 */
export function parseRetryAfterMs(retryAfter: string, date: string | undefined, nowMs: number): number | undefined {
  const text = retryAfter.trim();
  // Fractions are not in the RFC, but in use.
  if (/^\d+(?:\.\d+)?$/.test(text)) return Math.ceil(Number(text) * 1000);
  const untilMs = parseHttpDate(text, nowMs);
  if (untilMs === undefined) return undefined;
  const sentMs = date === undefined ? undefined : parseHttpDate(date.trim(), nowMs);
  return Math.max(0, untilMs - (sentMs ?? nowMs));
}
