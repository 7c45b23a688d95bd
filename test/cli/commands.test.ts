import { readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { App, FileEnd } from '../../src/app/app.ts';
import { loadSettings } from '../../src/config/load.ts';
import { Fault } from '../../src/domain/failure.ts';
import type { ReceiverSettingName } from '../../src/receiver/receiver-settings.ts';
import { flagName, RECEIVER_SETTINGS } from '../../src/receiver/receiver-settings.ts';
import { makeFolder } from '../config/folder.ts';
import type { Outcome, Scene } from './fake-app.ts';
import { ended, REPORT, RESULT, STATUS, wds } from './fake-app.ts';

const TO = ['--url', 'http://127.0.0.1:9/hook'];
const RESULT_KEYS =
  'file, sha256, workflowId, rows, alerts, delivered, rejected, undelivered, unconfirmed, suppressed, invalid, duplicates, sentNow, alreadyDelivered, seconds, reportDir';

const sending = (...ends: readonly FileEnd[]): Scene => ({
  app: {
    send: async (_files, { observer }) => {
      for (const end of ends) observer.ended(end);
      return ends;
    },
  },
});

describe('send', () => {
  test('prints what became of a file and exits 0', async () => {
    const { code, out, err, calls } = await wds(['send', 'alerts.csv', ...TO]);
    expect(code).toBe(0);
    expect(out).toBe(
      '✓ alerts.csv: 1,250 of 1,250 delivered, 1 duplicate (in 13 s)\n  report    /var/wds/reports/3f2a\n',
    );
    expect(err).toBe('');
    expect(calls).toEqual(['send', 'close']);
  });

  test('-o json prints exactly one object with the agreed fields', async () => {
    const { out } = await wds(['send', 'alerts.csv', ...TO, '-o', 'json']);
    const printed = JSON.parse(out) as object;
    expect(Object.keys(printed).join(', ')).toBe(RESULT_KEYS);
    expect(printed).toEqual(RESULT);
  });

  test('-o json prints an array for several files, -o jsonl a line each', async () => {
    const json = await wds(['-o', 'json', 'send', 'a.csv', 'b.csv', ...TO]);
    expect(JSON.parse(json.out)).toMatchObject([{ file: 'a.csv' }, { file: 'b.csv' }]);
    const jsonl = await wds(['send', 'a.csv', 'b.csv', ...TO, '--output=jsonl']);
    const lines = jsonl.out.trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line).file as string)).toEqual(['a.csv', 'b.csv']);
  });

  test('a file without a result is an error object among the data and a message on stderr', async () => {
    const fault = new Fault('file_refused', 'unclosed quote in line 7', 'Mend the file and send it again.');
    const scene = sending(ended({ file: 'a.csv' }), { kind: 'failed', file: 'b.csv', fault });
    const { code, out, err } = await wds(['send', 'a.csv', 'b.csv', ...TO, '-o', 'json'], scene);
    expect(code).toBe(65);
    expect(JSON.parse(out)).toMatchObject([
      { file: 'a.csv' },
      { file: 'b.csv', error: { code: 'file_refused', exitCode: 65, message: 'unclosed quote in line 7' } },
    ]);
    expect(err).toBe('wds: b.csv: unclosed quote in line 7\n  Mend the file and send it again.\n');
  });

  test.each<[string, FileEnd[], number]>([
    ['rejected alerts', [ended({ rejected: 1 })], 3],
    ['undelivered alerts', [ended({ undelivered: 1 })], 3],
    ['unconfirmed alerts', [ended({ unconfirmed: 1, rejected: 2 })], 4],
    ['the deadline', [{ kind: 'running', result: RESULT, why: 'deadline' }], 75],
    ['an interrupt', [{ kind: 'running', result: RESULT, why: 'interrupted' }], 130],
    ['a missing file', [{ kind: 'failed', file: 'a', fault: new Fault('not_found', 'a: no such file') }], 5],
    ['no Temporal', [{ kind: 'failed', file: 'a', fault: new Fault('temporal_unreachable', 'down') }], 69],
    ['a defect', [{ kind: 'failed', file: 'a', fault: new Error('boom') }], 1],
    [
      'the worst of several',
      [ended(), ended({ rejected: 1 }), { kind: 'running', result: RESULT, why: 'deadline' }],
      3,
    ],
  ])('the exit code tells %s', async (_name, ends, expected) => {
    expect((await wds(['send', 'a', ...TO], sending(...ends))).code).toBe(expected);
  });

  test('says what to do next when alerts failed or need a decision', async () => {
    const failed = await wds(['send', 'a', ...TO], sending(ended({ delivered: 1248, rejected: 2 })));
    expect(failed.out).toContain('✗ alerts.csv: 1,248 of 1,250 delivered, 2 rejected');
    expect(failed.out).toContain('wds retry 3f2a9c1d77b0');
    const unsure = await wds(['send', 'a', ...TO], sending(ended({ unconfirmed: 2 })));
    expect(unsure.out).toContain('wds retry --unconfirmed 3f2a9c1d77b0');
  });

  test('what to do next can be typed as it stands: flags that were given are repeated', async () => {
    const next = async (...flags: string[]) => {
      const { out } = await wds(['send', 'a', ...flags], sending(ended({ delivered: 1248, rejected: 2 })));
      return /next +(.*)/.exec(out)?.[1];
    };
    const url = 'http://127.0.0.1:8080/hook';
    expect(await next('--home', 'my home', '--url', url, '--rate', '5', '--log-level', 'warn', '--deadline', '9')).toBe(
      `wds retry 3f2a9c1d77b0 --home 'my home' --url ${url} --rate 5`,
    );
    expect(await next('--url', 'http://127.0.0.1/?key=1')).toBe('wds retry 3f2a9c1d77b0 --url URL');
  });

  test('a file that was delivered before is told so', async () => {
    const before = ended({ sentNow: 0, alreadyDelivered: 1250 });
    const { out, code } = await wds(['send', 'a', ...TO], sending(before));
    expect(out).toContain('(1,250 delivered before, nothing sent)');
    expect(code).toBe(0);
    const json = await wds(['send', 'a', ...TO, '-o', 'json'], sending(before));
    expect(JSON.parse(json.out)).toMatchObject({ delivered: 1250, sentNow: 0, alreadyDelivered: 1250 });
  });

  test('a file of which some was delivered before is told so, and what was sent now', async () => {
    const some = ended({ sentNow: 10, alreadyDelivered: 1240 });
    const { out } = await wds(['send', 'a', ...TO], sending(some));
    expect(out).toContain('1,250 of 1,250 delivered, 1 duplicate (10 sent now, 1,240 before, in 13 s)');
    const failed = ended({ delivered: 1240, rejected: 10, sentNow: 0, alreadyDelivered: 1240 });
    expect((await wds(['send', 'a', ...TO], sending(failed))).out).toContain('(0 sent now, 1,240 before, in 13 s)');
  });

  test('an empty file is told so', async () => {
    const none = { rows: 0, alerts: 0, delivered: 0, invalid: 0, duplicates: 0, sentNow: 0 };
    const { out, code } = await wds(['send', 'a', ...TO], sending(ended(none)));
    expect(out).toContain('✓ alerts.csv: empty, nothing to send\n');
    expect(code).toBe(0);
  });

  test('a file that is invalid in part exits 3 and says why, and where its invalid rows are; --allow-invalid forgives', async () => {
    const invalidReasons = [{ reason: 'bad_csv', rows: 2, firstLine: 7 }] as const;
    const scene = sending(ended({ rows: 1253, invalid: 2, invalidReasons }));
    const { code, out } = await wds(['send', 'a', ...TO], scene);
    expect(code).toBe(3);
    expect(out).toMatch(/^! alerts\.csv: 1,250 of 1,250 delivered, 2 invalid, 1 duplicate \(in 13 s\)\n/);
    expect(out).toContain('  invalid   2 bad_csv, the first on line 7: too few or too many columns');
    expect(out).toContain('  invalid   see /var/wds/reports/3f2a/invalid.csv\n');
    const json = await wds(['send', 'a', ...TO, '--allow-invalid', '-o', 'json'], scene);
    expect(json.code).toBe(0);
    expect(JSON.parse(json.out)).toMatchObject({ invalid: 2 });
    expect(json.err).toContain('! alerts.csv\n  invalid   2 bad_csv, the first on line 7: ');
    const report = async () => ({ ...REPORT, invalid: 2, invalidReasons });
    expect((await wds(['report', 'a'], { app: { report } })).code).toBe(3);
    expect((await wds(['report', 'a', '--allow-invalid'], { app: { report } })).code).toBe(0);
  });

  test('a warning is told, and changes nothing about the exit code', async () => {
    const notes = [{ note: 'spreadsheet_user_id', rows: 4, firstLine: 2 }] as const;
    const { code, out } = await wds(['send', 'a', ...TO], sending(ended({ notes })));
    expect(code).toBe(0);
    expect(out).toMatch(/^! alerts.*\n {2}warning {3}4 rows with users as a spreadsheet shows/);
  });

  test('a file without an outcome for some alerts is no success', async () => {
    const { out, code } = await wds(['send', 'a', ...TO], sending(ended({ delivered: 1200 })));
    expect(code).toBe(3);
    expect(out).toMatch(/^✗/);
  });

  test('the deadline, the endpoint and the parse flags reach the application', async () => {
    let deadlineMs: number | undefined;
    const app: Partial<App> = {
      send: async (_files, options) => {
        deadlineMs = options.deadlineMs;
        return [];
      },
    };
    const flags = ['--rate', '2.5', '--burst', '3', '--ambiguous', 'hold', '--no-header', '--user-column', '7'];
    const { context } = await wds(['send', 'a', ...TO, ...flags, '--deadline', '1.5', '--message-column=Text'], {
      app,
    });
    expect(deadlineMs).toBe(1_500);
    expect(context?.settings.endpoint).toMatchObject({ rate: 2.5, burst: 3, ambiguous: 'hold' });
    expect(context?.settings.parse).toMatchObject({ header: false, userIdColumn: '7', alertMessageColumn: 'Text' });
    expect(context?.settings.logLevel).toBe('warn');
  });

  test('without an endpoint it says how to give one, and exits 2', async () => {
    const { code, err, calls } = await wds(['send', 'a.csv']);
    expect(code).toBe(2);
    expect(err).toContain('no endpoint is configured');
    expect(err).toContain('--url');
    expect(calls).toEqual([]);
  });

  test('control characters in a file name do not reach the terminal', async () => {
    const { out } = await wds(['send', 'a', ...TO], sending(ended({ file: 'a\u001b[2J\n.csv' })));
    expect(out).toContain('a\\u001b[2J\\u000a.csv');
  });
});

