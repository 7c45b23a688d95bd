/**
 * Simulates the governor against models of receivers and prints the tables of docs/governor-simulation.md. Some hours of simulated time in
 * a few minutes; the same figures in every run. `node dist/bench/simulate.js [SEEDS]`
 */

import { burstTurmoil, fullestSecond } from '../simulation/rate/bursts.ts';
import { KINDS, kindFigures, kindScenario, WINDOW_KINDS } from '../simulation/rate/kinds.ts';
import {
  knownLimit,
  MOVES_DOWN_AT,
  MOVES_UP_AT,
  manyWorkers,
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
} from '../simulation/rate/scenarios.ts';
import type { Scenario } from '../simulation/rate/simulation.ts';
import { figures, simulate } from '../simulation/rate/simulation.ts';

const seeds = Array.from({ length: Number(process.argv[2] ?? 20) }, (_, index) => index + 1);
const fewSeeds = seeds.slice(0, 5);
const MODELS = ['token-bucket', 'fixed-window', 'sliding-window'] as const;

const percent = (fraction: number): string => `${(100 * fraction).toFixed(2)}%`;
const least = (values: readonly number[]): number => Math.min(...values);
const most = (values: readonly number[]): number => Math.max(...values);
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

function table(title: string, head: readonly string[], rows: readonly (readonly string[])[]): void {
  console.log(`\n### ${title}\n`);
  for (const row of [head, head.map(() => '---'), ...rows]) console.log(`| ${row.join(' | ')} |`);
}

table(
  `Stated limits, two workers, the worst of ${fewSeeds.length} seeds`,
  ['receiver', 'used', '429s', 'fullest second after the first', 'first second', 'renewals a minute per worker'],
  [5, 50, 500, 5_000].flatMap((limit) =>
    (['token-bucket', 'fixed-window'] as const).map((model) => {
      const runs = fewSeeds.map((seed) => simulate(knownLimit(model, limit, limit > 1_000 ? 60 : 120), seed));
      return [
        `${model} ${limit}/s`,
        least(runs.map((run) => figures(run, 1).used)).toFixed(3),
        percent(most(runs.map((run) => figures(run).throttled))),
        (most(runs.flatMap((run) => run.seconds.slice(1).map((counts) => counts.requests))) / limit).toFixed(3),
        (most(runs.map((run) => run.seconds[0]!.requests)) / limit).toFixed(3),
        (most(runs.flatMap((run) => run.renewals)) / (runs[0]!.seconds.length / 60)).toFixed(1),
      ];
    }),
  ),
);

table(
  'Many workers, a stated limit of 20/s for each of them, after 15 s',
  ['workers', 'used', '429s', 'leases a second', 'least and most of a worker, of its part', 'state of the governor'],
  [2, 16, 64, 200].map((count) => {
    const from = 15;
    const run = simulate(manyWorkers(count), 1);
    const { used, throttled } = figures(run, from);
    const leases = run.renewalTimesMs.filter((ms) => ms >= from * 1_000).length / (run.seconds.length - from);
    const shares = Object.values(run.state.book).map(({ lent }) => (lent.at(-1)?.ratePerSecond ?? 0) / (0.99 * 20));
    return [
      String(count),
      used.toFixed(3),
      percent(throttled),
      leases.toFixed(1),
      `${least(shares).toFixed(2)}, ${most(shares).toFixed(2)}`,
      `${(run.largestStateBytes / 1_000).toFixed(0)} kB`,
    ];
  }),
);

function learned(title: string, scenarios: readonly Scenario[], some: readonly number[]): void {
  table(
    `${title}, the worst (mean) of ${some.length} seeds`,
    ['receiver', 'used after 30 s', '429s after 30 s', '429s overall', 'renewals a minute per worker'],
    scenarios.map((scenario) => {
      const runs = some.map((seed) => simulate(scenario, seed));
      const after = runs.map((run) => figures(run, 30));
      return [
        scenario.name,
        `${least(after.map(({ used }) => used)).toFixed(3)} (${mean(after.map(({ used }) => used)).toFixed(3)})`,
        percent(most(after.map(({ throttled }) => throttled))),
        percent(most(runs.map((run) => figures(run).throttled))),
        (most(runs.flatMap((run) => run.renewals)) / (scenario.seconds / 60)).toFixed(1),
      ];
    }),
  );
}

