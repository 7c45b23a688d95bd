/** Watchers of one inbox must agree where its files go: the second `npm start` in a folder, a deploy, a configuration that was changed. */
import { describe, expect } from 'vitest';
import { alerts, asCsv } from './support/alert-files.ts';
import { test } from './support/e2e-test.ts';
import { EACH_ONCE } from './support/test-receiver.ts';

describe('a second watcher of an inbox', () => {
  test('with another endpoint is refused with 2 and the reason; the first one goes on; a deploy may change the rate', async ({
    site,
  }) => {
    const receiver = await site.receive();
    await Promise.all([site.worker(), site.watcher()]);
    await site.configure(receiver.url, { name: 'erp' });
    const refused = await site.wds('watch');
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/process \d+ on host .* watches .*inbox with endpoint crm, not erp/);
    await site.configure(receiver.url, {}, { parse: { userIdColumn: 'user' } });
    expect((await site.wds('watch')).stderr).toContain('parse.userIdColumn "userId", not "user"');

    await site.configure(receiver.url, { rate: 500 });
    await site.watcher();
    const input = alerts(100);
    await site.drop('alerts.csv', asCsv(input));
    await receiver.reaches(100);
    expect(await receiver.verdict(input)).toEqual(EACH_ONCE);
    expect((await receiver.requests()).every(({ webhookId }) => webhookId.startsWith('crm_'))).toBe(true);
  });

  test('with another endpoint, after the first one was killed, waits for ten seconds at most and says so', async ({
    site,
  }) => {
    const receiver = await site.receive();
    const first = await site.watcher();
    first.kill('SIGKILL');
    await first.ended;
    await site.configure(receiver.url, { name: 'erp' });
    const second = site.start('watch');
    await second.says(/waiting for up to 10 s/, 15_000);
    await second.says('Watching ', 15_000);
  });
});

describe('a second wds up in a folder', () => {
  test('with another endpoint ends with 2 and sends nothing, and the first one goes on', async ({ site }) => {
    site.setEnv({ TEMPORAL_ADDRESS: undefined, TEMPORAL_NAMESPACE: undefined });
    const receiver = await site.receive();
    const first = site.start('up');
    await first.says(/^Web UI /m);
    const other = receiver.url.replace('127.0.0.1', 'localhost');
    await site.configure(other);
    const second = await site.wds('up');
    expect(second.code).toBe(2);
    expect(second.stderr).toContain(`URL ${receiver.url}, not ${other}`);
    const input = alerts(100);
    await site.drop('alerts.csv', asCsv(input));
    await receiver.reaches(100);
    expect(await receiver.verdict(input)).toEqual(EACH_ONCE);
    expect(first.running).toBe(true);
  });
});
