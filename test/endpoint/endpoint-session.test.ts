import { describe, expect, test } from 'vitest';
import type { Answer, Verdict } from '../../src/domain/answers.ts';
import type { LeaseAnswer } from '../../src/domain/governor/contract.ts';
import { WAVES_OF_A_FOLDER, WAVES_OF_OBJECTS } from '../../src/domain/ledger/waves.ts';
import type { EndpointClient } from '../../src/endpoint/endpoint-client.ts';
import { EndpointSession } from '../../src/endpoint/endpoint-session.ts';
import { Pacer } from '../../src/endpoint/pacer.ts';
import { RateLease } from '../../src/endpoint/rate-lease.ts';
import { endpointAt } from './raw-server.ts';

/** A session whose requests end when the test says so. */
function newSession(
  ratePerSecond: number,
  maxConnections = 100,
  probe?: () => Promise<boolean>,
  waves = WAVES_OF_A_FOLDER,
  ask: () => Promise<LeaseAnswer> = () => new Promise<never>(() => undefined),
) {
  const answers: ((answer: Answer) => void)[] = [];
  const client: EndpointClient = {
    send: () => new Promise((resolve) => answers.push(resolve)),
    exchange: (_request, _mayWrite, done) => void answers.push(done),
    openRequests: 0,
    close: () => Promise.resolve(),
    destroy: () => Promise.resolve(),
  };
  const pacer = new Pacer();
  pacer.lend([{ fromMs: Number.NEGATIVE_INFINITY, toMs: Number.POSITIVE_INFINITY, ratePerSecond }]);
  const lease = new RateLease({
    pacer,
    workerId: 'w',
    ask,
    random: () => 0,
    maxPauseMs: 60_000,
    onTrouble: () => undefined,
  });
  const endpoint = endpointAt('http://127.0.0.1:1/', { maxConnections });
  const session = new EndpointSession({ endpoint, client, pacer, lease, probe, waves });
  const answer = (value: Answer): void => answers.shift()?.(value);
  return { session, pacer, answers, answer };
}

const OK: Answer = { kind: 'response', status: 200 };
const FRESH = {
  ...{ body: '{}', tried: false, firstFailedMs: undefined, othersGotThrough: false, refusedBefore: false },
  ambiguous: 'resend' as const,
};
const yes = () => true;
const sent = (session: EndpointSession, id: string, mayWrite: () => boolean): Promise<Verdict> =>
  new Promise((resolve) => session.send({ ...FRESH, id }, mayWrite, resolve));