learned(
  'Unknown limits, nothing but 429 and Retry-After: 1',
  [20, 200, 2_000].flatMap((limit) => MODELS.map((model) => unknownLimit(model, limit))),
  fewSeeds,
);
learned(
  'Unknown limits, RateLimit and RateLimit-Policy headers',
  [20, 200, 2_000].flatMap((limit) => MODELS.map((model) => unknownLimit(model, limit, 'policy'))),
  fewSeeds,
);

table(
  `The limit moves 200 → 20 → 400/s, ${seeds.length} seeds: seconds until within 10% of the new limit`,
  ['receiver', 'down: median', 'down: worst', 'up: median', 'up: worst'],
  MODELS.map((model) => {
    const runs = seeds.map((seed) => simulate(movingLimit(model), seed));
    const down = runs.map((run) => secondsToReach(run, MOVES_DOWN_AT, 20)).sort((a, b) => a - b);
    const up = runs.map((run) => secondsToReach(run, MOVES_UP_AT, 400)).sort((a, b) => a - b);
    const median = (values: readonly number[]): string => `${values[Math.floor(values.length / 2)]}`;
    return [model, median(down), `${down.at(-1)}`, median(up), `${up.at(-1)}`];
  }),
);

table(
  `Receiver models, rate unknown, ten minutes, ${seeds.length} seeds`,
  ['receiver', 'used: worst', 'used: mean', '429s: worst', 'renewals a minute per worker: worst'],
  receiverModels(1).map(({ name }, index) => {
    const runs = seeds.map((seed) => simulate(receiverModels(seed)[index]!, seed));
    const used = runs.map((run) => figures(run, 30).used);
    return [
      name,
      least(used).toFixed(3),
      mean(used).toFixed(3),
      percent(most(runs.map((run) => figures(run).throttled))),
      (most(runs.flatMap((run) => run.renewals)) / 10).toFixed(1),
    ];
  }),
);

table(
  `Kinds of limits that services have, unknown, 150 s, ${seeds.length} seeds: the worst (mean)`,
  ['limit', 'workers', 'used after a minute', 'refused in all', 'of them after a minute', 'seeds out of bounds'],
  KINDS.flatMap((kind) =>
    ([1, 2] as const).map((workers) => {
      const all = seeds.map((seed) => {
        const scenario = kindScenario(kind, seed, workers);
        return kindFigures(simulate(scenario, seed), scenario);
      });
      const bound = kind.headers === undefined ? 0.9 : 0.95;
      const out = all.filter((f) => f.used < bound || f.refused > f.allowed || f.refusedLate > f.allowedLate);
      const used = all.map((f) => f.used);
      return [
        kind.name,
        `${workers}`,
        `${least(used).toFixed(3)} (${mean(used).toFixed(3)})`,
        `${most(all.map((f) => f.refused))} (${mean(all.map((f) => f.refused)).toFixed(1)})`,
        `${most(all.map((f) => f.refusedLate))} (${mean(all.map((f) => f.refusedLate)).toFixed(1)})`,
        `${out.length}`,
      ];
    }),
  ),
);

table(
  `The same with endpoint.shape burst, where the limit has a window, ${seeds.length} seeds: the worst (mean)`,
  [
    'limit',
    'workers',
    'used after a minute',
    'refused in all',
    'evenly',
    'after a minute',
    'evenly',
    'fullest second, of a quota',
  ],
  WINDOW_KINDS.flatMap((kind) =>
    ([1, 2] as const).map((workers) => {
      const all = seeds.map((seed) => {
        const scenario = kindScenario(kind, seed, workers, 'burst');
        const run = simulate(scenario, seed);
        const even = kindFigures(simulate(kindScenario(kind, seed, workers), seed), scenario);
        return { ...kindFigures(run, scenario), even, fullest: fullestSecond(run, scenario, 60) };
      });
      const worst = (refused: readonly number[]): string => `${most(refused)} (${mean(refused).toFixed(1)})`;
      const used = all.map((f) => f.used);
      return [
        kind.name,
        `${workers}`,
        `${least(used).toFixed(3)} (${mean(used).toFixed(3)})`,
        worst(all.map((f) => f.refused)),
        worst(all.map(({ even }) => even.refused)),
        worst(all.map((f) => f.refusedLate)),
        worst(all.map(({ even }) => even.refusedLate)),
        mean(all.map((f) => f.fullest)).toFixed(2),
      ];
    }),
  ),
);

