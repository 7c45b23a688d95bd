/**
 * Several homes at one Temporal namespace, and homes whose store is missing: none answers for another, and nobody's alerts are taken for
 * delivered by a store that knows nothing of them.
 */
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import type { StatusReport } from '../../src/app/app.ts';
import type { EndpointStatus } from '../../src/app/endpoint-status.ts';
import { FAILURE } from '../../src/domain/names.ts';
import { alerts, asCsv } from './support/alert-files.ts';
import { test as base } from './support/e2e-test.ts';
import { Site } from './support/site.ts';
import { temporalCli } from './support/temporal-service.ts';
import { EACH_ONCE } from './support/test-receiver.ts';
import { until } from './support/waiting.ts';

/** Another home, at the namespace of `site`. */
const test = base.extend<{ other: Site }>({
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

/** The one that is there, or will be. */
const deliveryOf = (site: Site): Promise<string> =>
  until('the delivery is submitted', async () => {
    for await (const { workflowId } of site.client.workflow.list()) {
      if (workflowId.startsWith('file-')) return workflowId;
    }
    return undefined;
  });

const pendingFailures = async (site: Site, workflowId: string): Promise<string[]> => {
  const { raw } = await site.client.workflow.getHandle(workflowId).describe();
  return (raw.pendingActivities ?? []).map(({ lastFailure }) => {
    return `${lastFailure?.applicationFailureInfo?.type}: ${lastFailure?.message}`;
  });
};

describe('two homes at one namespace', () => {
  test('deliver the same file, each to its own endpoint, and show each its own', async ({ site, other }) => {
    await Promise.all([site.receive(), other.receive([], { name: 'erp' })]);
    await Promise.all([site.worker(), other.worker()]);
    const input = alerts(400);
    const ends = await Promise.all(
      [site, other].map(async (one) => one.send(await one.write('alerts.csv', asCsv(input)))),
    );
    for (const end of ends) expect(end).toMatchObject({ code: 0, result: { delivered: 400 } });
    for (const one of [site, other]) expect(await one.receiver.verdict(input)).toEqual(EACH_ONCE);
    expect(await other.installation()).not.toBe(await site.installation());
    const status = JSON.parse((await other.wds('status', '-o', 'json')).stdout) as StatusReport;
    expect(status.endpoints.map(({ name }) => name)).toEqual(['erp']);
    expect(status.files.map(({ endpoint, file }) => [endpoint, file])).toEqual([['erp', 'alerts.csv']]);
  });

  test('cannot have an endpoint of the same name: the second one is refused before anything is submitted, until it is released', async ({
    site,
    other,
  }) => {
    const receiver = await site.receive(['--fail-users', '^first-7$=422']);
    await site.worker();
    const begun = asCsv(alerts(50, 'first'));
    expect((await site.send(await site.write('alerts.csv', begun))).code).toBe(3);
    await other.receive();
    const input = alerts(50, 'second');
    const file = await other.write('alerts.csv', asCsv(input));
    for (const command of [['send', file], ['worker'], ['watch']]) {
      const { code, stderr } = await other.wds(...command);
      expect({ command, code }).toEqual({ command, code: 2 });
      expect(stderr).toContain(`endpoint crm belongs to installation ${await site.installation()}`);
      expect(stderr).toContain('Is the store mounted?');
      expect(stderr).toContain('wds endpoint release crm');
    }
    const shown = JSON.parse((await other.wds('endpoint', 'show', '-o', 'json')).stdout) as EndpointStatus;
    expect(shown.note).toContain(`another installation, ${await site.installation()}`);
    expect(await other.receiver.requests()).toEqual([]);

    const released = await other.wds('endpoint', 'release', 'crm');
    expect(released).toMatchObject({ code: 0 });
    expect(released.stdout).toContain(`it belonged to installation ${await site.installation()}`);
    await other.worker();
    expect(await other.send(file)).toMatchObject({ code: 0, result: { delivered: 50 } });
    expect(await other.receiver.verdict(input)).toEqual(EACH_ONCE);
    // What the first one has sent of its file is in its receipts only.
    const again = await other.wds('send', await other.write('begun.csv', begun));
    expect(again).toMatchObject({ code: 2 });
    expect(again.stderr).toContain(`was begun for endpoint crm by installation ${await site.installation()}`);
    expect(await other.receiver.requests()).toHaveLength(50);
    // Now it is the other way round.
    expect((await site.wds('send', await site.write('more.csv', asCsv(alerts(5, 'more'))))).code).toBe(2);
    expect((await receiver.accepted()).length).toBe(49);
  });

  test('an endpoint is not released while files are on their way to it, and stays whose it is when its governor is terminated', async ({
    site,
    other,
  }) => {
    await site.receive(['--status', '503']);
    await site.worker();
    const sending = site.start('send', await site.write('alerts.csv', asCsv(alerts(50))));
    await site.receiver.reaches(1);
    const refused = await other.wds('endpoint', 'release', 'crm');
    expect(refused).toMatchObject({ code: 2 });
    expect(refused.stderr).toContain('1 file is on the way to crm: file-');
    sending.kill('SIGKILL');
    await sending.ended;
    await temporalCli(site, 'workflow', 'terminate', '--workflow-id', 'governor-crm', '--reason', 'upgrade');
    await other.configure(site.receiver.url);
    expect((await other.wds('worker', '--role', 'alerts')).stderr).toContain('belongs to installation');
  });
});

describe('a home whose store is missing', () => {
  test('has another identity: its files worker takes no work of the real one, its alerts worker does not start', async ({
    site,
    other,
  }) => {
    const receiver = await site.receive();
    // The same configuration on another host, where the store is not mounted.
    await other.configure(receiver.url);
    await site.worker('alerts');
    await other.worker('files');
    const refused = await other.wds('worker', '--role', 'alerts');
    expect(refused).toMatchObject({ code: 2 });
    expect(refused.stderr).toContain('Is the store mounted?');
    const input = alerts(300);
    const following = site.send(await site.write('alerts.csv', asCsv(input)));
    const handle = site.client.workflow.getHandle(await deliveryOf(site));
    expect((await handle.fetchHistory()).events).toHaveLength(2);
    await site.worker('files');
    expect(await following).toMatchObject({ code: 0, result: { delivered: 300 } });
    expect(await receiver.verdict(input)).toEqual(EACH_ONCE);
  });

  test('that vanishes in mid-file sends nothing more, says so, and goes on when it is back', async ({ site }) => {
    await site.receive(
      ['--latency', '100ms'],
      { maxConnections: 4, timeoutSeconds: 2 },
      { delivery: { batchSize: 20 } },
    );
    await site.worker();
    const input = alerts(300);
    const following = site.send(await site.write('alerts.csv', asCsv(input)));
    await site.receiver.reaches(40);
    const [store, away] = [join(site.home, 'store'), join(site.home, 'unmounted')];
    await rename(store, away);
    const workflowId = await deliveryOf(site);
    await until('the activities are refused', async () =>
      (await pendingFailures(site, workflowId)).some(
        (failure) => failure.startsWith(FAILURE.otherInstallation) && failure.includes('Is the store mounted?'),
      ),
    );
    const seen = (await site.receiver.requests()).length;
    expect(seen).toBeLessThan(300);
    await rename(away, store);
    expect(await following).toMatchObject({ code: 0, result: { delivered: 300 } });
    const { missed, strangers } = await site.receiver.verdict(input);
    expect({ missed, strangers }).toEqual({ missed: [], strangers: [] });
  });

  test('and comes up with that of another installation in its place ends the process, so that it can be started again', async ({
    site,
    other,
  }) => {
    await Promise.all([site.receive(), other.receive([], { name: 'erp' })]);
    const worker = await site.worker();
    await other.worker();
    await site.installation();
    const store = join(site.home, 'store');
    await rename(store, join(site.home, 'before'));
    await rename(join(other.home, 'store'), store);
    const { code } = await worker.end();
    expect(code).toBe(1);
    expect(worker.stderr).toContain(`is the store of installation ${await site.installation()}`);
  });
});