describe('retry', () => {
  test.each([[['retry']], [['retry', 'a.csv', '--all']]])('%j is a usage error', async (args) => {
    const { code, err } = await wds(args);
    expect(code).toBe(2);
    expect(err).toContain('either a FILE or --all');
  });

  test('one file is an object, --all an array, and nothing to retry is said', async () => {
    const seen: unknown[] = [];
    const app: Partial<App> = {
      retry: async (file, { observer, unconfirmed }) => {
        seen.push([file, unconfirmed]);
        if (file === undefined) return [];
        observer.ended(ended({ file }));
        return [ended({ file })];
      },
    };
    const one = await wds(['retry', 'a.csv', '--unconfirmed', '-o', 'json'], { app });
    expect(JSON.parse(one.out)).toMatchObject({ file: 'a.csv' });
    const all = await wds(['retry', '--all', '-o', 'json'], { app });
    expect(JSON.parse(all.out)).toEqual([]);
    expect(all.err).toBe('Nothing to retry.\n');
    expect([one.code, all.code]).toEqual([0, 0]);
    expect(seen).toEqual([
      ['a.csv', true],
      [undefined, false],
    ]);
  });
});

describe('status, report and init', () => {
  test('status shows the service, the endpoint and an aligned table', async () => {
    const { code, out } = await wds(['status']);
    expect(code).toBe(0);
    expect(out).toContain('Temporal  127.0.0.1:7233, namespace default (run by wds)\n');
    expect(out).toContain('Endpoint  crm  100/s  https://crm.example.com/hook\n');
    const [head, row] = out.trimEnd().split('\n').slice(-2) as [string, string];
    expect(row.indexOf('completed')).toBe(head.indexOf('STATE'));
    expect(row.indexOf('1,251') + '1,251'.length).toBe(head.indexOf('ROWS') + 'ROWS'.length);
  });

  test('status as JSON is the whole, as JSON lines a file each', async () => {
    expect(JSON.parse((await wds(['status', '-o', 'json'])).out)).toEqual(STATUS);
    expect(JSON.parse((await wds(['status', '-o', 'jsonl'])).out)).toEqual(STATUS.files[0]);
  });

  const reporting = (report: object): Promise<Outcome> =>
    wds(['report', 'a.csv'], { app: { report: async () => ({ ...REPORT, ...report }) } });

  test('report shows every count and the reports', async () => {
    const { code, out } = await reporting({});
    expect(code).toBe(0);
    expect(out).toMatch(/^ {2}delivered {4}1,250$/m);
    expect(out).toMatch(/^ {2}duplicates {7}1$/m);
    expect(out).toContain('Reports: report.json, receipts.csv');
  });

  test.each<[object, number]>([
    [{ state: 'failed', undelivered: 3 }, 3],
    [{ state: 'failed', unconfirmed: 3 }, 4],
    [{ state: 'running', pending: 9 }, 75],
    [{ state: 'refused' }, 65],
    [{ state: 'stopped', pending: 9 }, 6],
    [{ state: 'stopped', pending: 9, unconfirmed: 2 }, 6],
    [{ state: 'cancelled' }, 6],
    [{ state: 'cancelled', rows: 0, alerts: 0, delivered: 0, readToTheEnd: false }, 6],
    [{ state: 'stopped', fault: { code: 'store', message: 'the content is gone' } }, 1],
    [{ state: 'unknown' }, 0],
    [{ state: 'unknown', pending: 9 }, 6],
    [{ state: 'unknown', rows: 0, alerts: 0, delivered: 0, readToTheEnd: false }, 6],
    [{ state: 'unknown', rejected: 2 }, 3],
  ])('report of %j exits %d', async (report, expected) => {
    expect((await reporting(report)).code).toBe(expected);
  });

  test('init writes a configuration to begin with, and says what it registered', async () => {
    const cwd = await makeFolder();
    const { code, out } = await wds(['init', '--url', 'https://example.com/hook', '--rate', '6000/min'], { cwd });
    expect(code).toBe(0);
    expect(out.split('\n').slice(0, 3)).toEqual([
      'wds.config.yaml is written: each setting with a comment. Say in it where the alerts go.',
      'Search attributes at temporal:7233: WdsRows registered.',
      'Search attributes at temporal:7233: WdsEndpoint were there already.',
    ]);
    const path = join(cwd, 'wds.config.yaml');
    const text = await readFile(path, 'utf8');
    const { settings } = await loadSettings({ cwd, env: {} });
    expect(settings.endpoint).toMatchObject({ url: 'https://example.com/hook', rate: 100, ambiguous: 'resend' });
    expect(text).toContain(`name: ${settings.endpoint?.name} # keep it`);
    const again = await wds(['init', '--url', 'https://other.example/', '-o', 'json'], { cwd });
    expect(JSON.parse(again.out)).toMatchObject({
      config: { path: 'wds.config.yaml', state: 'exists' },
      registered: ['WdsRows'],
    });
    expect(await readFile(path, 'utf8')).toBe(text);
  });

  test('init states nothing that was not asked for, and writes nothing where a flag will not do', async () => {
    const cwd = await makeFolder();
    expect((await wds(['init', '--rate', 'fast'], { cwd })).code).toBe(2);
    expect(await readdir(cwd)).toEqual([]);
    const none = { service: null, registered: [], alreadyThere: [] };
    const { out } = await wds(['init', '--config', 'other.yaml'], { cwd, app: { init: async () => none } });
    expect(out).toContain('other.yaml is written');
    expect(out).toContain('Temporal: wds runs its own server');
    const { settings, warnings } = await loadSettings({ cwd, env: {}, configFile: 'other.yaml' });
    expect({ endpoint: settings.endpoint, warnings }).toEqual({ endpoint: undefined, warnings: [] });
  });
});

