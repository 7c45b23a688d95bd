/** Files as spreadsheets and databases export them. */
import { describe, expect, test } from 'vitest';
import { collect, collectRows, refusalOf } from './collect.ts';

const row = (line: number, userId: string, alertMessage: string) => ({ line, userId, alertMessage });
const bad = (line: number, invalid: string) => ({ line, invalid });

describe('the separator', () => {
  test.each([
    ['semicolon', 'userId;alertMessage\r\nu1;Hello, you\r\n'],
    ['tab', 'userId\talertMessage\nu1\tHello, you\n'],
    ['pipe', 'note|alertMessage|userId\nx|Hello, you|u1\n'],
    ['comma', 'userId,alertMessage\nu1,"Hello, you"\n'],
    ['semicolon, everything quoted', '"userId";"alertMessage"\n"u1";"Hello, you"\n'],
    ['semicolon, with commas in other names', 'id, internal;userId;alertMessage\n1;u1;Hello, you\n'],
    ['semicolon, other names in quotes', '"a\n;b";userId;alertMessage\n1;u1;Hello, you\n'],
  ])('%s is found from the header', async (_, content) => {
    expect(await collectRows(content)).toMatchObject([{ userId: 'u1', alertMessage: 'Hello, you' }]);
    expect(await collectRows(content, { blockBytes: 3 })).toMatchObject([{ userId: 'u1' }]);
  });

  test.each(['sep=;\r\n', '\ufeffsep=;\r\n', '"sep=;"\n', 'SEP=;\n', 'sep=;;\n'])(
    'is what the line %j says',
    async (line) => {
      expect(await collectRows(`${line}userId;alertMessage\r\nu1;a\r\n`, { blockBytes: 4 })).toEqual([
        row(3, 'u1', 'a'),
      ]);
      const headerless = await collectRows(`${line}u1;a,b\r\n`, { options: { header: false } });
      expect(headerless).toEqual([row(2, 'u1', 'a,b')]);
    },
  );

  test('may be one that is not looked for, if it is named', async () => {
    expect(await collectRows('sep=^\nuserId^alertMessage\nu1^a\n')).toEqual([row(3, 'u1', 'a')]);
    const options = { separator: ':' };
    expect(await collectRows('userId:alertMessage\nu1:a\n', { options })).toEqual([row(2, 'u1', 'a')]);
  });

  test('is shown with the columns that were found, and never with --no-header where that would send nonsense', async () => {
    const { message } = await refusalOf('user_id;alert_message\r\ncust-1;Parcel 1 is ready\r\n');
    expect(message).toContain('Columns found, separated by semicolon: "user_id", "alert_message"');
    expect(message).toContain('`--user-column user_id --message-column alert_message`');
    expect(message).not.toContain('--no-header');
    const data = await refusalOf('cust-1;Parcel 1 is ready\r\ncust-2;Parcel 2 is ready\r\n');
    expect(data.message).toContain('`--no-header --separator semicolon`');
    expect(data.publicMessage).not.toContain('cust-1');
  });

  test('that is stated and does not separate the header is refused with the one that would', async () => {
    const options = { separator: '\t' };
    const { code, message } = await refusalOf('userId,alertMessage\nu1,a\n', { options });
    expect(code).toBe('csv_header');
    expect(message).toContain('separated by tab it has not both columns, but by comma it has (`--separator comma`)');
    expect((await refusalOf('sep=,\nuserId;alertMessage\nu1;a\n')).message).toContain('`--separator semicolon`');
  });

  test('that is ambiguous refuses the file', async () => {
    const { code, message } = await refusalOf('userId,x;userId;alertMessage;x,alertMessage\n');
    expect(code).toBe('csv_separator');
    expect(message).toContain('comma or by semicolon. Set `parse.separator` (`--separator comma`)');
  });

  test('without a header is a comma, unless the first row says otherwise', async () => {
    const options = { header: false };
    expect(await collectRows('u1,Hi Ann; see you\n', { options })).toEqual([row(1, 'u1', 'Hi Ann; see you')]);
    for (const first of ['u1;Hello', 'u1;Hello, Ann', '"u1"\tHello']) {
      const refusal = await refusalOf(`${first}\nu2;Hello\n`, { options });
      expect(refusal).toMatchObject({ code: 'csv_separator', line: 1 });
      expect(refusal.message).toMatch(/`--separator (semicolon|tab)`/);
    }
    expect(await collectRows('u1;Hello, Ann\n', { options: { ...options, separator: ';' } })).toEqual([
      row(1, 'u1', 'Hello, Ann'),
    ]);
    expect(await collectRows('u1;Hello, Ann\n', { options: { ...options, separator: ',' } })).toEqual([
      row(1, 'u1;Hello', ' Ann'),
    ]);
  });
});

