/** Endpoints that limit, refuse everything, or are not there: files wait for them, and lose nothing by it. */
import { describe, expect } from 'vitest';
import { alerts, asCsv } from './support/alert-files.ts';
import { test } from './support/e2e-test.ts';
import { EACH_ONCE } from './support/test-receiver.ts';

describe('an endpoint with a rate limit', () => {
  test.concurrent('is sent what it takes and hardly more: 1,000 alerts at 100 a second', async ({ site }) => {
    await site.receive(['--rate', '100', '--burst', '100']);
    await site.configure(site.receiver.url, { rate: 100 });
    await site.worker();
    const input = alerts(1_000);
    const path = await site.write('alerts.csv', asCsv(input));
    expect(await site.send(path, '--rate', '100')).toMatchObject({ code: 0, result: { delivered: 1_000 } });
    expect(await site.receiver.verdict(input)).toEqual(EACH_ONCE);
    const { statuses, maxReceivedPerSecond } = await site.receiver.stats();
    expect(statuses['429'] ?? 0).toBeLessThanOrEqual(5);
    expect(maxReceivedPerSecond).toBeLessThanOrEqual(200);
  });

  test.concurrent('that nobody has told wds of gets everything once: 429 uses up no attempt', async ({ site }) => {
    await site.receive(['--rate', '400', '--burst', '50', '--retry-after', '1'], { retry: { maximumAttempts: 2 } });
    await site.worker();
    const input = alerts(1_000);
    const sent = await site.send(await site.write('alerts.csv', asCsv(input)));
    expect(sent).toMatchObject({ code: 0, result: { delivered: 1_000 } });
    expect(await site.receiver.verdict(input)).toEqual(EACH_ONCE);
    expect((await site.receiver.stats()).throttled).toBeGreaterThan(0);
  });
});

describe('an endpoint that refuses everything', () => {
  for (const status of [401, 404]) {
    test.concurrent(`with ${status} costs a few requests; mended, it gets the file without anybody's help`, async ({
      site,
    }) => {
      await site.receive(['--status', `${status}`]);
      await site.worker();
      const input = alerts(2_000);
      const path = await site.write('alerts.csv', asCsv(input));
      const following = site.send(path);
      await site.receiver.reaches(20);
      const waiting = await site.send(path, '--deadline', '3');
      expect(waiting.code).toBe(75);
      expect((await site.receiver.requests()).length).toBeLessThanOrEqual(30);
      const report = await site.wds('report', path, '-o', 'json');
      expect(JSON.parse(report.stdout)).toMatchObject({ pending: 2_000, rejected: 0, undelivered: 0 });

      await site.receiver.control({ status: null });
      expect(await following).toMatchObject({ code: 0, result: { delivered: 2_000, rejected: 0, undelivered: 0 } });
      expect(await site.receiver.verdict(input)).toEqual(EACH_ONCE);
    });
  }
});

describe('an endpoint that is not there', () => {
  test.concurrent('gets everything when it comes up, and no alert has been given up meanwhile', async ({ site }) => {
    const { url, process } = await site.receive([], { retry: { maximumAttempts: 3, maximumSeconds: 1 } });
    process.kill('SIGTERM');
    await process.end();
    await site.worker();
    const input = alerts(1_000);
    const path = await site.write('alerts.csv', asCsv(input));
    const following = site.send(path);
    expect((await site.send(path, '--deadline', '5')).code).toBe(75);
    await site.receiveAt(Number(new URL(url).port));
    expect(await following).toMatchObject({ code: 0, result: { delivered: 1_000, undelivered: 0 } });
    expect(await site.receiver.verdict(input)).toEqual(EACH_ONCE);
  });

  test.concurrent('in mid-file gets the rest when it is back', async ({ site }) => {
    await site.receive(['--latency', '20ms'], { retry: { maximumAttempts: 3, maximumSeconds: 1 } });
    await site.worker();
    const input = alerts(3_000);
    const following = site.send(await site.write('alerts.csv', asCsv(input)));
    await site.receiver.reaches(1_000);
    await site.receiver.control({ downForMs: '4s' }).catch(() => undefined);
    expect(await following).toMatchObject({ code: 0, result: { delivered: 3_000 } });
    const verdict = await site.receiver.verdict(input);
    expect({ ...verdict, repeated: [] }).toEqual(EACH_ONCE);
    // Cut off while 64 requests were open: each may have been accepted before.
    expect(verdict.repeated.length).toBeLessThanOrEqual(64);
  });

  test.concurrent('is found again even if the first alert of the file is one that it never takes', async ({ site }) => {
    const { url, process } = await site.receive([], {
      retry: { initialSeconds: 0.1, maximumSeconds: 0.5, maximumAttempts: 5 },
    });
    process.kill('SIGTERM');
    await process.end();
    await site.worker();
    const input = alerts(300);
    const path = await site.write('alerts.csv', asCsv(input));
    const following = site.send(path);
    expect((await site.send(path, '--deadline', '5')).code).toBe(75);
    await site.receiveAt(Number(new URL(url).port), ['--fail-users', '^user-[12]$=500']);
    expect(await following).toMatchObject({ code: 3, result: { delivered: 298, undelivered: 2 } });
    expect(await site.receiver.verdict(input)).toEqual({ ...EACH_ONCE, missed: ['user-1', 'user-2'] });
  });
});
