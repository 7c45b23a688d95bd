/** An installation answers for its own files only: a worker of another home that comes to the same Temporal leaves them alone. */
import { describe, expect } from 'vitest';
import { alerts, asCsv } from '../support/alert-files.ts';
import { test } from '../support/e2e-test.ts';
import { Site } from '../support/site.ts';
import { EACH_ONCE } from '../support/test-receiver.ts';
import { until } from '../support/waiting.ts';

describe('a worker of another home at the same Temporal service', () => {
  test('answers none of our files, though it has sent the same bytes to an endpoint of the same name', async ({
    site,
    onTestFinished,
  }) => {
    const rehearsal = await Site.open();
    onTestFinished(() => rehearsal.close());
    const known = alerts(400, 'known');
    const unknown = alerts(300, 'unknown');
    await rehearsal.receive();
    const ownWorker = await rehearsal.worker();
    expect(await rehearsal.send(await rehearsal.write('f.csv', asCsv(known)))).toMatchObject({ code: 0 });
    ownWorker.kill('SIGTERM');
    await ownWorker.end();
    await rehearsal.receiver.lookAway();

    await site.receive();
    await site.worker();
    // As when its own server has gone and ours has taken the port.
    rehearsal.setEnv({ TEMPORAL_NAMESPACE: site.namespace });
    const foreign = rehearsal.start('worker');
    await until('it works here, or refuses to', () => !foreign.running || foreign.stderr.includes('is running'));
    expect(await site.send(await site.write('f.csv', asCsv(known)))).toMatchObject({
      code: 0,
      result: { delivered: 400 },
    });
    const path = await site.write('new.csv', asCsv(unknown));
    expect(await site.send(path)).toMatchObject({ code: 0, result: { delivered: 300 } });
    expect(await site.receiver.verdict([...known, ...unknown])).toEqual(EACH_ONCE);
    expect(await rehearsal.receiver.requests()).toEqual([]);
    foreign.kill('SIGTERM');
    await foreign.end();
  });
});