describe('the header', () => {
  test.each(['\u200buserId,alertMessage', 'userId\u200e,\u00a0alertMessage\ufeff', ' USERID ,"alertmessage\u200b"'])(
    'is found though it has invisible characters: %j',
    async (header) => {
      expect(await collectRows(`${header}\nu1,a\n`)).toEqual([row(2, 'u1', 'a')]);
    },
  );

  test('shows those that are in the middle of a name', async () => {
    const { message } = await refusalOf('user\u200bId,alert\u00a0Message\nu1,a\n');
    expect(message).toContain('"user\\u200bId", "alert\\u00a0Message"');
  });

  test.each([
    ['user_id,alert_message', '--user-column user_id --message-column alert_message'],
    ['User ID,Alert Message', "--user-column 'User ID' --message-column 'Alert Message'"],
    ['date,customer_id,message', '--user-column customer_id --message-column message'],
    ['email,first,text', '--user-column email --message-column text'],
  ])('with other names proposes them: %s', async (header, flags) => {
    const { message } = await refusalOf(`${header}\na,b,c\n`);
    expect(message).toContain(`\`${flags}\``);
    expect(message).not.toContain('--no-header');
  });

  test.each(['foo,bar', 'userId,message,text', 'id,user,message', 'one column', 'a,b,c,d'])(
    'with names that say nothing proposes the settings: %s',
    async (header) => {
      const { message } = await refusalOf(`${header}\nx,y\n`);
      expect(message).toContain('`--user-column` and `--message-column`');
      expect(message).not.toContain('--no-header');
    },
  );

  test('that comes again is never sent, in whatever case, quotes and order', async () => {
    const content = [
      'userId,alertMessage,note',
      'u1,a,1',
      'userId,alertMessage,note',
      'u2,b,2',
      '"USERID", "alertmessage",',
      '\ufeffuserId,alertMessage,note',
      'alertMessage,userId,note',
      'u3,alertMessage,3',
    ];
    expect(await collectRows(`${content.join('\r\n')}\r\n`)).toEqual([
      row(2, 'u1', 'a'),
      bad(3, 'repeated_header'),
      row(4, 'u2', 'b'),
      bad(5, 'bad_csv'),
      bad(6, 'repeated_header'),
      bad(7, 'repeated_header'),
      row(8, 'u3', 'alertMessage'),
    ]);
  });

  test('is not sent where there is none, either', async () => {
    const content = 'userId,alertMessage\nu1,a\n';
    expect(await collectRows(content, { options: { header: false } })).toEqual([
      bad(1, 'repeated_header'),
      row(2, 'u1', 'a'),
    ]);
  });

  test('may follow rows that a spreadsheet left empty', async () => {
    expect(await collectRows(',,\r\n ; \r\n\r\nuserId;alertMessage;\r\nu1;a;\r\n')).toEqual([row(5, 'u1', 'a')]);
  });
});