describe('up, watch, worker and receiver', () => {
  test('up needs no endpoint, and delivers the example unless told otherwise', async () => {
    const options: unknown[] = [];
    const app: Partial<App> = { up: async (given) => void options.push(given) };
    expect((await wds(['up'], { app })).code).toBe(0);
    expect((await wds(['up', '--no-example'], { app })).code).toBe(0);
    expect(options).toMatchObject([{ example: true }, { example: false }]);
  });

  test('watch takes its folder from the argument, above the environment', async () => {
    const cwd = await makeFolder();
    const { context } = await wds(['watch', 'drop', ...TO], { cwd, env: { WDS_INBOX: 'other' } });
    expect(context?.settings.inbox).toBe(join(cwd, 'drop'));
    expect(context?.settings.logLevel).toBe('info');
  });

  test('a worker that reads needs no endpoint, one that sends does', async () => {
    const roles: string[] = [];
    const app: Partial<App> = { worker: async (role) => void roles.push(role) };
    expect((await wds(['worker', '--role', 'files'], { app })).code).toBe(0);
    expect((await wds(['worker'], { app })).code).toBe(2);
    expect((await wds(['worker', ...TO], { app })).code).toBe(0);
    expect(roles).toEqual(['files', 'all']);
  });

  test('receiver has its own flags, reads no settings, and prints its address on stdout', async () => {
    const args = '--rate unlimited --latency 20ms --fail-users a=500 --fail-users b=429x2 --rate-limit-headers draft';
    const env = { WDS_RATE: 'nonsense', WDS_RECEIVER_SECRET: 'whsec_x' };
    const { code, out, receiver } = await wds(['receiver', ...args.split(' ')], { env });
    expect([code, out]).toEqual([0, 'http://127.0.0.1:8080\n']);
    const given = Object.fromEntries(Object.entries(receiver ?? {}).filter(([, value]) => value !== undefined));
    expect(given).toEqual({
      secret: 'whsec_x',
      port: '8080',
      rate: 'unlimited',
      latencyMs: '20ms',
      failUsers: ['a=500', 'b=429x2'],
      rateLimitHeaders: 'draft',
    });
  });

  test('every setting of the receiver is shown in the guide', () => {
    const guide = readFileSync('docs/guide.md', 'utf8');
    const flags = Object.keys(RECEIVER_SETTINGS).map((name) =>
      name === 'secret' ? 'WDS_RECEIVER_SECRET' : `--${flagName(name as ReceiverSettingName)}`,
    );
    expect(flags.filter((flag) => !new RegExp(`${flag}\\b(?!-)`).test(guide))).toEqual([]);
  });

  test('every setting of the receiver but its secret is a flag in the help', async () => {
    const { out } = await wds(['receiver', '--help']);
    const flags = new Set([...out.matchAll(/^ {2}--(?:no-)?([a-z-]+)/gm)].map((match) => match[1]));
    const names = Object.keys(RECEIVER_SETTINGS).filter((name) => name !== 'secret');
    const kebab = names.map((name) => flagName(name as ReceiverSettingName));
    expect(kebab.filter((name) => !flags.has(name))).toEqual([]);
    expect(flags).not.toContain('secret');
  });
});
