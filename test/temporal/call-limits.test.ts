import { getEventListeners } from 'node:events';
import type { ServerHttp2Stream } from 'node:http2';
import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import type { TemporalConnection } from '../../src/temporal/connection.ts';
import { connect, devServerTarget } from '../../src/temporal/connection.ts';
import { endUntil } from '../../src/temporal/delivery-end.ts';
import { grpcErrorIn, reasonOf } from '../../src/thrown.ts';

const OK = 0;
const LATE = 4;
const EXHAUSTED = 8;
const UNAVAILABLE = 14;
const LIMITS = { answerMs: 300, triesMs: 900 };

/** Speaks gRPC as far as it has to: each method is answered with a status and no content, or never. */
type Answers = Record<string, (stream: ServerHttp2Stream, asked: number) => void>;

const status = (code: number, message: string) => (stream: ServerHttp2Stream) => {
  const end = { 'grpc-status': String(code), 'grpc-message': message };
  stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...end }, { endStream: true });
};
const nothing = (stream: ServerHttp2Stream): void => {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': String(OK) }));
  stream.end(Buffer.alloc(5));
};

async function serverThat(answers: Answers): Promise<{ temporal: TemporalConnection; asked: Map<string, number> }> {
  const asked = new Map<string, number>();
  const server = createServer();
  const sessions = new Set<{ destroy(): void }>();
  server.on('session', (session) => sessions.add(session));
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined);
    const name = String(headers[':path']).split('/').pop()!;
    asked.set(name, (asked.get(name) ?? 0) + 1);
    (answers[name] ?? nothing)(stream, asked.get(name)!);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const temporal = await connect(devServerTarget({ address: `127.0.0.1:${port}` }), 5_000, LIMITS);
  onTestFinished(async () => {
    await temporal.close();
    for (const session of sessions) session.destroy();
    server.close();
  });
  return { temporal, asked };
}

async function failure(call: Promise<unknown>): Promise<{ code: number | undefined; reason: string; ms: number }> {
  const beganMs = performance.now();
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return { code: grpcErrorIn(error)?.code, reason: reasonOf(error), ms: performance.now() - beganMs };
}
const describeFile = ({ client }: TemporalConnection): Promise<unknown> => client.workflow.getHandle('file').describe();

test('a call that nobody answers ends by itself', async () => {
  const { temporal } = await serverThat({ DescribeWorkflowExecution: () => undefined });
  const { code, ms } = await failure(describeFile(temporal));
  expect(code).toBe(LATE);
  expect(ms).toBeGreaterThan(LIMITS.answerMs - 50);
  expect(ms).toBeLessThan(LIMITS.triesMs * 3);
});

test('one that is refused is tried again for a while, and says why it was refused', async () => {
  const { temporal, asked } = await serverThat({ DescribeWorkflowExecution: status(UNAVAILABLE, 'disk I/O error') });
  const { code, reason, ms } = await failure(describeFile(temporal));
  expect({ code, reason }).toEqual({ code: UNAVAILABLE, reason: 'disk I/O error' });
  expect(asked.get('DescribeWorkflowExecution')).toBeGreaterThan(1);
  expect(ms).toBeLessThan(LIMITS.triesMs * 3);
});

test('a short outage is not noticed', async () => {
  const { temporal } = await serverThat({
    SignalWorkflowExecution: (stream, time) => (time < 3 ? status(UNAVAILABLE, 'starting')(stream) : nothing(stream)),
  });
  await temporal.client.workflow.getHandle('file').signal('pause', true);
});

test('no try begins after the deadline of whoever asks, and what the last one said is told', async () => {
  const { temporal } = await serverThat({ DescribeWorkflowExecution: status(UNAVAILABLE, 'starting') });
  const { connection } = temporal;
  const { reason, ms } = await failure(connection.withDeadline(Date.now() + 200, () => describeFile(temporal)));
  expect(reason).toBe('starting');
  expect(ms).toBeLessThan(LIMITS.triesMs);
});

test('a longer deadline than the usual limit is kept', async () => {
  const answer = (stream: ServerHttp2Stream): void =>
    void setTimeout(() => stream.destroyed || nothing(stream), LIMITS.answerMs * 2);
  const { temporal } = await serverThat({ SignalWorkflowExecution: answer });
  const signal = (): Promise<unknown> => temporal.client.workflow.getHandle('file').signal('pause', true);
  expect((await failure(signal())).code).toBe(LATE);
  await temporal.connection.withDeadline(Date.now() + 10_000, signal);
});

test('who waits for the end of a workflow waits on', async () => {
  const { temporal } = await serverThat({ GetWorkflowExecutionHistory: () => undefined });
  const over = new AbortController();
  const end = endUntil(temporal.client, 'file', over.signal).then(({ kind }) => kind);
  const waits = new Promise((resolve) => setTimeout(resolve, LIMITS.answerMs * 3, 'waits'));
  expect(await Promise.race([end, waits])).toBe('waits');
  over.abort();
  expect(await end).toBe('failed');
});

test('who waits for long asks anew with a signal of its own: none gathers listeners of all polls', async () => {
  const { temporal, asked } = await serverThat({ GetWorkflowExecutionHistory: () => undefined });
  const over = new AbortController();
  const end = endUntil(temporal.client, 'file', over.signal, LIMITS.answerMs / 3).then(({ kind }) => kind);
  await expect.poll(() => asked.get('GetWorkflowExecutionHistory')).toBeGreaterThan(2);
  expect(getEventListeners(over.signal, 'abort')).toHaveLength(1);
  over.abort();
  expect(await end).toBe('failed');
  expect(getEventListeners(over.signal, 'abort')).toHaveLength(0);
});

test('one who is asked for patience by the service has it', async () => {
  const { temporal, asked } = await serverThat({
    DescribeWorkflowExecution: (stream, time) =>
      status(...((time < 2 ? [EXHAUSTED, 'slow down'] : [UNAVAILABLE, 'gone']) as [number, string]))(stream),
  });
  expect((await failure(describeFile(temporal))).reason).toBe('gone');
  expect(asked.get('DescribeWorkflowExecution')).toBe(2);
});
