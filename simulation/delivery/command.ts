/**
 * The command line of the simulation.
 *
 *     npm run simulate -- [--seed N] [--schedules N] [--minutes M] [--processes P]   many schedules, from a seed on
 *     npm run simulate -- --seed N --trace                                           one, event by event
 *     npm run simulate -- --seed N --shrink                                          the smallest plan that breaks the same promise
 *     npm run simulate -- --plan FILE --trace                                        a plan that was printed by --shrink
 *     … --mutation NAME                                                              with a mend taken out (mutations.ts)
 *     … --theme NAME | --until-violation | --counts | --json                         about one thing | to the first one | how often what happened
 *                                                                                    | for a program
 */
import { fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readFlags } from './flags.ts';
import type { Plan } from './plan.ts';
import { THEMES } from './plan.ts';
import { planOf } from './plan-of.ts';
import type { ManyOptions, Tally } from './schedules.ts';
import { addTally, noTally, outsideOfPromises, playMany } from './schedules.ts';
import { shrink } from './shrink.ts';
import { simulate } from './simulate.ts';

const MAIN = fileURLToPath(new URL('./main.js', import.meta.url));

export async function main(args: string[]): Promise<void> {
  const values = readFlags(args);
  const firstSeed = Number(values.seed);
  const theme = THEMES.find((one) => one === values.theme);
  if (values.theme !== undefined && theme === undefined) {
    throw new Error(`there is no theme ${values.theme}: expected one of ${THEMES.join(', ')}`);
  }
  const plan: Plan =
    values.plan === undefined ? planOf(firstSeed, theme) : (JSON.parse(readFileSync(values.plan, 'utf8')) as Plan);
  if (values.shrink) return print(await outsideOfPromises(() => smallest(plan)));
  if (values.trace) return printTrace(plan);
  const most = values.schedules === undefined ? Number.POSITIVE_INFINITY : Number(values.schedules);
  const defaultMinutes = values.schedules === undefined ? 1 : Number.POSITIVE_INFINITY;
  const forMs = values.minutes === undefined ? defaultMinutes * 60_000 : Number(values.minutes) * 60_000;
  const options: ManyOptions = {
    firstSeed,
    theme,
    stride: Number(values.stride),
    most,
    forMs,
    untilViolation: values['until-violation'],
  };
  const processes = Number(values.processes);
  const startMs = performance.now();
  const tally =
    processes > 1
      ? await inProcesses(processes, args, firstSeed, most)
      : await outsideOfPromises(() => playMany(options));
  if (values.json) return print(tally);
  printTally(tally, (performance.now() - startMs) / 1_000, values.counts);
  if (Object.keys(tally.violations).length > 0) process.exitCode = 1;
}

/** Each takes every n-th seed. */
async function inProcesses(count: number, args: readonly string[], firstSeed: number, most: number): Promise<Tally> {
  const each = Number.isFinite(most) ? ['--schedules', String(Math.ceil(most / count))] : [];
  const run = (index: number): Promise<Tally> =>
    new Promise((resolve, reject) => {
      const own = [
        '--processes',
        '1',
        '--seed',
        String(firstSeed + index),
        '--stride',
        String(count),
        '--json',
        ...each,
      ];
      const child = fork(MAIN, [...args, ...own], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
      let text = '';
      child.stdout?.on('data', (piece: Buffer) => {
        text += piece.toString();
      });
      child.on('exit', (code) => {
        if (code === 0) resolve(JSON.parse(text) as Tally);
        else reject(new Error(`a simulating process ended with ${code}`));
      });
    });
  const sum = noTally();
  for (const tally of await Promise.all(Array.from({ length: count }, (_, index) => run(index)))) addTally(sum, tally);
  return sum;
}

function smallest(plan: Plan): Plan {
  const kind = simulate(plan).violations[0]?.kind;
  if (kind === undefined) return plan;
  return shrink(plan, (candidate) => simulate(candidate).violations.some((violation) => violation.kind === kind));
}

async function printTrace(plan: Plan): Promise<void> {
  const lines: string[] = [];
  const trace = (text: string): void => void lines.push(text);
  const verdict = await outsideOfPromises(() => simulate(plan, { trace }));
  process.stdout.write(`${lines.join('\n')}\n`);
  print(verdict);
}

const print = (value: unknown): void => {
  process.stdout.write(`${JSON.stringify(value, null, 1)}\n`);
};

function printTally(
  { schedules, cpuSeconds, events, requests, counts, violations }: Tally,
  seconds: number,
  withCounts: boolean,
): void {
  const happened = Object.entries(counts).sort(([a], [b]) => a.localeCompare(b));
  const lines = [
    `${schedules} schedules in ${seconds.toFixed(1)} s, ${(schedules / seconds).toFixed(0)} a second; ${(schedules / cpuSeconds).toFixed(0)} a second of processor time`,
    `${(events / schedules).toFixed(0)} events and ${(requests / schedules).toFixed(1)} requests a schedule`,
    ...(withCounts ? happened.map(([what, [times, among]]) => `${what}: ${times} in ${among}`) : []),
    ...Object.entries(violations).map(
      ([kind, { count, seeds, example }]) => `${kind}: ${count} (seeds ${seeds.join(' ')})\n    ${example}`,
    ),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
