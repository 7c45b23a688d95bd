/** Why a file waits is said by `wds send`, `wds status` and the log, in the same words. */
import { describe, expect } from 'vitest';
import { alerts, asCsv } from './support/alert-files.ts';
import { test } from './support/e2e-test.ts';
import type { Site } from './support/site.ts';
import { EACH_ONCE } from './support/test-receiver.ts';
import { until } from './support/waiting.ts';

/** Until the status has these words; commands take their time on a busy machine, so it is no measure of seconds. */
const statusSays = (site: Site, words: string): Promise<boolean> =>
  until(`the status says ${words}`, async () => (await site.wds('status')).stdout.includes(words));

describe.concurrent('a file that does not get on', () => {
  test('for want of workers says which kind is missing, and goes on when they come', async ({ site }) => {
    await site.receive();
    const watcher = await site.watcher();
    const input = alerts(300);
    const path = await site.write('alerts.csv', asCsv(input));
    const sending = site.start('send', path);
    await sending.says('waiting: no worker runs its workflow');
    await watcher.says('no worker runs its workflow');
    await statusSays(site, 'no worker runs its workflow');

    await site.worker('files');
    await sending.says('waiting: no worker serves endpoint crm');
    await watcher.says('no worker serves endpoint crm');
    await statusSays(site, 'no worker serves endpoint crm');

    await site.worker('alerts');
    expect((await sending.end()).code).toBe(0);
    expect(await site.receiver.verdict(input)).toEqual(EACH_ONCE);
    await watcher.says('"event":"no_worker_over"');
  });

  test('because of its endpoint, or of an operator, says so, and the log has each once', async ({ site }) => {
    await site.receive(['--status', '401']);
    const worker = await site.worker();
    const path = await site.write('alerts.csv', asCsv(alerts(1_000)));
    const sending = site.start('send', path);
    await sending.says('waiting: it refuses everything (HTTP 401)');
    await worker.says('"event":"circuit_opened"');
    await statusSays(site, 'it refuses everything (HTTP 401)');

    await site.wds('pause', path);
    await sending.says('waiting: the file is paused');
    await worker.says('"event":"file_paused"');
    await site.wds('resume', path);

    await site.receiver.control({ status: null });
    await site.wds('endpoint', 'resume');
    expect((await sending.end()).code).toBe(0);
    await worker.says('"event":"circuit_closed"');
    const events = worker.stderr.match(/"event":"(circuit|file)_\w+"/g) ?? [];
    expect(new Set(events).size).toBe(events.length);
  });
});
