/** Rows of a failed.csv that were mended and dropped again, also more than once: each user gets one alert, whoever owns the row by then. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import type { FileResult } from '../../../src/app/app.ts';
import type { TestAlert } from '../support/alert-files.ts';
import { alerts, asCsv } from '../support/alert-files.ts';
import { test } from '../support/e2e-test.ts';
import type { Site } from '../support/site.ts';
import { until } from '../support/waiting.ts';

const QUICK = { retry: { initialSeconds: 0.2, maximumSeconds: 0.5, maximumAttempts: 1_000 } };

const failedOf = ({ reportDir }: FileResult): Promise<string> => readFile(join(reportDir, 'failed.csv'), 'utf8');
const mended = (failed: string): string => failed.replaceAll('Message ', 'Corrected message ');

/** How often each user was accepted who was accepted at all. */
async function accepted(site: Site): Promise<ReadonlyMap<string, number>> {
  const times = new Map<string, number>();
  for (const { userId } of await site.receiver.accepted()) times.set(`${userId}`, (times.get(`${userId}`) ?? 0) + 1);
  return new Map([...times].sort());
}

const once = (input: readonly TestAlert[]): ReadonlyMap<string, number> =>
  new Map(input.map(({ userId }): [string, number] => [userId, 1]).sort());

describe.concurrent('a failed.csv that is mended', () => {
  test('and mended again while the first mend is still under way: nobody is alerted twice', async ({ site }) => {
    const input = alerts(100);
    await site.receive(['--fail-users', '^user-([1-9]|[1-4][0-9]|50)$=422'], QUICK);
    await Promise.all([site.worker(), site.watcher()]);
    const original = await site.send(await site.write('alerts.csv', asCsv(input)));
    expect(original).toMatchObject({ code: 3, result: { delivered: 50, rejected: 50 } });
    const failed = await failedOf(original.result);

    await site.receiver.control({ failUsers: ['^user-1$=503'] });
    await site.drop('first-mend.csv', mended(failed));
    await until('all but one of the first mend are delivered', async () => (await accepted(site)).size === 99);
    // The same rows, saved by an editor with other line ends.
    const second = site.send(await site.write('second-mend.csv', mended(failed).replaceAll('\n', '\r\n')));
    await until('the second mend is under way', async () => (await site.wds('status')).stdout.includes('second-mend'));
    await site.receiver.control({ failUsers: null });

    expect(await second).toMatchObject({ code: 0, result: { alerts: 50, delivered: 50 } });
    expect(await accepted(site)).toEqual(once(input));
    expect(await site.retry(await site.write('alerts.csv', asCsv(input)))).toMatchObject({ code: 0 });
    expect(await accepted(site)).toEqual(once(input));
  });

  test('by naming somebody else: that user is alerted, and is not called delivered before', async ({ site }) => {
    const input = alerts(5);
    await site.receive(['--fail-users', '^user-2$=422'], QUICK);
    await site.worker();
    const original = await site.send(await site.write('alerts.csv', asCsv(input)));
    const failed = await failedOf(original.result);
    await site.receiver.control({ failUsers: null });
    // Sent by a retry meanwhile: the row that is mended has been delivered.
    expect(await site.retry(original.result.sha256)).toMatchObject({ code: 0, result: { delivered: 5 } });
    const other = failed.replace('user-2', 'somebody-else');
    expect(await site.send(await site.write('other.csv', other))).toMatchObject({ code: 0, result: { delivered: 1 } });
    expect(await accepted(site)).toEqual(once([...input, { userId: 'somebody-else', alertMessage: '' }]));
  });
});
