import { describe, expect, test } from 'vitest';
import type { FileStatus } from '../../src/app/app.ts';
import { statusText } from '../../src/cli/status-output.ts';
import type { Paint } from '../../src/cli/terminal.ts';
import { ENDPOINT, FILE, STATUS, wds } from './fake-app.ts';

const plain: Paint = (text) => text;
const NAME = 'customers-of-the-northern-branch-with-a-very-long-name-2026-11-26.csv';
const LARGE: FileStatus = {
  ...FILE,
  ...{ file: NAME, state: 'running', rows: 10_000_000, delivered: 4_211_000, pending: 5_700_000 },
  ...{ invalid: 12_345, duplicates: 23_456, rejected: 1_234, unconfirmed: 17, seconds: 4_000 },
};
const longest = (text: string): number => Math.max(...text.split('\n').map((line) => [...line].length));
const filesOf = (text: string): string => text.slice(text.indexOf('\n\n') + 2);

test('files fit into 80 columns, whatever their names and counts', () => {
  const files = [LARGE, { ...FILE, endpoint: 'a-rather-long-endpoint-name' }];
  const text = filesOf(statusText({ ...STATUS, files }, plain)).split('\n\n')[0]!;
  expect(longest(text)).toBeLessThanOrEqual(80);
  expect(text).toContain('10,000,000');
  expect(text).toContain('4,211,000');
  expect(text).toMatch(/^customers.*…/m);
});

test('files with short names fit, too, at every width of a screen', () => {
  const some = { state: 'paused', rows: 60, delivered: 20, pending: 40, invalid: 1, duplicates: 1 } as const;
  const files = ['customers.csv', 'bad.csv', 'reminders.csv'].map((file) => ({ ...FILE, ...some, file }));
  for (let width = 80; width <= 140; width++) {
    const text = filesOf(statusText({ ...STATUS, files: [...files, FILE] }, plain, width)).split('\n\n')[0]!;
    expect(longest(text)).toBeLessThanOrEqual(width);
    expect(text).toContain('customers.csv ');
  }
});

test('a wide screen has all columns', () => {
  const text = filesOf(statusText({ ...STATUS, files: [LARGE] }, plain, 200));
  for (const column of ['STARTED', 'ROWS', 'PENDING', 'FAILED', 'INVALID', 'DUPL.', 'UNCONF.', 'RATE', 'SHA-256']) {
    expect(text).toContain(column);
  }
  expect(text).toContain('1,053/s');
});

test('states have colours', () => {
  const paint: Paint = (text, style) => `<${style}>${text}`;
  const text = statusText({ ...STATUS, files: [FILE, { ...FILE, state: 'failed' }] }, paint, 200);
  expect(text).toContain('<green>completed');
  expect(text).toContain('<red>failed');
});

test('NO_COLOR takes the colours away, also on a terminal', async () => {
  expect((await wds(['status'], { isTTY: true })).out).toContain('\u001b[32m');
  expect((await wds(['status'], { isTTY: true, env: { NO_COLOR: '1' } })).out).not.toContain('\u001b[');
});

test('refused files say why, once for all with the same reason', () => {
  const refused = { ...FILE, state: 'refused' as const, rows: 0, invalid: 0, reason: 'the file is\u0007 empty' };
  const text = statusText({ ...STATUS, files: [refused, { ...refused, file: 'b.csv' }] }, plain);
  expect(text).toContain('✗ alerts.csv and 1 more\n  refused   the file is');
  expect(text).not.toContain('\u0007');
});

describe('what waits', () => {
  const waiting = { why: 'no_worker', text: 'no worker serves endpoint crm', since: null, until: null } as const;

  test('is named once for all files with the same reason', () => {
    const files = [1, 2, 3].map((at) => ({ ...FILE, file: `${at}.csv`, state: 'running' as const, waiting }));
    const text = statusText({ ...STATUS, files }, plain);
    expect(text.split('no worker serves endpoint crm')).toHaveLength(2);
    expect(text).toContain('… 1.csv and 2 more\n  waiting   no worker serves endpoint crm');
    expect(text).toMatch(/1\.csv +waiting/);
  });

  test('shows no numbers that nobody knows', () => {
    const files = [{ ...FILE, state: 'running' as const, rows: 0, delivered: 0, duplicates: 0, waiting }];
    expect(statusText({ ...STATUS, files }, plain)).toMatch(/alerts\.csv +waiting +\S+ \S+ +- +-/);
  });

  test('an endpoint that no worker serves says so, whatever else it does', () => {
    const unserved = { ...ENDPOINT, served: false };
    expect(statusText({ ...STATUS, endpoints: [unserved] }, plain)).toContain('no worker serves this endpoint');
    const paused = { ...unserved, governor: { ...ENDPOINT.governor!, paused: true } };
    expect(statusText({ ...STATUS, endpoints: [paused] }, plain)).toContain(
      'paused by an operator; no worker serves this endpoint',
    );
  });
});

test('what is left out is counted, with the command that shows it', () => {
  const text = statusText({ ...STATUS, moreFiles: 137, moreEndpoints: 1 }, plain);
  expect(text).toContain('and 137 more files: wds status -n 138');
  expect(text).toContain('and 1 more endpoint: wds endpoint list');
});

test('--watch shows it again, with the rate of the time between', async () => {
  const stop = new AbortController();
  let nowMs = 0;
  let delivered = 0;
  const { code, out } = await wds(['status', '--watch', '-o', 'jsonl'], {
    signal: stop.signal,
    nowMs: () => nowMs,
    app: {
      status: async () => {
        nowMs += 2_000;
        delivered += 500;
        if (delivered === 1_000) stop.abort();
        return { ...STATUS, files: [{ ...FILE, state: 'running', delivered }] };
      },
    },
  });
  expect(code).toBe(0);
  const read = out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as FileStatus);
  expect(read.map((file) => file.perSecond)).toEqual([undefined, 250]);
});

test('a disk that is almost full is said where files wait for it', () => {
  const intakePaused = '512 MiB are free on the disk of the store, and 1 GiB are kept free (intake.minFreeMiB)';
  expect(statusText({ ...STATUS, intakePaused }, plain)).toContain(
    `Inbox     /srv/inbox\n          paused: 512 MiB are free`,
  );
});
