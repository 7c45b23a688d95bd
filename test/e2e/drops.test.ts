/** Files dropped into the inbox, with watcher, reader and sender as processes of their own; and the same bytes again, in every way. */
import { appendFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect } from 'vitest';
import { alerts, asCsv, asNdjson } from './support/alert-files.ts';
import { test } from './support/e2e-test.ts';
import type { Site } from './support/site.ts';
import { runsOf, temporalCli } from './support/temporal-service.ts';
import { EACH_ONCE } from './support/test-receiver.ts';
import { until } from './support/waiting.ts';

const processed = (site: Site): Promise<string[]> => readdir(join(site.inbox, 'processed')).catch(() => []);

/** Waits until the inbox holds nothing but the watcher's own folders, and `count` originals are put away. */
const untilPutAway = (site: Site, count: number): Promise<boolean> =>
  until(`${count} files are in processed`, async () => {
    const names = await readdir(site.inbox, { withFileTypes: true });
    return (await processed(site)).length === count && names.every((name) => name.isDirectory());
  });

describe('a file dropped into the inbox', () => {
  test('is delivered by a watcher, a reader and a sender that are processes of their own, and put away', async ({
    site,
  }) => {
    await site.receive();
    await Promise.all([site.worker('files'), site.worker('alerts'), site.watcher()]);
    const input = alerts(1_000);
    await site.drop('alerts.csv', asCsv(input));
    await site.receiver.reaches(1, 10_000);
    await site.receiver.reaches(input.length);
    await untilPutAway(site, 1);
    expect(await processed(site)).toEqual([expect.stringMatching(/^\d{8}T\d{6}\.\d{3}Z-alerts\.csv$/)]);
    expect(await site.receiver.verdict(input)).toEqual(EACH_ONCE);
    const report = await site.wds(
      'report',
      join(site.inbox, 'processed', (await processed(site))[0] ?? ''),
      '-o',
      'json',
    );
    expect(JSON.parse(report.stdout)).toMatchObject({ delivered: 1_000, pending: 0, state: 'completed' });
  });

  test('of which nothing can be sent is one line in the log that says why and what to do, and lies in rejected', async ({
    site,
  }) => {
    await site.receive();
    const worker = await site.worker();
    await site.watcher();
    await site.drop('open.csv', 'userId,alertMessage\nuser-1,hello\nuser-2,"never closed\n');
    await site.drop('mixed.csv', `${asCsv(alerts(2))}user-8,\nuser-9,\n`);
    const rejected = (): Promise<string[]> => readdir(join(site.inbox, 'rejected')).catch(() => []);
    await until(
      'both are in rejected',
      async () => (await rejected()).length === 4 && (await processed(site)).length === 0,
    );
    const names = ['mixed.csv', 'mixed.csv.reason.txt', 'open.csv', 'open.csv.reason.txt'];
    expect((await rejected()).sort()).toEqual(names);
    expect(await readFile(join(site.inbox, 'rejected', 'open.csv.reason.txt'), 'utf8')).toMatch(/never closed/);
    const lines = worker.stderr.split('\n').filter((line) => line.startsWith('{'));
    const warnings = lines
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ level }) => level === 'warn');
    const [open, ...more] = warnings.filter(({ file }) => file === 'open.csv');
    expect(more).toEqual([]);
    expect(open).toMatchObject({
      event: 'file_refused',
      line: 3,
      reason: expect.stringMatching(/never closed.*drop the file again/i),
    });
    expect(warnings.filter(({ file }) => file === 'mixed.csv')).toMatchObject([{ event: 'file_refused', line: 4 }]);
    expect(warnings).toHaveLength(2);
    expect(await site.receiver.requests()).toEqual([]);
  });

  test('does not keep a second file of other content waiting, nor does a name that stays in upload', async ({
    site,
  }) => {
    await site.receive();
    await Promise.all([site.worker(), site.watcher()]);
    const [first, second] = [alerts(300, 'first'), alerts(300, 'second')];
    await site.drop('still-uploading.csv.part', asCsv(alerts(5, 'partial')));
    await Promise.all([site.drop('a.csv', asCsv(first)), site.drop('b.ndjson', asNdjson(second))]);
    await site.receiver.reaches(600);
    await until('both are put away', async () => (await processed(site)).length === 2);
    expect(await site.receiver.verdict([...first, ...second])).toEqual(EACH_ONCE);
    expect(await readdir(site.inbox)).toContain('still-uploading.csv.part');
  });
});

