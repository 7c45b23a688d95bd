/**
 * A span for each request that comes in, below that of whoever asks (`traceparent`), by the semantic conventions for HTTP server spans
 * (https://opentelemetry.io/docs/specs/semconv/http/http-spans/). Where no SDK was loaded nothing is hooked in. Where an instrumentation of the SDK
 * has made a span already, that one is told the route. Machines that look after the process leave none: they ask every few seconds.
 */
import { finished } from 'node:stream';
import type { Attributes, Span } from '@opentelemetry/api';
import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isTraced, tracer } from '../tracing.ts';

/** To the conventions all others are `_OTHER`. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH']);
const OF_MACHINES = new Set(['/livez', '/readyz', '/metrics']);
/** A user stands behind it: in the path, or, of the page for people, in the query. */
const NAMES_USER = /^(\/users\/|\/ui\/users\?).+/;
const USER_IN_PATH = /^(\/users\/).+/;

/** To be called before any other hook is added: who is turned away is seen, too. */
export function traceRequests(server: FastifyInstance): void {
  if (!isTraced()) return;
  const spans = new WeakMap<FastifyRequest, Span>();
  server.addHook('onRequest', (request, reply, done) => {
    const span = spanOf(request, reply);
    if (span !== undefined) spans.set(request, span);
    done();
  });
  // The body was read in no context that a hook before it could have set.
  server.addHook('preHandler', (request, _reply, done) => {
    const span = spans.get(request);
    if (span === undefined) done();
    else context.with(trace.setSpan(context.active(), span), done);
  });
}

/** What the span of the request that is being answered is to tell beside the usual. */
export const tellSpan = (attributes: Attributes): void => void trace.getActiveSpan()?.setAttributes(attributes);

/** By one a span is found as those of activities are, whose attributes have the same names. */
export const oneOrAll = (values: readonly string[]): string | string[] | undefined =>
  values.length > 1 ? [...values] : values[0];

/** undefined: it gets none of ours. */
function spanOf(request: FastifyRequest, reply: FastifyReply): Span | undefined {
  const { method, headers, routeOptions } = request;
  const { url: route } = routeOptions;
  if (route !== undefined && OF_MACHINES.has(route)) return undefined;
  const path = request.url.split('?')[0]!.replace(USER_IN_PATH, '$1REDACTED');
  const known = METHODS.has(method);
  const routed = route === undefined ? {} : { 'http.route': route };
  const present = trace.getActiveSpan();
  if (present !== undefined) {
    present.setAttributes({ ...routed, ...(NAMES_USER.test(request.url) ? withoutUser(request, path) : {}) });
    if (route !== undefined) present.updateName(`${method} ${route}`);
    return undefined;
  }
  const span = tracer.startSpan(
    `${known ? method : 'HTTP'}${route === undefined ? '' : ` ${route}`}`,
    {
      kind: SpanKind.SERVER,
      attributes: {
        'http.request.method': known ? method : '_OTHER',
        ...(known ? {} : { 'http.request.method_original': method }),
        ...routed,
        'url.path': path,
        'url.scheme': request.protocol,
        'server.address': request.hostname,
        ...(Number.isInteger(request.port) ? { 'server.port': request.port as number } : {}),
        'client.address': request.ip,
        'network.protocol.version': request.raw.httpVersion,
        ...(headers['user-agent'] === undefined ? {} : { 'user_agent.original': headers['user-agent'] }),
      },
    },
    propagation.extract(context.active(), headers),
  );
  finished(reply.raw, { readable: false }, (error) => end(span, reply, error));
  return span;
}

/** What instrumentations have written down, by the older conventions and the present ones. */
const withoutUser = ({ protocol, host }: FastifyRequest, path: string): Attributes => ({
  'url.path': path,
  'url.query': 'REDACTED',
  'http.target': path,
  'http.url': `${protocol}://${host}${path}`,
});

function end(span: Span, { raw }: FastifyReply, error: Error | null | undefined): void {
  if (span.isRecording()) {
    if (raw.headersSent) span.setAttribute('http.response.status_code', raw.statusCode);
    // Whoever asked went away before the end of the answer: `ERR_STREAM_PREMATURE_CLOSE`.
    const why = error ? ((error as NodeJS.ErrnoException).code ?? error.name) : undefined;
    const failed = why ?? (raw.statusCode >= 500 ? String(raw.statusCode) : undefined);
    if (failed !== undefined) span.setAttribute('error.type', failed).setStatus({ code: SpanStatusCode.ERROR });
  }
  span.end();
}