describe('rows', () => {
  test('may have empty columns at their end, and may lack their empty last ones', async () => {
    const trailing = 'userId,alertMessage,,\r\nu1,a,,\r\nu2,b\r\nu3,c,,,, \r\nu4,d,x,\r\n';
    expect(await collectRows(trailing)).toEqual([
      row(2, 'u1', 'a'),
      row(3, 'u2', 'b'),
      row(4, 'u3', 'c'),
      bad(5, 'bad_csv'),
    ]);
    const lacking = 'userId,alertMessage,x,y\nu1,a,1,2\nu2,b\nu3,c\nu4\n';
    expect(await collectRows(lacking)).toEqual([
      row(2, 'u1', 'a'),
      row(3, 'u2', 'b'),
      row(4, 'u3', 'c'),
      bad(5, 'bad_csv'),
    ]);
  });

  test('in which every column is blank are blank lines', async () => {
    const content =
      'userId,alertMessage\r\nu1,a\r\n,\r\n,,,\r\n  ,\t\r\n"",""\r\n\u00a0,\u200b\r\n\x1a\r\nu2,b\r\n\0\0\0';
    expect(await collectRows(content)).toEqual([row(2, 'u1', 'a'), row(9, 'u2', 'b')]);
  });

  test('with a user or a message that cannot be seen are missing one', async () => {
    const content = 'userId,alertMessage\n   ,Hello\nu2,   \n\u00a0,Hello\nu4,\u200b\n\u3164,x\nu6,ok\n';
    expect(await collectRows(content)).toEqual([
      bad(2, 'missing_user_id'),
      bad(3, 'missing_message'),
      bad(4, 'missing_user_id'),
      bad(5, 'missing_message'),
      bad(6, 'missing_user_id'),
      row(7, 'u6', 'ok'),
    ]);
  });

  test('name users that a spreadsheet has spoilt, or that have white space at their ends, in a note', async () => {
    const ids = [
      '4.91512E+11',
      '4,91512E+11',
      '5E+11',
      '#N/A',
      '########',
      '4915',
      '4.9',
      'E+11',
      '#1',
      'ann ',
      '\u00a0ann',
      'é',
    ];
    const { rows, notes } = await collect(`userId;alertMessage\n${ids.map((id) => `${id};x`).join('\n')}\n`);
    expect(rows).toHaveLength(ids.length);
    expect(notes.map(({ line, note }) => `${line} ${note}`)).toEqual([
      ...[2, 3, 4, 5, 6].map((line) => `${line} spreadsheet_user_id`),
      '11 padded_user_id',
      '12 padded_user_id',
    ]);
  });

  test('that are Windows-1252 are noted as such', async () => {
    const text = (bytes: string): Buffer => Buffer.from(bytes, 'latin1');
    const content = text(
      'userId,alertMessage\nu1,Gr\xfc\xdfe aus K\xf6ln\nu2,Offen 10\x9612 Uhr\nu3,Caf\xe9\nu4,\xcf\xf0\xe8\xe2\xe5\xf2\nu5,a\x81\nu6,\xc3\xa9t\xe9\nu7,ma\xb3y\n',
    );
    const { rows, notes } = await collect(content);
    expect(rows.every((each) => 'invalid' in each && each.invalid === 'invalid_utf8')).toBe(true);
    expect(notes.map(({ line }) => line)).toEqual([2, 3, 4]);
  });
});

describe('a message with a line break that is not in quotes', () => {
  const crlf = (rows: readonly string[]): string => `userId,alertMessage\r\n${rows.join('\r\n')}\r\n`;

  test.each([
    ['one row of many', crlf(['u1,a', 'u2,Parcel 2\nis ready', 'u3,c'])],
    ['the last row', crlf(['u1,a', 'u2,Parcel 2\nis ready'])],
    ['the last row, without a line end', `${crlf(['u1,a'])}u2,Parcel 2\nis`],
    ['several breaks', crlf(['u1,a\nb\nc', 'u2,d'])],
    ['an empty line between', crlf(['u1,a\n\nb', 'u2,d'])],
    ['a comma in the rest', 'userId,alertMessage,date\r\nu1,a\nb c,2026\r\nu2,d,2026\r\n'],
    ['a break within the user', crlf(['u\n1,a', 'u2,d'])],
    ['a CR in a file of LF', 'userId,alertMessage\nu1,Parcel 1\ris ready\nu2,b\n'],
    ['stray quotes in the rest', crlf(['u1,a\nis "ready" now', 'u2,b'])],
  ])('refuses a file whose lines end otherwise: %s', async (_, content) => {
    for (const blockBytes of [1, 5, 1000]) {
      const refusal = await refusalOf(content, { blockBytes });
      expect(refusal.code).toBe('broken_line');
      expect(refusal.message).toContain('must be in quotes');
    }
  });

  test('takes the row with it where all lines end alike and the next one goes on in prose', async () => {
    const content = 'userId,alertMessage\nu1,Parcel 1\nis ready for pickup\nu2,b\nu3,Parcel 3\n\nis ready, too\n';
    const { rows, readable } = await collect(content);
    expect(rows.slice(0, 3)).toEqual([bad(2, 'bad_csv'), bad(3, 'bad_csv'), row(4, 'u2', 'b')]);
    // Half a message is nothing to offer for mending.
    expect(readable.get(2)).toEqual({ origin: undefined });
  });

  test.each([
    ['mixed line ends', 'userId,alertMessage\r\nu1,a\nu2,b c\r\nu3,d\ru4,e\n\nu5,f\r\n', 5],
    [
      'exports put together',
      'userId,alertMessage,x\r\nu1,a b,1\r\nuserId,alertMessage,x\nu2,b c\nu3,d\nu4,e\r\nu5,f\r\n',
      5,
    ],
    ['no last columns', 'userId,alertMessage,x\nu1,a b\nu2,b c\nu3,c d\n', 3],
    ['breaks in quotes', 'userId,alertMessage\r\nu1,"a\nis ready"\r\nu2,"b\n\nand so on"\r\n', 2],
    ['a last line that counts', 'userId,alertMessage\nu1,a\nu2,b\n(2 rows affected)\n', 2],
    ['a user without a message', 'userId,alertMessage\nu1,a\nu2\nu3,c\n', 2],
    ['users with white space', 'userId,alertMessage,x\nJohn Doe,a\nJane Roe,b\n', 2],
  ])('is not seen where there is none: %s', async (_, content, alerts) => {
    expect((await collectRows(content)).filter((each) => 'userId' in each)).toHaveLength(alerts);
  });
});

