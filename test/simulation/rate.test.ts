// @slow: hours of simulated time
import { describe, expect, it } from 'vitest';
import { burstTurmoil, fullestSecond } from '../../simulation/rate/bursts.ts';
import { KINDS, kindFigures, kindScenario, WINDOW_KINDS } from '../../simulation/rate/kinds.ts';
import {
  knownLimit,
  MOVES_DOWN_AT,
  MOVES_UP_AT,
  movingLimit,
  OUTAGE,
  outage,
  RESTART_AT,
  receiverModels,
  restartOfEverything,
  secondsToReach,
  strayRefusals,
  unknownLimit,
  workerDies,
  wrongSecret,
} from '../../simulation/rate/scenarios.ts';
import type { Run } from '../../simulation/rate/simulation.ts';
import { figures, simulate } from '../../simulation/rate/simulation.ts';

// Simulated time, seeded: the same figures in every run.
const MODELS = ['token-bucket', 'fixed-window'] as const;

describe('a stated limit', () => {
  it.each([5, 50, 500, 5_000].flatMap((limit) => MODELS.map((model) => [limit, model] as const)))(
    'of %d a second at a %s is used fully and never exceeded by two workers',
    (limit, model) => {
      const run = simulate(knownLimit(model, limit, limit > 1_000 ? 30 : 90), 1);
      const requests = run.seconds.map((counts) => counts.requests);
      expect(figures(run, 1).used).toBeGreaterThan(limit >= 50 ? 0.97 : 0.93);
      expect(figures(run).throttled).toBeLessThanOrEqual(0.005);
      expect(Math.max(...requests.slice(1))).toBeLessThanOrEqual(1.02 * limit);
      expect(requests[0]).toBeLessThanOrEqual(1.2 * limit);
    },
  );

  it('costs no more than 14 renewals a minute per worker', () => {
    const run = simulate(knownLimit('token-bucket', 500, 120), 2);
    for (const renewals of run.renewals) expect(renewals / 2).toBeLessThanOrEqual(14);
  });

  it('holds when messages take up to half a second', () => {
    const run = simulate({ ...knownLimit('token-bucket', 500, 120), messageMs: [10, 400] }, 3);
    expect(figures(run).throttled).toBe(0);
    expect(Math.max(...run.seconds.map((counts) => counts.requests))).toBeLessThanOrEqual(510);
    expect(figures(run, 1).used).toBeGreaterThan(0.93);
  });
});

