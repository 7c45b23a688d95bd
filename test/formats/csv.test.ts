import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { collect, collectRows, refusalOf } from './collect.ts';

const HEADER = 'userId,alertMessage\n';
const row = (line: number, userId: string, alertMessage: string) => ({ line, userId, alertMessage });

describe('CSV header', () => {
  test('finds columns by name, trimmed, in any case and order, and ignores the others', async () => {
    const rows = await collectRows('note, ALERTMESSAGE ,"userid"\nx,hello,u1\n');
    expect(rows).toEqual([row(2, 'u1', 'hello')]);
  });

  test('is the first line that is not blank', async () => {
    expect(await collectRows(`\n\r\n   \n${HEADER}u1,hi\n`)).toEqual([row(5, 'u1', 'hi')]);
  });

  test('finds mapped columns', async () => {
    const options = { userIdColumn: 'iata', alertMessageColumn: 'name' };
    expect(await collectRows('Name,IATA\nLogan,BOS\n', { options })).toEqual([row(2, 'BOS', 'Logan')]);
  });

  test('without both names refuses the file, shows the columns found and names the setting, but not in public', async () => {
    const refusal = await refusalOf('ada@example.org,"Your order, shipped"\nbob,hi\n');
    expect(refusal).toMatchObject({ code: 'csv_header', line: 1 });
    expect(refusal.message).toContain('"ada@example.org", "Your order, shipped"');
    expect(refusal.message).toContain('`header: false` (`--no-header`)');
    expect(refusal.publicMessage).toContain('`header: false` (`--no-header`)');
    expect(refusal.publicMessage).not.toContain('ada@');
  });

  test.each(['userId,alertMessage,USERID\n', 'userId,alertMessage,wdsOrigin,wdsorigin\n'])(
    'with a name twice refuses the file: %j',
    async (header) => {
      expect(await refusalOf(`${header}a,b,c\n`)).toMatchObject({ code: 'csv_header' });
    },
  );

  test('with a stray quote refuses the file', async () => {
    expect(await refusalOf('user"Id,alertMessage\na,b\n')).toMatchObject({ code: 'csv_header', line: 1 });
  });

  test('missing from an empty or blank file refuses it', async () => {
    expect(await refusalOf('')).toMatchObject({ code: 'csv_empty' });
    expect(await refusalOf('\n\n')).toMatchObject({ code: 'csv_empty' });
    expect(await refusalOf('\ufeff')).toMatchObject({ code: 'csv_empty' });
  });

  test('alone is a file of no rows', async () => {
    expect(await collectRows('userId,alertMessage')).toEqual([]);
  });

  test('switched off, column 1 is the user and column 2 the message from line 1 on', async () => {
    const rows = await collectRows('u1,hello\nu2,hi,there\n', { options: { header: false } });
    expect(rows).toEqual([row(1, 'u1', 'hello'), { line: 2, invalid: 'bad_csv' }]);
    expect(await collectRows('', { options: { header: false } })).toEqual([]);
  });

  test('are found in a report of wds, also where files have no header; in nothing else', async () => {
    const origin = `${'0a'.repeat(32)}:17`;
    const report = `userId;alertMessage;wdsOrigin;reason\r\nu1;hello;${origin};bad\r\n`;
    for (const options of [{ header: false }, { header: false, separator: ';' }]) {
      expect(await collectRows(report, { options })).toEqual([{ ...row(2, 'u1', 'hello'), origin }]);
    }
    const names = await collectRows('userId,alertMessage\nu1,hello\n', { options: { header: false } });
    expect(names.slice(1)).toEqual([row(2, 'u1', 'hello')]);
  });
});

