import { describe, expect, test } from 'vitest';
import type { Answer, Verdict } from '../../src/domain/answers.ts';
import { signOf } from '../../src/domain/answers.ts';
import type { LeaseAnswer, LeaseRequest } from '../../src/domain/governor/contract.ts';
import { faultOfLeaseRequest } from '../../src/domain/governor/message-faults.ts';
import { Pacer } from '../../src/endpoint/pacer.ts';
import { RateLease } from '../../src/endpoint/rate-lease.ts';
import { FakeClock } from './fake-clock.ts';

const CAP_MS = 60_000;
const ok = (rateHeaders: Record<string, string>): [Answer, Verdict] => [
  { kind: 'response', status: 200, rateHeaders },
  { kind: 'delivered', status: 200 },
];
const refused = (retryAfterMs: number | undefined, rateHeaders: Record<string, string> = {}): [Answer, Verdict] => [
  { kind: 'response', status: 429, rateHeaders },
  { kind: 'throttled', status: 429, retryAfterMs, capped: false },
];

/** A worker with alerts to send, and a governor that lends it 100 a second. */
function start(resumes = 0) {
  const clock = new FakeClock();
  const pacer = new Pacer(0, clock);
  const requests: LeaseRequest[] = [];
  const governor = { resumes, paused: false };
  let resumed = 0;
  const lease = new RateLease({
    ...{ pacer, clock, workerId: 'w', random: () => 0, maxPauseMs: CAP_MS },
    ask: (request): Promise<LeaseAnswer> => {
      requests.push(request);
      const segments = [{ fromMs: 0, toMs: 6_000, ratePerSecond: 100 }];
      return Promise.resolve({ segments, renewAfterMs: 5_250, circuit: 'closed', ...governor });
    },
    onTrouble: () => undefined,
    onResume: () => resumed++,
  });
  lease.demand(true, false);
  const run = async (untilMs: number) => {
    for (let atMs = clock.now(); atMs < untilMs; atMs += 250) {
      clock.runUntil(Math.min(untilMs, atMs + 250));
      await Promise.resolve();
      await Promise.resolve();
    }
  };
  const take = ([answer, verdict]: [Answer, Verdict]) => {
    const sentMs = clock.now();
    const { open } = lease;
    const pacePerSecond = lease.sends(sentMs);
    lease.took(answer, verdict, signOf(verdict, false, 'resend'), { sentMs, pacePerSecond, open });
  };
  return { clock, pacer, lease, requests, governor, run, take, resumed: () => resumed };
}

describe('a receiver that asks for a pause', () => {
  const forEver: [string, [Answer, Verdict]][] = [
    ['RateLimit of a day', ok({ ratelimit: '"default";r=0;t=86400' })],
    ['X-RateLimit of a year', ok({ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '31536000' })],
    ['429 with RateLimit of 30 years', refused(undefined, { ratelimit: '"default";r=0;t=999999999' })],
  ];
  test.each(forEver)('%s is believed for as long as a Retry-After, and no longer', async (_, answer) => {
    const worker = start();
    await worker.run(1_000);
    expect(worker.pacer.ratePerSecond).toBeGreaterThan(0);
    worker.take(answer);
    await worker.run(CAP_MS);
    expect(worker.pacer.ratePerSecond).toBe(0);
    await worker.run(CAP_MS + 2_000);
    expect(worker.pacer.ratePerSecond).toBeGreaterThan(0);
  });

  test('the governor is told of it at once, and how much of it is left', async () => {
    const worker = start();
    await worker.run(1_000);
    worker.take(refused(30_000));
    await worker.run(3_000);
    expect(worker.requests.at(-1)?.pauseMs).toBeGreaterThan(28_000);
    await worker.run(20_000);
    expect(worker.requests.at(-1)?.pauseMs).toBeLessThan(20_000);
    await worker.run(40_000);
    expect(worker.requests.at(-1)?.pauseMs).toBeUndefined();
  });

  test('an order to resume ends it', async () => {
    const worker = start();
    await worker.run(1_000);
    worker.take(refused(50_000));
    await worker.run(10_000);
    expect(worker.pacer.ratePerSecond).toBe(0);
    worker.governor.resumes = 1;
    await worker.run(16_000);
    expect(worker.pacer.ratePerSecond).toBeGreaterThan(0);
    expect(worker.resumed()).toBe(1);
  });

  test('an order to resume is heard, too, where no alert waits here: its batch waits in Temporal', async () => {
    const worker = start();
    await worker.run(1_000);
    worker.take(refused(50_000));
    worker.lease.demand(false, false);
    await worker.run(15_000);
    expect(worker.requests.at(-1)).toMatchObject({ demandPerSecond: 0 });
    worker.governor.resumes = 1;
    await worker.run(26_000);
    expect(worker.resumed()).toBe(1);
    const asked = worker.requests.length;
    worker.lease.demand(true, false);
    await worker.run(26_250);
    expect(worker.requests.length).toBe(asked + 1);
    expect(worker.pacer.ratePerSecond).toBeGreaterThan(0);
  });

  test('without a pause and without alerts the governor is left alone', async () => {
    const worker = start();
    await worker.run(1_000);
    worker.lease.demand(false, false);
    await worker.run(20_000);
    const asked = worker.requests.length;
    await worker.run(120_000);
    expect(worker.requests.length).toBe(asked);
  });

  test('orders from before it, and of a governor that was lost, end nothing', async () => {
    const worker = start(7);
    await worker.run(1_000);
    worker.take(refused(50_000));
    await worker.run(10_000);
    worker.governor.resumes = 0;
    await worker.run(20_000);
    expect(worker.pacer.ratePerSecond).toBe(0);
    worker.governor.resumes = 1;
    await worker.run(30_000);
    expect(worker.pacer.ratePerSecond).toBeGreaterThan(0);
  });

  test('whatever a worker says passes as a request', async () => {
    const worker = start();
    await worker.run(1_000);
    for (const [at, answer] of [refused(500), ok({}), refused(undefined), refused(2_000), ok({})].entries()) {
      worker.take(answer);
      await worker.run(1_000 + 6_000 * (at + 1));
    }
    for (const request of worker.requests) {
      expect(faultOfLeaseRequest(JSON.parse(JSON.stringify(request)))).toBeUndefined();
    }
    expect(worker.requests.length).toBeGreaterThan(5);
  });
});
