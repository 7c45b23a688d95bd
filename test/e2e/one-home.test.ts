/** Several commands of one home without a Temporal service of their own: they share the embedded server, and none ends it for another. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { identify } from '../../src/dev-server/process-identity.ts';
import type { ServerRecord } from '../../src/dev-server/server-file.ts';
import { alerts, asCsv } from './support/alert-files.ts';
import { test } from './support/e2e-test.ts';
import type { Site } from './support/site.ts';
import { EACH_ONCE } from './support/test-receiver.ts';
import { until } from './support/waiting.ts';

const embedded = (site: Site): void => site.setEnv({ TEMPORAL_ADDRESS: undefined, TEMPORAL_NAMESPACE: undefined });

const serverOf = async (site: Site): Promise<ServerRecord> =>
  JSON.parse(await readFile(join(site.home, 'server.json'), 'utf8')) as ServerRecord;

/** Makes a file of some hundred alerts last for seconds. */
const SLOW = ['--latency', '200ms'];
const CONNECTIONS = 8;
const FEW = { maxConnections: CONNECTIONS, timeoutSeconds: 2 };

describe('a second wds send', () => {
  for (const how of ['ends', 'is killed'] as const) {
    test(`delivers all of its file when the first one ${how}, which had started the server`, async ({ site }) => {
      embedded(site);
      await site.receive(SLOW, FEW);
      const inputs = [alerts(how === 'ends' ? 20 : 200, 'first'), alerts(200, 'second')] as const;
      const first = site.start('send', await site.write('first.csv', asCsv(inputs[0])));
      await site.receiver.reaches(1);
      const second = site.send(await site.write('second.csv', asCsv(inputs[1])));
      await until('the second one sends', async () =>
        (await site.receiver.requests()).some(({ userId }) => userId?.startsWith('second')),
      );
      const { server } = await serverOf(site);
      if (how === 'is killed') first.kill('SIGKILL');
      const { code } = await first.end();
      expect(code).toBe(how === 'ends' ? 0 : null);
      expect((await site.receiver.verdict(inputs[1])).missed).not.toEqual([]);

      expect(await second).toMatchObject({ code: 0, result: { delivered: 200 } });
      const { missed, repeated } = await site.receiver.verdict(inputs[1]);
      expect(missed).toEqual([]);
      expect(repeated.length).toBeLessThanOrEqual(how === 'ends' ? 0 : CONNECTIONS);
      // Whoever stops last ends it.
      expect(identify(server.pid)).toBeUndefined();
    });
  }
});

describe('a worker of its own beside wds up', () => {
  test('goes on when wds up ends, and when both server and wds up are killed', async ({ site }) => {
    embedded(site);
    await site.receive(SLOW, FEW);
    const up = site.start('up');
    await up.says(/^Web UI /m);
    await site.worker();
    const before = await serverOf(site);
    up.kill('SIGTERM');
    expect(await up.end()).toMatchObject({ code: 0 });
    const input = alerts(240);
    const following = site.send(await site.write('alerts.csv', asCsv(input)));
    await site.receiver.reaches(40);
    expect((await serverOf(site)).pid).toBe(before.pid);
    process.kill(before.pid, 'SIGKILL');
    expect(await following).toMatchObject({ code: 0, result: { delivered: 240 } });
    expect((await serverOf(site)).address).toBe(before.address);
    expect(await site.receiver.verdict(input)).toEqual(EACH_ONCE);
  });
});
