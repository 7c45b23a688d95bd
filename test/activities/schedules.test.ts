/** When alerts may be sent, where they are sent: nothing outside of the window, nothing when it is too late, and nobody is missed for it. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FAILURE } from '../../src/domain/names.ts';
import type { Schedule } from '../../src/domain/restraint/schedule.ts';
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
  staged = await stageAlerts(6);
});
afterEach(async () => {
  await receiver.close();
  await staged.remove();
});

const start = killedAfterEach();
function startWorker(options: Partial<WorkerOptions> = {}): TestWorker {
  return start({ url: receiver.url, store: staged.store, clock, ...options });
}
const inAnHour = (): Schedule => ({ notBeforeMs: clock.wallMs() + 3_600_000 });
const over = (): Schedule => ({ notAfterMs: clock.wallMs() - 1 });

describe('before its time', () => {
  test('nothing is sent or written, and whoever asks is told when it is', async () => {
    const schedule = inAnHour();
    for (const attempt of [
      startWorker().sendAlerts(batchInput(staged, { schedule })),
      startWorker().sendAlert(alertInput(staged, 4, { schedule })),
    ]) {
      const failure = await failureOf(attempt);
      expect(failure).toMatchObject({ type: FAILURE.closed, nonRetryable: true });
      expect((failure as { details?: unknown }).details).toEqual([
        { opensMs: schedule.notBeforeMs, text: 'it is not due yet' },
      ]);
    }
    expect(receiver.log).toEqual([]);
    clock.advance(3_600_001);
    expect(await startWorker().sendAlerts(batchInput(staged, { schedule }))).toMatchObject({ delivered: 6 });
  });
});

describe('a time that ends in the middle of a batch', () => {
  test('ends its turn: what is open is answered, the rest waits', async () => {
    const schedule = { notAfterMs: clock.wallMs() + 700 };
    const result = await startWorker({ ratePerSecond: 5 }).sendAlerts(batchInput(staged, { schedule }));
    expect(result).toMatchObject({ turnOver: true, undelivered: 0 });
    expect(result.delivered).toBeGreaterThanOrEqual(1);
    expect(result.delivered).toBeLessThan(6);
    expect(receiver.log).toHaveLength(result.delivered);
  });

  test('wakes a batch that waits for its rate', async () => {
    const schedule = { notAfterMs: clock.wallMs() + 500 };
    const startMs = performance.now();
    const result = await startWorker({ ratePerSecond: 0.001 }).sendAlerts(batchInput(staged, { schedule }));
    expect(result.turnOver).toBe(true);
    expect(performance.now() - startMs).toBeLessThan(4_000);
  });
});

describe('when it is too late', () => {
  test('what is left is undelivered, with that reason, and a retry sends it', async () => {
    await startWorker().sendAlerts(batchInput(staged, { to: 2 }));
    const schedule = over();
    const result = await startWorker().sendAlerts(batchInput(staged, { schedule }));
    expect(result).toMatchObject({ delivered: 2, undelivered: 4, unsettled: 0 });
    expect(receiver.log).toHaveLength(2);
    const { states } = await startWorker().dependencies.ledgers.open(
      { sha256: staged.sha256, endpoint: 'test', chunk: 1 },
      { round: 1, scope: { owner: 'batch', ranges: [] }, parseKey: batchInput(staged).parseKey, durable: false },
    );
    expect(states.get(7)).toMatchObject({
      outcome: 'undelivered',
      reason: expect.stringMatching(/^too late: not after /),
    });
    const round = await nextRound(staged.store, staged.sha256);
    expect(await startWorker().sendAlerts(batchInput(staged, { round }))).toMatchObject({ delivered: 6 });
    expect(receiver.alerted).toHaveLength(6);
  });

  test('alerts that rest after a failure end, too, and who may have been alerted is unconfirmed', async () => {
    receiver.script = (line) => (line === 3 ? 500 : line === 4 ? 'accepted, reset' : 200);
    await failureOf(startWorker().sendAlerts(batchInput(staged)));
    const asked = receiver.log.length;
    const result = await startWorker().sendAlerts(batchInput(staged, { schedule: over(), closing: true }));
    expect(result).toMatchObject({ delivered: 4, undelivered: 1, unconfirmed: 1 });
    expect(receiver.log).toHaveLength(asked);
  });

  test('an alert that is retried by itself is given up, however long it was to rest', async () => {
    receiver.script = (line) => (line === 4 ? 500 : 200);
    const worker = startWorker();
    for (let attempt = 1; attempt <= 2; attempt++) {
      await failureOf(worker.sendAlerts(batchInput(staged)));
      clock.advance(10_000);
    }
    expect(await worker.sendAlerts(batchInput(staged))).toMatchObject({ stubborn: [4] });
    expect(await worker.sendAlert(alertInput(staged, 4, { schedule: over() }))).toEqual({ outcome: 'undelivered' });
    expect(receiver.requestsOf(4)).toBe(3);
  });

  test('a long pause that the receiver asked for does not keep the file from ending', async () => {
    receiver.script = () => ({ status: 429, headers: { 'retry-after': '600' } });
    const worker = startWorker();
    await failureOf(worker.sendAlerts(batchInput(staged)));
    expect(await worker.sendAlerts(batchInput(staged, { schedule: over() }))).toMatchObject({ undelivered: 6 });
  });
});
