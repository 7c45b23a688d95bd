// @slow: waits for a check that never answers
import { createServer } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Distribution } from '../../src/distribution.ts';
import { openListener } from '../../src/monitoring/listener.ts';
import { Monitoring } from '../../src/monitoring/monitoring.ts';

interface Line {
  readonly level: string;
  readonly fields: { readonly event: string };
  readonly text: string;
}

async function listening(port = 0, host = '127.0.0.1') {
  const lines: Line[] = [];
  const say = (level: string) => (fields: { event: string }, text: string) => lines.push({ level, fields, text });
  const logger = { info: say('info'), warn: say('warn') } as never;
  const monitoring = new Monitoring();
  const listener = await openListener(monitoring, { host, port, logger });
  onTestFinished(() => listener.close());
  const get = (path: string, method = 'GET') => fetch(`${listener.address}${path}`, { method });
  return { monitoring, listener, lines, get };
}

/** A port that is taken, and free of others behind it as far as anybody knows. */
async function takenPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => new Promise((resolve) => server.close(() => resolve())));
  return (server.address() as { port: number }).port;
}

describe('the listener of a process', () => {
  test('says that it lives while it starts, and that it is ready when all of its parts are', async () => {
    const { monitoring, get } = await listening();
    expect(await (await get('/livez')).json()).toEqual({ alive: true });
    const starting = await get('/readyz');
    expect([starting.status, await starting.json()]).toEqual([
      503,
      { ready: false, checks: { process: 'it is starting' } },
    ]);
    let store = 'ok';
    monitoring.readiness.add('store', () => store);
    monitoring.readiness.begun();
    expect((await get('/readyz')).status).toBe(200);
    store = 'the store of installation 1 is not in /data';
    const report = await get('/readyz');
    expect([report.status, await report.json()]).toEqual([503, { ready: false, checks: { process: 'ok', store } }]);
    store = 'ok';
    monitoring.readiness.ends();
    expect((await get('/readyz')).status).toBe(503);
  });

  test('a check that throws or never answers is not ready, and does not hold up the answer for long', async () => {
    const { monitoring, get } = await listening();
    monitoring.readiness.begun();
    monitoring.readiness.add('home', async () => {
      throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    });
    monitoring.readiness.add('temporal', () => new Promise(() => undefined));
    expect(await (await get('/readyz')).json()).toEqual({
      ready: false,
      checks: { process: 'ok', home: 'ENOSPC: no space left on device', temporal: 'no answer within 2 s' },
    });
  });

  test('serves figures of wds, of the process and of the SDK, and goes on where the SDK gives none', async () => {
    const { monitoring, get } = await listening();
    const spread = new Distribution([0.1, 1]);
    spread.add(0.05, 3);
    spread.add(0.1);
    spread.add(5);
    const { metrics } = monitoring;
    metrics.histogram({ name: 'lag_seconds', help: 'Lag', labels: ['endpoint'] }, () => [[['c"r\\m'], spread]]);
    metrics.gauge({ name: 'held', help: 'Held', labels: ['endpoint'] }, () => [[['a'], 1]]);
    metrics.gauge({ name: 'held', help: 'Held', labels: ['endpoint'] }, async () => [[['b'], 0]]);
    monitoring.countEvent('warn', 'store_fault');
    monitoring.countEvent('warn', 'store_fault');
    monitoring.sdk = async () => '# TYPE temporal_x counter\ntemporal_x 1\n';
    const answer = await get('/metrics');
    expect(answer.headers.get('content-type')).toContain('text/plain; version=0.0.4');
    const lines = (await answer.text()).split('\n');
    expect(lines.filter((line) => line.startsWith('lag_seconds'))).toEqual([
      'lag_seconds_bucket{endpoint="c\\"r\\\\m",le="0.1"} 4',
      'lag_seconds_bucket{endpoint="c\\"r\\\\m",le="1"} 4',
      'lag_seconds_bucket{endpoint="c\\"r\\\\m",le="+Inf"} 5',
      'lag_seconds_sum{endpoint="c\\"r\\\\m"} 5.25',
      'lag_seconds_count{endpoint="c\\"r\\\\m"} 5',
    ]);
    expect(lines).toEqual(
      expect.arrayContaining([
        '# TYPE lag_seconds histogram',
        'held{endpoint="a"} 1',
        'held{endpoint="b"} 0',
        'wds_log_events_total{level="warn",event="store_fault"} 2',
        'temporal_x 1',
        '# TYPE nodejs_eventloop_lag_seconds gauge',
      ]),
    );
    expect(lines.filter((line) => line.startsWith('# TYPE held'))).toHaveLength(1);
    monitoring.sdk = async () => {
      throw new Error('its exporter is gone');
    };
    expect(await (await get('/metrics')).text()).toContain('held{endpoint="a"} 1');
  });

  test('a port that is taken moves to a free one, which the log names', async () => {
    const port = await takenPort();
    const { listener, lines, get } = await listening(port);
    expect(listener.address).not.toBe(`http://127.0.0.1:${port}`);
    expect(lines).toMatchObject([
      {
        level: 'info',
        fields: { event: 'monitoring', address: listener.address },
        text: expect.stringContaining(`port ${port} is taken`),
      },
    ]);
    expect((await get('/livez')).status).toBe(200);
  });

  test('an address that is not of this machine is said, and stops nothing', async () => {
    const { listener, lines } = await listening(0, '192.0.2.1');
    expect(listener.address).toBeUndefined();
    expect(lines).toMatchObject([{ level: 'warn', fields: { event: 'monitoring_failed' } }]);
    expect(lines[0]?.text).toContain('monitoring.host');
  });

  test('answers other paths and methods as HTTP does', async () => {
    const { get } = await listening();
    expect((await get('/')).status).toBe(404);
    const posted = await get('/livez', 'POST');
    expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    const head = await get('/metrics', 'HEAD');
    expect([head.status, await head.text()]).toEqual([200, '']);
  });
});
