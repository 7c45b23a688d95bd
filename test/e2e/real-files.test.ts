/** Files as they really are, sent as people send them: what arrives, what the command says, and how it exits. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Site } from './support/site.ts';

let site: Site;

beforeAll(async () => {
  site = await Site.open();
  await site.receive();
  await site.worker();
}, 120_000);
afterAll(() => site.close());

const LIMIT_MS = 120_000;
const parcels = (separator: string, end: string, behind = ''): string =>
  Array.from({ length: 5 }, (_, at) => `cust-${at + 1}${separator}Parcel ${at + 1} is ready${behind}${end}`).join('');

/** Sends a file of this content; what arrived of it, and what was said. */
async function send(name: string, content: string | Buffer, ...flags: string[]) {
  await site.receiver.lookAway();
  const path = await site.write(name, content);
  const { code, stdout, stderr } = await site.wds('send', path, ...flags);
  const users = (await site.receiver.accepted()).map(({ userId }) => userId).sort();
  return { path, code, stdout, stderr, users };
}

const ALL = ['cust-1', 'cust-2', 'cust-3', 'cust-4', 'cust-5'];

describe('wds send delivers', () => {
  it.each([
    ['semicolons', `userId;alertMessage\r\n${parcels(';', '\r\n')}`],
    ['a line that names the separator', `sep=;\r\nuserId;alertMessage\r\n${parcels(';', '\r\n')}`],
    ['UTF-16, tabs', Buffer.from(`\ufeffuserId\talertMessage\r\n${parcels('\t', '\r\n')}`, 'utf16le')],
    ['empty last columns and rows', `userId,alertMessage,,\r\n${parcels(',', '\r\n', ',,')},,,\r\n,\r\n\x1a`],
    ['an invisible character in a name', `\u200buserId,alertMessage\n${parcels(',', '\n')}`],
  ])(
    '%s',
    async (what, content) => {
      const { code, stdout, users } = await send(`${what.slice(0, 9)}.csv`, content);
      expect(users).toEqual(ALL);
      expect(stdout).toMatch(/^✓ .*5 of 5 delivered \(/);
      expect(code).toBe(0);
    },
    LIMIT_MS,
  );
});

describe('wds send says of a file that is invalid in part', () => {
  it(
    'why, how often, where first, and where they are listed; as status and report do',
    async () => {
      const rows = Buffer.from(
        `userId,alertMessage\r\n${parcels(',', '\r\n')}cust-6,Gr\xfc\xdfe aus K\xf6ln\r\n`,
        'latin1',
      );
      const { code, stdout, users, path } = await send('cp1252.csv', rows);
      expect(users).toEqual(ALL);
      expect(code).toBe(3);
      expect(stdout).toMatch(/^! .*5 of 5 delivered, 1 invalid/);
      expect(stdout).toMatch(/invalid {3}1 invalid_utf8, the first on line 7: not UTF-8: looks like Windows-1252/);
      expect(stdout).toMatch(/invalid {3}see .*invalid\.csv/);
      expect((await site.wds('report', path)).code).toBe(3);
      expect((await site.wds('report', path, '--allow-invalid')).code).toBe(0);
      const status = (await site.wds('status')).stdout;
      expect(status).toMatch(/INVALID/);
      expect(status).toMatch(/! cp1252\.csv\n {2}invalid {3}1 invalid_utf8, the first on line 7/);
    },
    LIMIT_MS,
  );

  it(
    'that a repeated header was not sent',
    async () => {
      const twice = `userId,alertMessage\r\n${parcels(',', '\r\n')}"USERID",alertMessage\r\n`;
      const { code, stdout, users } = await send('twice.csv', twice);
      expect(users).toEqual(ALL);
      expect(code).toBe(3);
      expect(stdout).toContain('1 repeated_header, the first on line 7');
    },
    LIMIT_MS,
  );

  it(
    'that its users look like what a spreadsheet makes of numbers',
    async () => {
      const { code, stdout, users } = await send(
        'ids.csv',
        'userId,alertMessage\n4.91512E+11,a\n4.91512E+11,b\n4.91512E+11,c\n',
      );
      expect(users).toEqual(['4.91512E+11']);
      expect(code).toBe(0);
      expect(stdout).toMatch(/^! /);
      expect(stdout).toMatch(/warning {3}3 rows with users as a spreadsheet shows long numbers/);
      expect(stdout).toMatch(/warning {3}2 of 3 rows are duplicates/);
    },
    LIMIT_MS,
  );
});

describe('wds send refuses, before anything is sent, a file', () => {
  it.each([
    [
      'with too many invalid rows',
      `userId,alertMessage\n${parcels(',', '\n')}u6,\nu7,\n`,
      'missing_message, the first on line 7',
    ],
    [
      'whose rows have one common fault',
      `${parcels('","alertMessage":"', '"},\n').replaceAll('cust', '{"userId":"cust')}`,
      'a comma follows the object',
    ],
    [
      'without a valid row',
      `${'{\n  "userId": "u",\n  "alertMessage": "m"\n}\n'.repeat(3)}`,
      'no row is valid: all 12 are refused, most often for bad_json',
    ],
  ])(
    '%s, and says why',
    async (what, content, said) => {
      const name = content.startsWith('{') ? 'bad.ndjson' : 'bad.csv';
      const { code, stderr, users } = await send(`${what.slice(-5)}-${name}`, content);
      expect(code).toBe(65);
      expect(stderr).toContain(said);
      expect(stderr).toContain('invalid.csv');
      expect(users).toEqual([]);
    },
    LIMIT_MS,
  );

  it(
    'but sends the others where that is asked for',
    async () => {
      const content = `userId,alertMessage\n${parcels(',', '\n')}u8,\nu9,\n`;
      const { code, users } = await send('asked.csv', content, '--max-invalid', '30%');
      expect(code).toBe(3);
      expect(users).toEqual(ALL);
    },
    LIMIT_MS,
  );

  it.each([
    [
      'snake.csv',
      `user_id,alert_message\n${parcels(',', '\n')}`,
      '--user-column user_id --message-column alert_message',
    ],
    [
      'lines.csv',
      `userId,alertMessage\r\ncust-1,Parcel 1\nis ready\r\n${parcels(',', '\r\n')}`,
      'a line break within a message must be in quotes',
    ],
    ['page.csv', '<!DOCTYPE html>\n<html><head><title>Login</title></head></html>\n', 'an HTML page'],
  ])(
    '%s',
    async (name, content, said) => {
      const { code, stderr, users } = await send(name, content);
      expect(code).toBe(65);
      expect(stderr).toContain(said);
      expect(stderr).not.toContain('--no-header');
      expect(users).toEqual([]);
    },
    LIMIT_MS,
  );

  it(
    'though another encoding, or other columns, can be stated',
    async () => {
      const content = Buffer.from(`user;text\r\n${parcels(';', '\r\n', ' f\xfcr Sie')}`, 'latin1');
      const flags = ['--encoding', 'latin1', '--user-column', 'user', '--message-column', 'text'];
      const { code, users } = await send('latin.csv', content, ...flags);
      expect(code).toBe(0);
      expect(users).toEqual(ALL);
    },
    LIMIT_MS,
  );
});

it(
  'a fault of the configuration shows what was typed',
  async () => {
    const { code, stderr } = await site.wds('send', 'a.csv', '--url', 'http://127.0.0.1:9/hook#a');
    expect(code).toBe(2);
    expect(stderr).toContain('http://127.0.0.1:9/hook#a');
  },
  LIMIT_MS,
);
