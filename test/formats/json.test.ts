import { describe, expect, test } from 'vitest';
import { collect, collectRows, refusalOf } from './collect.ts';

const row = (line: number, userId: string, alertMessage: string) => ({ line, userId, alertMessage });
const ndjson = (content: string | Buffer, options = {}) => collectRows(content, { format: 'ndjson', options });
const json = (content: string | Buffer, options = {}) => collectRows(content, { format: 'json', options });
const deep = (levels: number) =>
  `{"userId":"u","alertMessage":"m","x":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`;

describe('a JSON row', () => {
  test.each<[string, string]>([
    ['{"alertMessage":"m"}', 'missing_user_id'],
    ['{"userId":"","alertMessage":"m"}', 'missing_user_id'],
    ['{"userId":"u"}', 'missing_message'],
    ['{"userId":"u","alertMessage":""}', 'missing_message'],
    ['{"userId":null,"alertMessage":"m"}', 'bad_user_id'],
    ['{"userId":true,"alertMessage":"m"}', 'bad_user_id'],
    ['{"userId":["u"],"alertMessage":"m"}', 'bad_user_id'],
    ['{"userId":1.5,"alertMessage":"m"}', 'bad_user_id'],
    ['{"userId":9007199254740993,"alertMessage":"m"}', 'bad_user_id'],
    ['{"userId":1.00000000000000000001,"alertMessage":"m"}', 'bad_user_id'],
    ['{"userId":-0,"alertMessage":"m"}', 'bad_user_id'],
    ['{"userId":"u","alertMessage":7}', 'bad_message'],
    ['{"userId":"u","alertMessage":{}}', 'bad_message'],
    ['{"userId":"u","alertMessage":null}', 'bad_message'],
    ['{"userId":"u\\u0000","alertMessage":"m"}', 'control_char'],
    ['["u","m"]', 'not_object'],
    ['"u"', 'not_object'],
    ['null', 'not_object'],
    ['42', 'not_object'],
    [deep(65), 'too_deep'],
    [`{"userId":"${'u'.repeat(513)}","alertMessage":"m"}`, 'bad_user_id'],
  ])('%s is %s', async (text, invalid) => {
    expect(await ndjson(text)).toEqual([{ line: 1, invalid }]);
    expect(await json(`[${text}]`)).toEqual([{ line: 1, invalid }]);
  });

  test.each([
    ['{"userId":42,"alertMessage":"m"}', '42'],
    ['{"userId":-7,"amount":1.0,"alertMessage":"costs 1.0e3"}', '-7'],
    ['{"userId":9007199254740991,"alertMessage":"m","rate":2.5e-3}', '9007199254740991'],
  ])('takes a safe integer as its digits: %s', async (text, userId) => {
    expect(await ndjson(text)).toMatchObject([{ userId }]);
  });

  test('may be as deep as the limit, and hold brackets in strings without end', async () => {
    expect(await ndjson(deep(64))).toEqual([row(1, 'u', 'm')]);
    const brackets = '[{'.repeat(200);
    expect(await ndjson(JSON.stringify({ userId: 'u', alertMessage: brackets }))).toEqual([row(1, 'u', brackets)]);
  });

  test('is taken from mapped members, never from the prototype', async () => {
    const options = { userIdColumn: 'constructor', alertMessageColumn: 'text' };
    expect(await ndjson('{"text":"m"}', options)).toEqual([{ line: 1, invalid: 'missing_user_id' }]);
    expect(await ndjson('{"constructor":"u","text":"m"}', options)).toEqual([row(1, 'u', 'm')]);
  });

  test('names the row of an earlier file that it mends', async () => {
    const wdsOrigin = `${'0a'.repeat(32)}:17`;
    const text = JSON.stringify({ userId: 'u', alertMessage: 'm', wdsOrigin });
    expect(await ndjson(text)).toEqual([{ ...row(1, 'u', 'm'), origin: wdsOrigin }]);
    const values = ['', null, 7].map((value) => JSON.stringify({ userId: 'u', alertMessage: 'm', wdsOrigin: value }));
    expect(await json(`[${values.join(',')}]`)).toEqual([
      row(1, 'u', 'm'),
      row(2, 'u', 'm'),
      { ...row(3, 'u', 'm'), origin: '7' },
    ]);
  });
});

