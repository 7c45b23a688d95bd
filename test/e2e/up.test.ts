/** `wds up` with its own Temporal server: everything in one process tree, killed with all of it, and started again. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import type { ServerRecord } from '../../src/temporal/server-file.ts';
import { alerts, asCsv } from './support/alert-files.ts';
import { test } from './support/e2e-test.ts';
import type { Site } from './support/site.ts';
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
    await site.receive(['--latency', '40ms']);
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
    for (const word of ['Inbox', 'Reports', 'Web UI', 'Endpoint', 'Next']) expect(up.stderr).toContain(word);
    up.kill('SIGINT');
    expect(await up.end()).toMatchObject({ code: 0 });
    const again = await startUp(site);
    expect(again.stderr).toContain('delivered before, nothing sent');
    again.kill('SIGINT');
    expect(await again.end()).toMatchObject({ code: 0 });
  });
});
