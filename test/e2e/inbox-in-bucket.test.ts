/** An inbox in a bucket, to which any S3 client uploads. */
import { expect } from 'vitest';
import type { Bucket } from '../../src/store/s3/bucket.ts';
import { openBucket } from '../../src/store/s3/s3-bucket.ts';
import type { Gateway } from '../support/versitygw.ts';
import { BUCKET, BUILD_LIMIT_MS, CREDENTIALS, HAS_GATEWAY, startGateway } from '../support/versitygw.ts';
import { alerts, asCsv } from './support/alert-files.ts';
import { test as base } from './support/e2e-test.ts';
import { EACH_ONCE } from './support/test-receiver.ts';
import { until } from './support/waiting.ts';

const test = base.extend<{ gateway: Gateway; inbox: Bucket }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the pattern
  gateway: async ({}, use) => {
    const gateway = await startGateway();
    await use(gateway);
    await gateway.stop();
  },
  inbox: async ({ gateway }, use) => {
    Object.assign(process.env, CREDENTIALS);
    const { endpoint } = gateway;
    await use(await openBucket({ bucket: BUCKET, prefix: 'in/crm', endpoint, region: 'us-east-1', pathStyle: true }));
  },
});

const INBOX = `s3://${BUCKET}/in/crm`;

const STORES = { 'a folder': {}, 'the same bucket': { WDS_STORE: `s3://${BUCKET}/wds` } };

for (const [where, stored] of Object.entries(STORES)) {
  test.skipIf(!HAS_GATEWAY)(
    `uploads are delivered and put away, refused ones with their reason, over a watcher that is killed; the store in ${where}`,
    async ({ site, gateway, inbox }) => {
      site.setEnv({ ...CREDENTIALS, ...stored, WDS_INBOX: INBOX, WDS_S3_ENDPOINT: gateway.endpoint });
      const receiver = await site.receive();
      const victim = site.start('watch');
      await victim.says(`Watching ${INBOX}`);
      victim.kill('SIGKILL');
      const input = alerts(1_000);
      await inbox.put('alerts.csv', asCsv(input));
      await inbox.put('urgent/bad.csv', 'name,text\nann,hi\n');
      const heir = site.start('watch');
      await Promise.all([heir.says(`Watching ${INBOX}`), site.worker()]);
      await receiver.reaches(1_000);
      await until('the refused one is put away', async () => (await inbox.list('rejected')).length === 2 || undefined);
      expect((await inbox.get('rejected/bad.csv.reason.txt'))?.bytes.toString()).toContain(
        'there is no column "userId"',
      );
      expect(await inbox.list('processed')).toMatchObject([
        expect.stringMatching(/^\d{8}T.*Z-[0-9a-f]{8}-alerts\.csv$/),
      ]);

      const sent = await site.send(await site.write('again.csv', asCsv(input)));
      expect(sent).toMatchObject({ code: 0, result: { delivered: 1_000, sentNow: 0 } });
      expect(await receiver.verdict(input)).toEqual(EACH_ONCE);
      const status = JSON.parse((await site.wds('status', '-o', 'json')).stdout) as { inbox: string };
      expect(status.inbox).toBe(INBOX);
      heir.kill('SIGTERM');
      await until('nothing of the watcher is left', async () => {
        const left = await inbox.list('');
        return left.join() === 'processed,rejected' || undefined;
      });
    },
    BUILD_LIMIT_MS,
  );
}
