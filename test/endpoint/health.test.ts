import { describe, expect, test } from 'vitest';
import type { Sign } from '../../src/domain/answers.ts';
import { EndpointHealth } from '../../src/endpoint/health.ts';

const DOWN_RUN = 10;
const MISCONFIGURED_RUN = 20;
const SUCCESS = { kind: 'success' } as const;
const FAILURE = { kind: 'failure', unanswered: false } as const;
const UNANSWERED = { kind: 'failure', unanswered: true } as const;
const ALIVE = { kind: 'alive' } as const;
const refusal = (status: number) => ({ kind: 'refusal', status }) as const;
const times = (count: number, run: () => void): void => {
  for (let index = 0; index < count; index++) run();
};

describe('the health of an endpoint', () => {
  test('is unproven until the first success, with few open requests', () => {
    const health = new EndpointHealth();
    expect([health.state, health.openRequestLimit(64), health.openRequestLimit(2)]).toEqual(['unproven', 4, 2]);
    health.take(SUCCESS);
    expect([health.state, health.openRequestLimit(64)]).toEqual(['well', 64]);
  });

  test('is down after a run of failures, probed one by one, and well with the first success', () => {
    const health = new EndpointHealth();
    health.take(SUCCESS);
    times(DOWN_RUN - 1, () => health.take(FAILURE));
    expect(health.ill).toBe(false);
    health.take(FAILURE);
    expect([health.state, health.openRequestLimit(64)]).toEqual(['down', 1]);
    health.take(SUCCESS);
    expect([health.state, health.successes]).toEqual(['well', 2]);
  });

  test.each([
    ['a success', (health: EndpointHealth) => health.take(SUCCESS)],
    ['a refusal of the alert', (health: EndpointHealth) => health.take(ALIVE)],
    ['a 404', (health: EndpointHealth) => health.take(refusal(404))],
  ])('is not down when %s interrupts the run', (_, interrupt) => {
    const health = new EndpointHealth();
    times(DOWN_RUN - 1, () => health.take(FAILURE));
    interrupt(health);
    times(DOWN_RUN - 1, () => health.take(FAILURE));
    expect(health.ill).toBe(false);
  });

  test('is misconfigured after a run of identical refusals, and only a success ends that', () => {
    const health = new EndpointHealth();
    times(MISCONFIGURED_RUN - 1, () => health.take(refusal(401)));
    expect(health.ill).toBe(false);
    health.take(refusal(401));
    expect([health.state, health.openRequestLimit(64)]).toEqual(['misconfigured', 1]);
    health.take(ALIVE);
    times(DOWN_RUN, () => health.take(FAILURE));
    expect(health.state).toBe('misconfigured');
    health.take(SUCCESS);
    expect(health.state).toBe('well');
  });

  test('has heard enough of an alert that fails for the third time while nothing gets through', () => {
    const health = new EndpointHealth();
    const fail = (id: string): void => health.take(health.weigh(FAILURE, { id, sentMs: 1 }));
    times(2, () => fail('a'));
    fail('b');
    expect([health.isSpent('a'), health.isSpent('b')]).toEqual([false, false]);
    fail('a');
    expect([health.isSpent('a'), health.isSpent('b')]).toEqual([true, false]);
    health.take(SUCCESS);
    expect(health.isSpent('a')).toBe(false);
  });

  test('different refusals, or a success between, are no run', () => {
    const health = new EndpointHealth();
    times(MISCONFIGURED_RUN, () => {
      health.take(refusal(401));
      health.take(refusal(403));
    });
    times(MISCONFIGURED_RUN - 1, () => health.take(refusal(404)));
    health.take(SUCCESS);
    times(MISCONFIGURED_RUN - 1, () => health.take(refusal(404)));
    expect(health.ill).toBe(false);
  });

  test('does not fill the places of requests that were not answered before something gets through', () => {
    const health = new EndpointHealth();
    health.take(SUCCESS);
    times(6, () => health.take(UNANSWERED));
    times(3, () => health.take(FAILURE));
    expect(health.openRequestLimit(64)).toBe(58);
    health.take(SUCCESS);
    expect(health.openRequestLimit(64)).toBe(64);
  });

  test('lets one more request be open for each second in which nothing is heard of the first ones', () => {
    const health = new EndpointHealth();
    expect([0, 999, 1_000, 10_000, 1e9].map((unheardMs) => health.openRequestLimit(64, unheardMs))).toEqual([
      ...[4, 4, 5, 14, 64],
    ]);
    times(DOWN_RUN, () => health.take(UNANSWERED));
    expect(health.openRequestLimit(64, 1e9)).toBe(1);
  });

  test('weighs failures: those of one alert are one, and none where others who were asked later got an answer', () => {
    const health = new EndpointHealth();
    const weighed = (sign: Sign, id: string, sentMs: number) => health.weigh(sign, { id, sentMs }).kind;
    expect(weighed(FAILURE, 'a', 10)).toBe('failure');
    expect(weighed(FAILURE, 'a', 20)).toBe('none');
    expect(weighed({ ...FAILURE, unsent: true }, 'a', 30)).toBe('failure');
    health.take(SUCCESS);
    expect(weighed(SUCCESS, 'b', 50)).toBe('success');
    expect([weighed(UNANSWERED, 'c', 49), weighed(UNANSWERED, 'd', 51)]).toEqual(['none', 'failure']);
    // A success that was asked for before says nothing about now; what failed then may count again.
    expect([weighed(SUCCESS, 'e', 40), health.answeredSentMs]).toEqual(['success', 50]);
    health.take(SUCCESS);
    expect(weighed(UNANSWERED, 'd', 52)).toBe('failure');
  });
});
