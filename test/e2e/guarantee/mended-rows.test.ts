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

  test('and an invalid.csv, saved by a spreadsheet, dropped twice: whoever had an alert has no other one', async ({
    site,
  }) => {
    const input = alerts(3);
    await site.receive([], QUICK);
    await site.worker();
    const broken = `${asCsv(input)}anna,\nuser-2,\nbert,=1,+2\n`;
    const original = await site.send(await site.write('alerts.csv', broken), '--max-invalid', '100%');
    expect(original.result).toMatchObject({ rows: 6, delivered: 3, invalid: 3 });
    const invalid = await site.report(original.result, 'invalid.csv');
    expect(invalid.map(({ userId, alertMessage, line }) => [userId, alertMessage, line])).toEqual([
      ...[
        ['anna', '', '5'],
        ['user-2', '', '6'],
      ],
      ['bert', '', '7'],
    ]);
    expect(Object.keys(invalid[0]!)).toEqual(['userId', 'alertMessage', 'line', 'reason', 'row', 'wdsOrigin']);
    // Columns in another order and one more, quotes everywhere, a mark, CRLF.
    const quoted = (...cells: (string | undefined)[]): string => `${cells.map((cell) => `"${cell}"`).join(',')}\r\n`;
    const saved = (text: string): string =>
      `\ufeff${quoted('wdsOrigin', 'note', 'alertMessage', 'reason', 'userId')}${invalid
        .map(({ wdsOrigin, reason, userId }) => quoted(wdsOrigin, 'ok', `${text} "" ${userId}`, reason, userId))
        .join('')}`;
    const mend = await site.send(await site.write('mend.csv', saved('mended')));
    expect(mend).toMatchObject({ code: 0, result: { rows: 3, alerts: 2, delivered: 2, duplicates: 1, sentNow: 2 } });
    expect(await site.report(mend.result, 'duplicates.csv')).toEqual([
      { line: '3', firstLine: '3', userId: 'user-2', firstFile: original.result.sha256 },
    ]);
    const again = await site.send(await site.write('again.csv', saved('other')));
    expect(again).toMatchObject({ code: 0, result: { alerts: 2, sentNow: 0, alreadyDelivered: 2, duplicates: 1 } });
    expect(await accepted(site)).toEqual(
      once([...input, { userId: 'anna', alertMessage: '' }, { userId: 'bert', alertMessage: '' }]),
    );

    const foreign = saved('x').replace(original.result.sha256, 'f'.repeat(64));
    const refused = await site.wds('send', await site.write('foreign.csv', foreign));
    expect(refused).toMatchObject({
      code: 65,
      stderr: expect.stringMatching(/row on line 2 .*wdsOrigin.* does not know/),
    });
    expect((await site.receiver.accepted()).length).toBe(5);
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
