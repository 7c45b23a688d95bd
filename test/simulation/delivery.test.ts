// @slow: simulates for a minute
/**
 * The guarantee, simulated (docs/simulation.md): no promise is broken in many schedules of people and faults, and with any one of its mends taken
 * out one is. Each run is a process of its own, which loads the built modules.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { MUTATIONS } from '../../simulation/delivery/mutations.ts';
import type { Tally } from '../../simulation/delivery/schedules.ts';
import build from '../build.ts';

const SCHEDULES = 20_000;
/** In which each mutation must be found. */
const MUTATED_SCHEDULES = 4_000;
const LIMIT_MS = 1_800_000;

const run = promisify(execFile);

/** What the command says; violations are no failure of it. */
async function simulate(...args: string[]): Promise<Tally> {
  const command = ['dist/simulation/delivery/main.js', '--json', ...args];
  const { stdout } = await run(process.execPath, command, { maxBuffer: 64 * 1024 * 1024 });
  return JSON.parse(stdout) as Tally;
}

beforeAll(build, LIMIT_MS);

describe('the guarantee', () => {
  it(`holds in ${SCHEDULES} schedules`, { timeout: LIMIT_MS }, async () => {
    const tally = await simulate('--seed', '1', '--schedules', String(SCHEDULES), '--processes', '2');
    expect(tally.violations).toEqual({});
    expect(tally.schedules).toBeGreaterThanOrEqual(SCHEDULES);
  });

  it.each(MUTATIONS.map(({ name, fault, theme }) => [name, fault, theme] as const))(
    'is seen to be broken by %s: %s',
    { timeout: LIMIT_MS },
    async (name, _fault, theme) => {
      const most = String(MUTATED_SCHEDULES);
      const tally = await simulate('--mutation', name, '--theme', theme, '--schedules', most, '--until-violation');
      expect(Object.keys(tally.violations)).not.toEqual([]);
    },
  );
});

it('plays a seed the same way each time', { timeout: LIMIT_MS }, async () => {
  const [first, second] = await Promise.all([1, 2].map(() => simulate('--seed', '7', '--schedules', '50')));
  expect({ ...first, cpuSeconds: 0 }).toEqual({ ...second, cpuSeconds: 0 });
});
