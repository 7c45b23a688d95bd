import { describe, expect, test } from 'vitest';
import type { App } from '../../src/app/app.ts';
import { SeveralFiles } from '../../src/app/app.ts';
import type { EndpointStatus } from '../../src/app/endpoint-status.ts';
import { endpointNow, endpointText } from '../../src/cli/endpoint-output.ts';
import { statusText } from '../../src/cli/status-output.ts';
import { Fault } from '../../src/domain/failure.ts';
import type { Override } from '../../src/domain/governor/contract.ts';
import { makeFolder } from '../config/folder.ts';
import { ENDPOINT, ended, FILE, RESULT, STATUS, wds } from './fake-app.ts';

const plain = (text: string): string => text;
const governed = (changes: Partial<NonNullable<EndpointStatus['governor']>>): EndpointStatus => ({
  ...ENDPOINT,
  governor: { ...ENDPOINT.governor!, ...changes },
});

/** What the App was asked by a command line. */
async function ordered(...args: string[]): Promise<{ name: string | undefined; order: Override | undefined }> {
  let asked: { name: string | undefined; order: Override | undefined } | undefined;
  const app: Partial<App> = {
    endpoint: async (name, order) => {
      asked = { name, order };
      return ENDPOINT;
    },
  };
  const { code, err } = await wds(['endpoint', ...args], { app });
  expect(err).toBe('');
  expect(code).toBe(0);
  return asked!;
}

describe('endpoint', () => {
  test.each<[string[], string | undefined, Override | undefined]>([
    [['show'], undefined, undefined],
    [['show', 'crm'], 'crm', undefined],
    [['pause', 'crm'], 'crm', { type: 'pause' }],
    [['resume'], undefined, { type: 'resume' }],
    [['forget', 'crm'], 'crm', { type: 'forget' }],
    [['set-rate', 'crm', '20'], 'crm', { type: 'set-rate', rate: 20 }],
    [['set-rate', '0.5'], undefined, { type: 'set-rate', rate: 0.5 }],
    [['set-rate', 'crm', '1200/min'], 'crm', { type: 'set-rate', rate: 20, windowMs: 60_000 }],
    [['set-rate', '20/s'], undefined, { type: 'set-rate', rate: 20 }],
    [['set-rate', 'auto'], undefined, { type: 'set-rate', rate: 'auto' }],
    [['set-rate', 'crm', 'unlimited'], 'crm', { type: 'set-rate', rate: 'unlimited' }],
    [['set-rate', 'crm', 'configured'], 'crm', { type: 'set-rate', rate: null }],
  ])('%j is what the application is asked', async (args, name, order) => {
    expect(await ordered(...args)).toEqual({ name, order });
  });

  test.each([
    ['set-rate'],
    ['set-rate', 'crm'],
    ['set-rate', 'crm', '0'],
    ['set-rate', 'crm', '-3'],
    ['pause', '--now'],
    ['release'],
  ])('a wrong use exits 2 and asks nothing: %j', async (...args) => {
    const { code, calls } = await wds(['endpoint', ...args.flat()]);
    expect(code).toBe(2);
    expect(calls).not.toContain('endpoint');
  });

  test('list is a table, an array, or a line each', async () => {
    expect((await wds(['endpoint', 'list'])).out).toBe(
      'NAME  CONFIGURED  ORDERED  STATE\ncrm        100/s        -  99/s now, 2 workers sending\n',
    );
    expect(JSON.parse((await wds(['endpoint', 'list', '-o', 'json'])).out)).toEqual([ENDPOINT]);
    expect(JSON.parse((await wds(['endpoint', 'list', '-o', 'jsonl'])).out)).toEqual(ENDPOINT);
  });

  test('an order says what changed and how to undo it', async () => {
    expect((await wds(['endpoint', 'pause'])).out).toMatch(
      /^Paused crm: within 6 seconds.*\n.*wds endpoint resume crm\n$/,
    );
    expect((await wds(['endpoint', 'set-rate', '20'])).out).toMatch(
      /^The rate of crm is 20\/s within 6 seconds.*\n.*wds endpoint set-rate crm configured\n$/,
    );
    expect((await wds(['endpoint', 'set-rate', 'configured'])).out).toContain('its configuration again (100/s)');
    expect(JSON.parse((await wds(['endpoint', 'forget', '-o', 'json'])).out)).toEqual(ENDPOINT);
  });

  test('release says whose the name was, and needs one', async () => {
    expect((await wds(['endpoint', 'release', 'crm'])).out).toMatch(
      /^Released crm: it belonged to installation 0123456789ab\..*\n.*whichever installation uses it first.*\n$/,
    );
    expect(JSON.parse((await wds(['endpoint', 'release', 'crm', '-o', 'json'])).out)).toEqual({
      ...{ name: 'crm', installation: '0123456789ab', own: false },
    });
  });

  test('a name that nobody knows exits 5', async () => {
    const fault = new Fault('not_found', 'wds knows no endpoint crn', 'It knows: crm');
    const { code, err } = await wds(['endpoint', 'pause', 'crn'], { app: { endpoint: () => Promise.reject(fault) } });
    expect(code).toBe(5);
    expect(err).toBe('wds: wds knows no endpoint crn\n  It knows: crm\n');
  });

  test('the help of a wrong flag is that of the command that was meant', async () => {
    expect((await wds(['endpoint', 'pause', '--now'])).err).toContain('See: wds endpoint --help');
  });
});

