/** The workers that a test starts. */
import { afterEach } from 'vitest';
import type { WorkerOptions } from './delivery-fixture.ts';
import { TestWorker } from './delivery-fixture.ts';

/**
 * Returns what starts one; those that were started are killed after each test. To be called below the file's own `afterEach`: what stands lower
 * runs first, and workers go before what they talk to.
 */
export function killedAfterEach(): (options: WorkerOptions) => TestWorker {
  const workers: TestWorker[] = [];
  afterEach(async () => {
    await Promise.all(workers.splice(0).map((worker) => worker.kill()));
  });
  return (options) => {
    const worker = new TestWorker(options);
    workers.push(worker);
    return worker;
  };
}
