// @slow: files cut at each place
/** Text in other encodings is read as if it were UTF-8: the same rows on the same lines, however the file is cut, and cursors that fit the file. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FileFormat } from '../../src/domain/parse-options.ts';
import { Transcoder } from '../../src/formats/transcoder.ts';
import { collect, collectRows, collectWindows, outcomeOf, refusalOf } from './collect.ts';

const TEXT = 'userId,alertMessage\r\nu1,Grüße aus Köln – 10 €\r\nu2,"a\nb 😀"\r\nü3,ok\r\n';
const JSON_TEXT = JSON.stringify([
  { userId: 'u1', alertMessage: 'Grüße – 10 €' },
  { userId: 'ü2', alertMessage: 'a\nb 😀' },
  { userId: 'u3', alertMessage: 'ok' },
]);

const utf16 = (text: string, mark = true): Buffer => Buffer.from(mark ? `\ufeff${text}` : text, 'utf16le');
const bigEndian = (bytes: Buffer): Buffer => Buffer.from(bytes).swap16();
/** What Node can decode it need not encode: by a table of what it decodes. */
function encoded(text: string, encoding: string): Buffer {
  const all = new Transcoder(encoding, 0).feed(Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)), true);
  const table = new Map([...all.toString('utf8')].map((character, byte) => [character, byte]));
  return Buffer.from([...text].map((character) => table.get(character) ?? 0x3f));
}

describe('UTF-16 with a byte order mark', () => {
  test.each([
    ['little endian', utf16],
    ['big endian', (text: string) => bigEndian(utf16(text))],
  ])('%s is read as UTF-8 is, in every format', async (_, encode) => {
    const cases: [FileFormat, string][] = [
      ['csv', TEXT],
      ['csv', TEXT.replaceAll(',', ';')],
      ['ndjson', JSON_TEXT.slice(1, -1).replaceAll('},', '}\n')],
      ['json', JSON_TEXT],
    ];
    for (const [format, text] of cases) {
      const expected = await collectRows(text, { format });
      expect(expected).toHaveLength(3);
      for (const blockBytes of [1, 2, 3, 7, 1000]) {
        expect(await collectRows(encode(text), { format, blockBytes })).toEqual(expected);
        expect(await collectWindows(encode(text), 1, { format, blockBytes })).toEqual(expected);
      }
    }
  });

  test('has a cursor that says so, with the place in the file', async () => {
    const bytes = utf16(TEXT);
    const { next } = await collect(bytes, { rowLimit: 2 });
    const start = TEXT.indexOf('ü3');
    expect(next).toMatchObject({ byteOffset: 2 + 2 * start, nextLine: 5, encoding: 'utf-16le' });
  });

  test('with half a character makes that row invalid', async () => {
    const bytes = utf16('userId;alertMessage\nu1;a\ud83d\nu2;\ude00b\nu3;ok \ud83d\ude00\n\ufffd;literally');
    for (const blockBytes of [1, 3, 1000]) {
      const { rows, notes } = await collect(bytes, { blockBytes });
      expect(rows).toMatchObject([
        { invalid: 'invalid_utf8' },
        { invalid: 'invalid_utf8' },
        { userId: 'u3' },
        { userId: '\ufffd' },
      ]);
      expect(notes).toEqual([]);
    }
    expect(
      await collectRows(Buffer.concat([utf16('userId,alertMessage\nu1,a\nu2,b'), Buffer.from('x')])),
    ).toMatchObject([{ userId: 'u1' }, { invalid: 'invalid_utf8' }]);
  });

  test('is named where the mark is missing, and read where it is stated', async () => {
    for (const [bytes, name] of [
      [utf16(TEXT, false), 'utf-16le'],
      [bigEndian(utf16(TEXT, false)), 'utf-16be'],
    ] as const) {
      const refusal = await refusalOf(bytes, { blockBytes: 1 });
      expect(refusal).toMatchObject({ code: 'utf16', message: expect.stringContaining(`\`--encoding ${name}\``) });
      expect(await collectRows(bytes, { options: { encoding: name }, blockBytes: 5 })).toEqual(await collectRows(TEXT));
    }
  });
});

test('UTF-32 refuses the file by name', async () => {
  expect(await refusalOf(Buffer.from([0xff, 0xfe, 0, 0, 65, 0, 0, 0]))).toMatchObject({ code: 'utf32' });
});