describe('an endpoint', () => {
  test.each<[string, EndpointStatus, string]>([
    ['that sends', ENDPOINT, '99/s now, 2 workers sending'],
    ['that nobody sends to', governed({ activeWorkers: 0 }), '99/s now, idle'],
    ['without a limit', governed({ ratePerSecond: null, activeWorkers: 1 }), 'unlimited now, 1 worker sending'],
    ['that is paused', governed({ paused: true, ratePerSecond: 0 }), 'paused by an operator'],
    [
      'with an open circuit',
      governed({ circuit: 'open', reason: 'it answers 401 to everything' }),
      'circuit open, probing now and then: it answers 401 to everything',
    ],
    [
      'that asked for a pause',
      governed({ activeWorkers: 0, receiverPause: { workers: 1, until: '2030-01-01T12:00:05.250Z' } }),
      'the receiver asked for a pause, 1 worker waits until 2030-01-01T12:00:05Z',
    ],
    [
      'that asked some workers for a pause',
      governed({ receiverPause: { workers: 2, until: '2030-01-01T12:00:05.250Z' } }),
      '99/s now, 2 workers sending; the receiver asked for a pause, 2 workers wait until 2030-01-01T12:00:05Z',
    ],
    [
      'whose last request did not get through',
      governed({
        activeWorkers: 0,
        waiting: {
          ...{
            why: 'trouble',
            cause: 'getaddrinfo ENOTFOUND no.example',
            since: new Date('2001-01-01T12:00:00').toISOString(),
            until: null,
          },
          text: 'the last request did not get through: getaddrinfo ENOTFOUND no.example',
        },
      }),
      'the last request did not get through: getaddrinfo ENOTFOUND no.example, since 2001-01-01 12:00:00',
    ],
    ['that comes back', governed({ circuit: 'half-open' }), '99/s now, rising again, 2 workers sending'],
    [
      'of which nothing is known',
      { ...ENDPOINT, governor: null, note: 'nothing was sent to it yet' },
      'nothing was sent to it yet',
    ],
  ])('%s is told so', (_case, endpoint, expected) => {
    expect(endpointNow(endpoint)).toBe(expected);
    expect(statusText({ ...STATUS, endpoints: [endpoint] }, plain)).toContain(`          ${expected}\n`);
  });

  test('is shown with what is ordered, and with the limit that the server holds', () => {
    const text = endpointText(governed({ ordered: 20 }), plain);
    expect(text).toContain('Ordered       20/s   back with: wds endpoint set-rate crm configured');
    expect(text).toContain('Server limit  8 batches a second');
    expect(endpointText({ ...ENDPOINT, taskQueueLimit: null }, plain)).toContain('Server limit  none');
  });

  test('that asked for a pause is shown with the way out', () => {
    const text = endpointText(governed({ receiverPause: { workers: 1, until: '2030-01-01T12:00:05.250Z' } }), plain);
    expect(text).toContain('Go on at once  wds endpoint resume crm');
  });
});

