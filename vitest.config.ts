/**
 * Three projects: tests that need a Temporal service or real wds processes (those that import test/support/dev-server.ts, and test/e2e) get
 * a fresh build and one shared dev server; all the others start at once; the rounds of chaos, which need the whole machine, come when all
 * else is over. `--mode unit` leaves out those that say `// @slow` on their first line: what remains needs no server, and is through in half
 * a minute.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

const EVERY_TEST = 'test/**/*.test.ts';
const CHAOS_ROUNDS = join('test', 'chaos', 'rounds.test.ts');

const tests = readdirSync('test', { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.test.ts'))
  .map((name) => ({ path: join('test', name), text: readFileSync(join('test', name), 'utf8') }));
const pathsOf = (chosen: typeof tests): string[] => chosen.map(({ path }) => path);
const servedTests = pathsOf(
  tests.filter(({ path, text }) => path.startsWith(join('test', 'e2e')) || text.includes('support/dev-server')),
);
const slowTests = pathsOf(tests.filter(({ text }) => text.startsWith('// @slow')));
/** Each needs modules of its own. */
const mockingTests = pathsOf(tests.filter(({ text }) => text.includes('vi.mock(')));

/** Without what needs a server, processes or time; in one pair of processes, which halves the time. */
const unitProjects = [
  {
    extends: true,
    test: {
      name: 'unit',
      isolate: false,
      include: [EVERY_TEST],
      exclude: [CHAOS_ROUNDS, ...servedTests, ...slowTests, ...mockingTests],
    },
  },
  { extends: true, test: { name: 'mocking', include: mockingTests, exclude: slowTests } },
] as const;

const fullProjects = [
  {
    extends: true,
    test: {
      name: 'plain',
      include: [EVERY_TEST],
      exclude: [CHAOS_ROUNDS, ...servedTests],
    },
  },
  {
    extends: true,
    test: { name: 'served', include: servedTests, globalSetup: ['test/global-setup.ts'] },
  },
  {
    extends: true,
    test: { name: 'chaos', include: [CHAOS_ROUNDS], globalSetup: ['test/build.ts'], sequence: { groupOrder: 1 } },
  },
] as const;

export default defineConfig(({ mode }) => ({
  test: {
    environment: 'node',
    pool: 'forks',
    // The Temporal server and the receiver take the rest of a small machine.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    teardownTimeout: 30_000,
    reporters: ['default', './test/support/closing-line.ts'],
    projects: mode === 'unit' ? unitProjects : fullProjects,
  },
}));