describe('a writer that opens its file again for each line', () => {
  test('and pauses in between: nobody is alerted twice, and either all are alerted or the log names the rest in plain words', async ({
    site,
  }) => {
    await site.receive();
    const [watcher] = await Promise.all([site.watcher(), site.worker()]);
    const input = alerts(6, 'slow');
    const path = join(site.inbox, 'slow.csv');
    await writeFile(path, 'userId,alertMessage\n');
    for (const { userId, alertMessage } of input) {
      await appendFile(path, `${userId},"${alertMessage.replaceAll('"', '""')}"\n`);
      await sleep(800);
    }
    const isNamed = (): boolean => watcher.stderr.includes('"event":"file_rest"');
    await until(
      'the file is taken, whole or in parts',
      async () => isNamed() || (await site.receiver.accepted()).length === input.length,
    );
    await until('all of it is put away', async () => (await readdir(site.inbox)).every((name) => name !== 'slow.csv'));
    const { missed, ...others } = await site.receiver.verdict(input);
    expect(others).toEqual({ repeated: [], altered: [], strangers: [] });
    if (missed.length > 0) expect(watcher.stderr).toMatch(/"file":"slow.csv".*rename it when it is whole/);
  });
});

describe('several watchers on one inbox', () => {
  test('deliver each of many files once', async ({ site }) => {
    await site.receive();
    await Promise.all([site.worker(), site.watcher(), site.watcher()]);
    const files = Array.from({ length: 40 }, (_, number) => alerts(10, `file${number}`));
    await Promise.all(files.map((rows, number) => site.drop(`${number}.csv`, asCsv(rows))));
    await site.receiver.reaches(400);
    await untilPutAway(site, 40);
    expect(await site.receiver.verdict(files.flat())).toEqual(EACH_ONCE);
  });

  for (const crash of ['arrival.claimed', 'arrival.staged', 'arrival.started']) {
    test.concurrent(`finish what one of them had begun when it was killed at ${crash}`, async ({ site }) => {
      await site.receive();
      await site.worker();
      site.setEnv({ WDS_FAILPOINT: crash });
      const doomed = await site.watcher();
      site.setEnv({ WDS_FAILPOINT: undefined });
      const input = alerts(100);
      await site.drop('alerts.csv', asCsv(input));
      expect((await doomed.end()).signal).toBe('SIGKILL');
      await site.watcher();
      await site.receiver.reaches(100);
      await untilPutAway(site, 1);
      expect(await site.receiver.verdict(input)).toEqual(EACH_ONCE);
    });
  }
});

// Side by side: Temporal takes half a minute over a deletion, in which nothing else has to be done.
describe.concurrent('the same bytes again', () => {
  const input = alerts(500);
  const content = asCsv(input);

  test('alert nobody: under the same name, another name, and after a restart of everything', async ({ site }) => {
    await site.receive();
    const running = await Promise.all([site.worker(), site.watcher()]);
    const path = await site.write('alerts.csv', content);
    expect(await site.send(path)).toMatchObject({ code: 0, result: { delivered: 500 } });
    expect(await site.receiver.verdict(input)).toEqual(EACH_ONCE);
    await site.receiver.lookAway();

    const again = await site.wds('send', path);
    expect(again).toMatchObject({ code: 0 });
    expect(again.stdout).toContain('delivered before, nothing sent');
    expect((await site.send(await site.write('renamed.csv', content))).result).toMatchObject({ delivered: 500 });
    await site.drop('alerts.csv', content);
    await untilPutAway(site, 1);
    await site.drop('other-name.csv', content);
    await untilPutAway(site, 2);

    for (const one of running) one.kill('SIGTERM');
    await Promise.all(running.map((one) => one.end()));
    await Promise.all([site.worker(), site.watcher()]);
    await site.drop('after-restart.csv', content);
    await untilPutAway(site, 3);
    expect(await site.receiver.requests()).toEqual([]);
  });

  test('alert nobody after Temporal has forgotten the delivery', async ({ site }) => {
    await site.receive();
    await Promise.all([site.worker(), site.watcher()]);
    const path = await site.write('alerts.csv', content);
    const { code, result } = await site.send(path);
    expect(code).toBe(0);
    await site.receiver.lookAway();
    await temporalCli(site, 'workflow', 'delete', '--workflow-id', result.workflowId);
    await until('it is gone', async () => (await runsOf(site, result.workflowId)).length === 0, 80_000);

    await site.drop('after-deletion.csv', content);
    await untilPutAway(site, 1);
    const { workflow } = site.client;
    expect(await workflow.getHandle(result.workflowId).result()).toMatchObject({ delivered: 500, pending: 0 });
    expect(await site.receiver.requests()).toEqual([]);
    expect((await site.wds('report', path)).code).toBe(0);
  });
});