describe('pause, resume and cancel', () => {
  test('the next step repeats the flags by which the file was found, so that it does as it is printed', async () => {
    const flags = ['--home', 'my home', '--config', 'a.yaml'];
    const cwd = await makeFolder({ 'a.yaml': '' });
    const next = "wds resume 3f2a9c1d77b0 --config a.yaml --home 'my home'";
    const again = (text: string): string[] =>
      text.split('\n').flatMap((line) => /wds (?:retry|resume) .*$/.exec(line) ?? []);
    const [line = ''] = again((await wds(['pause', 'a.csv', ...flags], { cwd })).out);
    expect(line.split(' --').sort()).toEqual(next.split(' --').sort());
    const fault = new Fault('not_found', 'it has ended', 'To send the rest, run: wds retry 3f2a9c1d77b0');
    const { err } = await wds(['pause', 'a.csv', ...flags], { cwd, app: { pauseFile: () => Promise.reject(fault) } });
    const retry = next.replace('resume', 'retry').split(' --').sort();
    expect(again(err)[0]?.split(' --').sort()).toEqual(retry);
  });

  test('several of one name are listed, with the command that would do', async () => {
    const several = new SeveralFiles('2 files are called a.csv:\n  3f2a9c1d  …\n  77b0aa12  …', '3f2a9c1d');
    const { code, err } = await wds(['pause', 'a.csv', '--home', 'x'], {
      app: { pauseFile: () => Promise.reject(several) },
    });
    expect(code).toBe(5);
    expect(err).toMatch(/^wds: 2 files are called a\.csv:\n {2}3f2a9c1d {2}…\n {2}77b0aa12 {2}…\n/);
    expect(err).toContain('  Say which, for instance: wds pause 3f2a9c1d --home x\n');
  });

  const begun = { ...FILE, delivered: 400, pending: 850 };

  test('say how far the file is, and what comes next', async () => {
    const app: Partial<App> = {
      pauseFile: async (_file, paused) => ({ ...begun, state: paused ? 'paused' : 'running' }),
      cancelFile: async () => ({ ...begun, state: 'cancelled' }),
    };
    expect((await wds(['pause', 'a.csv'], { app })).out).toMatch(
      /^Paused alerts\.csv: 400 of 1,250 delivered, 850 pending.*\n.*wds resume 3f2a9c1d77b0\n$/,
    );
    expect((await wds(['resume', 'a.csv'], { app })).out).toMatch(/^Resumed alerts\.csv: 400 of 1,250 delivered/);
    const cancelled = await wds(['cancel', 'a.csv'], { app });
    expect(cancelled.out).toMatch(/^Cancelled alerts\.csv: 400 of 1,250.*\n.*wds retry 3f2a9c1d77b0 sends the rest\n$/);
    expect(cancelled.code).toBe(0);
  });

  test('a cancellation that is still under way is told as such', async () => {
    const { out } = await wds(['cancel', 'a.csv'], {
      app: { cancelFile: async () => ({ ...begun, state: 'running' }) },
    });
    expect(out).toMatch(/^Cancelling alerts\.csv/);
  });

  test('as JSON they print the state of the file', async () => {
    expect(JSON.parse((await wds(['pause', 'a.csv', '-o', 'json'])).out)).toMatchObject({
      state: 'paused',
      pending: 0,
    });
  });

  test('send of a file that is cancelled meanwhile exits 6 and says what was not sent', async () => {
    const result = { ...RESULT, delivered: 400 };
    const end = { kind: 'stopped', result, pending: 850, readToTheEnd: true, how: 'cancelled' } as const;
    const app: Partial<App> = {
      send: async (_files, { observer }) => {
        observer.ended(end);
        return [end];
      },
    };
    const args = ['send', 'a.csv', '--url', 'http://127.0.0.1:9/'];
    const { code, out } = await wds(args, { app });
    expect(code).toBe(6);
    expect(out).toMatch(/^✗ alerts\.csv: cancelled; 400 of 1,250 delivered, 850 pending/);
    expect(out).toContain('wds retry 3f2a9c1d77b0 --url http://127.0.0.1:9/ sends the rest');
    expect(JSON.parse((await wds([...args, '-o', 'json'], { app })).out)).toMatchObject({ delivered: 400 });
  });

  test.each(['cancelled', 'terminated'] as const)(
    'send of a file that is %s before it was read exits 6',
    async (how) => {
      const result = { ...RESULT, rows: 0, alerts: 0, delivered: 0, invalid: 0, duplicates: 0, sentNow: 0 };
      const end = { kind: 'stopped', result, pending: 0, readToTheEnd: false, how } as const;
      const app: Partial<App> = {
        send: async (_files, { observer }) => {
          observer.ended(end);
          return [end];
        },
      };
      const { code, out } = await wds(['send', 'a.csv', '--url', 'http://127.0.0.1:9/'], { app });
      expect(code).toBe(6);
      expect(out).toContain(`✗ alerts.csv: ${how} before it was read to its end; nothing was sent\n`);
    },
  );

  test('approve lets the rest of a file go', async () => {
    const app: Partial<App> = {
      approveFile: async () => ({ ...FILE, state: 'running', delivered: 20, pending: 1_230 }),
    };
    const { code, out, calls } = await wds(['approve', 'alerts.csv'], { app });
    expect([code, calls]).toEqual([0, ['approveFile', 'close']]);
    expect(out).toMatch(/^Approved alerts\.csv: 20 of 1,250 delivered, 1,230 pending.*\. The rest is sent\.\n$/);
  });

  test('status names a paused file', async () => {
    const app: Partial<App> = { status: async () => ({ ...STATUS, files: [{ ...begun, state: 'paused' }] }) };
    expect((await wds(['status'], { app })).out).toMatch(
      /FILE +STATE +STARTED +ROWS +DELIVERED +PENDING.*\nalerts\.csv +paused/,
    );
  });
});

test.each([
  [[], 'normal'],
  [['--priority', 'urgent'], 'urgent'],
])('send %j is sent with priority %s', async (flags, expected) => {
  let priority: string | undefined;
  const app: Partial<App> = {
    send: async (_files, options) => {
      priority = options.priority;
      return [ended()];
    },
  };
  await wds(['send', 'a.csv', '--url', 'http://127.0.0.1:9/', ...flags], { app });
  expect(priority).toBe(expected);
});
