import { expect, test } from 'vitest';
import { startedMs } from '../src/process-start.ts';

test('a process was started before it got to run, and not long before', () => {
  expect(startedMs()).toBeLessThanOrEqual(performance.timeOrigin);
  expect(startedMs()).toBeGreaterThan(performance.timeOrigin - 60_000);
});
