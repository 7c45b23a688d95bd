/** What the end of a file says: a success is read to the end and delivered, and nothing else is one. */
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import type { FileResult } from '../../src/app/app.ts';
import { alerts, asCsv } from './support/alert-files.ts';
import { test } from './support/e2e-test.ts';
import type { Site } from './support/site.ts';
import { failureTypeOf, historyOf, runsOf } from './support/temporal-service.ts';
import { EACH_ONCE } from './support/test-receiver.ts';
import { until } from './support/waiting.ts';
import type { WdsProcess } from './support/wds-process.ts';

const statusOf = async (site: Site, workflowId: string): Promise<string | undefined> =>
  (await runsOf(site, workflowId))[0]?.status;

/** The delivery that somebody waits for, once Temporal knows it. */
async function workflowOf(site: Site): Promise<string> {
  return until('a workflow', async () => {
    for await (const { workflowId } of site.client.workflow.list({ query: 'WorkflowType = "fileWorkflow"' })) {
      return workflowId;
    }
    return undefined;
  });
}

const storeOf = (site: Site, { sha256 }: Pick<FileResult, 'sha256'>): string => join(site.home, 'store', sha256);

async function deleteChunks(site: Site, file: Pick<FileResult, 'sha256'>, more: readonly string[] = []): Promise<void> {
  const folder = storeOf(site, file);
  const chunks = (await readdir(folder)).filter((name) => name.startsWith('chunks-'));
  expect(chunks.length).toBeGreaterThan(0);
  for (const name of [...chunks, ...more]) await rm(join(folder, name), { recursive: true });
}

describe('a success', () => {
  test('says what was sent now and what before; an empty file, and one of which nothing is left, are said in words', async ({
    site,
  }) => {
    await site.receive(['--fail-users', '^user-1[0-9]$=422']);
    await site.worker();
    const input = alerts(100);
    const path = await site.write('alerts.csv', asCsv(input));
    expect(await site.send(path)).toMatchObject({
      ...{ code: 3, result: { delivered: 90, rejected: 10, sentNow: 90, alreadyDelivered: 0 } },
    });
    await site.receiver.control({ failUsers: null });
    const retried = await site.wds('retry', path);
    expect(retried.code).toBe(0);
    expect(retried.stdout).toContain('100 of 100 delivered (10 sent now, 90 before, in ');
    const again = await site.send(path);
    expect(again).toMatchObject({ code: 0, result: { delivered: 100, sentNow: 0, alreadyDelivered: 100 } });
    expect((await site.wds('send', path)).stdout).toContain('(100 delivered before, nothing sent)');
    expect(await site.receiver.verdict(input)).toEqual(EACH_ONCE);

    const empty = await site.wds('send', await site.write('empty.csv', 'userId,alertMessage\n'));
    expect(empty.code).toBe(0);
    expect(empty.stdout).toContain('empty.csv: empty, nothing to send');
  });
});

describe('a file without a valid row', () => {
  test('is refused before anything is sent: exit 65, failed in Temporal, with its report', async ({ site }) => {
    await site.receive();
    await site.worker();
    const rows = [
      'userId,alertMessage,note',
      ...Array.from({ length: 12 }, () => ',somebody,hi'),
      'user-1,,',
      'x,y,z,w',
    ];
    const path = await site.write('unusable.csv', `${rows.join('\n')}\n`);
    const sent = await site.wds('send', path);
    expect(sent.code).toBe(65);
    expect(sent.stderr).toContain(
      'no row is valid: all 14 are refused, most often for missing_user_id (12, the first on line 2); see ',
    );
    const workflowId = await workflowOf(site);
    expect(failureTypeOf(await historyOf(site, workflowId))).toBe('FileRefused');
    const report = await site.wds('report', path, '-o', 'json');
    expect(report.code).toBe(65);
    const reported = JSON.parse(report.stdout) as FileResult;
    expect(reported).toMatchObject({
      state: 'refused',
      rows: 14,
      invalid: 14,
      alerts: 0,
      fault: { code: 'file_refused' },
    });
    expect(await site.report(reported, 'invalid.csv')).toHaveLength(14);
    expect(await site.receiver.requests()).toEqual([]);
    // Nothing is settled by it: read in another way, the same bytes are another matter.
    const otherwise = ['--user-column', 'alertMessage', '--message-column', 'note', '--allow-invalid'];
    expect(await site.send(path, ...otherwise)).toMatchObject({
      code: 0,
      result: { rows: 14, delivered: 1, duplicates: 11, invalid: 2 },
    });
  });
});

