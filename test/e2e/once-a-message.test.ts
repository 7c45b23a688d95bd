/** Once a message, with real processes: a corrected file, files with rows in common that come at the same moment, and one that dies in the middle. */
import { describe, expect } from 'vitest';
import type { TestAlert } from './support/alert-files.ts';
import { alerts, asCsv, asNdjson } from './support/alert-files.ts';
import { test } from './support/e2e-test.ts';
import type { Site } from './support/site.ts';
import { EACH_ONCE } from './support/test-receiver.ts';
import { until } from './support/waiting.ts';

const ONCE = { delivery: { once: 'message' } };
const SLOW = ['--latency', '40ms', '--jitter', '20ms'];

/** Takes `--once message` from the configuration. */
const receive = (site: Site, flags: readonly string[] = [], endpoint: object = {}) =>
  site.receive(flags, endpoint, ONCE);

describe.concurrent('a file that says to some what earlier files said', () => {
  test('alerts only those who are new, and lists the others with that file and line', async ({ site }) => {
    await receive(site);
    await site.worker();
    const first = alerts(600);
    const { result } = await site.send(await site.write('first.csv', asCsv(first)));
    const other: TestAlert[] = [{ userId: 'user-1', alertMessage: 'Another message' }];
    const corrected = [...alerts(50, 'new'), ...first.slice(10).reverse(), ...other];
    const second = await site.send(await site.write('second.csv', asCsv(corrected)));
    expect(second).toMatchObject({
      code: 0,
      result: { rows: 641, alerts: 51, delivered: 51, sentNow: 51, duplicates: 590, ofEarlierFiles: 590 },
    });
    const accepted = await site.receiver.accepted();
    expect(accepted).toHaveLength(651);
    const listed = await site.report(second.result, 'duplicates.csv');
    expect(listed).toHaveLength(590);
    expect(listed[0]).toEqual({
      ...{ line: '52', firstLine: '601', userId: 'user-600' },
      ...{ firstFile: result.sha256, firstFileName: 'first.csv' },
    });
    expect(await site.report(second.result, 'receipts.csv')).toHaveLength(51);

    const nothingNew = await site.wds('send', await site.write('third.ndjson', asNdjson(first.slice(0, 20))));
    expect(nothingNew).toMatchObject({ code: 0 });
    expect(nothingNew.stdout).toContain('0 of 0 delivered, 20 duplicate (20 delivered from an earlier file)');
    expect(await site.receiver.accepted()).toHaveLength(651);
  });

  test('counts what was sent once a file before, on request of one command, and only for so many days', async ({
    site,
  }) => {
    await site.receive();
    await site.worker();
    const rows = alerts(30);
    await site.send(await site.write('first.csv', asCsv(rows)));
    const again = await site.write('again.csv', asCsv([...rows].reverse()));
    expect((await site.send(again, '--once', 'message')).result).toMatchObject({ alerts: 0, ofEarlierFiles: 30 });
    expect(await site.receiver.verdict(rows)).toEqual(EACH_ONCE);
    // 0.0001 days are 8.64 s.
    const later = await site.write('later.csv', asCsv([...rows, ...alerts(1, 'late')]));
    await until('the first file is older than that', async () => {
      const times = (await site.receiver.requests()).map(({ atMs }) => atMs);
      return Date.now() - Math.max(...times) > 9_000;
    });
    const after = await site.send(later, '--once', 'message', '--once-days', '0.0001');
    expect(after.result).toMatchObject({ alerts: 31, delivered: 31 });
  });
});

test('three files with rows in common, at the same moment, on two workers: each user is alerted once', async ({
  site,
}) => {
  await receive(site, SLOW, { ambiguous: 'hold' });
  await Promise.all([site.worker(), site.worker()]);
  const common = alerts(1_000);
  const files = await Promise.all(
    ['a', 'b', 'c'].map(async (name) => {
      const rows = [...common, ...alerts(50, name)];
      return { rows, path: await site.write(`${name}.csv`, asCsv(name === 'b' ? rows.toReversed() : rows)) };
    }),
  );
  const ends = await Promise.all(files.map(({ path }) => site.send(path)));
  expect(ends.map(({ code }) => code)).toEqual([0, 0, 0]);
  expect(ends.map(({ result }) => result.delivered).sort((x, y) => x - y)).toEqual([50, 50, 1_050]);
  const everybody = [...common, ...['a', 'b', 'c'].flatMap((name) => alerts(50, name))];
  expect(await site.receiver.verdict(everybody)).toEqual(EACH_ONCE);
});

describe.concurrent('an earlier file', () => {
  test('whose worker is killed in the middle is waited for, and nobody is missed or alerted twice', async ({
    site,
  }) => {
    await receive(site, SLOW, { ambiguous: 'hold', timeoutSeconds: 2 });
    const [, sender] = await Promise.all([site.worker('files'), site.worker('alerts')]);
    const common = alerts(2_000);
    const first = site.send(await site.write('first.csv', asCsv(common)));
    await site.receiver.reaches(500);
    const second = site.send(await site.write('second.csv', asCsv([...alerts(100, 'new'), ...common])));
    await site.receiver.reaches(700);
    sender.kill('SIGKILL');
    await sender.ended;
    await site.worker('alerts');
    const [one, two] = await Promise.all([first, second]);
    const { missed, repeated } = await site.receiver.verdict([...common, ...alerts(100, 'new')]);
    expect(repeated).toEqual([]);
    const unconfirmed = new Set((await site.report(one.result, 'unconfirmed.csv')).map(({ userId }) => userId));
    expect(missed.filter((user) => !unconfirmed.has(user))).toEqual([]);
    expect(two.result.delivered + two.result.unconfirmed + two.result.duplicates).toBe(2_100);
    expect(two.result.delivered).toBeGreaterThanOrEqual(100);
    expect(two.result.unconfirmed).toBe(one.result.unconfirmed);
  });

  test('that was cancelled leaves its rows to the later one, and a retry of it sends none of them again', async ({
    site,
  }) => {
    await receive(site, SLOW, { rate: 200 });
    await site.worker();
    const common = alerts(2_000);
    const path = await site.write('first.csv', asCsv(common));
    const first = site.send(path);
    await site.receiver.reaches(100);
    const second = site.send(await site.write('second.csv', asCsv(common.toReversed())), '--rate', '200');
    await site.receiver.reaches(200);
    expect((await site.wds('cancel', path)).code).toBe(0);
    expect((await first).code).toBe(6);
    const end = await second;
    expect(end.code).toBe(0);
    expect(await site.receiver.verdict(common)).toEqual(EACH_ONCE);
    expect(end.result.ofEarlierFiles).toBeGreaterThanOrEqual(100);
    const again = await site.retry(path);
    expect(again).toMatchObject({ code: 0, result: { delivered: 2_000, sentNow: 0 } });
    expect(await site.receiver.verdict(common)).toEqual(EACH_ONCE);
  });
});
