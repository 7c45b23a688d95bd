/** Alerts and endpoints that do not take what they are sent: how a file ends then, and how a retry sends only what is missing. */
import { describe, expect } from 'vitest';
import type { TestAlert } from './support/alert-files.ts';
import { alerts, asCsv } from './support/alert-files.ts';
import { test } from './support/e2e-test.ts';
import type { Site } from './support/site.ts';
import { failureTypeOf, historyOf, runsOf, temporalCli } from './support/temporal-service.ts';
import { EACH_ONCE } from './support/test-receiver.ts';
import { until } from './support/waiting.ts';

const REFUSED = [7, 400, 999];
const refusedUsers = (prefix = 'user'): string[] => REFUSED.map((number) => `${prefix}-${number}`);
const REFUSING_FLAGS = ['--fail-users', `^user-(${REFUSED.join('|')})$=422`];

/** Sends a file of which three users are refused, and then mends the receiver. What arrived until then is no longer looked at. */
async function sendWithRefusals(site: Site, input: readonly TestAlert[]) {
  const path = await site.write('alerts.csv', asCsv(input));
  const sent = await site.send(path);
  const { result } = sent;
  expect(sent.code).toBe(3);
  expect(result).toMatchObject({ alerts: input.length, delivered: input.length - 3, rejected: 3, undelivered: 0 });
  await site.receiver.control({ failUsers: null });
  return { path, result };
}

/** Each alert was accepted once, the refused ones in the retry, in which nobody else was asked. */
async function expectOnlyTheRefusedAgain(site: Site, input: readonly TestAlert[]): Promise<void> {
  expect(await site.receiver.verdict(input)).toEqual(EACH_ONCE);
  const asked = (await site.receiver.requests()).map(({ userId }) => userId);
  expect(asked).toHaveLength(input.length + 3);
  expect(asked.slice(-3).sort()).toEqual(refusedUsers().sort());
}

describe('a file with alerts that the receiver refuses', () => {
  const input = alerts(1_000);

  test('fails with UndeliveredAlerts and lists them, and a retry sends only those', async ({ site }) => {
    await site.receive(REFUSING_FLAGS);
    await site.worker();
    const { path, result } = await sendWithRefusals(site, input);
    expect(failureTypeOf(await historyOf(site, result.workflowId))).toBe('UndeliveredAlerts');
    const failed = await site.report(result, 'failed.csv');
    expect(failed.map(({ userId }) => userId)).toEqual(refusedUsers());
    for (const row of failed) expect(row).toMatchObject({ outcome: 'rejected' });
    const refused = (await site.report(result, 'receipts.csv')).filter(({ outcome }) => outcome === 'rejected');
    expect(refused).toMatchObject(REFUSED.map(() => ({ status: '422', attempts: '1' })));

    const retried = await site.retry(path);
    expect(retried).toMatchObject({ code: 0, result: { delivered: 1_000, rejected: 0 } });
    await expectOnlyTheRefusedAgain(site, input);
    expect(await site.report(retried.result, 'failed.csv')).toEqual([]);
    expect((await site.wds('retry', path)).stdout).toContain('nothing sent');
  });

  test('is finished by dropping the same file again', async ({ site }) => {
    await site.receive(REFUSING_FLAGS);
    await Promise.all([site.worker(), site.watcher()]);
    const { result } = await sendWithRefusals(site, input);
    await site.drop('again.csv', asCsv(input));
    await site.receiver.reaches(1_003);
    await until('it completes', async () => (await runsOf(site, result.workflowId))[0]?.status === 'COMPLETED');
    await expectOnlyTheRefusedAgain(site, input);
  });

  test('is finished by a reset of its workflow', async ({ site }) => {
    await site.receive(REFUSING_FLAGS);
    await site.worker();
    const { result } = await sendWithRefusals(site, input);
    const { workflowId } = result;
    await temporalCli(
      site,
      ...['workflow', 'reset', '--workflow-id', workflowId],
      ...['--type', 'FirstWorkflowTask', '--reason', 'e2e'],
    );
    expect(await site.client.workflow.getHandle(workflowId).result()).toMatchObject({ delivered: 1_000 });
    await expectOnlyTheRefusedAgain(site, input);
  });

  test('is retried once, however many press retry at the same time', async ({ site }) => {
    await site.receive(REFUSING_FLAGS);
    await site.worker();
    const { path, result } = await sendWithRefusals(site, input);
    // Slow enough for all of them to meet the same round.
    await site.receiver.control({ latencyMs: '1s' });
    const presses = await Promise.all(Array.from({ length: 20 }, () => site.retry(path)));
    for (const press of presses) expect(press).toMatchObject({ code: 0, result: { delivered: 1_000 } });
    await expectOnlyTheRefusedAgain(site, input);
    expect(await runsOf(site, result.workflowId)).toHaveLength(2);
  });
});

describe('an endpoint that fails some alerts for a while', () => {
  test('gets them again until they are accepted, the stubborn ones one by one', async ({ site }) => {
    await site.receive(
      ['--fail-users', '^user-[1-4]0$=503x2', '--fail-users', '^user-55$=500x5', '--fail-users', '^user-66$=500'],
      { retry: { initialSeconds: 0.1, maximumSeconds: 0.3, maximumAttempts: 7 } },
    );
    await site.worker();
    const input = alerts(200);
    const sent = await site.send(await site.write('alerts.csv', asCsv(input)));
    expect(sent).toMatchObject({ code: 3, result: { delivered: 199, undelivered: 1, rejected: 0 } });
    expect(await site.receiver.verdict(input)).toEqual({ ...EACH_ONCE, missed: ['user-66'] });
    const requests = await site.receiver.requests();
    const attemptsAt = (user: string): number => requests.filter(({ userId }) => userId === user).length;
    expect(attemptsAt('user-10')).toBe(3);
    expect(attemptsAt('user-55')).toBe(6);
    expect(attemptsAt('user-66')).toBe(7);
    const failed = await site.report(sent.result, 'failed.csv');
    expect(failed).toMatchObject([{ userId: 'user-66', outcome: 'undelivered' }]);
  });
});
