/** What an operator may delete is made anew when it is needed. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { alerts, asCsv } from '../support/alert-files.ts';
import { test } from '../support/e2e-test.ts';
import { EACH_ONCE } from '../support/test-receiver.ts';

describe('a failed file whose chunks were deleted, as the runbook allows', () => {
  for (const how of ['is dropped again', 'is retried'] as const) {
    test.concurrent(`and that ${how}: what was missing is sent, and nothing else`, async ({ site }) => {
      await site.receive(['--fail-users', '^user-3$=422']);
      await site.worker();
      const input = alerts(20);
      const path = await site.write('alerts.csv', asCsv(input));
      const { code, result } = await site.send(path);
      expect({ code, rejected: result.rejected }).toEqual({ code: 3, rejected: 1 });
      const folder = join(site.home, 'store', result.sha256);
      const isChunks = (name: string): boolean => name.startsWith('chunks-');
      for (const name of (await readdir(folder)).filter(isChunks)) await rm(join(folder, name), { recursive: true });

      await site.receiver.control({ failUsers: null });
      const again = how === 'is retried' ? site.retry(path) : site.send(path);
      expect(await again).toMatchObject({ code: 0, result: { alerts: 20, delivered: 20 } });
      expect((await readdir(folder)).some(isChunks)).toBe(true);
      expect(await site.receiver.verdict(input)).toEqual(EACH_ONCE);
    });
  }
});
