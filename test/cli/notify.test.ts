import { expect, test } from 'vitest';
import type { NotificationTry } from '../../src/app/try-notifications.ts';
import { wds } from './fake-app.ts';

const WELL: NotificationTry = { way: 'url', to: 'hooks.example.com', ok: true, answer: 'HTTP 200: ok', seconds: 0.1 };
const ILL: NotificationTry = { way: 'command', to: 'mail', ok: false, answer: 'exit code 1: no', seconds: 2 };

test('wds notify --test tells what came of each way, and fails where one did', async () => {
  const { out, code } = await wds(['notify', '--test'], { tryNotifications: async () => [WELL, ILL] });
  expect(out).toBe(
    '✓ url      hooks.example.com  it got through: HTTP 200: ok (0.1 s)\n✗ command  mail  it did not get through: exit code 1: no (2.0 s)\n',
  );
  expect(code).toBe(1);
  const json = await wds(['notify', '--test', '-o', 'json'], { tryNotifications: async () => [WELL] });
  expect(JSON.parse(json.out)).toEqual([WELL]);
  expect(json.code).toBe(0);
});

test('without --test it says that this is all it does', async () => {
  expect(await wds(['notify'])).toMatchObject({ code: 2, err: expect.stringContaining('wds notify --test') });
});
