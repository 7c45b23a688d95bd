import { expect, test } from 'vitest';
import type { FoundAlert, FoundUser } from '../../src/app/find-user.ts';
import { wds } from './fake-app.ts';

const ALERT: FoundAlert = {
  file: 'invoices.csv',
  sha256: '3f'.repeat(32),
  endpoint: 'crm',
  workflowId: 'file-3f-crm',
  line: 4712,
  outcome: 'delivered',
  status: 200,
  attempts: 1,
  at: new Date(2030, 2, 1, 14, 3, 10).toISOString(),
  reason: '',
  unknownAnswers: 0,
  webhookId: 'crm_3f_4712',
  submittedAt: '2030-03-01T13:00:00.000Z',
};
const found = (changes: Partial<FoundUser> = {}): FoundUser => ({
  ...{ userId: '4711', alerts: [ALERT], more: 0, unsearched: [] },
  ...changes,
});
const find = (result: FoundUser, ...args: string[]) => wds(['find', '4711', ...args], { findUser: async () => result });

test('tells when, from which file and with which answer, and exits 0', async () => {
  const refused = {
    ...ALERT,
    outcome: 'rejected',
    status: 422,
    reason: `HTTP 422: ${'x'.repeat(80)}`,
    line: 7,
  } as const;
  const { code, out, calls } = await find(found({ alerts: [ALERT, refused] }));
  expect({ code, calls }).toEqual({ code: 0, calls: [] });
  expect(out.split('\n')).toEqual([
    '4711: 2 alerts, 1 delivered',
    'OUTCOME    WHEN                 FILE          LINE  ANSWER',
    'delivered  2030-03-01 14:03:10  invoices.csv  4712  HTTP 200',
    `rejected   2030-03-01 14:03:10  invoices.csv     7  HTTP 422: ${'x'.repeat(49)}…`,
    '',
  ]);
});

test('says what may have happened besides, what is not shown, and what could not be searched', async () => {
  const alerts: FoundAlert[] = [
    { ...ALERT, unknownAnswers: 1 },
    { ...ALERT, endpoint: 'erp', outcome: 'pending', at: null, status: null },
  ];
  const { out } = await find(found({ alerts, more: 5, unsearched: ['old.csv'] }), '-n', '2');
  expect(out).toContain('4711: 7 alerts, 1 delivered of the 2 shown');
  expect(out).toContain('HTTP 200; 1 more may have reached the user');
  expect(out).toMatch(/pending {4}- +invoices\.csv +4712 +- +erp\n/);
  expect(out).toContain('-n 7');
  expect(out).toContain('Not searched, for their rows are not there: old.csv');
});

test('of a user in no file says so, and exits 5', async () => {
  const { code, out } = await find(found({ alerts: [] }));
  expect({ code, out }).toEqual({ code: 5, out: '4711 is in no file that was read.\n' });
});

test('is an object with -o json, a line for each alert with -o jsonl', async () => {
  expect(JSON.parse((await find(found(), '-o', 'json')).out)).toEqual(found());
  expect(JSON.parse((await find(found(), '-o', 'jsonl')).out)).toEqual(ALERT);
});

test('looks into the home that is configured, and needs no endpoint', async () => {
  let home = '';
  const findUser = async (options: { readonly at: { readonly home: string } }): Promise<FoundUser> => {
    home = options.at.home;
    return found();
  };
  await wds(['find', '--home', '/var/wds', '--', '-1'], { findUser });
  expect(home).toBe('/var/wds');
});
