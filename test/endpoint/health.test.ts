import { describe, expect, test } from 'vitest';
import { DOWN_RUN, EndpointHealth, MISCONFIGURED_RUN } from '../../src/endpoint/health.ts';

const times = (count: number, run: () => void): void => {
  for (let index = 0; index < count; index++) run();
};

describe('the health of an endpoint', () => {
  test('is unproven until the first success, with few open requests', () => {
    const health = new EndpointHealth();
    expect([health.state, health.openRequestLimit(64), health.openRequestLimit(2)]).toEqual(['unproven', 4, 2]);
    health.success();
    expect([health.state, health.openRequestLimit(64)]).toEqual(['well', 64]);
  });

  test('is down after a run of failures, probed one by one, and well with the first success', () => {
    const health = new EndpointHealth();
    health.success();
    times(DOWN_RUN - 1, () => health.failure());
    expect(health.ill).toBe(false);
    health.failure();
    expect([health.state, health.openRequestLimit(64)]).toEqual(['down', 1]);
    health.success();
    expect([health.state, health.successes]).toEqual(['well', 2]);
  });

  test.each([
    ['a success', (health: EndpointHealth) => health.success()],
    ['a refusal of the alert', (health: EndpointHealth) => health.signOfLife()],
    ['a 404', (health: EndpointHealth) => health.refusal(404)],
  ])('is not down when %s interrupts the run', (_, interrupt) => {
    const health = new EndpointHealth();
    times(DOWN_RUN - 1, () => health.failure());
    interrupt(health);
    times(DOWN_RUN - 1, () => health.failure());
    expect(health.ill).toBe(false);
  });

  test('is misconfigured after a run of identical refusals, and only a success ends that', () => {
    const health = new EndpointHealth();
    times(MISCONFIGURED_RUN - 1, () => health.refusal(401));
    expect(health.ill).toBe(false);
    health.refusal(401);
    expect([health.state, health.openRequestLimit(64)]).toEqual(['misconfigured', 1]);
    health.signOfLife();
    times(DOWN_RUN, () => health.failure());
    expect(health.state).toBe('misconfigured');
    health.success();
    expect(health.state).toBe('well');
  });

  test('different refusals, or a success between, are no run', () => {
    const health = new EndpointHealth();
    times(MISCONFIGURED_RUN, () => {
      health.refusal(401);
      health.refusal(403);
    });
    times(MISCONFIGURED_RUN - 1, () => health.refusal(404));
    health.success();
    times(MISCONFIGURED_RUN - 1, () => health.refusal(404));
    expect(health.ill).toBe(false);
  });
});
