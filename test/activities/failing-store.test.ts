// @slow: each call of the store fails once
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { AmbiguousPolicy } from '../../src/domain/endpoint.ts';
import { FAILURE } from '../../src/domain/names.ts';
import { CrashingStore } from '../support/crashing-store.ts';
import type { StagedAlerts } from '../support/delivery-fixture.ts';
import { batchInput, MovableClock, ScriptedReceiver, stageAlerts, TestWorker } from '../support/delivery-fixture.ts';

let receiver: ScriptedReceiver;
let staged: StagedAlerts;
beforeEach(async () => {
  receiver = await ScriptedReceiver.start();
});
afterEach(() => receiver.close());

/** One batch of 12 with a store whose n-th call fails; then what is left of it, with one that works. Returns the calls of the first. */
async function failAt(call: number, ambiguous: AmbiguousPolicy): Promise<number> {
  staged = await stageAlerts(12);
  const clock = new MovableClock();
  const store = new CrashingStore(staged.store, staged.storeFolder, { failAtCall: call });
  const endpoint = { ambiguous, maxConnections: 3 };
  const failing = new TestWorker({ url: receiver.url, store, clock, endpoint });
  const mended = new TestWorker({ url: receiver.url, store: staged.store, clock, endpoint });
  try {
    receiver.log.length = 0;
    const result = await failing.sendAlerts(batchInput(staged)).catch((error: unknown) => {
      expect(error, `call ${call}`).toMatchObject({ type: FAILURE.store, nonRetryable: false });
    });
    // The session is whole again: nothing of it is held by the rows that were not sent.
    expect(await failing.session.admit(3, false)).toBeGreaterThan(0);
    // What the failed attempt may have sent waits until it can no longer be answered.
    const send = () => mended.sendAlerts(batchInput(staged, { closing: true }));
    await send().catch((error: unknown) => expect(error).toHaveProperty('type', FAILURE.unsettled));
    clock.advance(60_000);
    const again = await send();
    const states = await mended.dependencies.ledgers.read({ sha256: staged.sha256, endpoint: 'test', chunk: 1 });
    if (result !== undefined) {
      expect(result).toMatchObject({ delivered: 12 });
      expect(receiver.log).toHaveLength(12);
    }
    expect(again.delivered + again.unconfirmed).toBe(12);
    for (const line of staged.lines) {
      const times = receiver.accepted.get(line) ?? 0;
      const state = states.get(line);
      expect(times, `call ${call}, line ${line}`).toBeGreaterThanOrEqual(state?.outcome === 'delivered' ? 1 : 0);
      if (ambiguous === 'hold') expect(times, `call ${call}, line ${line}`).toBeLessThanOrEqual(1);
      else expect(state?.outcome).toBe('delivered');
      if (times > 1) expect(state?.unknown, `call ${call}, line ${line}`).toBeGreaterThan(0);
    }
    return store.calls;
  } finally {
    await Promise.all([failing.kill(), mended.kill()]);
    await staged.remove();
  }
}

test.each(['resend', 'hold'] as const)(
  'a store that fails at any one of its calls costs no alert and reports no success (%s)',
  async (ambiguous) => {
    const calls = await failAt(-1, ambiguous);
    expect(calls).toBeGreaterThan(10);
    for (let call = 0; call < calls; call++) await failAt(call, ambiguous);
  },
);
