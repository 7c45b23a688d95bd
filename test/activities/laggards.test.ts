// @slow: waits for requests that are not answered
/** A few alerts that are not answered while others are: their batch does not wait for them, and nothing that they are answered is lost. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { SendAlertsResult } from '../../src/domain/contracts.ts';
import { FAILURE } from '../../src/domain/names.ts';
import type { Reply, StagedAlerts } from '../support/delivery-fixture.ts';
import {
  alertInput,
  batchInput,
  failureOf,
  MovableClock,
  ScriptedReceiver,
  stageAlerts,
  TestWorker,
} from '../support/delivery-fixture.ts';

let receiver: ScriptedReceiver;
let staged: StagedAlerts;
let worker: TestWorker;
let clock: MovableClock;
beforeEach(async () => {
  clock = new MovableClock();
  receiver = await ScriptedReceiver.start();
  staged = await stageAlerts(200, { chunkSize: 100 });
});
afterEach(async () => {
  await worker.kill();
  await receiver.close();
  await staged.remove();
});

/** Line 5 is answered so; meanwhile the next chunk is sent. How long the first one's batch took, and what it came to. */
async function sendBoth(ambiguous: 'resend' | 'hold', reply: () => Reply | Promise<Reply>) {
  receiver.script = (line, times) => (line === 5 && times === 1 ? reply() : 200);
  const endpoint = { ambiguous, timeoutMs: 6_000 };
  worker = new TestWorker({ url: receiver.url, store: staged.store, clock, endpoint, ratePerSecond: 80 });
  const startMs = performance.now();
  const first = worker.sendAlerts(batchInput(staged)).then((result) => [result, performance.now() - startMs] as const);
  const second = worker.sendAlerts(batchInput(staged, { chunk: 2 }));
  return { first: (await first) as readonly [SendAlertsResult, number], second: await second };
}

describe('an alert that is not answered while others are', () => {
  test.each(['resend', 'hold'] as const)(
    'is left to sendAlert by its batch, and comes to its end (%s)',
    async (ambiguous) => {
      const { first, second } = await sendBoth(ambiguous, () => 'accepted, silence');
      const [result, tookMs] = first;
      expect(result).toMatchObject({ delivered: 99, unconfirmed: 0, stubborn: [5], unsettled: 0 });
      expect(tookMs).toBeLessThan(5_500);
      expect(second).toMatchObject({ delivered: 100, stubborn: [] });
      // Its first request may still be answered.
      expect(await failureOf(worker.sendAlert(alertInput(staged, 5)))).toHaveProperty('type', FAILURE.unsettled);
      expect(receiver.requestsOf(5)).toBe(1);
      await sleep(6_000 - tookMs + 500);
      clock.advance(60_000);
      const { outcome } = await worker.sendAlert(alertInput(staged, 5));
      expect([outcome, receiver.requestsOf(5)]).toEqual(ambiguous === 'hold' ? ['unconfirmed', 1] : ['delivered', 2]);
    },
  );

  test('and is answered after all, is delivered by that, and asked once', async () => {
    const { first } = await sendBoth('resend', async () => {
      await sleep(5_300);
      return 200;
    });
    expect(first[0]).toMatchObject({ delivered: 99, stubborn: [5] });
    await expect.poll(() => receiver.requestsOf(5), { timeout: 6_000 }).toBe(1);
    await worker.session.close();
    expect(await worker.sendAlert(alertInput(staged, 5))).toEqual({ outcome: 'delivered' });
    expect(await worker.sendAlerts(batchInput(staged, { closing: true }))).toMatchObject({ delivered: 99 });
    expect(receiver.requestsOf(5)).toBe(1);
  });
});

test('a batch waits for its answers where nobody is answered', async () => {
  receiver.script = (line) => (line > 90 ? 'silence' : 200);
  const endpoint = { timeoutMs: 3_000 };
  worker = new TestWorker({ url: receiver.url, store: staged.store, clock, endpoint, ratePerSecond: 500 });
  const startMs = performance.now();
  await failureOf(worker.sendAlerts(batchInput(staged)));
  expect(performance.now() - startMs).toBeGreaterThan(3_000);
  expect(receiver.log.length).toBe(100);
});
