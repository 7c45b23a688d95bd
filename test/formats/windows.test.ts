// @slow: hundreds of random files
/** How a file is cut, into blocks by the store or into windows by wds, must never show in what is read. */
import { parse as csvParse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FileFormat } from '../../src/domain/parse-options.ts';
import type { How } from './collect.ts';
import { collectRows, collectWindows, outcomeOf } from './collect.ts';

const bytesOf = (parts: readonly (string | number)[]): Buffer =>
  Buffer.concat(parts.map((part) => (typeof part === 'number' ? Buffer.from([part]) : Buffer.from(part))));

const lineEnd = fc.constantFrom('\n', '\r\n', '\r', '\n\n', '\r\n\r\n', '\n\r');
const csvText = fc
  .array(fc.constantFrom('a', 'b', 'ü', '😀', ' ', '\u2028', '\0', ';'), { maxLength: 5 })
  .map((pieces) => pieces.join(''));
const csvField = fc.oneof(
  csvText,
  fc
    .array(fc.constantFrom('a', 'ü', ',', '""', '\n', '\r\n', '\r', '😀'), { maxLength: 5 })
    .map((pieces) => `"${pieces.join('')}"`),
);
const csvRecord = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(csvField, csvField).map((fields) => fields.join(',')) },
  { weight: 1, arbitrary: fc.array(csvField, { maxLength: 4 }).map((fields) => fields.join(',')) },
  { weight: 1, arbitrary: fc.constantFrom('u,a"b', 'x"y,"p\nq"', 'u,b "c" d', '  ') },
);
const csvContent = fc
  .tuple(fc.constantFrom('', '\ufeff'), lineEnd, fc.array(fc.tuple(csvRecord, lineEnd), { maxLength: 12 }), csvRecord)
  .map(([mark, end, records, last]) => bytesOf([mark, 'userId,alertMessage', end, ...records.flat(), last]));
/** Anything at all, made of what the parser cares about. */
const csvNoise = fc
  .array(fc.constantFrom('a', ',', '"', '""', '\n', '\r', '\r\n', 'ü', 0xff, 0xc3, 0), { maxLength: 40 })
  .map((parts) => bytesOf(['userId,alertMessage\n', ...parts]));

const jsonRow = fc.oneof(
  fc
    .record({ userId: fc.string({ unit: 'binary', maxLength: 4 }), alertMessage: fc.string({ maxLength: 8 }) })
    .map((row) => JSON.stringify(row)),
  fc.json({ maxDepth: 2 }),
  fc.constant(JSON.stringify({ userId: 'long', alertMessage: 'x'.repeat(300) })),
);
const ndjsonContent = fc
  .array(fc.tuple(fc.oneof(jsonRow, fc.constantFrom('{"a', ' ', '\t{}', '{"userId":1,"alertMessage":"m"}')), lineEnd))
  .map((lines) => bytesOf(['\ufeff', ...lines.flat()]));
const ndjsonNoise = fc
  .array(fc.constantFrom('{"userId":"', 'a', '","alertMessage":"m"}', '\n', '\r', '\r\n', 0xff, 0xc3, 'ü', ' '))
  .map(bytesOf);
const jsonSpace = fc.constantFrom('', ' ', '\n', ' \r\n\t');
const jsonContent = fc
  .tuple(jsonSpace, fc.array(fc.tuple(jsonRow, jsonSpace)), jsonSpace)
  .map(([before, rows, after]) =>
    bytesOf([before, '[', rows.map(([row, space]) => space + row + space).join(','), ']', after]),
  );
const jsonNoise = fc
  .array(fc.constantFrom('{"userId":"u","alertMessage":"m"}', ',', '[', ']', '{', '}', '"', '\\', ' ', '1', 0xff, 'ü'))
  .map((parts) => bytesOf(['[', ...parts]));

/** With what exports are made of beside: other separators, repeated headers, blank rows, broken lines, padding. */
const csvExport = fc
  .tuple(
    fc.constantFrom(',', ';', '\t', '|'),
    fc.constantFrom('', '\ufeff', 'sep=;\r\n', '\n ,,\n'),
    fc.constantFrom('\n', '\r\n'),
    fc.array(
      fc.constantFrom(
        'u1|Hello there',
        'u2|"a\nb"',
        'userId|alertMessage',
        '|',
        '||',
        'u3',
        'goes on here',
        'u4|x\nis ready',
        'u5|y|',
        ' | ',
        '\x1a',
      ),
      { maxLength: 14 },
    ),
    fc.constantFrom('', '\x1a', '\0'.repeat(300), '\n'.repeat(80)),
  )
  .map(([separator, before, end, rows, after]) =>
    bytesOf([
      before,
      [`userId|alertMessage`, ...rows].map((row) => row.replaceAll('|', separator) + end).join(''),
      after,
    ]),
  );

