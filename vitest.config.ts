/**
 * Two projects: tests that need a Temporal service or real wds processes (those that import test/support/dev-server.ts, and test/e2e) get
 * a fresh build and one shared dev server; all the others start at once.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

const EVERY_TEST = 'test/**/*.test.ts';

const servedTests = readdirSync('test', { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.test.ts'))
  .map((name) => join('test', name))
  .filter((path) => path.startsWith(join('test', 'e2e')) || readFileSync(path, 'utf8').includes('support/dev-server'));

export default defineConfig({
  test: {
    environment: 'node',
    pool: 'forks',
    // The Temporal server and the receiver take the rest of a small machine.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    teardownTimeout: 30_000,
    reporters: ['default', './test/support/closing-line.ts'],
    projects: [
      { extends: true, test: { name: 'plain', include: [EVERY_TEST], exclude: servedTests } },
      {
        extends: true,
        test: { name: 'served', include: servedTests, globalSetup: ['test/global-setup.ts'] },
      },
    ],
  },
});
