// @slow: deliveries to a receiver, with their pauses
import type { ApplicationFailure } from '@temporalio/common';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DEFAULT_RETRY_POLICY } from '../../src/domain/endpoint.ts';
import { FAILURE } from '../../src/domain/names.ts';
import type { StagedAlerts, TestWorker, WorkerOptions } from '../support/delivery-fixture.ts';
import {
  alertInput,
  batchInput,
  failureOf,
  MovableClock,
  nextRound,
  ScriptedReceiver,
  stageAlerts,
} from '../support/delivery-fixture.ts';
import { killedAfterEach } from '../support/started-workers.ts';

let receiver: ScriptedReceiver;
let staged: StagedAlerts;
let clock: MovableClock;
beforeEach(async () => {
  receiver = await ScriptedReceiver.start();
  clock = new MovableClock();
});
afterEach(async () => {
  await receiver.close();
  await staged.remove();
});

const start = killedAfterEach();
function startWorker(options: Partial<WorkerOptions> = {}): TestWorker {
  return start({ url: receiver.url, store: staged.store, clock, ...options });
}

/** As Temporal does: again and again until it returns, a minute later each time or what it asks for; `most` attempts. */
async function untilItReturns<T>(worker: TestWorker, run: () => Promise<T>, most: number): Promise<T> {
  for (worker.attempt = 1; worker.attempt < most; worker.attempt++) {
    try {
      return await run();
    } catch (error) {
      expect(error).toHaveProperty('type');
      clock.advance(Math.max(60_000, Number((error as ApplicationFailure).nextRetryDelay)));
    }
  }
  return await run();
}