const kinds: [string, FileFormat, fc.Arbitrary<Buffer>][] = [
  ['CSV exports', 'csv', csvExport],
  ['CSV', 'csv', csvContent],
  ['CSV noise', 'csv', csvNoise],
  ['NDJSON', 'ndjson', ndjsonContent],
  ['NDJSON noise', 'ndjson', ndjsonNoise],
  ['JSON array', 'json', jsonContent],
  ['JSON noise', 'json', jsonNoise],
];

describe.each(
  kinds.flatMap(([name, format, content]) => [
    [name, format, content, { maxRecordBytes: 200 }] as const,
    [`${name}, by the rules of before`, format, content, { maxRecordBytes: 200, rules: undefined }] as const,
  ]),
)('%s', (_, format, content, options) => {
  const how: How = { format, options };

  test('is read alike however its bytes are cut into blocks', async () => {
    const property = fc.asyncProperty(content, fc.integer({ min: 1, max: 50 }), async (bytes, blockBytes) => {
      const whole = await outcomeOf(collectRows(bytes, how));
      expect(await outcomeOf(collectRows(bytes, { ...how, blockBytes }))).toEqual(whole);
    });
    await fc.assert(property, { numRuns: 100 });
  });

  test('is read alike in windows of any size, each knowing the cursor only', async () => {
    const sizes = fc.tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 300 }));
    const property = fc.asyncProperty(content, sizes, async (bytes, [windowRows, blockBytes]) => {
      const whole = await outcomeOf(collectRows(bytes, how));
      expect(await outcomeOf(collectWindows(bytes, windowRows, { ...how, blockBytes }))).toEqual(whole);
    });
    await fc.assert(property, { numRuns: 100 });
  });
});

/** What csv-parse makes of the whole file at once, in its own words. */
function byCsvParse(bytes: Buffer): string[][] | string {
  let fatal: string | undefined;
  const records = csvParse(bytes, {
    bom: true,
    relax_quotes: false,
    skip_empty_lines: true,
    skip_records_with_error: true,
    relax_column_count: true,
    record_delimiter: ['\r\n', '\n', '\r'],
    on_skip: (error): undefined => {
      if (error !== undefined && error.code !== 'INVALID_OPENING_QUOTE') fatal ??= error.code;
    },
  }) as string[][];
  return fatal ?? records;
}

const CODES: Record<string, string> = {
  CSV_QUOTE_NOT_CLOSED: 'quote_not_closed',
  CSV_INVALID_CLOSING_QUOTE: 'invalid_closing_quote',
};

test('CSV holds exactly the alerts that csv-parse finds in the whole file, or is refused for the same fault', async () => {
  const property = fc.asyncProperty(fc.oneof(csvContent, csvNoise), async (bytes) => {
    const expected = byCsvParse(bytes);
    const outcome = await outcomeOf(collectRows(bytes, { blockBytes: 17, options: { rules: undefined } }));
    if (typeof expected === 'string') {
      expect(outcome).toMatchObject({ code: CODES[expected] });
      return;
    }
    const alerts = (outcome as Awaited<ReturnType<typeof collectRows>>).flatMap((row) =>
      'userId' in row ? [[row.userId, row.alertMessage]] : [],
    );
    const isAlert = (fields: string[]): boolean =>
      fields.length === 2 && fields.every((field) => field !== '' && !/[\0\ufffd]/.test(field));
    expect(alerts).toEqual(expected.slice(1).filter(isAlert));
  });
  await fc.assert(property, { numRuns: 200 });
});

test('CSV rows are named by the physical line on which they start', async () => {
  const property = fc.asyncProperty(csvContent, async (bytes) => {
    const outcome = await outcomeOf(collectRows(bytes));
    if (!Array.isArray(outcome)) return;
    const lines = bytes
      .toString('utf8')
      .replace('\ufeff', '')
      .split(/\r\n|\n|\r/);
    for (const row of outcome) {
      const start = lines[row.line - 1] ?? '';
      expect(start).not.toBe('');
      if ('userId' in row) {
        const firstOfUser = row.userId.split(/\r\n|\n|\r/)[0] ?? '';
        const shown = start.startsWith('"') ? `"${firstOfUser.replaceAll('"', '""')}` : firstOfUser;
        expect(start.startsWith(shown)).toBe(true);
      }
    }
  });
  await fc.assert(property, { numRuns: 100 });
});
