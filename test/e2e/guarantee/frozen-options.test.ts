/** What line and chunk numbers depend on is frozen where a delivery begins: no later submission makes its receipts unreadable. */
import { describe, expect } from 'vitest';
import { alerts, asCsv } from '../support/alert-files.ts';
import { test } from '../support/e2e-test.ts';
import { EACH_ONCE } from '../support/test-receiver.ts';
import { until } from '../support/waiting.ts';

const COUNT = 3_000;
/** Of alerts(COUNT): one in the first chunk and one far behind it. */
const REFUSED = '^user-(5|2500)$';

describe('a file that is submitted again with another rate before its first alert was sent', () => {
  test('keeps its chunks: a retry sends only what was refused, and report and exit code are those of the file', async ({
    site,
  }) => {
    await site.receive(['--fail-users', `${REFUSED}=422`]);
    await site.worker('files');
    const input = alerts(COUNT);
    const path = await site.write('alerts.csv', asCsv(input));
    const first = site.start('send', path, '--rate', '200', '--deadline', '1');
    expect((await first.end()).code).toBe(75);
    const sending = async (): Promise<boolean> =>
      JSON.parse((await site.wds('report', path, '-o', 'json')).stdout).pending === COUNT;
    await until('all of it is read', sending);

    const second = site.send(path, '--rate', '4000');
    await until('it is submitted again', async () => (await site.wds('status')).code === 0);
    await site.worker('alerts');
    const sent = await second;
    expect(sent).toMatchObject({ code: 3, result: { delivered: COUNT - 2, rejected: 2 } });
    const delivered = input.filter(({ userId }) => !new RegExp(REFUSED).test(userId));
    expect(await site.receiver.verdict(delivered)).toEqual(EACH_ONCE);

    const report = await site.wds('report', path, '-o', 'json');
    expect(report.code).toBe(3);
    expect(JSON.parse(report.stdout)).toMatchObject({ delivered: COUNT - 2, rejected: 2, pending: 0 });
    expect(await site.report(sent.result, 'receipts.csv')).toHaveLength(COUNT);

    await site.receiver.control({ failUsers: null });
    expect(await site.retry(path, '--rate', '4000')).toMatchObject({ code: 0, result: { delivered: COUNT } });
    expect(await site.receiver.verdict(input)).toEqual(EACH_ONCE);
  });
});
