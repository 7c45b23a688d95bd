/** Spans of activities and requests, as the in-memory exporter of the SDK gets them. One file, for a process has one SDK. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingHttpHeaders } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-node';
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  ParentBasedSampler,
  SamplingDecision,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-node';
import type { Info } from '@temporalio/activity';
import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Endpoint } from '../src/domain/endpoint.ts';
import type { FileNames } from '../src/temporal/activity-spans.ts';
import { ActivitySpans, fileNamesIn } from '../src/temporal/activity-spans.ts';
import { flushSpans } from '../src/tracing.ts';
import { apiUnderTest, FOUND } from './api/fake-served-app.ts';
import type { StagedAlerts } from './support/delivery-fixture.ts';
import { batchInput, MovableClock, stageAlerts, TestWorker } from './support/delivery-fixture.ts';

const exporter = new InMemorySpanExporter();
let sampled = true;
const root = {
  shouldSample: () => ({ decision: sampled ? SamplingDecision.RECORD_AND_SAMPLED : SamplingDecision.NOT_RECORD }),
  toString: () => 'as the test says',
};
beforeAll(() => {
  const sampler = new ParentBasedSampler({ root });
  new NodeTracerProvider({ sampler, spanProcessors: [new SimpleSpanProcessor(exporter)] }).register();
});
afterAll(() => {
  trace.disable();
  context.disable();
  propagation.disable();
});

const INFO = {
  activityType: 'sendAlerts',
  activityId: '7',
  attempt: 2,
  workflowExecution: { workflowId: 'file-1', runId: 'run-1' },
} as Info;
const run = (asked: unknown, work: () => Promise<unknown>, names: FileNames = { of: async () => undefined }) =>
  new ActivitySpans(INFO, names).execute({ args: [asked], headers: {} }, work);
const spans = (name?: string): ReadableSpan[] =>
  exporter.getFinishedSpans().filter((span) => name === undefined || span.name === name);

describe('a batch', () => {
  let staged: StagedAlerts;
  let got: IncomingHttpHeaders[];
  let server: ReturnType<typeof createServer>;
  let worker: TestWorker;
  beforeEach(async () => {
    sampled = true;
    exporter.reset();
    staged = await stageAlerts(10);
    got = [];
    server = createServer((request, response) => {
      got.push(request.headers);
      response.writeHead(String(request.headers['webhook-id']).endsWith('_5') ? 422 : 200).end('user-5: hello 5');
      request.resume();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(async () => {
    await worker.kill();
    server.close();
    await staged.remove();
  });

  async function send(tracing: Endpoint['tracing']): Promise<void> {
    const url = `http://me:pass@127.0.0.1:${(server.address() as AddressInfo).port}/hook?token=secret`;
    const endpoint = tracing === undefined ? {} : { tracing };
    worker = new TestWorker({ url, store: staged.store, clock: new MovableClock(), endpoint });
    const input = batchInput(staged);
    await run(input, () => worker.sendAlerts(input), fileNamesIn(staged.store));
  }

  test('has a span that tells the file, the endpoint, and how many it has delivered', async () => {
    await send(undefined);
    const [batch] = spans('sendAlerts');
    expect(batch).toMatchObject({ kind: SpanKind.CONSUMER, parentSpanContext: undefined });
    expect(batch!.attributes).toMatchObject({
      ...{ 'wds.file.sha256': staged.sha256, 'wds.file.name': 'alerts.csv', 'wds.endpoint': 'test', 'wds.chunk': 1 },
      ...{ 'wds.alerts.delivered': 9, 'wds.alerts.rejected': 1, 'wds.attempt': 2 },
      ...{ temporalWorkflowID: 'file-1', temporalRunID: 'run-1', temporalActivityID: '7' },
    });
  });

  test('has a span below it for each request that fails, and for the share that is asked for', async () => {
    await send({ requests: 0.4 });
    const [batch] = spans('sendAlerts');
    const [failed, ...others] = spans('POST');
    expect(others).toEqual([]);
    expect(failed).toMatchObject({
      ...{ kind: SpanKind.CLIENT, status: { code: SpanStatusCode.ERROR } },
      parentSpanContext: { spanId: batch!.spanContext().spanId },
      attributes: {
        'http.request.method': 'POST',
        'http.response.status_code': 422,
        'error.type': '422',
        'server.address': '127.0.0.1',
        'server.port': expect.any(Number),
        'url.full': expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/hook$/),
        'wds.webhook_id': `test_${staged.sha256.slice(0, 32)}_5`,
      },
    });
    exporter.reset();
    await worker.kill();
    await staged.remove();
    staged = await stageAlerts(10);
    await send({ requests: 0.6 });
    expect(spans('POST')).toHaveLength(10);
    expect(spans('POST').filter(({ status }) => status.code === SpanStatusCode.ERROR)).toHaveLength(1);
  });

  test('holds no user, no message and no secret in any of its spans', async () => {
    await send({ requests: 1, traceparent: true });
    const told = JSON.stringify(
      spans().map(({ name, attributes, events, status }) => [name, attributes, events, status]),
    );
    expect(told.length).toBeGreaterThan(1_000);
    expect(told).not.toMatch(/user-\d|hello|secret|pass/);
  });

  test('tells the receiver of the trace where that is asked for: of requests without a span, not to keep one', async () => {
    await send({ requests: 1, traceparent: true });
    const ids = spans('POST').map((span) => `00-${span.spanContext().traceId}-${span.spanContext().spanId}-01`);
    expect(got.map(({ traceparent }) => traceparent).sort()).toEqual(ids.sort());
    expect(ids).toHaveLength(10);
    got.length = 0;
    exporter.reset();
    await worker.kill();
    await staged.remove();
    staged = await stageAlerts(10);
    await send({ requests: 0, traceparent: true });
    const { traceId, spanId } = spans('sendAlerts')[0]!.spanContext();
    expect(new Set(got.map(({ traceparent }) => traceparent))).toEqual(new Set([`00-${traceId}-${spanId}-00`]));
  });

  test('that is not sampled has no spans below it, and tells that', async () => {
    sampled = false;
    await send({ requests: 1, traceparent: true });
    expect(spans()).toEqual([]);
    expect(got).toHaveLength(10);
    for (const { traceparent } of got) expect(traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
  });

  test('gives instrumentations that were loaded with the SDK no say in what is sent', async () => {
    const injected: object[] = [];
    const instrument = (): void => {
      const carrier = {};
      const span = trace.getTracer('undici').startSpan('POST of an instrumentation');
      propagation.inject(trace.setSpan(context.active(), span), carrier);
      span.end();
      injected.push(carrier);
    };
    // The first ones go by Node's own client (careful-exchange.ts).
    const channels = ['undici:request:create', 'http.client.request.start'];
    for (const channel of channels) subscribe(channel, instrument);
    try {
      await send(undefined);
    } finally {
      for (const channel of channels) unsubscribe(channel, instrument);
    }
    expect(injected).toEqual(Array.from({ length: 10 }, () => ({})));
    expect(spans('POST of an instrumentation')).toEqual([]);
    for (const headers of got) expect(headers).not.toHaveProperty('traceparent');
  });
});

describe('an activity that fails', () => {
  beforeEach(() => {
    sampled = true;
    exporter.reset();
  });

  test('tells the kind of its failure, and not its text, which may quote a receiver', async () => {
    const failure = ApplicationFailure.create({ type: 'StoreFault', message: 'user-5 said hello' });
    await expect(run({ sha256: 'a' }, () => Promise.reject(failure))).rejects.toBe(failure);
    const [span] = spans();
    expect(span).toMatchObject({ status: { code: SpanStatusCode.ERROR }, events: [] });
    expect(span!.status.message).toBeUndefined();
    expect(span!.attributes).toMatchObject({ 'error.type': 'StoreFault' });
  });

  test('is no error where it only has to come again later', async () => {
    const category = ApplicationFailureCategory.BENIGN;
    const failure = ApplicationFailure.create({ type: 'TransientFailures', message: 'later', category });
    await expect(run(undefined, () => Promise.reject(failure))).rejects.toBe(failure);
    expect(spans()).toMatchObject([{ status: { code: SpanStatusCode.UNSET } }]);
  });
});

describe('a request to the API', () => {
  const LOCAL = { host: '127.0.0.1:8480' };
  const CALLER = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' };
  const told = { ...LOCAL, traceparent: `00-${CALLER.traceId}-${CALLER.spanId}-01` };
  beforeEach(() => {
    sampled = true;
    exporter.reset();
  });

  test('has a span below that of its caller, by the route that answers', async () => {
    const { server } = await apiUnderTest();
    const user = { userId: 'user-7', alertMessage: 'hello 7' };
    const answer = await server.inject({ method: 'POST', url: '/webhook?x=secret', headers: told, payload: user });
    expect(answer.statusCode).toBe(202);
    const [span, ...others] = spans();
    expect(others).toEqual([]);
    expect(span).toMatchObject({
      ...{ name: 'POST /webhook', kind: SpanKind.SERVER, status: { code: SpanStatusCode.UNSET } },
      parentSpanContext: CALLER,
      attributes: {
        'http.request.method': 'POST',
        'http.route': '/webhook',
        'http.response.status_code': 202,
        'url.path': '/webhook',
        'url.scheme': 'http',
        'server.address': '127.0.0.1',
        'server.port': 8480,
        'network.protocol.version': '1.1',
        'wds.post.alerts': 1,
        'wds.file.name': answer.json().files[0],
      },
    });
    expect(span!.spanContext().traceId).toBe(CALLER.traceId);
    expect(JSON.stringify(span!.attributes)).not.toMatch(/user-7|hello|secret/);
  });

  test('that hands over a file tells which, as the activities that deliver it do', async () => {
    const { server } = await apiUnderTest();
    const headers = { ...LOCAL, 'content-type': 'text/csv' };
    const payload = 'userId,alertMessage\na,b\n';
    const { files } = (await server.inject({ method: 'POST', url: '/upload?name=a.csv', headers, payload })).json();
    expect(spans()).toMatchObject([
      { name: 'POST /upload', attributes: { 'wds.file.sha256': files[0].id, 'wds.file.name': 'a.csv' } },
    ]);
    expect(spans()[0]!.parentSpanContext).toBeUndefined();
  });

  test('names no user, has no route where there is none, and is in error where it is ours', async () => {
    const status = () => Promise.reject(new Error('broken'));
    const { server } = await apiUnderTest({ app: { status } });
    for (const url of ['/users/user-7?limit=3', '/nothing/here', '/files', '/livez', '/metrics']) {
      await server.inject({ url, headers: LOCAL });
    }
    await server.inject({ url: '/files', headers: { host: 'evil.example.com' } });
    const seen = spans().map(({ name, attributes, status }) => [
      ...[name, attributes['url.path'], attributes['http.response.status_code'], status.code],
    ]);
    const { UNSET, ERROR } = SpanStatusCode;
    expect(seen).toEqual([
      ['GET /users/:userId', '/users/REDACTED', 200, UNSET],
      ['GET', '/nothing/here', 404, UNSET],
      ['GET /files', '/files', 500, ERROR],
      ['GET /files', '/files', 403, UNSET],
    ]);
    expect(spans()[2]!.attributes).toMatchObject({ 'error.type': '500' });
    expect(JSON.stringify(spans().map(({ attributes }) => attributes))).not.toContain('user-7');
  });

  test('ends also where its caller goes away', async () => {
    const leaving = new AbortController();
    const status = (): Promise<never> => {
      leaving.abort();
      return new Promise(() => undefined);
    };
    const { server } = await apiUnderTest({ app: { status } });
    const url = await server.listen({ host: '127.0.0.1', port: 0 });
    await expect(fetch(`${url}/files`, { signal: leaving.signal })).rejects.toThrow();
    await expect.poll(() => spans()).toMatchObject([{ attributes: { 'error.type': 'ERR_STREAM_PREMATURE_CLOSE' } }]);
  });

  test('is left to an instrumentation that has made a span, which is told the route and no user', async () => {
    const { server } = await apiUnderTest();
    const span = trace.getTracer('http').startSpan('GET', { attributes: { 'http.target': '/users/user-7' } });
    await context.with(trace.setSpan(context.active(), span), async () => {
      await server.inject({ url: '/users/user-7', headers: LOCAL });
    });
    span.end();
    expect(spans()).toMatchObject([
      {
        name: 'GET /users/:userId',
        attributes: { 'http.route': '/users/:userId', 'http.target': '/users/REDACTED', 'url.query': 'REDACTED' },
      },
    ]);
  });

  test('is what others find that make spans while it is answered', async () => {
    const user = async () => {
      trace.getTracer('other').startSpan('GetObject').end();
      return FOUND;
    };
    const { server } = await apiUnderTest({ app: { user } });
    await server.inject({ url: '/users/user-7', headers: LOCAL });
    const [inner, outer] = spans();
    expect(inner).toMatchObject({ name: 'GetObject', parentSpanContext: { spanId: outer!.spanContext().spanId } });
  });

  test('that its caller does not sample has none', async () => {
    const { server } = await apiUnderTest();
    await server.inject({ url: '/files', headers: { ...told, traceparent: told.traceparent.replace(/01$/, '00') } });
    expect(spans()).toEqual([]);
  });
});

test('what has ended is handed over before the process ends, and nobody waits for long', async () => {
  let flushed = 0;
  const provider = { getTracer: trace.getTracer, forceFlush: async () => void flushed++ };
  trace.disable();
  trace.setGlobalTracerProvider(provider as never);
  await flushSpans();
  expect(flushed).toBe(1);
  trace.disable();
  trace.setGlobalTracerProvider({ ...provider, forceFlush: () => new Promise(() => undefined) } as never);
  const startMs = performance.now();
  await flushSpans(20);
  expect(performance.now() - startMs).toBeLessThan(1_000);
});
