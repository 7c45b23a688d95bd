import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FAILURE } from '../../src/domain/names.ts';
import { chunkEpochs, Ledger, rowEpochs } from '../../src/store/receipts.ts';
import type { StagedAlerts, WorkerOptions } from '../support/delivery-fixture.ts';
import {
  alertInput,
  batchInput,
  failureOf,
  MovableClock,
  ScriptedReceiver,
  stageAlerts,
  TestWorker,
} from '../support/delivery-fixture.ts';

const STUBBORN = 4;
let receiver: ScriptedReceiver;
let staged: StagedAlerts;
let clock: MovableClock;
const workers: TestWorker[] = [];
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
});
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.kill()));
  await receiver.close();
  await staged.remove();
});

function startWorker(options: Partial<WorkerOptions> = {}): TestWorker {
  const worker = new TestWorker({ url: receiver.url, store: staged.store, clock, ...options });
  workers.push(worker);
  return worker;
}
const input = (changes = {}) => alertInput(staged, STUBBORN, changes);

describe('a stubborn alert', () => {
  test('goes on with the attempts it had, and is sent no more when it is delivered', async () => {
    const worker = startWorker();
    const failure = await failureOf(worker.sendAlert(input()));
    expect(failure).toMatchObject({ type: FAILURE.transient, nonRetryable: false });
    expect(failure.nextRetryDelay).toBeGreaterThanOrEqual(8_000);
    receiver.script = () => 200;
    expect(await worker.sendAlert(input())).toEqual({ outcome: 'delivered' });
    expect(await worker.sendAlert(input())).toEqual({ outcome: 'delivered' });
    expect(receiver.log).toHaveLength(2);
    // Its batch does not count it again.
    expect(await worker.sendAlerts(batchInput(staged))).toMatchObject({ delivered: 5, stubborn: [] });
    const next = batchInput(staged, { round: 'r2' });
    expect(await worker.sendAlerts(next)).toMatchObject({ delivered: 6, stubborn: [] });
  });

  test('ends undelivered when its attempts are used up', async () => {
    const retry = { ...batchInput(staged).retry, maximumAttempts: 5 };
    await failureOf(startWorker().sendAlert(input({ retry })));
    expect(await startWorker().sendAlert(input({ retry }))).toEqual({ outcome: 'undelivered' });
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
    const retry = { ...batchInput(staged).retry, maximumAttempts: 4 };
    receiver.script = () => ({ status: 429, headers: { 'retry-after': '0' } });
    for (let count = 0; count < 5; count++) {
      expect(await failureOf(startWorker().sendAlert(input({ retry })))).toHaveProperty('type', FAILURE.throttled);
    }
    receiver.script = () => 200;
    expect(await startWorker().sendAlert(input({ retry }))).toEqual({ outcome: 'delivered' });
  });

  test('is left alone by the batch of its round, and taken back by the next', async () => {
    const worker = startWorker();
    const sameRound = await worker.sendAlerts(batchInput(staged, { closing: true }));
    expect(sameRound).toMatchObject({ delivered: 5, stubborn: [STUBBORN] });
    expect(receiver.log).toHaveLength(0);
    receiver.script = () => 200;
    expect(await worker.sendAlerts(batchInput(staged, { round: 'r2' }))).toMatchObject({ delivered: 6, stubborn: [] });
    expect(receiver.log).toHaveLength(1);
  });

  test('of an earlier round that is still waiting to send stops when the next round has begun', async () => {
    const older = startWorker({ ratePerSecond: 50 });
    older.pacer.lend([]);
    const stopped = failureOf(older.sendAlert(input()));
    const itsJournal = rowEpochs({ sha256: staged.sha256, endpoint: 'test', chunk: 1 }, STUBBORN)(1);
    await expect.poll(() => staged.store.existsNow(itsJournal)).toBe(true);
    receiver.script = () => 200;
    const newer = startWorker();
    clock.advance(60_000);
    expect(await newer.sendAlerts(batchInput(staged, { round: 'r2' }))).toMatchObject({ delivered: 6 });
    older.pacer.lend([{ fromMs: Number.NEGATIVE_INFINITY, toMs: Number.POSITIVE_INFINITY, ratePerSecond: 50 }]);
    expect(await stopped).toHaveProperty('type', FAILURE.superseded);
    expect(receiver.accepted.get(STUBBORN)).toBe(1);
  });

  test('whose answer was lost in a crash waits, and is then sent again or held', async () => {
    const of = { sha256: staged.sha256, endpoint: 'test', chunk: 1 };
    for (const ambiguous of ['resend', 'hold'] as const) {
      const round = `lost-${ambiguous}`;
      const ledger = await Ledger.open(staged.store, chunkEpochs(of), round, clock.nowMs);
      ledger.intend([STUBBORN], clock.nowMs());
      await ledger.close();
      const worker = startWorker({ endpoint: { ambiguous } });
      const failure = await failureOf(worker.sendAlert(input({ round })));
      expect(failure).toHaveProperty('type', FAILURE.unsettled);
      expect(failure.nextRetryDelay).toBeGreaterThan(5_000);
      expect(receiver.log).toHaveLength(ambiguous === 'hold' ? 1 : 0);
      clock.advance(60_000);
      if (ambiguous === 'hold') expect(await worker.sendAlert(input({ round }))).toEqual({ outcome: 'unconfirmed' });
      else await failureOf(worker.sendAlert(input({ round })));
      expect(receiver.log).toHaveLength(1);
    }
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
