/** Hosts that have nothing in common but Temporal and a bucket. */
import { expect } from 'vitest';
import type { FoundUser } from '../../src/app/find-user.ts';
import type { Gateway } from '../support/versitygw.ts';
import { BUCKET, BUILD_LIMIT_MS, CREDENTIALS, HAS_GATEWAY, startGateway } from '../support/versitygw.ts';
import { alerts, asCsv } from './support/alert-files.ts';
import { test as base } from './support/e2e-test.ts';
import { Site } from './support/site.ts';
import { until } from './support/waiting.ts';

const test = base.extend<{ gateway: Gateway; other: Site }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the pattern
  gateway: async ({}, use) => {
    const gateway = await startGateway();
    await use(gateway);
    await gateway.stop();
  },
  other: async ({ site, onTestFailed }, use) => {
    const other = await Site.open();
    other.setEnv({ TEMPORAL_NAMESPACE: site.namespace });
    onTestFailed(() => {
      process.stderr.write(`${other.said()}\n`);
    });
    await use(other);
    await other.close();
  },
});

test.skipIf(!HAS_GATEWAY)(
  'a host dies in mid-file: the other one goes on with what the bucket knows, and nobody is alerted twice',
  async ({ site, other, gateway }) => {
    const inBucket = { ...CREDENTIALS, WDS_STORE: `s3://${BUCKET}/of wds`, WDS_S3_ENDPOINT: gateway.endpoint };
    for (const host of [site, other]) host.setEnv(inBucket);
    const hold = { ambiguous: 'hold', rate: 400 };
    const receiver = await site.receive([], hold);
    await other.configure(receiver.url, hold);
    const input = alerts(1_200);
    const victim = await site.worker();
    const sent = other.send(await other.write('alerts.csv', asCsv(input)));
    await until('a quarter is sent', async () => (await receiver.stats()).accepted > 300 || undefined);
    const heir = await other.worker();
    victim.kill('SIGKILL');
    const { result } = await sent;

    expect(result.reportDir).toMatch(/^s3:\/\/alerts\/of wds\/reports\/alerts\.csv-/);
    const verdict = await receiver.verdict(input);
    expect(verdict).toMatchObject({ repeated: [], altered: [], strangers: [] });
    expect(verdict.missed.length).toBeLessThanOrEqual(result.unconfirmed);
    expect(result.delivered + result.unconfirmed).toBe(1_200);

    const again = await other.send(await other.write('again.csv', asCsv(input)));
    expect(again.result).toMatchObject({ delivered: result.delivered, sentNow: 0 });
    const user = input.find(({ userId }) => !verdict.missed.includes(userId))!.userId;
    const found = JSON.parse((await site.wds('find', user, '-o', 'json')).stdout) as FoundUser;
    expect(found.alerts).toMatchObject([{ file: 'alerts.csv', unknownAnswers: expect.any(Number) as number }]);
    heir.kill('SIGTERM');
  },
  BUILD_LIMIT_MS,
);