describe('a session', () => {
  test('admits at most 4 until the first success, then as many as there are connections, 64 a wave', async () => {
    const { session } = newSession(Number.POSITIVE_INFINITY);
    expect(await session.admit(500, false)).toBe(4);
    session.health.take({ kind: 'success' });
    expect(await session.admit(500, false)).toBe(64);
    expect(await session.admit(500, false)).toBe(32);
    const waiting = session.admit(500, false);
    session.giveBack(10, false);
    expect(await waiting).toBe(10);
  });

  test('admits first come, first served, and resolves to 0 those who wait when something changes', async () => {
    const { session, answer } = newSession(Number.POSITIVE_INFINITY, 1);
    expect(await session.admit(1, false)).toBe(1);
    const order: string[] = [];
    const first = session.admit(1, false).then((count) => order.push(`first ${count}`));
    const second = session.admit(1, false).then((count) => order.push(`second ${count}`));
    const answered = sent(session, 'id', yes);
    answer(OK);
    expect(await answered).toMatchObject({ kind: 'delivered' });
    await first;
    session.wake();
    await second;
    expect(order).toEqual(['first 1', 'second 0']);
  });

  test('admits who waited for a limit on open requests of which others had all, once the next lease allows some', async () => {
    const limits = [0, 0, 3];
    const lent = { segments: [{ fromMs: 0, toMs: 60_000, ratePerSecond: 1_000 }], renewAfterMs: 20, waiting: null };
    const ask = async (): Promise<LeaseAnswer> => ({
      ...{ ...lent, circuit: 'closed', paused: false, openLimit: limits.shift() ?? 3 },
    });
    const { session } = newSession(1_000, 100, undefined, WAVES_OF_A_FOLDER, ask);
    session.health.take({ kind: 'success' });
    expect(await session.admit(1, false)).toBe(1);
    // From here on nothing is open, and it has heard that nothing may be.
    await expect.poll(() => limits.length).toBe(2);
    session.giveBack(1, false);
    const waiting = await Promise.all([session.admit(2, false), session.admit(2, false)]);
    expect(waiting).toEqual([2, 1]);
    await session.close();
  });

  test('announces no more than the pace lets go soon', async () => {
    const { session } = newSession(100);
    session.health.take({ kind: 'success' });
    const count = await session.admit(500, false);
    expect(count).toBeGreaterThan(0);
    expect(count).toBeLessThanOrEqual(12);
  });

  test('takes requests that may not be written any more out of the queue at once, and keeps the others', async () => {
    const { session, pacer, answers, answer } = newSession(Number.POSITIVE_INFINITY);
    pacer.lend([{ fromMs: Number.NEGATIVE_INFINITY, toMs: Number.POSITIVE_INFINITY, ratePerSecond: 500 }]);
    expect(await session.admit(3, false)).toBeGreaterThan(1);
    pacer.lend([]);
    let stopped = false;
    const verdicts: Verdict[] = [];
    const leaving = sent(session, 'a', () => !stopped).then((verdict) => verdicts.push(verdict));
    const staying = sent(session, 'b', yes);
    stopped = true;
    session.wake();
    await leaving;
    expect(verdicts).toEqual([{ kind: 'withheld' }]);
    expect(pacer.queued).toBe(1);
    pacer.lend([{ fromMs: Number.NEGATIVE_INFINITY, toMs: Number.POSITIVE_INFINITY, ratePerSecond: 500 }]);
    await expect.poll(() => answers.length).toBe(1);
    answer(OK);
    expect(await staying).toMatchObject({ kind: 'delivered' });
  });

  test('opens no connection for a request that may not be written at its turn', async () => {
    const { session, answers } = newSession(Number.POSITIVE_INFINITY);
    await session.admit(1, false);
    expect(await sent(session, 'a', () => false)).toEqual({ kind: 'withheld' });
    expect(answers).toHaveLength(0);
  });

  test('tells for how long the receiver asked to be left alone', async () => {
    const { session, answer } = newSession(Number.POSITIVE_INFINITY);
    await session.admit(1, false);
    const answered = sent(session, 'a', yes);
    answer({ kind: 'response', status: 429, retryAfter: '60' });
    await answered;
    expect(session.pauseMs).toBeGreaterThan(59_000);
  });

  test('writes the receipts of a turn before it admits a new wave', async () => {
    const { session } = newSession(Number.POSITIVE_INFINITY);
    const order: string[] = [];
    const write = (): void => void order.push('written');
    session.atEndOfTurn(write);
    session.atEndOfTurn(write);
    await session.admit(1, false).then(() => order.push('admitted'));
    expect(order).toEqual(['written', 'admitted']);
  });

  test('spends an ill endpoint’s requests on alerts that nobody may have got yet, as long as there are some', async () => {
    const { session } = newSession(Number.POSITIVE_INFINITY);
    for (let n = 0; n < 10; n++) session.health.take({ kind: 'failure', unanswered: true });
    expect([session.isBarred(true), session.isBarred(false)]).toEqual([false, false]);
    session.seesFresh();
    expect([session.isBarred(true), session.isBarred(false)]).toEqual([true, false]);
    const order: string[] = [];
    const risky = session.admit(5, true).then((count) => order.push(`risky ${count}`));
    const fresh = session.admit(5, false).then((count) => order.push(`fresh ${count}`));
    await fresh;
    session.wake();
    await risky;
    expect(order).toEqual(['fresh 1', 'risky 0']);
  });

  test('asks an ill endpoint’s probe before it spends an alert', async () => {
    const answers = [false, true];
    const { session } = newSession(Number.POSITIVE_INFINITY, 100, async () => answers.shift() ?? true);
    for (let n = 0; n < 10; n++) session.health.take({ kind: 'failure', unanswered: false });
    expect(await session.admit(5, false)).toBe(0);
    expect(session.isBarred(false)).toBe(true);
    expect(answers).toHaveLength(1);
  });
});

describe('a session whose announcements are dear', () => {
  const dear = (maxConnections: number) => {
    const made = newSession(Number.POSITIVE_INFINITY, maxConnections, undefined, WAVES_OF_OBJECTS);
    made.session.health.take({ kind: 'success' });
    return made;
  };
  const send = (session: EndpointSession, count: number): void => {
    for (let n = 0; n < count; n++) session.send({ ...FRESH, id: `a${n}` }, yes, () => undefined);
  };

  test('gathers a wave, and lets a small one go in the end', async () => {
    const { session, answer } = dear(70);
    expect(await session.admit(500, false)).toBe(64);
    send(session, 64);
    const startedMs = performance.now();
    expect(await session.admit(500, false)).toBe(6);
    expect(performance.now() - startedMs).toBeGreaterThan(WAVES_OF_OBJECTS.gatherMs * 0.8);
    answer(OK);
    // One has a place, one may be announced ahead.
    expect(await session.admit(3, false)).toBe(2);
  });

  test('announces ahead no more than was answered lately, and never has more open than there are connections', async () => {
    const { session, answers, answer } = dear(64);
    expect(await session.admit(64, false)).toBe(64);
    send(session, 64);
    for (let n = 0; n < 64; n++) answer(OK);
    expect(await session.admit(64, false)).toBe(64);
    expect(await session.admit(64, false)).toBe(64);
    send(session, 128);
    expect(answers).toHaveLength(64);
    for (let n = 0; n < 10; n++) answer(OK);
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    expect(answers).toHaveLength(64);
    for (let n = 0; n < 118; n++) {
      answer(OK);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(answers).toHaveLength(0);
  });
});
