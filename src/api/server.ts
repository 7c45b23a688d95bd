/** The HTTP server: limits, access, routes, and one form for everything that goes wrong. */
import multipart from '@fastify/multipart';
import rateLimit from '@fastify/rate-limit';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import fastify from 'fastify';
import { explained } from '../app/full-disk.ts';
import type { ServedApp } from '../app/served.ts';
import { reasonOf } from '../thrown.ts';
import type { Access } from './access.ts';
import { Counters } from './counters.ts';
import { openApiDocument } from './openapi.ts';
import { PROBLEM_TYPE, Problem, problemOf } from './problem.ts';
import { Received } from './received.ts';
import type { Route } from './route.ts';
import { endpointRoutes } from './routes/endpoints.ts';
import { fileRoutes } from './routes/files.ts';
import { healthRoutes } from './routes/health.ts';
import { pages } from './routes/pages.ts';
import { uploadRoutes } from './routes/uploads.ts';
import { userRoutes } from './routes/users.ts';
import { webhookRoutes } from './routes/webhook.ts';
import { traceRequests } from './server-spans.ts';
import { answerUnreadable } from './unreadable.ts';

const BODY_LIMIT_BYTES = 64 * 1024;
const MAX_HEADER_BYTES = 32 * 1024;
const HEADERS_LIMIT_MS = 20_000;
/** Nothing came and nothing went for so long: the connection is cut. A large upload may take as long as it likes. */
const IDLE_LIMIT_MS = 60_000;

export interface ApiParts {
  readonly app: ServedApp;
  readonly access: Access;
}

export async function buildServer({ app, access }: ApiParts): Promise<FastifyInstance> {
  const { api } = app.settings;
  const counters = new Counters(app.monitoring.metrics);
  const server = fastify({
    bodyLimit: BODY_LIMIT_BYTES,
    connectionTimeout: IDLE_LIMIT_MS,
    requestTimeout: 0,
    // What is too long is a path that is not there; the limit of headers comes first.
    routerOptions: { maxParamLength: MAX_HEADER_BYTES },
    http: { maxHeaderSize: MAX_HEADER_BYTES, headersTimeout: HEADERS_LIMIT_MS },
    forceCloseConnections: 'idle',
    clientErrorHandler: answerUnreadable,
    frameworkErrors: (error, _request, reply) => answerError(app, error, reply as unknown as FastifyReply),
  });
  traceRequests(server);
  // One for each address; a clock of its own for each second.
  await server.register(rateLimit, {
    max: api.maxRequestsPerSecond,
    timeWindow: 1_000,
    hook: 'onRequest',
    errorResponseBuilder: (_request, { max }) =>
      new Problem(429, 'too_many_requests', `more than ${max} requests a second from this address`, {}, 1),
  });
  server.addHook('onRequest', async ({ headers, url }) => {
    const { host, origin, authorization, 'sec-fetch-site': fetchSite } = headers;
    access.check(url.split('?')[0] ?? '', { host, origin, authorization, fetchSite: fetchSite as string | undefined });
  });
  server.addHook('onResponse', async ({ method, routeOptions }, reply) => {
    counters.answered(method, routeOptions.url ?? 'none', reply.statusCode);
  });

  const received = new Received();
  const uploads = uploadRoutes(app, received, counters);
  const routes = [
    ...uploads,
    ...webhookRoutes(app, counters),
    ...fileRoutes(app, received),
    ...userRoutes(app),
    ...endpointRoutes(app),
    ...healthRoutes(app),
  ];
  server.setErrorHandler(async (error: FastifyError, request, reply) => {
    // Methods that bring a body are asked for its type before their route is looked for.
    const isUnrouted = error.code === 'FST_ERR_ROUTE_MISSING_CONTENT_TYPE';
    const told = isUnrouted ? notFound(request, routes, reply) : await explained(error, app.settings);
    return answerError(app, told, reply);
  });
  server.setNotFoundHandler((request, reply) => answerError(app, notFound(request, routes, reply), reply));
  const document = openApiDocument(routes, access);
  await server.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    for (const one of routes) if (!uploads.includes(one)) add(scope, one);
    scope.get('/openapi.json', async () => document);
  });
  await server.register(async (scope) => {
    // Read by the route, piece by piece.
    scope.removeAllContentTypeParsers();
    await scope.register(multipart);
    scope.addContentTypeParser('*', (_request, body, done) => done(null, body));
    for (const one of uploads) add(scope, one);
  });
  await server.register(pages, { app, received, counters });
  return server;
}

function add(scope: FastifyInstance, { method, url, bodyLimitBytes, answer }: Route): void {
  scope.route({ method, url, handler: answer, ...(bodyLimitBytes === undefined ? {} : { bodyLimit: bodyLimitBytes }) });
}

function answerError(app: ServedApp, error: unknown, reply: FastifyReply): FastifyReply {
  let problem = problemOf(error);
  if (problem === undefined) {
    app.logger.error({ event: 'api_fault', reason: reasonOf(error) }, 'a request was not answered');
    problem = new Problem(500, 'unexpected', 'something went wrong; the log of this process says what');
  }
  if (problem.retryAfter !== undefined) reply.header('retry-after', problem.retryAfter);
  if (problem.status === 401)
    reply.header('www-authenticate', 'Bearer realm="wds", Basic realm="wds", charset="UTF-8"');
  return reply.code(problem.status).type(PROBLEM_TYPE).send(JSON.stringify(problem.body));
}

/** Another method than those of a path is told which there are (RFC 9110, section 15.5.6). */
function notFound({ url, method }: FastifyRequest, routes: readonly Route[], reply: FastifyReply): Problem {
  const path = url.split('?')[0] ?? '';
  const there = routes.filter((one) => new RegExp(`^${one.url.replace(/:\w+/g, '[^/]+')}$`).test(path));
  if (there.length === 0) return new Problem(404, 'no_such_path', `there is nothing at ${path.slice(0, 200)}`);
  const allowed = [...new Set(there.flatMap((one) => (one.method === 'GET' ? ['GET', 'HEAD'] : [one.method])))];
  reply.header('allow', allowed.join(', '));
  return new Problem(405, 'method_not_allowed', `${method} is not for this path: ${allowed.join(', ')}`);
}
