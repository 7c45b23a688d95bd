/** What a script sees of wds when nothing can be delivered: exit codes, and that they come soon. */
import { describe, expect } from 'vitest';
import { alerts, asCsv } from './support/alert-files.ts';
import { test } from './support/e2e-test.ts';

describe.concurrent('wds send', () => {
  test('exits with 69 within seconds where Temporal cannot be reached, and names the address', async ({ site }) => {
    await site.configure('http://127.0.0.1:9/');
    site.setEnv({ TEMPORAL_ADDRESS: '127.0.0.1:1' });
    const ended = await site.wds('send', await site.write('alerts.csv', asCsv(alerts(10))), '-o', 'json');
    expect(ended.code).toBe(69);
    expect(ended.stderr).toContain('127.0.0.1:1');
    expect(ended.seconds).toBeLessThan(40);
  });

  test('exits with 75 at its deadline, and the delivery goes on when there are workers', async ({ site }) => {
    await site.receive();
    const input = alerts(100);
    const path = await site.write('alerts.csv', asCsv(input));
    const ended = await site.send(path, '--deadline', '1');
    expect(ended).toMatchObject({ code: 75, result: { file: path, delivered: 0 } });
    await site.worker();
    await site.receiver.reaches(100);
    expect((await site.send(path)).code).toBe(0);
  });

  test('exits with 2 and all faults at once for a configuration that will not do', async ({ site }) => {
    await site.configure('ftp://nowhere', { rate: 'fast' }, { delivery: { batchSize: 0 } });
    const ended = await site.wds('send', await site.write('alerts.csv', asCsv(alerts(1))));
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    for (const key of ['endpoint.url', 'endpoint.rate', 'delivery.batchSize']) expect(ended.stderr).toContain(key);
  });

  test('prints a line of JSON for each of several files, and exits with the worst of their codes', async ({ site }) => {
    await site.receive(['--fail-users', '^b-2$=400']);
    await site.worker();
    const paths = [await site.write('a.csv', asCsv(alerts(5, 'a'))), await site.write('b.csv', asCsv(alerts(5, 'b')))];
    const ended = await site.wds('send', ...paths, 'missing.csv', '-o', 'jsonl');
    expect(ended.code).toBe(5);
    const lines = ended.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { file: string });
    expect(lines.map(({ file }) => file).sort()).toEqual([...paths, 'missing.csv'].sort());
    expect(lines.find(({ file }) => file === paths[1])).toMatchObject({ delivered: 4, rejected: 1 });
  });

  test('stops waiting at Ctrl-C with 130, and leaves the delivery to the workers', async ({ site }) => {
    await site.receive(['--latency', '30ms']);
    await site.worker();
    const input = alerts(4_000);
    const sending = site.start('send', await site.write('alerts.csv', asCsv(input)));
    await site.receiver.reaches(200);
    sending.kill('SIGINT');
    const ended = await sending.end();
    expect(ended.code).toBe(130);
    expect(ended.stderr).toContain('goes on');
    await site.receiver.reaches(4_000);
  });
});

describe.concurrent('wds init', () => {
  test('registers the search attributes, by which files are found afterwards', async ({ site }) => {
    await site.receive(['--fail-users', '^user-1$=400']);
    const first = await site.wds('init', '-o', 'json');
    expect(JSON.parse(first.stdout)).toMatchObject({
      registered: expect.arrayContaining(['WdsFileName', 'WdsFailed']),
    });
    const second = await site.wds('init', '-o', 'json');
    expect(JSON.parse(second.stdout)).toMatchObject({
      registered: [],
      alreadyThere: expect.arrayContaining(['WdsFileName', 'WdsFailed']),
    });
    await site.worker();
    const { result } = await site.send(await site.write('alerts.csv', asCsv(alerts(3))));
    const query = 'WdsFileName = "alerts.csv" AND WdsEndpoint = "crm" AND WdsRows = 3 AND WdsFailed = 1';
    const found: string[] = [];
    for await (const { workflowId } of site.client.workflow.list({ query })) found.push(workflowId);
    expect(found).toEqual([result.workflowId]);
  });
});
