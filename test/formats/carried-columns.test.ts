/** Columns that are carried along for the body template of an endpoint. */
import { describe, expect, test } from 'vitest';
import type { FileFormat, ParseOptions } from '../../src/domain/parse-options.ts';
import { DEFAULT_PARSE_OPTIONS, parseKey } from '../../src/domain/parse-options.ts';
import { readRows } from '../../src/formats/rows.ts';

async function read(format: FileFormat, text: string, given: Partial<ParseOptions> = {}) {
  const rows: unknown[] = [];
  const parse = { ...DEFAULT_PARSE_OPTIONS, format, columns: ['amount', 'name'], ...given };
  const { next, columns } = await readRows({
    ...{ source: [Buffer.from(text)], parse, cursor: null, rowLimit: 1_000 },
    sink: {
      alert: (line, userId, alertMessage, _origin, more) => rows.push([line, userId, alertMessage, more]),
      invalid: (line, reason, _row, fields) => rows.push([line, reason, fields?.columns]),
      note: () => undefined,
    },
    afterPiece: async () => undefined,
  });
  return { rows, next, columns };
}

describe('of a CSV', () => {
  test('are found by name, in any order and case; an empty last one may be left out', async () => {
    const { rows, columns } = await read('csv', 'Name,userId,alertMessage, AMOUNT \nAnn,u1,hi,7\nBob,u2,ho\n');
    expect(rows).toEqual([
      [2, 'u1', 'hi', ['7', 'Ann']],
      [3, 'u2', 'ho', ['', 'Bob']],
    ]);
    expect(columns?.more).toEqual([3, 0]);
  });

  test('a header without one refuses the file, and says which columns there are', async () => {
    await expect(read('csv', 'userId,alertMessage,amount\nu,m,1\n')).rejects.toThrow(
      /no column "name", which the body template of the endpoint needs\. Columns found: "userId", "alertMessage", "amount"/,
    );
    await expect(read('csv', 'userId,alertMessage,amount,name,NAME\nu,m,1,a,b\n')).rejects.toThrow(
      'more than one column "name"',
    );
  });

  test('without a header there are none', async () => {
    await expect(read('csv', 'u,m\n', { header: false })).rejects.toThrow('files are read without a header');
  });

  test('what is known of them goes with an invalid row; NUL makes one', async () => {
    const { rows } = await read('csv', 'userId,alertMessage,amount,name\n,m,1,Ann\nu,m,1,A\0\n');
    expect(rows).toEqual([
      [2, 'missing_user_id', ['1', 'Ann']],
      [3, 'control_char', ['1', 'A\0']],
    ]);
  });
});

describe('of JSON', () => {
  test.each(['ndjson', 'json'] as const)('are texts or whole numbers, in %s', async (format) => {
    const row = (more: object): string => JSON.stringify({ userId: 'u', alertMessage: 'm', ...more });
    const texts = [
      row({ name: 'Ann', amount: 7 }),
      row({ name: 'Ann' }),
      row({ name: null, amount: '' }),
      row({ name: 'Ann', amount: 1.5 }),
    ];
    const { rows } = await read(format, format === 'json' ? `[${texts}]` : texts.join('\n'));
    expect(rows).toEqual([
      [1, 'u', 'm', ['7', 'Ann']],
      [2, 'bad_column', ['', 'Ann']],
      [3, 'bad_column', ['', '']],
      [4, 'bad_column', ['', 'Ann']],
    ]);
  });
});

test('a file that is read with other columns has other chunks, one without has those of ever', () => {
  const parse: ParseOptions = { ...DEFAULT_PARSE_OPTIONS, format: 'csv' };
  expect(parseKey({ ...parse, columns: ['a'] })).not.toBe(parseKey(parse));
  expect(parseKey({ ...parse, columns: ['a'] })).not.toBe(parseKey({ ...parse, columns: ['b'] }));
});