describe('a batch', () => {
  test('is delivered once, and sends nothing when it is repeated', async () => {
    staged = await stageAlerts(300);
    const worker = startWorker();
    const result = {
      delivered: 300,
      rejected: 0,
      undelivered: 0,
      unconfirmed: 0,
      stubborn: [],
      unsettled: 0,
      endpointLost: false,
      turnOver: false,
      epoch: 1,
      deliveredBefore: 0,
    };
    expect(await worker.sendAlerts(batchInput(staged))).toEqual(result);
    const round = await nextRound(staged.store, staged.sha256);
    expect(await startWorker().sendAlerts(batchInput(staged, { round }))).toEqual({
      ...{ ...result, epoch: 2, deliveredBefore: 300 },
    });
    expect(receiver.log).toHaveLength(300);
  });

  test('sends its own stretch of the chunk only', async () => {
    staged = await stageAlerts(30);
    expect(await startWorker().sendAlerts(batchInput(staged, { from: 10, to: 20 }))).toMatchObject({ delivered: 10 });
    expect([...receiver.accepted.keys()].sort((a, b) => a - b)).toEqual(staged.lines.slice(10, 20));
  });

  test('leaves its slot to others when it has sent for some seconds, and goes on with the rest in its next turn', async () => {
    staged = await stageAlerts(30);
    receiver.script = (line) => {
      if (line === 2) clock.advance(6_000);
      return 200;
    };
    const worker = startWorker({ endpoint: { maxConnections: 5 } });
    const first = await worker.sendAlerts(batchInput(staged));
    expect(first).toMatchObject({ turnOver: true, unconfirmed: 0, stubborn: [] });
    expect(first.delivered).toBeLessThan(30);
    expect(receiver.log).toHaveLength(first.delivered);
    expect(await worker.sendAlerts(batchInput(staged))).toMatchObject({ turnOver: false, delivered: 30 });
    expect(receiver.log).toHaveLength(30);
  });

  test('does not try an alert again before its backoff is over, though the batch itself comes back sooner', async () => {
    staged = await stageAlerts(30);
    receiver.script = (line, times) => (line === 3 && times === 1 ? 500 : 200);
    // Longer than a slow machine takes for a batch: the clock goes on by itself, too.
    const worker = startWorker({ endpoint: { retry: { ...DEFAULT_RETRY_POLICY, initialIntervalMs: 60_000 } } });
    expect(await failureOf(worker.sendAlerts(batchInput(staged)))).toHaveProperty('type', FAILURE.transient);
    clock.advance(20_000);
    expect(await failureOf(worker.sendAlerts(batchInput(staged)))).toHaveProperty('type', FAILURE.transient);
    expect(receiver.requestsOf(3)).toBe(1);
    clock.advance(60_000);
    expect(await worker.sendAlerts(batchInput(staged))).toMatchObject({ delivered: 30 });
    expect(receiver.requestsOf(3)).toBe(2);
  });

  test('ends at a 429 with its Retry-After as the next attempt, though others of its alerts wait for their turn', async () => {
    staged = await stageAlerts(30);
    receiver.script = (line) => (line === 4 ? { status: 429, headers: { 'retry-after': '30' } } : 200);
    const worker = startWorker({ ratePerSecond: 100 });
    const failure = await failureOf(worker.sendAlerts(batchInput(staged)));
    expect(failure).toMatchObject({ type: FAILURE.throttled, nonRetryable: false });
    expect(failure.nextRetryDelay).toBeGreaterThanOrEqual(30_000);
    expect(worker.pacer.queued).toBe(0);
  });

  test('waits out a long pause without a journal for each look, and goes on when an operator has ended it', async () => {
    staged = await stageAlerts(30);
    receiver.script = () => ({ status: 429, headers: { 'retry-after': '600' } });
    const worker = startWorker({});
    const journals = async () => (await staged.store.list(`${staged.sha256}/test/000001`)).length;
    expect(await failureOf(worker.sendAlerts(batchInput(staged)))).toHaveProperty('type', FAILURE.throttled);
    const [asked, written] = [receiver.log.length, await journals()];
    receiver.script = () => 200;
    for (let look = 0; look < 3; look++) {
      const failure = await failureOf(worker.sendAlerts(batchInput(staged)));
      expect(failure).toMatchObject({ type: FAILURE.throttled, message: expect.stringContaining('s are left') });
    }
    expect([receiver.log.length, await journals()]).toEqual([asked, written]);
    worker.session.resume();
    worker.pacer.restrain({ untilMs: Number.NEGATIVE_INFINITY, capPerSecond: null });
    expect(await worker.sendAlerts(batchInput(staged))).toMatchObject({ delivered: 30 });
  });

  test('ends when it is cancelled, though its alerts wait for a rate that nobody lends', async () => {
    staged = await stageAlerts(30);
    const worker = startWorker({ ratePerSecond: 50 });
    receiver.script = () => {
      worker.pacer.lend([]);
      setImmediate(() => worker.cancellation.abort());
      return 200;
    };
    expect(await failureOf(worker.sendAlerts(batchInput(staged)))).toHaveProperty('name', 'CancelledFailure');
    expect(worker.pacer.queued).toBe(0);
  });

  test('throttling uses up no attempts', async () => {
    staged = await stageAlerts(3);
    receiver.script = (_line, times) => (times <= 15 ? { status: 429, headers: { 'retry-after': '0' } } : 200);
    const worker = startWorker({ endpoint: { retry: { ...DEFAULT_RETRY_POLICY, maximumAttempts: 1 } } });
    const result = await untilItReturns(worker, () => worker.sendAlerts(batchInput(staged)), 60);
    expect(result).toMatchObject({ delivered: 3 });
  });
});

