import { describe, expect, test } from 'vitest';
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

  test('is unproven again when somebody else has found it well', () => {
    const health = new EndpointHealth();
    times(DOWN_RUN, () => health.take(UNANSWERED));
    health.recovers();
    expect([health.state, health.openRequestLimit(64)]).toEqual(['unproven', 4]);
  });
});