describe('a file that is stopped before its end', () => {
  const endsWith6 = async (site: Site, waiting: WdsProcess, path: string, said: string): Promise<void> => {
    const { code, stdout } = await waiting.end();
    expect(stdout).toContain(said);
    expect(code).toBe(6);
    expect((await site.wds('report', path)).code).toBe(6);
  };

  test.for(['cancel', 'terminate'] as const)(
    'before it was even read (%s): exit 6, and a retry delivers it',
    async (stop, { site }) => {
      await site.receive();
      const input = alerts(50);
      const path = await site.write('alerts.csv', asCsv(input));
      const waiting = site.start('send', path);
      await site.client.workflow.getHandle(await workflowOf(site))[stop]();
      // A cancellation is a worker's to take; it does not read the file before that.
      await site.worker('files');
      const how = stop === 'cancel' ? 'cancelled' : 'terminated';
      await endsWith6(site, waiting, path, `${how} before it was read to its end; nothing was sent`);
      expect(await site.receiver.requests()).toEqual([]);
      await site.worker('alerts');
      expect(await site.retry(path)).toMatchObject({
        ...{ code: 0, result: { delivered: 50, sentNow: 50, alreadyDelivered: 0 } },
      });
      expect(await site.receiver.verdict(input)).toEqual(EACH_ONCE);
    },
  );

  test('in its middle: exit 6 whatever was delivered, and the counts say it', async ({ site }) => {
    await site.receive([], { rate: 100 });
    await site.worker();
    const input = alerts(2_000);
    const path = await site.write('alerts.csv', asCsv(input));
    const waiting = site.start('send', path);
    await site.receiver.reaches(50);
    await site.client.workflow.getHandle(await workflowOf(site)).terminate('e2e');
    await endsWith6(site, waiting, path, 'terminated; ');
  });
});

describe('chunks that were deleted', () => {
  test('do not hang a file that is dropped again: it is read again, and its receipts fit', async ({ site }) => {
    await site.receive(['--fail-users', '^user-3$=422']);
    await Promise.all([site.worker(), site.watcher()]);
    const input = alerts(200);
    const path = await site.write('alerts.csv', asCsv(input));
    const { result } = await site.send(path);
    expect(result).toMatchObject({ delivered: 199, rejected: 1 });
    const before = await readFile(join(result.reportDir, 'report.json'), 'utf8');
    await deleteChunks(site, result);

    // A report without rows would be one of zeros: the earlier one stays.
    const report = await site.wds('report', path);
    expect(report.code).toBe(5);
    expect(report.stderr).toContain('are not in the store any more');
    expect(await readFile(join(result.reportDir, 'report.json'), 'utf8')).toBe(before);

    await site.receiver.control({ failUsers: null });
    await site.drop('again.csv', asCsv(input));
    await until('it completes', async () => (await statusOf(site, result.workflowId)) === 'COMPLETED');
    expect(await site.receiver.verdict(input)).toEqual(EACH_ONCE);
    expect((await site.receiver.requests()).length).toBe(201);
    expect((await site.wds('report', path)).code).toBe(0);
  });

  test('in mid-file are read again, and nobody is alerted twice or missed', async ({ site }) => {
    await site.receive([], { rate: 200 });
    await site.worker();
    const input = alerts(1_500);
    const path = await site.write('alerts.csv', asCsv(input));
    const waiting = site.start('send', path, '-o', 'json');
    await site.receiver.reaches(300);
    const sha256 = /^file-([0-9a-f]{64})-/.exec(await workflowOf(site))![1]!;
    await deleteChunks(site, { sha256 });
    const { code, stdout } = await waiting.end();
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ delivered: 1_500, sentNow: 1_500, alreadyDelivered: 0 });
    expect(await site.receiver.verdict(input)).toEqual(EACH_ONCE);
  });

  test('together with the content end the file for good; dropped again, only the rest is sent', async ({ site }) => {
    await site.receive([], { rate: 200 });
    await site.worker();
    const input = alerts(1_500);
    const path = await site.write('alerts.csv', asCsv(input));
    const waiting = site.start('send', path);
    await site.receiver.reaches(300);
    const workflowId = await workflowOf(site);
    const sha256 = /^file-([0-9a-f]{64})-/.exec(workflowId)![1]!;
    await deleteChunks(site, { sha256 }, ['content']);
    const { code, stderr } = await waiting.end();
    expect(code).toBe(1);
    expect(stderr).toContain('Drop the file again');
    const end = await site.client.workflow
      .getHandle(workflowId)
      .result()
      .catch((error: unknown) => error);
    expect(end).toMatchObject({ cause: { type: 'ContentMissing' } });

    const again = await site.send(path);
    expect(again).toMatchObject({ code: 0, result: { delivered: 1_500 } });
    expect(again.result.sentNow).toBeLessThan(1_500);
    expect(again.result.sentNow + again.result.alreadyDelivered).toBe(1_500);
    expect(await site.receiver.verdict(input)).toEqual(EACH_ONCE);
  });
});
