/** One route: what it takes and gives, as zod schemas that check requests and from which the OpenAPI document is made, and what it does. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { Problem } from './problem.ts';

export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface DocumentedAnswer {
  readonly about: string;
  readonly schema?: z.ZodType;
  /** Where it is not JSON. */
  readonly types?: readonly string[];
}

export interface RouteAsks {
  /** Named as in `url`. */
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly headers?: z.ZodObject;
  readonly body?: z.ZodType;
}

type Parsed<S> = S extends z.ZodType ? z.output<S> : undefined;

export interface Asked<A extends RouteAsks> {
  readonly params: Parsed<A['params']>;
  readonly query: Parsed<A['query']>;
  readonly headers: Parsed<A['headers']>;
  readonly body: Parsed<A['body']>;
  readonly request: FastifyRequest;
}

export interface RouteAbout {
  readonly method: 'GET' | 'POST';
  /** `/files/:id`. */
  readonly url: string;
  readonly operation: string;
  readonly about: string;
  /** By status; problems that any route may answer are left out. */
  readonly answers: Readonly<Record<number, DocumentedAnswer>>;
  /** Bodies that the route reads by itself, by content type; shown in the document as they are. */
  readonly raw?: Readonly<Record<string, object>>;
  readonly bodyLimitBytes?: number;
}

export interface Route extends RouteAbout {
  readonly asks: RouteAsks;
  readonly answer: (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>;
}

export function route<A extends RouteAsks>(
  about: RouteAbout & { readonly asks: A },
  handle: (asked: Asked<A>) => Promise<Answer>,
): Route {
  const { params, query, headers, body } = about.asks;
  return {
    ...about,
    async answer(request, reply) {
      const asked = {
        params: checked(params, request.params, 404, 'path'),
        query: checked(query, request.query, 400, 'query'),
        headers: checked(headers, request.headers, 400, 'header'),
        body: body === undefined ? undefined : checked(body, jsonOf(request.body), 422, 'body'),
        request,
      } as Asked<A>;
      const { status, body: answered, headers: set = {} } = await handle(asked);
      return reply.code(status).headers(set).send(answered);
    },
  };
}

/** All faults at once. */
function checked<S extends z.ZodType>(schema: S | undefined, value: unknown, status: number, where: string): unknown {
  if (schema === undefined) return undefined;
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const faults = result.error.issues.map(({ path, message }) => ({ at: [where, ...path].join('.'), message }));
  const detail = faults.map(({ at, message }) => `${at}: ${message}`).join('; ');
  throw new Problem(status, `bad_${where}`, detail, { faults });
}

/** Bodies come as bytes; no body is an empty object. */
function jsonOf(body: unknown): unknown {
  if (!Buffer.isBuffer(body) || body.length === 0) return {};
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    throw new Problem(400, 'bad_json', 'the body is not JSON');
  }
}
