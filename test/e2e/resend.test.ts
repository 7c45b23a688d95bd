/** An alert that is sent again on purpose: once for each time that it was asked for, under an ID of its own, and with a trace. */
import { expect } from 'vitest';
import type { FoundUser } from '../../src/app/find-user.ts';
import { alerts, asCsv } from './support/alert-files.ts';
import { test } from './support/e2e-test.ts';

test('a delivered alert is resent under a new ID, also once a message, and both are found', async ({ site }) => {
  await site.receive([], {}, { delivery: { once: 'message' } });
  await site.worker();
  const input = alerts(3);
  expect((await site.send(await site.write('invoices.csv', asCsv(input)))).code).toBe(0);
  const { userId } = input[0]!;
  const resent = await site.wds('resend', userId, 'invoices.csv', '-o', 'json');
  expect(resent).toMatchObject({ code: 0 });
  expect(JSON.parse(resent.stdout)).toMatchObject({ file: 'resend-1-line-2-invoices.csv.ndjson', delivered: 1 });
  const requests = (await site.receiver.requests()).filter((request) => request.userId === userId);
  expect(requests).toHaveLength(2);
  expect(new Set(requests.map(({ webhookId }) => webhookId)).size).toBe(2);
  const found = JSON.parse((await site.wds('find', userId, '-o', 'json')).stdout) as FoundUser;
  expect(found.alerts.map(({ file, outcome }) => [file, outcome])).toEqual([
    ['resend-1-line-2-invoices.csv.ndjson', 'delivered'],
    ['invoices.csv', 'delivered'],
  ]);
  // Retrying the first file sends nothing of it.
  expect((await site.wds('retry', 'invoices.csv')).stdout).toContain('nothing sent');
});
