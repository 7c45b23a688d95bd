/** What reports say to the people who read them. */
import { describe, expect } from 'vitest';
import { alerts, asCsv } from './support/alert-files.ts';
import { test } from './support/e2e-test.ts';
import { listen } from './support/scripted-receiver.ts';

describe('the reason of a refusal', () => {
  test('is what the receiver said, in receipts.csv and failed.csv', async ({ site }) => {
    const { receiver, url, close } = await listen();
    try {
      const body = `{"error":\r\n "no such user", "you sent":"Bearer token-0123456789"}\u0007${'x'.repeat(1_000)}`;
      receiver.script = ({ userId }) => (userId === 'user-2' ? { status: 400, body } : { status: 200 });
      await site.configure(url, { headers: { Authorization: 'Bearer token-0123456789' } });
      await site.worker();
      const sent = await site.send(await site.write('alerts.csv', asCsv(alerts(3))));
      expect(sent).toMatchObject({ code: 3, result: { delivered: 2, rejected: 1 } });
      for (const name of ['receipts.csv', 'failed.csv']) {
        const { reason } = (await site.report(sent.result, name)).find(({ userId }) => userId === 'user-2')!;
        expect(reason).toMatch(/^HTTP 400: \{"error": "no such user", "you sent":"\*\*\*"\} x+…$/);
        expect(reason).toHaveLength('HTTP 400: '.length + 200);
      }
    } finally {
      close();
    }
  });

  test('comes with a next step that can be typed as it is printed, where nothing is configured', async ({ site }) => {
    const { receiver, url, close } = await listen();
    try {
      receiver.script = () => ({ status: 422, body: 'not today' });
      await site.start('worker', '--url', url).says('Worker (all) is running');
      const refused = await site.wds('send', await site.write('alerts.csv', asCsv(alerts(2))), '--url', url);
      expect(refused.code).toBe(3);
      receiver.script = () => ({ status: 200 });
      const next = /next +wds (.*)/.exec(refused.stdout)?.[1] ?? '';
      expect(await site.wds(...next.split(' '))).toMatchObject({ code: 0 });
    } finally {
      close();
    }
  });
});