describe('CSV rows', () => {
  test('keep quoted commas, quotes, line ends and outer white space as they are', async () => {
    const content = `${HEADER}" u1 ","a ""b"", c\nd\r\ne"\r\nu2, hi \r\n`;
    expect(await collectRows(content)).toEqual([row(2, ' u1 ', 'a "b", c\nd\r\ne'), row(5, 'u2', ' hi ')]);
  });

  test('end in LF, CRLF or a lone CR, mixed, and lines are counted as they stand', async () => {
    const content = 'userId,alertMessage\r\nu1,a\nu2,b\ru3,c\r\n\r\n\r"u4","x\ry"\nu5,e';
    expect(await collectRows(content)).toEqual([
      row(2, 'u1', 'a'),
      row(3, 'u2', 'b'),
      row(4, 'u3', 'c'),
      row(7, 'u4', 'x\ry'),
      row(9, 'u5', 'e'),
    ]);
  });

  test('may hold U+2028, U+2029, NEL, VT and FF: they are text', async () => {
    const text = 'a\u2028b\u2029c\u0085d\ve\f';
    expect(await collectRows(`${HEADER}u1,${text}\n`)).toEqual([row(2, 'u1', text)]);
  });

  test('are found behind a byte order mark, also when the columns are quoted', async () => {
    expect(await collectRows('\ufeff"userId",alertMessage\nu1,hi\n')).toEqual([row(2, 'u1', 'hi')]);
  });

  test('with too few or too many columns are bad_csv', async () => {
    const { rows, raw } = await collect(`${HEADER}u1\nu2,a,b\nu3,ok\n  \n`);
    expect(rows).toEqual([{ line: 2, invalid: 'bad_csv' }, { line: 3, invalid: 'bad_csv' }, row(4, 'u3', 'ok')]);
    expect(raw.get(3)).toBe('u2,a,b');
  });

  test('with stray quotes are bad_csv, once each, whole, and the rest goes on', async () => {
    const { rows, raw } = await collect(`${HEADER}u1,a "big" deal\nu2,x"y,"p\nq"\nu3,ok\n`);
    expect(rows).toEqual([{ line: 2, invalid: 'bad_csv' }, { line: 3, invalid: 'bad_csv' }, row(5, 'u3', 'ok')]);
    expect(raw.get(2)).toBe('u1,a "big" deal');
    expect(raw.get(3)).toBe('u2,x"y,"p\nq"');
  });

  test('with stray quotes by the thousand are each listed', async () => {
    const count = 5_000;
    const rows = await collectRows(`${HEADER}${'u,a"b\n'.repeat(count)}v,ok`);
    expect(rows.filter((each) => 'invalid' in each)).toHaveLength(count);
    expect(rows.at(-1)).toEqual(row(count + 2, 'v', 'ok'));
  });

  test('without a user or a message are missing one', async () => {
    expect(await collectRows(`${HEADER},hi\nu1,\n`)).toEqual([
      { line: 2, invalid: 'missing_user_id' },
      { line: 3, invalid: 'missing_message' },
    ]);
  });

  test('with a userId over the limit are bad_user_id, with a NUL control_char', async () => {
    const content = `${HEADER}${'é'.repeat(512)},fits\n${'é'.repeat(513)},not\na\0b,hi\nu1,"x\0"\n`;
    expect(await collectRows(content)).toEqual([
      row(2, 'é'.repeat(512), 'fits'),
      { line: 3, invalid: 'bad_user_id' },
      { line: 4, invalid: 'control_char' },
      { line: 5, invalid: 'control_char' },
    ]);
  });

  test('that are not UTF-8 are invalid_utf8, and their neighbours are not', async () => {
    const content = Buffer.concat([
      Buffer.from(`${HEADER}u1,ü\nu2,`),
      Buffer.from([0xff, 0xfe]),
      Buffer.from('\nu3,"'),
      Buffer.from([0xed, 0xa0, 0x80]),
      Buffer.from('"\nu4,\ufffd\n'),
    ]);
    expect(await collectRows(content)).toEqual([
      row(2, 'u1', 'ü'),
      { line: 3, invalid: 'invalid_utf8' },
      { line: 4, invalid: 'invalid_utf8' },
      row(5, 'u4', '\ufffd'),
    ]);
  });

  test('name the row of an earlier file that they mend, as they are, without white space around it', async () => {
    const origin = `${'0a'.repeat(32)}:17`;
    const rows = await collectRows(`WdsOrigin ,userId,alertMessage\n ${origin} ,u1,a\n ,u2,b\nnone,u3,c\n`);
    expect(rows).toEqual([
      { ...row(2, 'u1', 'a'), origin },
      row(3, 'u2', 'b'),
      { ...row(4, 'u3', 'c'), origin: 'none' },
    ]);
  });
});

test('a real table that nobody here wrote is read to the last row', async () => {
  const content = await readFile(join(import.meta.dirname, '../../node_modules/vega-datasets/data/airports.csv'));
  const rows = await collectRows(content, { options: { userIdColumn: 'iata', alertMessageColumn: 'name' } });
  expect(rows).toHaveLength(3376);
  expect(new Set(rows.map((each) => ('userId' in each ? each.userId : '')))).toHaveProperty('size', 3376);
  expect(rows[0]).toEqual(row(2, '00M', 'Thigpen'));
  expect(rows.at(-1)).toEqual(row(3377, 'ZZV', 'Zanesville Municipal'));
});

describe('CSV faults that hide where records end refuse the file', () => {
  test('a quote that is never closed', async () => {
    const refusal = await refusalOf(`${HEADER}u1,ok\nu2,"open\nu3,x\n`);
    expect(refusal).toMatchObject({ code: 'quote_not_closed', line: 3 });
    expect(refusal.message).not.toContain('open\n');
  });

  test('text behind a closing quote, also in a row that has a stray quote', async () => {
    expect(await refusalOf(`${HEADER}u1,"a" b\nu3,x\n`)).toMatchObject({ code: 'invalid_closing_quote', line: 2 });
    expect(await refusalOf(`${HEADER}u"1,"a"b\nu3,x\n`)).toMatchObject({ code: 'invalid_closing_quote', line: 2 });
    expect(await refusalOf(`${HEADER}u"1,"a\nu3,x\n`)).toMatchObject({ code: 'quote_not_closed', line: 2 });
  });
});