describe('an encoding that is stated', () => {
  test.each(['windows-1252', 'iso-8859-15', 'windows-1250', 'macintosh'])('%s is read', async (encoding) => {
    const text = 'userId,alertMessage\r\nu1,Köln: 10 €\r\nü2,ß\r\n';
    const bytes = encoded(text, encoding);
    expect(bytes).toHaveLength(text.length);
    for (const blockBytes of [1, 4, 1000]) {
      expect(await collectRows(bytes, { options: { encoding }, blockBytes })).toEqual(await collectRows(text));
      expect(await collectWindows(bytes, 1, { options: { encoding }, blockBytes })).toEqual(await collectRows(text));
    }
  });

  test('windows-1252 is that of the Encoding Standard, whatever the platform makes of it', () => {
    const bytes = Buffer.from([0x80, 0x8a, 0x92, 0x96, 0x9f, 0x81, 0xa4, 0xe9]);
    expect(new Transcoder('windows-1252', 0).feed(bytes, true).toString('utf8')).toBe('€Š’–Ÿ\u0081¤é');
  });

  test.each([
    ['shift_jis', [0x83, 0x6e, 0x83, 0x8d, 0x81, 0x5b, 0x5c, 0x7b], 'ハロー\\{'],
    ['gb18030', [0xc4, 0xe3, 0xba, 0xc3, 0x81, 0x30, 0x86, 0x38], '你好\u00a5'.slice(0, 2)],
    ['big5', [0xa7, 0x41, 0xa6, 0x6e], '你好'],
    ['euc-kr', [0xbe, 0xc8, 0xb3, 0xe7], '안녕'],
  ])('%s, whose characters have several bytes, is read', async (encoding, bytes, text) => {
    const content = Buffer.concat([
      Buffer.from('userId,alertMessage\nu1,'),
      Buffer.from(bytes),
      Buffer.from('\nu2,"'),
      Buffer.from(bytes),
      Buffer.from('"\nu3,ok\n'),
    ]);
    for (const blockBytes of [1, 2, 5, 1000]) {
      const rows = await collectRows(content, { options: { encoding }, blockBytes });
      expect(rows).toMatchObject([{ line: 2 }, { line: 3 }, { line: 4, userId: 'u3', alertMessage: 'ok' }]);
      expect((rows[0] as { alertMessage: string }).alertMessage.startsWith(text)).toBe(true);
      expect(await collectWindows(content, 1, { options: { encoding }, blockBytes })).toEqual(rows);
    }
  });

  test('makes rows invalid whose bytes are no text in it', async () => {
    const content = Buffer.from('userId,alertMessage\nu1,a\xff\xff\nu2,ok\n', 'latin1');
    const { rows, notes } = await collect(content, { options: { encoding: 'shift_jis' } });
    expect(rows).toMatchObject([{ invalid: 'invalid_utf8' }, { userId: 'u2' }]);
    expect(notes).toEqual([]);
  });

  test('gives way to a byte order mark', async () => {
    const options = { encoding: 'windows-1252' };
    expect(await collectRows(`\ufeff${TEXT}`, { options })).toEqual(await collectRows(TEXT));
    expect(await collectRows(utf16(TEXT), { options })).toEqual(await collectRows(TEXT));
  });
});

test('whatever is in a UTF-16 file, how it is cut never shows', async () => {
  const piece = fc.constantFrom(
    'a',
    'ü',
    '😀',
    '\ud83d',
    '\ude00',
    ',',
    '"',
    '\n',
    '\r\n',
    '\r',
    '\u0a0d',
    '\u2c2c',
    '\0',
  );
  const content = fc
    .tuple(fc.array(piece, { maxLength: 40 }), fc.boolean(), fc.constantFrom<FileFormat>('csv', 'ndjson'))
    .map(([pieces, big, format]) => {
      const start = format === 'csv' ? 'userId,alertMessage\n' : '{"userId":"u","alertMessage":"m"}\n';
      const bytes = utf16(start + pieces.join(''));
      return { format, bytes: big ? bigEndian(bytes) : bytes };
    });
  const cut = fc.tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 4 }));
  const property = fc.asyncProperty(content, cut, async ({ format, bytes }, [blockBytes, windowRows]) => {
    const how = { format, options: { maxRecordBytes: 100 } };
    const whole = await outcomeOf(collectRows(bytes, how));
    expect(await outcomeOf(collectRows(bytes, { ...how, blockBytes }))).toEqual(whole);
    expect(await outcomeOf(collectWindows(bytes, windowRows, { ...how, blockBytes }))).toEqual(whole);
  });
  await fc.assert(property, { numRuns: 300 });
}, 120_000);