describe('alerts that fail for their own reasons', () => {
  const retry = (maximumAttempts: number) => ({ ...DEFAULT_RETRY_POLICY, maximumAttempts });
  const undelivered = (worker: TestWorker, maxHandover: number) =>
    untilItReturns(worker, () => worker.sendAlerts(batchInput(staged, { maxHandover })), 40);

  test.each([
    ['spread', (line: number) => line % 5 === 0],
    ['at the head', (line: number) => line < 22],
  ])('do not make the endpoint look down, many as they are: %s', async (_, fails) => {
    staged = await stageAlerts(100);
    receiver.script = (line) => (fails(line) ? 500 : 200);
    const failing = staged.lines.filter(fails).length;
    expect(failing).toBe(20);
    expect(await undelivered(startWorker({ endpoint: { maxConnections: 1, retry: retry(5) } }), 0)).toMatchObject({
      delivered: 80,
      undelivered: 20,
    });
    for (const line of staged.lines.filter(fails)) expect(receiver.requestsOf(line)).toBeGreaterThanOrEqual(5);
  });

  test('move to sendAlert after three failures, as many as there is room for in all attempts together', async () => {
    staged = await stageAlerts(40);
    receiver.script = (line) => (line % 5 === 0 ? 500 : 200);
    const result = await undelivered(startWorker({ endpoint: { retry: retry(6) } }), 3);
    expect(result).toMatchObject({ delivered: 32, undelivered: 5, unsettled: 0 });
    expect(result.stubborn).toHaveLength(3);
    const [line = 0] = result.stubborn;
    const worker = startWorker({ endpoint: { retry: retry(6) } });
    const { outcome } = await untilItReturns(worker, () => worker.sendAlert(alertInput(staged, line)), 10);
    expect(outcome).toBe('undelivered');
    expect(receiver.requestsOf(line)).toBe(6);
  });

  test('are given up on when they have failed for too long', async () => {
    staged = await stageAlerts(4);
    receiver.script = (line) => (line === 3 ? 500 : 200);
    const policy = { ...DEFAULT_RETRY_POLICY, giveUpAfterMs: 90_000, maximumAttempts: 1_000 };
    const worker = startWorker({ endpoint: { retry: policy } });
    const result = await untilItReturns(worker, () => worker.sendAlerts(batchInput(staged, { maxHandover: 0 })), 9);
    expect(result).toMatchObject({ delivered: 3, undelivered: 1 });
    expect(receiver.requestsOf(3)).toBe(3);
  });
});

describe('the last alerts of a file, failing for their own reasons,', () => {
  test('are given up on after their attempts, though nothing shows any more that the endpoint is well', async () => {
    staged = await stageAlerts(10);
    receiver.script = (line) => (line >= 9 ? 500 : 200);
    const worker = startWorker({ endpoint: { maxConnections: 1 } });
    const send = () => worker.sendAlerts(batchInput(staged, { maxHandover: 0 }));
    expect(await untilItReturns(worker, send, 12)).toMatchObject({ delivered: 7, undelivered: 3 });
    expect(receiver.requestsOf(11)).toBe(10);
  });
});

describe('an endpoint that is down', () => {
  test('costs no attempts, gets single probes, and everything is delivered when it is back', async () => {
    staged = await stageAlerts(60);
    let up = false;
    receiver.script = () => (up ? 200 : 503);
    const worker = startWorker({ endpoint: { retry: { ...DEFAULT_RETRY_POLICY, maximumAttempts: 3 } } });
    const send = () => worker.sendAlerts(batchInput(staged));
    expect(await failureOf(send())).toHaveProperty('type', FAILURE.endpointUnavailable);
    const before = receiver.log.length;
    expect(before).toBeLessThan(20);
    for (let probe = 1; probe <= 10; probe++) {
      expect(await failureOf(send())).toHaveProperty('type', FAILURE.endpointUnavailable);
      expect(receiver.log).toHaveLength(before + probe);
    }
    up = true;
    expect(await send()).toMatchObject({ delivered: 60 });
  });

  test('for longer than the policy waits leaves the batch undelivered', async () => {
    staged = await stageAlerts(60);
    receiver.script = () => 503;
    const worker = startWorker({ endpoint: { retry: { ...DEFAULT_RETRY_POLICY, giveUpAfterMs: 150_000 } } });
    const result = await untilItReturns(worker, () => worker.sendAlerts(batchInput(staged)), 10);
    expect(result).toMatchObject({ delivered: 0, undelivered: 60, unsettled: 0 });
  });
});

describe('a receiver that asks for pauses without end', () => {
  test.each(['0', '3600'])('(Retry-After: %s) is not waited for longer than the policy says', async (retryAfter) => {
    staged = await stageAlerts(30);
    receiver.script = () => ({ status: 429, headers: { 'retry-after': retryAfter } });
    const worker = startWorker({ endpoint: { retry: { ...DEFAULT_RETRY_POLICY, giveUpAfterMs: 400 } } });
    const send = () => worker.sendAlerts(batchInput(staged));
    expect(await failureOf(send())).toHaveProperty('type', FAILURE.throttled);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(await send()).toMatchObject({ delivered: 0, undelivered: 30, endpointLost: true });
  });
});

