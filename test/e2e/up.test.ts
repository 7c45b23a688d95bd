/** `wds up` with its own Temporal server: everything in one process tree, killed with all of it, and started again. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import type { ServerRecord } from '../../src/dev-server/server-file.ts';
import { alerts, asCsv } from './support/alert-files.ts';
import { test } from './support/e2e-test.ts';
import { Site } from './support/site.ts';
import { EACH_ONCE } from './support/test-receiver.ts';
import { until } from './support/waiting.ts';
import type { WdsProcess } from './support/wds-process.ts';

async function startUp(site: Site): Promise<WdsProcess> {
  const up = site.start('up');
  await up.says(/^Web UI /m, 60_000);
  return up;
}

describe('wds up', () => {
  test('killed in mid-file, server and all, goes on when it is started again', async ({ site }) => {
    site.setEnv({ TEMPORAL_ADDRESS: undefined, TEMPORAL_NAMESPACE: undefined });
    await site.receive(['--latency', '40ms'], { timeoutSeconds: 2 });
    const up = await startUp(site);
    const input = alerts(4_000);
    await site.drop('alerts.csv', asCsv(input));
    await site.receiver.reaches(1_000);
    const { server } = JSON.parse(await readFile(join(site.home, 'server.json'), 'utf8')) as ServerRecord;
    process.kill(server.pid, 'SIGKILL');
    up.kill('SIGKILL');
    await up.ended;
    expect((await site.receiver.requests()).length).toBeLessThan(input.length);

    const again = await startUp(site);
    await until(
      'every alert has arrived',
      async () => (await site.receiver.verdict(input)).missed.length === 0,
      60_000,
    );
    const path = await site.write('alerts.csv', asCsv(input));
    const sent = await site.send(path);
    expect(sent).toMatchObject({ code: 0, result: { delivered: 4_000 } });
    const verdict = await site.receiver.verdict(input);
    expect({ ...verdict, repeated: [] }).toEqual(EACH_ONCE);
    const named = (await site.report(sent.result, 'ambiguous.csv')).map(({ userId }) => userId);
    expect(named.length).toBeLessThanOrEqual(64);
    expect(named).toEqual(expect.arrayContaining([...verdict.repeated]));
    again.kill('SIGINT');
    expect(await again.end()).toMatchObject({ code: 0 });
  });

  test('with nothing configured delivers the example to the bundled receiver, once, and says where things are', async ({
    site,
  }) => {
    site.setEnv({ TEMPORAL_ADDRESS: undefined, TEMPORAL_NAMESPACE: undefined });
    const up = await startUp(site);
    expect(up.stderr).toMatch(/alerts\.csv: \d+ of \d+ delivered/);
    for (const word of ['Inbox', 'Reports', 'Web UI', 'API', 'Endpoint', 'Next']) expect(up.stderr).toContain(word);
    up.kill('SIGINT');
    expect(await up.end()).toMatchObject({ code: 0 });
    const again = await startUp(site);
    expect(again.stderr).toContain('delivered before, nothing sent');
    again.kill('SIGINT');
    expect(await again.end()).toMatchObject({ code: 0 });
  });
});

describe('wds send without a Temporal service', () => {
  test('keeps homes apart that are started at the same moment: each delivers its own file', async ({ site }) => {
    const other = await Site.open();
    try {
      const inputs = [alerts(300, 'here'), alerts(300, 'there')];
      const ends = await Promise.all(
        [site, other].map(async (one, at) => {
          one.setEnv({ TEMPORAL_ADDRESS: undefined, TEMPORAL_NAMESPACE: undefined });
          await one.receive();
          return one.send(await one.write('alerts.csv', asCsv(inputs[at]!)));
        }),
      );
      for (const end of ends) expect(end).toMatchObject({ code: 0, result: { delivered: 300 } });
      expect(await site.receiver.verdict(inputs[0]!)).toEqual(EACH_ONCE);
      expect(await other.receiver.verdict(inputs[1]!)).toEqual(EACH_ONCE);
    } finally {
      await other.close();
    }
  });

  test('ends at its deadline with 75, and goes on with the next command', async ({ site }) => {
    site.setEnv({ TEMPORAL_ADDRESS: undefined, TEMPORAL_NAMESPACE: undefined });
    await site.receive(['--status', '503']);
    const input = alerts(300);
    const path = await site.write('alerts.csv', asCsv(input));
    expect((await site.send(path, '--deadline', '6')).code).toBe(75);
    await site.receiver.control({ status: null });
    expect(await site.send(path)).toMatchObject({ code: 0, result: { delivered: 300 } });
    expect(await site.receiver.verdict(input)).toEqual(EACH_ONCE);
  });
});
