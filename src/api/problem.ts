/** What is answered where something is wrong: `application/problem+json` (RFC 9457), with a code that stays the same and the next step. */
import { STATUS_CODES } from 'node:http';
import type { FaultCode } from '../domain/failure.ts';
import { knownFault } from '../known-faults.ts';

export const PROBLEM_TYPE = 'application/problem+json';

export interface ProblemBody {
  readonly type: 'about:blank';
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly nextStep?: string;
  readonly [extra: string]: unknown;
}

/** Thrown by what answers a request. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly extra: Readonly<Record<string, unknown>>;
  /** Seconds after which the same request may succeed. */
  readonly retryAfter: number | undefined;

  constructor(
    status: number,
    code: string,
    detail: string,
    extra: Readonly<Record<string, unknown>> = {},
    retryAfter?: number,
  ) {
    super(detail);
    this.name = 'Problem';
    this.status = status;
    this.code = code;
    this.extra = extra;
    this.retryAfter = retryAfter;
  }

  get body(): ProblemBody {
    const { status, code, message: detail, extra } = this;
    return { type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, detail, code, ...extra };
  }
}

const STATUS_OF_FAULT: Readonly<Partial<Record<FaultCode, number>>> = {
  usage: 409,
  config: 409,
  not_found: 404,
  file_refused: 422,
  unsupported_file: 422,
  temporal_unreachable: 503,
  dev_server_unavailable: 503,
  deadline: 503,
  store: 503,
};

/** undefined: it is nobody's mistake but ours. */
export function problemOf(error: unknown): Problem | undefined {
  if (error instanceof Problem) return error;
  const fault = knownFault(error);
  if (fault !== undefined) {
    const status = STATUS_OF_FAULT[fault.code];
    if (status === undefined) return undefined;
    const extra = fault.nextStep === undefined ? {} : { nextStep: fault.nextStep };
    return new Problem(status, fault.code, fault.message, extra, status === 503 ? 5 : undefined);
  }
  // Fastify's own, and those of its plugins: a body that is too large, an unknown content type, a broken header …
  const { statusCode, code, message } = error as { statusCode?: number; code?: string; message?: string };
  if (statusCode === undefined || statusCode < 400 || statusCode >= 500) return undefined;
  return new Problem(statusCode, (code ?? 'bad_request').toLowerCase().replace(/^fst_(err_)?/, ''), message ?? '');
}