describe('an ill endpoint', () => {
  test('is asked with an alert that nobody may have got, though the next ones in the batch are in doubt', async () => {
    staged = await stageAlerts(3);
    receiver.script = (line) => (line === 2 ? 500 : 'reset');
    const worker = startWorker();
    expect(await failureOf(worker.sendAlerts(batchInput(staged)))).toHaveProperty('type', FAILURE.transient);
    clock.advance(10_000);
    for (let times = 0; times < 10; times++) worker.session.health.take({ kind: 'failure', unanswered: false });
    receiver.script = () => 200;
    expect(await worker.sendAlerts(batchInput(staged))).toMatchObject({ delivered: 3 });
  });

  test('is not asked for ever with the one alert that it can never take', async () => {
    staged = await stageAlerts(3);
    receiver.script = (line) => (line === 2 ? 500 : 'reset');
    const worker = startWorker();
    await failureOf(worker.sendAlerts(batchInput(staged)));
    for (let times = 0; times < 10; times++) worker.session.health.take({ kind: 'failure', unanswered: false });
    receiver.script = (line) => (line === 2 ? 500 : 200);
    clock.advance(10_000);
    const result = await untilItReturns(worker, () => worker.sendAlerts(batchInput(staged)), 20);
    expect(result).toMatchObject({ delivered: 2, stubborn: [2] });
  });
});

describe('refusals that may be the fault of the endpoint', () => {
  test.each([301, 308, 400, 401, 402, 403, 404, 405, 407, 410, 411, 415, 421, 426, 501, 505])(
    '%d: a run of 20 stops, and costs no alert',
    async (status) => {
      staged = await stageAlerts(60);
      let well = false;
      receiver.script = () => (well ? 200 : status);
      const worker = startWorker();
      const send = () => worker.sendAlerts(batchInput(staged));
      expect(await failureOf(send())).toHaveProperty('type', FAILURE.endpointMisconfigured);
      expect(receiver.log.length).toBeLessThan(24);
      for (let probe = 0; probe < 5; probe++) await failureOf(send());
      expect(receiver.log.length).toBeLessThan(30);
      well = true;
      expect(await send()).toMatchObject({ delivered: 60, unsettled: 0 });
    },
  );

  test('with successes between are meant for the alert', async () => {
    staged = await stageAlerts(60);
    receiver.script = (line) => (line % 2 === 1 && line < 60 ? 404 : 200);
    expect(await startWorker().sendAlerts(batchInput(staged))).toMatchObject({ delivered: 31, rejected: 29 });
  });

  test('at the end of the batch wait for the last visit, are tried once more then, and believed', async () => {
    staged = await stageAlerts(30);
    receiver.script = (line) => (line >= 20 ? 404 : 200);
    const worker = startWorker({ endpoint: { maxConnections: 1 } });
    expect(await worker.sendAlerts(batchInput(staged))).toMatchObject({ delivered: 18, rejected: 0, unsettled: 12 });
    expect(await worker.sendAlerts(batchInput(staged))).toMatchObject({ delivered: 18, unsettled: 12 });
    expect(receiver.log).toHaveLength(30);
    const closing = await worker.sendAlerts(batchInput(staged, { closing: true }));
    expect(closing).toMatchObject({ delivered: 18, rejected: 12, unsettled: 0 });
    expect(receiver.log).toHaveLength(42);
  });

  test('of 30 unknown users in a row do not stop the others, and are believed', async () => {
    staged = await stageAlerts(100);
    receiver.script = (line) => (line < 32 ? 404 : 200);
    const worker = startWorker({ endpoint: { maxConnections: 1 } });
    const result = await untilItReturns(worker, () => worker.sendAlerts(batchInput(staged)), 15);
    expect(result).toMatchObject({ delivered: 70, rejected: 30, unsettled: 0 });
  });
});
