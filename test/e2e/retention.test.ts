/** A file that is pruned, and a user who is forgotten: whatever is dropped, retried or asked for afterwards, nobody is alerted again. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { PruneResult } from '../../src/app/keeping/prune.ts';
import { alerts, asCsv } from './support/alert-files.ts';
import { test } from './support/e2e-test.ts';
import { until } from './support/waiting.ts';

test('what was pruned or forgotten sends nothing again, and says what is so', async ({ site }) => {
  // Kept for some nine seconds: the watcher prunes by itself.
  await site.receive([], {}, { store: { retainDays: { original: 0.0001 } } });
  await site.worker();
  await site.watcher();
  const input = alerts(5);
  const [gone, other] = [input[0]!.userId, input[1]!.userId];
  await site.drop('a.csv', asCsv(input));
  await until('all are alerted', async () => (await site.receiver.requests()).length === 5);
  const forgotten = await until('the delivery has ended', async () => {
    const ended = await site.wds('forget', gone, '--yes', '-o', 'json');
    return ended.code === 0 ? ended : undefined;
  });
  expect(JSON.parse(forgotten.stdout)).toMatchObject({ erased: true, files: [{ file: 'a.csv', alerts: 1 }] });
  expect((await site.wds('find', gone)).code).toBe(5);
  expect((await site.wds('find', other)).stdout).toContain('delivered');
  expect((await site.wds('verify')).stdout).toContain('All is as it was written.');

  const pruned = JSON.parse((await site.wds('prune', 'a.csv', '-o', 'json')).stdout) as PruneResult;
  expect(pruned).toMatchObject({ kept: [], parts: { chunks: { files: 1 }, reports: { files: 1 } } });
  const report = await site.wds('report', 'a.csv', '-o', 'json');
  expect(JSON.parse(report.stdout)).toMatchObject({ state: 'completed', delivered: 5, prunedAt: expect.any(String) });
  const again = await site.send(await site.write('again.csv', asCsv(input)));
  expect(again.result).toMatchObject({ delivered: 5, sentNow: 0 });

  await site.drop('b.csv', asCsv(input));
  await until('the watcher has pruned what it was done with', async () => {
    return (await readdir(join(site.inbox, 'processed')).catch(() => ['none yet'])).length === 0;
  });
  expect(await site.receiver.requests()).toHaveLength(5);
});