const turmoil = Array.from({ length: 10 * seeds.length }, (_, index) => {
  const run = simulate(burstTurmoil(index + 1), index + 1);
  return run.seconds.reduce(
    (sum, counts) => ({ requests: sum.requests + counts.requests, throttled: sum.throttled + counts.throttled }),
    { requests: 0, throttled: 0 },
  );
});
table(
  `A stated quota with endpoint.shape burst, one to four workers that come, go and are killed at random, ${turmoil.length} seeds`,
  ['requests', 'refused'],
  [
    ['requests', 'throttled'].map(
      (key) => `${turmoil.reduce((sum, counts) => sum + counts[key as keyof typeof counts], 0)}`,
    ),
  ],
);

/** Of the requests a second that 16 connections to a receiver 50 ms away come to, the part that was taken in seconds `from` to `to`. */
const takenOf = (run: ReturnType<typeof simulate>, workers: number, from: number, to: number): number => {
  const taken = run.seconds.slice(from, to).reduce((sum, { accepted }) => sum + accepted, 0);
  return taken / ((to - from) * workers * (16 / 0.0525));
};
table(
  `Refusals by chance, rate unknown, no limit, ${seeds.length} seeds: what is taken, of what could be (median, worst)`,
  ['429 to', 'workers', 'first minute', 'second minute', 'fourth minute', 'a minute after ten seconds of it'],
  [0.01, 0.05, 0.1, 0.3].flatMap((share) =>
    ([1, 2] as const).map((workers) => {
      const always = seeds.map((seed) => simulate(strayRefusals(share, workers, [0, 300]), seed));
      const once = seeds.map((seed) => simulate(strayRefusals(share, workers, [60, 70]), seed));
      const cell = (runs: typeof always, from: number, to: number): string => {
        const parts = runs.map((run) => takenOf(run, workers, from, to)).sort((a, b) => a - b);
        return `${parts[Math.floor(parts.length / 2)]!.toFixed(2)}, ${parts[0]!.toFixed(2)}`;
      };
      const minutes = [0, 60, 180].map((from) => cell(always, from, from + 60));
      return [percent(share), `${workers}`, ...minutes, cell(once, 130, 190)];
    }),
  ),
);

const restart = fewSeeds.map((seed) =>
  figures(simulate(restartOfEverything(200), seed), RESTART_AT + 10, RESTART_AT + 40),
);
const down = fewSeeds.flatMap((seed) =>
  [outage(500, 500), outage('auto', 500)].map((scenario) => simulate(scenario, seed)),
);
const back = down.map((run) => secondsToReach(run, OUTAGE.toSecond, 500));
const renewals = down.map(
  (run) => run.renewalTimesMs.filter((ms) => ms > OUTAGE.fromSecond * 1_000 && ms < OUTAGE.toSecond * 1_000).length,
);
const probes = down.flatMap((run) =>
  run.seconds.slice(OUTAGE.fromSecond + 2, OUTAGE.toSecond).map((counts) => counts.requests),
);
const deaths = fewSeeds.flatMap((seed) =>
  [50, 500].map((rate) => secondsToReach(simulate(workerDies(rate, 30), seed), 30, rate)),
);
const secrets = fewSeeds.map((seed) => simulate(wrongSecret(60), seed).seconds.slice(0, 10));
table(
  'Faults, the worst of the seeds',
  ['what', 'figure'],
  [
    ['everything restarted: used in the first 30 s', least(restart.map(({ used }) => used)).toFixed(3)],
    ['everything restarted: 429s in the first 30 s', percent(most(restart.map(({ throttled }) => throttled)))],
    ['down for 5 minutes: most requests in a second, from the third second', `${most(probes)}`],
    ['down for 5 minutes: renewals of both workers (5 history events each)', `${most(renewals)}`],
    ['seconds from its return to 90% of the rate', `${most(back)}`],
    ['a worker dies: seconds until the other has its share', `${most(deaths)}`],
    [
      'wrong secret: requests refused in the first 10 s',
      `${most(secrets.map((s) => s.reduce((sum, c) => sum + c.failed, 0)))}`,
    ],
  ],
);
