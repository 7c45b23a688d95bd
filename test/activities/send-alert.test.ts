import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DEFAULT_RETRY_POLICY } from '../../src/domain/endpoint.ts';
import { linesScope } from '../../src/domain/ledger/journal.ts';
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

const STUBBORN = 4;
let receiver: ScriptedReceiver;
let staged: StagedAlerts;
let clock: MovableClock;
/** Line 4 of 6 was handed over. */
beforeEach(async () => {
  receiver = await ScriptedReceiver.start();
  clock = new MovableClock();
  staged = await stageAlerts(6);
  receiver.script = (line) => (line === STUBBORN ? 500 : 200);
  const worker = startWorker();
  for (let attempt = 1; attempt <= 2; attempt++) {
    expect(await failureOf(worker.sendAlerts(batchInput(staged)))).toHaveProperty('type', FAILURE.transient);
    clock.advance(10_000);
  }
  expect(await worker.sendAlerts(batchInput(staged))).toMatchObject({ delivered: 5, stubborn: [STUBBORN] });
  receiver.log.length = 0;
  clock.advance(60_000);
});
afterEach(async () => {
  await receiver.close();
  await staged.remove();
});

const start = killedAfterEach();
function startWorker(options: Partial<WorkerOptions> = {}): TestWorker {
  return start({ url: receiver.url, store: staged.store, clock, ...options });
}
const input = (changes = {}) => alertInput(staged, STUBBORN, changes);

describe('a stubborn alert', () => {
  test('goes on with the attempts it had, and is sent no more when it is delivered', async () => {
    const worker = startWorker();
    clock.advance(10_000);
    const failure = await failureOf(worker.sendAlert(input()));
    expect(failure).toMatchObject({ type: FAILURE.transient, nonRetryable: false });
    expect(failure.nextRetryDelay).toBeGreaterThanOrEqual(8_000);
    receiver.script = () => 200;
    clock.advance(60_000);
    expect(await worker.sendAlert(input())).toEqual({ outcome: 'delivered' });
    expect(await worker.sendAlert(input())).toEqual({ outcome: 'delivered' });
    expect(receiver.log).toHaveLength(2);
    // Its batch does not count it again.
    expect(await worker.sendAlerts(batchInput(staged))).toMatchObject({ delivered: 5, stubborn: [] });
    const next = batchInput(staged, { round: await nextRound(staged.store, staged.sha256) });
    expect(await worker.sendAlerts(next)).toMatchObject({ delivered: 6, stubborn: [] });
  });

  test('ends undelivered when its attempts are used up', async () => {
    const worker = startWorker({ endpoint: { retry: { ...DEFAULT_RETRY_POLICY, maximumAttempts: 5 } } });
    await failureOf(worker.sendAlert(input()));
    clock.advance(60_000);
    expect(await worker.sendAlert(input())).toEqual({ outcome: 'undelivered' });
    expect(receiver.log).toHaveLength(2);
  });

  test.each([
    [400, 'rejected'],
    [404, 'rejected'],
  ])('ends with a refusal: %d', async (status, outcome) => {
    receiver.script = () => status;
    expect(await startWorker().sendAlert(input())).toEqual({ outcome });
  });

  test('uses up no attempt when it is throttled, or when the endpoint is away', async () => {
    const start = () => startWorker({ endpoint: { retry: { ...DEFAULT_RETRY_POLICY, maximumAttempts: 4 } } });
    receiver.script = () => ({ status: 429, headers: { 'retry-after': '0' } });
    for (let count = 0; count < 5; count++) {
      expect(await failureOf(start().sendAlert(input()))).toHaveProperty('type', FAILURE.throttled);
      clock.advance(60_000);
    }
    receiver.script = () => 200;
    expect(await start().sendAlert(input())).toEqual({ outcome: 'delivered' });
  });

  test('is left alone by the batch of its round, and taken back by the next', async () => {
    const worker = startWorker();
    const sameRound = await worker.sendAlerts(batchInput(staged, { closing: true }));
    expect(sameRound).toMatchObject({ delivered: 5, stubborn: [STUBBORN] });
    expect(receiver.log).toHaveLength(0);
    receiver.script = () => 200;
    const round = await nextRound(staged.store, staged.sha256);
    expect(await worker.sendAlerts(batchInput(staged, { round }))).toMatchObject({ delivered: 6, stubborn: [] });
    expect(receiver.log).toHaveLength(1);
  });

  test('of an earlier round that is still waiting to send stops when the next round has begun', async () => {
    const older = startWorker({ ratePerSecond: 50 });
    older.pacer.lend([]);
    const stopped = failureOf(older.sendAlert(input()));
    const journals = () => staged.store.namesNow(`${staged.sha256}/test/000001`);
    await expect.poll(journals).toHaveLength(4);
    receiver.script = () => 200;
    const newer = startWorker();
    clock.advance(60_000);
    const round = await nextRound(staged.store, staged.sha256);
    expect(await newer.sendAlerts(batchInput(staged, { round }))).toMatchObject({ delivered: 6 });
    older.pacer.lend([{ fromMs: Number.NEGATIVE_INFINITY, toMs: Number.POSITIVE_INFINITY, ratePerSecond: 50 }]);
    expect(await stopped).toHaveProperty('type', FAILURE.superseded);
    expect(receiver.accepted.get(STUBBORN)).toBe(1);
  });

  test.each([
    ['resend', 1],
    ['hold', 0],
  ] as const)('whose answer was lost in a crash waits, and then: %s', async (ambiguous, requests) => {
    const round = await nextRound(staged.store, staged.sha256);
    const worker = startWorker({ endpoint: { ambiguous } });
    const { sha256 } = staged;
    const scope = linesScope('alert', [STUBBORN]);
    const attempt = { round, scope, parseKey: input().parseKey, durable: false };
    const lost = await worker.dependencies.ledgers.open({ sha256, endpoint: 'test', chunk: 1 }, attempt);
    expect(await lost.announce([STUBBORN])).toBeDefined();
    const failure = await failureOf(worker.sendAlert(input({ round })));
    expect(failure).toHaveProperty('type', FAILURE.unsettled);
    expect(failure.nextRetryDelay).toBeGreaterThan(5_000);
    expect(receiver.log).toHaveLength(0);
    clock.advance(60_000);
    const end = worker.sendAlert(input({ round }));
    if (ambiguous === 'hold') expect(await end).toEqual({ outcome: 'unconfirmed' });
    else expect(await failureOf(end)).toHaveProperty('type', FAILURE.transient);
    expect(receiver.log).toHaveLength(requests);
    await lost.close();
  });

  test('records the answer to an open request when it is cancelled meanwhile', async () => {
    const worker = startWorker();
    receiver.script = () => {
      worker.cancellation.abort();
      return 200;
    };
    expect(await worker.sendAlert(input())).toEqual({ outcome: 'delivered' });
  });

  test('at an endpoint that this worker does not know is left to another', async () => {
    const failure = await failureOf(startWorker().sendAlert(input({ endpoint: 'other' })));
    expect(failure).toMatchObject({ type: FAILURE.unknownEndpoint, nonRetryable: false });
  });
});
