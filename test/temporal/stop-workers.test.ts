import { expect, test } from 'vitest';
import { stopWorkers } from '../../src/temporal/stop-workers.ts';

const heard = { isHeard: true, silentMs: undefined };

test('those that send stop first, then what is in a hurry is seen to, then those that run the workflows', async () => {
  const told: string[] = [];
  const worker = (name: string) => ({ stop: async () => told.push(name) > 0 });
  const hurried = new Promise<void>((resolve) => setTimeout(resolve, 20)).then(() => void told.push('hurried'));
  expect(await stopWorkers([worker('alerts')], [worker('files')], hurried)).toEqual(heard);
  expect(told).toEqual(['alerts', 'hurried', 'files']);
});

test('where Temporal was silent to the first ones, nobody else waits for it as long', async () => {
  const limits: (number | undefined)[] = [];
  const silent = {
    stop: async (limitMs?: number) => {
      limits.push(limitMs);
      return false;
    },
  };
  const end = await stopWorkers([silent], [silent], undefined);
  expect(end.isHeard).toBe(false);
  expect(limits).toEqual([undefined, end.silentMs]);
  expect(end.silentMs).toBeLessThanOrEqual(1_000);
});

test('a worker that failed has ended, and Temporal knows', async () => {
  const failed = { stop: () => Promise.reject(new Error('failed')) };
  expect(await stopWorkers([failed], [{ stop: async () => true }], undefined)).toEqual(heard);
});