test('deliveries of before are read by their own rules: the same alerts', async () => {
  const rules = { options: { rules: undefined } };
  const content =
    'userId,alertMessage\nu1,a\n ,b\nuserId,alertMessage\nu2,\u200b\n,\nu3,c,\nu4,d\nis ready now\nu5,e\n';
  expect(await collectRows(content, rules)).toEqual([
    row(2, 'u1', 'a'),
    row(3, ' ', 'b'),
    row(4, 'userId', 'alertMessage'),
    row(5, 'u2', '\u200b'),
    bad(6, 'missing_user_id'),
    bad(7, 'bad_csv'),
    row(8, 'u4', 'd'),
    bad(9, 'bad_csv'),
    row(10, 'u5', 'e'),
  ]);
  const json = '{"userId":"a","userId":"b","alertMessage":"\\ud83d"}\n\0\n';
  expect(await collectRows(json, { format: 'ndjson', ...rules })).toEqual([row(1, 'b', '\ud83d'), bad(2, 'bad_json')]);
});

describe('JSON', () => {
  test.each([
    ['{"userId":"u","alertMessage":"Hi \\ud83d there"}', 'bad_message'],
    ['{"userId":"x\\ud83d","alertMessage":"A"}', 'bad_user_id'],
    ['{"userId":"x\\ude00\\ud83d","alertMessage":"A"}', 'bad_user_id'],
    ['{"userId":"a","userId":"b","alertMessage":"A"}', 'bad_json'],
    ['{"userId":"a","alertMessage":"A:","us\\u0065rId" : "b"}', 'bad_json'],
    ['{"userId":"a","alertMessage":"A","x":1,"x":{"y":[2]}}', 'bad_json'],
    ['{"userId":"\\u00a0","alertMessage":"A"}', 'missing_user_id'],
    ['{"userId":"u","alertMessage":"\\u200b \\n"}', 'missing_message'],
  ])('%s is %s', async (text, reason) => {
    expect(await collectRows(text, { format: 'ndjson' })).toEqual([bad(1, reason)]);
    expect(await collectRows(`[${text}]\0\x1a`, { format: 'json' })).toEqual([bad(1, reason)]);
  });

  test.each([
    '{"userId":"u","alertMessage":"ok \\ud83d\\ude00"}',
    '{"userId":"u","alertMessage":"a: \\"userId\\": b"}',
    '{"userId":"u","alertMessage":"m","x":{"userId":"v","y":[{"userId":1},{"userId":2}]}}',
    '{"userId":"u","alertMessage":"m","__proto__":1,"userid":"other"}',
  ])('%s is an alert', async (text) => {
    expect(await collectRows(text, { format: 'ndjson' })).toMatchObject([{ userId: 'u' }]);
  });

  test('rows with a comma behind them are noted as such, and padding is no row', async () => {
    const content = '{"userId":"u","alertMessage":"m"},\n{"userId":"v","alertMessage":"m"}\n{"userId"\n\0\0\x1a';
    const { rows, notes } = await collect(content, { format: 'ndjson' });
    expect(rows).toEqual([bad(1, 'bad_json'), row(2, 'v', 'm'), bad(3, 'bad_json')]);
    expect(notes).toEqual([{ line: 1, note: 'comma_behind_object' }]);
  });
});
