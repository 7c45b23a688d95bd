/** Who is not alerted, when nobody is, and who is told of how it went: through all processes. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { NotificationBody } from '../../src/domain/notices/notice-box.ts';
import { alerts, asCsv } from './support/alert-files.ts';
import { test } from './support/e2e-test.ts';
import { until } from './support/waiting.ts';

test('a suppression list holds as it is, what is too late is undelivered, and somebody is notified', async ({
  site,
}) => {
  const input = alerts(6);
  const [first, second] = input.map(({ userId }) => userId);
  const list = join(site.folder, 'stop.txt');
  await writeFile(list, `${first}\n`);
  const told = join(site.folder, 'told.jsonl');
  await site.receive([], {}, { delivery: { suppressFile: 'stop.txt' }, notify: { command: `cat >> ${told}` } });
  await site.worker();
  const sent = await site.send(await site.write('a.csv', asCsv(input)));
  expect(sent).toMatchObject({ code: 0, result: { alerts: 6, delivered: 5, suppressed: 1 } });
  await writeFile(list, `${second}\r\n`);
  const again = await site.write('b.csv', asCsv(input.map((alert) => ({ ...alert, alertMessage: 'another one' }))));
  const late = await site.send(again, '--not-after', '2026-01-01T00:00Z');
  expect(late).toMatchObject({ code: 3, result: { undelivered: 5, suppressed: 1 } });
  const users = (await site.receiver.requests()).map(({ userId }) => userId);
  expect(users).not.toContain(first);
  expect(users).toHaveLength(5);
  const types = await until('all was told', async () => {
    const lines = (await readFile(told, 'utf8').catch(() => '')).trimEnd().split('\n');
    const bodies = lines.flatMap((line) => (line === '' ? [] : [JSON.parse(line) as NotificationBody]));
    return bodies.length >= 2 ? bodies.map(({ type, data }) => `${type} ${data.files[0]?.file}`).sort() : undefined;
  });
  expect(types).toEqual(['file.failed b.csv', 'file.finished a.csv']);
});
