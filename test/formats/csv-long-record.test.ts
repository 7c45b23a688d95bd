// @slow: records of many megabytes
/** Records over the limit: told from quotes that are not closed, without being held. */
import { describe, expect, test } from 'vitest';
import { collect, collectRows, refusalOf } from './collect.ts';

const HEADER = 'userId,alertMessage\n';
const row = (line: number, userId: string, alertMessage: string) => ({ line, userId, alertMessage });

describe('a well-formed record over the limit is row_too_large, and the rest goes on', () => {
  test.each([
    ['one long field', (size: number) => `u1,${'x'.repeat(size - 3)}`],
    ['a quoted field', (size: number) => `u1,"${'x'.repeat(size - 5)}"`],
    [
      'a quoted field with quotes and lines',
      (size: number) => `u1,"${'""\n'.repeat((size - 5) / 3)}${'x'.repeat((size - 5) % 3)}"`,
    ],
    ['commas alone', (size: number) => `u${','.repeat(size - 1)}`],
    ['a stray quote', (size: number) => `u"1,${'x'.repeat(size - 4)}`],
  ])('%s', async (_, record) => {
    for (const blockBytes of [7, 100, 100_000]) {
      const how = { blockBytes, options: { maxRecordBytes: 1000 } };
      const fits = await collect(`${HEADER}a,b\n\n${record(1000)}\r\nc,d\n`, how);
      expect(fits.rows).toHaveLength(3);
      expect(fits.rows).not.toContainEqual({ line: 4, invalid: 'row_too_large' });
      const lines = record(1001).split('\n').length;
      const { rows, raw } = await collect(`${HEADER}a,b\n\n${record(1001)}\r\nc,d\n`, how);
      expect(rows).toEqual([row(2, 'a', 'b'), { line: 4, invalid: 'row_too_large' }, row(4 + lines, 'c', 'd')]);
      expect(record(1001).startsWith(raw.get(4)!.slice(0, 100))).toBe(true);
      expect(await collectRows(`${HEADER}${record(1001)}`, how)).toEqual([{ line: 2, invalid: 'row_too_large' }]);
    }
  });

  test('in windows, too: it is the row after the last one wanted, or the last one', async () => {
    const content = `${HEADER}a,b\nu,"${'x\n'.repeat(900)}"\nc,d\n`;
    const how = { blockBytes: 64, options: { maxRecordBytes: 1000 } };
    const first = await collect(content, { ...how, rowLimit: 1 });
    expect(first).toMatchObject({ rows: [row(2, 'a', 'b')], next: { nextLine: 3 } });
    const second = await collect(content, { ...how, rowLimit: 1, cursor: first.next });
    expect(second).toMatchObject({ rows: [{ line: 3, invalid: 'row_too_large' }], next: { nextLine: 904 } });
    expect(await collectRows(content, { ...how, rowLimit: 1, cursor: second.next })).toEqual([row(904, 'c', 'd')]);
  });
});

test('a long record full of stray quotes is bad_csv, is read little by little, and its neighbours are not lost', async () => {
  const stray = `u1,${'a"b '.repeat(10_000)}`;
  const good = `u3,"${'x, y '.repeat(20_000)}"`;
  const content = `${HEADER}u0,x\n${stray}\nu2,"ok"\n${stray}\n${good}\nu4,q"q\n${good}\nu5,x\n`;
  for (const blockBytes of [30_000, 2_000_000]) {
    const { rows } = await collect(content, { blockBytes });
    expect(rows.map((each) => ('invalid' in each ? each.invalid : each.userId))).toEqual([
      ...['u0', 'bad_csv', 'u2', 'bad_csv', 'u3', 'bad_csv', 'u3', 'u5'],
    ]);
    expect(rows.map(({ line }) => line)).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
  }
});

test('a quote that is not closed, or closed within a field, refuses the file however long that is', async () => {
  const how = { blockBytes: 500, options: { maxRecordBytes: 1000 } };
  const rest = 'x'.repeat(5_000);
  expect(await refusalOf(`${HEADER}u1,"${rest}`, how)).toMatchObject({ code: 'quote_not_closed', line: 2 });
  expect(await refusalOf(`${HEADER}a,b\nu1,"${rest}" y\n`, how)).toMatchObject({
    code: 'invalid_closing_quote',
    line: 3,
  });
});

test('a quote that another one far below seems to close refuses the file: there are rows between them', async () => {
  const rows = Array.from({ length: 20_000 }, (_, at) => `user-${at},Your parcel has come`);
  const swallowed = `${HEADER}first,"Hello\n${rows.join('\n')}\nlast,there"\n`;
  for (const maxRecordBytes of [100_000, 1_048_576]) {
    expect(await refusalOf(swallowed, { options: { maxRecordBytes } })).toMatchObject({
      code: 'quote_not_closed',
      line: 2,
    });
  }
  const letter = `${HEADER}first,"${'Dear reader,\nthis is a long letter.\n'.repeat(2_500)}"\nlast,hi\n`;
  expect(await collectRows(letter)).toHaveLength(2);
});

test('padding at the end of a file is no record, however long', async () => {
  const how = { blockBytes: 5_000, options: { maxRecordBytes: 1000 } };
  for (const padding of ['\0'.repeat(20_000), '\n'.repeat(20_000), ',,\r\n'.repeat(5_000), '\x1a', '\0\x1a\0']) {
    expect(await collectRows(`${HEADER}a,b\n${padding}`, how)).toEqual([row(2, 'a', 'b')]);
    const { rows, next } = await collect(`${HEADER}a,b\n${padding}`, { ...how, rowLimit: 1 });
    expect(rows).toHaveLength(1);
    // Padding over the limit is known as such by the next window.
    if (!padding.startsWith('\0\0')) expect(next).toBeNull();
  }
});

test('a header over the limit refuses the file', async () => {
  const options = { maxRecordBytes: 1000 };
  expect(await refusalOf(`userId,${'x'.repeat(1_000)}\n`, { options })).toMatchObject({
    code: 'record_too_large',
    line: 1,
  });
});