describe('an unknown limit', () => {
  it.each([20, 200, 2_000].flatMap((limit) => MODELS.map((model) => [limit, model] as const)))(
    'of %d a second at a %s is found within 30 s and settled under',
    (limit, model) => {
      const run = simulate(unknownLimit(model, limit, 'none', limit > 1_000 ? 150 : 300), 1);
      expect(figures(run, 30).used).toBeGreaterThan(0.9);
      expect(figures(run, 30).throttled).toBeLessThan(0.01);
      expect(figures(run).throttled).toBeLessThan(0.02);
    },
  );

  it('that the receiver states in its headers is used almost without a refusal', () => {
    const run = simulate(unknownLimit('fixed-window', 200, 'policy', 120), 1);
    expect(figures(run, 30).used).toBeGreaterThan(0.95);
    expect(figures(run).throttled).toBeLessThan(0.005);
  });

  it('is followed when it moves', () => {
    for (const seed of [1, 2, 3]) {
      const run = simulate(movingLimit('token-bucket'), seed);
      expect(secondsToReach(run, MOVES_DOWN_AT, 20)).toBeLessThanOrEqual(15);
      expect(secondsToReach(run, MOVES_UP_AT, 400)).toBeLessThanOrEqual(60);
    }
  });

  it('is remembered through a restart of everything', () => {
    const after = figures(simulate(restartOfEverything(200), 1), RESTART_AT + 11, RESTART_AT + 30);
    expect(after.used).toBeGreaterThan(0.9);
    expect(after.throttled).toBeLessThanOrEqual(0.01);
  });

  it('is not forgotten, nor taken for higher than it is, in a time without alerts', () => {
    const idle = [[120_000, 240_000]] as const;
    const run = simulate(
      {
        ...unknownLimit('token-bucket', 200, 'none', 280),
        workers: [
          { joinsAtMs: 0, idle },
          { joinsAtMs: 120, idle },
        ],
      },
      1,
    );
    const after = figures(run, 241, 260);
    expect(after.used).toBeGreaterThan(0.85);
    expect(after.throttled).toBeLessThanOrEqual(0.01);
  });

  it('is not taken for higher than it is where there are never enough alerts to meet it', () => {
    const workers = [
      { joinsAtMs: 0, alertsPerSecond: 30 },
      { joinsAtMs: 120, alertsPerSecond: 100 },
    ];
    const run = simulate({ ...unknownLimit('token-bucket', 500, 'none', 120), workers }, 1);
    expect(figures(run).throttled).toBeLessThan(0.01);
    expect(Math.max(...run.totals.slice(60))).toBeLessThan(1_000);
    expect(run.seconds.slice(60, 110).reduce((sum, counts) => sum + counts.accepted, 0) / 50).toBeGreaterThan(125);
  });

  it.each(receiverModels(1).map(({ name }, index) => [name, index] as const))('of a %s is lived with', (_, index) => {
    for (const seed of [1, 2]) {
      const run = simulate(receiverModels(seed)[index]!, seed);
      expect(figures(run, 30).used).toBeGreaterThan(0.85);
      expect(figures(run).throttled).toBeLessThan(0.03);
    }
  });
});

describe('a limit of a kind that services have', () => {
  // Simulated with more seeds in docs/governor-simulation.md; here the ones that must never come out otherwise.
  const some = KINDS.filter(({ strict = true }) => strict);
  it.each(some.flatMap((kind) => ([1, 2] as const).map((workers) => [kind.name, workers, kind] as const)))(
    '(%s) is found and held by %d',
    (_name, workers, kind) => {
      for (const seed of [1, 2]) {
        const scenario = kindScenario(kind, seed, workers);
        const seen = kindFigures(simulate(scenario, seed), scenario);
        expect(seen.used).toBeGreaterThanOrEqual(kind.headers === undefined ? 0.9 : 0.95);
        expect(seen.refused).toBeLessThanOrEqual(seen.allowed);
        expect(seen.refusedLate).toBeLessThanOrEqual(seen.allowedLate);
      }
    },
  );
});

describe('a quota that may be used at once', () => {
  const some = WINDOW_KINDS.filter(({ strict = true }) => strict);
  it.each(some.flatMap((kind) => ([1, 2] as const).map((workers) => [kind.name, workers, kind] as const)))(
    '(%s) is found and used in bursts, and hardly refused more often than one that is spread evenly, by %d',
    (_name, workers, kind) => {
      const scenario = kindScenario(kind, 1, workers, 'burst');
      const run = simulate(scenario, 1);
      const seen = kindFigures(run, scenario);
      const even = kindFigures(simulate(kindScenario(kind, 1, workers), 1), scenario);
      expect(seen.used).toBeGreaterThanOrEqual(kind.headers === undefined ? 0.9 : 0.95);
      expect(seen.refused).toBeLessThanOrEqual(Math.min(seen.allowed, even.refused + 7));
      expect(seen.refusedLate).toBeLessThanOrEqual(Math.min(seen.allowedLate, even.refusedLate + 1));
      expect(fullestSecond(run, scenario, 60)).toBeGreaterThan(0.5);
    },
  );

  it('is never refused where it is stated, whatever becomes of the workers', () => {
    for (let seed = 1; seed <= 40; seed++)
      expect([seed, figures(simulate(burstTurmoil(seed), seed)).throttled]).toEqual([seed, 0]);
  });
});