describe('NDJSON', () => {
  test('is one row a line, whatever the line ends; blank lines are none', async () => {
    const one = (userId: string) => JSON.stringify({ userId, alertMessage: 'a\u2028b\u0085' });
    const content = `\ufeff${one('a')}\r\n\n  \t\n${one('b')}\r${one('c')}\n\r\n${one('d')}`;
    expect(await ndjson(content)).toEqual(
      [
        [1, 'a'],
        [4, 'b'],
        [5, 'c'],
        [7, 'd'],
      ].map(([line, user]) => row(Number(line), String(user), 'a\u2028b\u0085')),
    );
  });

  test('of no bytes is no rows', async () => {
    expect(await ndjson('')).toEqual([]);
    expect(await ndjson('\n\n')).toEqual([]);
  });

  test('lists bad lines and goes on', async () => {
    const good = '{"userId":"u","alertMessage":"m"}';
    const bad = Buffer.concat([Buffer.from('{"userId":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}\n')]);
    const content = Buffer.concat([Buffer.from(`{"userId":\nnonsense\n`), bad, Buffer.from(`${good}${good}\n${good}`)]);
    expect(await ndjson(content)).toEqual([
      { line: 1, invalid: 'bad_json' },
      { line: 2, invalid: 'bad_json' },
      { line: 3, invalid: 'invalid_utf8' },
      { line: 4, invalid: 'bad_json' },
      row(5, 'u', 'm'),
    ]);
  });

  test('lets a line over the limit pass by without holding it', async () => {
    const good = '{"userId":"u","alertMessage":"m"}';
    const content = `${good}\n${'x'.repeat(300_000)}\r\n${good}\n${'y'.repeat(101)}`;
    for (const blockBytes of [64, 999, 1_000_000]) {
      const { rows, raw } = await collect(content, { format: 'ndjson', blockBytes, options: { maxRecordBytes: 100 } });
      expect(rows).toEqual([
        row(1, 'u', 'm'),
        { line: 2, invalid: 'row_too_large' },
        row(3, 'u', 'm'),
        { line: 4, invalid: 'row_too_large' },
      ]);
      expect(raw.get(2)).toMatch(/^x+$/);
    }
  });
});

test('white space without end, before a row of NDJSON or between elements, is not part of a row', async () => {
  const good = '{"userId":"u","alertMessage":"m"}';
  const space = ' '.repeat(150_000);
  const how = { blockBytes: 1000, options: { maxRecordBytes: 100 } };
  expect(await collectRows(`${good}\n${space}${good}\n${space}`, { ...how, format: 'ndjson' })).toEqual([
    row(1, 'u', 'm'),
    row(2, 'u', 'm'),
  ]);
  expect(await collectRows(`[${good}${space},${space}${good}]`, { ...how, format: 'json' })).toHaveLength(2);
  expect(await collectRows(`userId,alertMessage\n${'\n'.repeat(150_000)}u,m`, how)).toEqual([row(150_002, 'u', 'm')]);
});

describe('a JSON array', () => {
  test('numbers its elements from 1, whatever the layout', async () => {
    const content = ' [ {"userId":"a","alertMessage":"]},\\"["}\n,\n\n{"userId":"b","x":[{}],"alertMessage":"m"},7] \n';
    expect(await json(content)).toEqual([row(1, 'a', ']},"['), row(2, 'b', 'm'), { line: 3, invalid: 'not_object' }]);
  });

  test('may be empty', async () => {
    expect(await json('\ufeff[ ]')).toEqual([]);
  });

  test('with an element over the limit goes on behind it', async () => {
    const element = (size: number) => `{"userId":"a","alertMessage":"${'"}]\\'.repeat(0)}${'x'.repeat(size)}"}`;
    const content = `[${element(10)},${element(200_000)},${element(11)},${element(90)}]`;
    for (const blockBytes of [64, 999, 1_000_000]) {
      const rows = await collectRows(content, { format: 'json', blockBytes, options: { maxRecordBytes: 100 } });
      expect(rows).toMatchObject([
        { userId: 'a' },
        { invalid: 'row_too_large' },
        { userId: 'a' },
        { line: 4, invalid: 'row_too_large' },
      ]);
    }
  });

  test('with an element that is not UTF-8 lists it', async () => {
    const content = Buffer.concat([
      Buffer.from('[{"userId":"'),
      Buffer.from([0xff]),
      Buffer.from('","alertMessage":"m"},{"userId":"ü","alertMessage":"m"}]'),
    ]);
    expect(await json(content)).toEqual([{ line: 1, invalid: 'invalid_utf8' }, row(2, 'ü', 'm')]);
  });

  test.each([
    ['', 'json_empty', 1],
    ['  \n', 'json_empty', 1],
    ['{"userId":"u"}', 'json_not_array', 1],
    ['"text"', 'json_not_array', 1],
    ['[', 'json_truncated', 1],
    ['[{"userId":"u"},', 'json_truncated', 2],
    ['[{"userId":"u"}', 'json_truncated', 2],
    ['[{"userId":"u', 'json_truncated', 1],
    ['[1', 'json_truncated', 1],
    ['[{}{}]', 'json_syntax', 1],
    ['[{},]', 'json_syntax', 1],
    ['[,{}]', 'json_syntax', 1],
    ['[{}],', 'json_syntax', 1],
    ['[][]', 'json_syntax', 1],
    ['[{},{"a":1,}]', 'json_syntax', 2],
    ['[{},{"a":[}]]', 'json_syntax', 2],
    ['[{},}]', 'json_syntax', 2],
    ['[nonsense]', 'json_syntax', 1],
    ["[{'userId':1}]", 'json_syntax', 1],
    ['[undefined]', 'json_syntax', 1],
  ])('%j is refused: %s at %d', async (content, code, line) => {
    for (const blockBytes of [1, 1000]) {
      expect(await refusalOf(content, { format: 'json', blockBytes })).toMatchObject({ code, line });
    }
  });
});