describe('an endpoint that is down for five minutes', () => {
  it.each([['stated', 500] as const, ['learned', 'auto'] as const])(
    'is probed, and back at its %s rate at once',
    (_, rate) => {
      const run = simulate(outage(rate, 500), 1);
      const { fromSecond, toSecond } = OUTAGE;
      // A worker that has not heard of it yet sends until its lease ends, six seconds after the last renewal.
      const probes = run.seconds.slice(fromSecond + 7, toSecond).map((counts) => counts.requests);
      expect(Math.max(...probes)).toBeLessThanOrEqual(1);
      const renewals = run.renewalTimesMs.filter((ms) => ms > fromSecond * 1_000 && ms < toSecond * 1_000);
      expect(renewals.length).toBeLessThanOrEqual(40);
      expect(secondsToReach(run, toSecond, 500)).toBeLessThanOrEqual(30);
    },
  );
});

describe('a fault', () => {
  it('of the secret costs at most 30 refused requests before everything stops', () => {
    const run = simulate(wrongSecret(60), 1);
    const failed = run.seconds.map((counts) => counts.failed);
    expect(failed.slice(0, 10).reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(30);
    expect(secondsToReach(run, 60, 500)).toBeLessThanOrEqual(30);
  });

  it.each([50, 500])(
    'of a worker gives its share of %d a second to the other within 8 s, and no second goes above',
    (limit) => {
      for (const seed of [1, 2, 3]) {
        const run = simulate(workerDies(limit, 30), seed);
        const back = run.seconds.findIndex((counts, second) => second > 30 && counts.requests >= 0.95 * limit);
        expect(back - 30).toBeLessThanOrEqual(8);
        expect(Math.max(...run.seconds.slice(1).map((counts) => counts.requests))).toBeLessThanOrEqual(1.02 * limit);
      }
    },
  );

  it('of the governor’s memory is survived without a second above the limit', () => {
    const run = simulate({ ...knownLimit('token-bucket', 500, 90), governorLostAtMs: 40_000 }, 1);
    expect(Math.max(...run.seconds.slice(1).map((counts) => counts.requests))).toBeLessThanOrEqual(510);
    expect(figures(run, 50).used).toBeGreaterThan(0.97);
  });

  it('or a newcomer never makes a second go above the limit', () => {
    const workers = [
      { joinsAtMs: 0 },
      { joinsAtMs: 20_000, idle: [[40_000, 55_000]] as const },
      { joinsAtMs: 33_000, diesAtMs: 50_000 },
    ];
    const run = simulate({ ...knownLimit('token-bucket', 500, 90), workers }, 1);
    expect(Math.max(...run.seconds.slice(1).map((counts) => counts.requests))).toBeLessThanOrEqual(510);
    expect(figures(run).throttled).toBe(0);
    expect(figures(run, 1).used).toBeGreaterThan(0.93);
  });
});

describe('refusals by chance, at a receiver without a limit', () => {
  const takenPerSecond = (run: Run, from: number, to: number): number =>
    run.seconds.slice(from, to).reduce((sum, { accepted }) => sum + accepted, 0) / (to - from);

  it.each([
    [0.05, 1],
    [0.1, 1],
    [0.1, 2],
    [0.3, 2],
  ] as const)('(%d of the requests) are told from a limit by %d', (share, workers) => {
    for (const seed of [1, 2, 3]) {
      expect(takenPerSecond(simulate(strayRefusals(share, workers, [0, 300]), seed), 240, 300)).toBeGreaterThan(100);
    }
  });

  it('cost little once they are over', () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const run = simulate(strayRefusals(0.5, 2, [60, 70]), seed);
      expect(takenPerSecond(run, 130, 190)).toBeGreaterThan(0.5 * takenPerSecond(run, 40, 60));
    }
  });
});
