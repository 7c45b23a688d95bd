/** What is still known of rows that are no alerts: invalid.csv offers it to whoever mends them. */
import { expect, test } from 'vitest';
import { collect } from './collect.ts';

const ORIGIN = `${'a'.repeat(64)}:7`;
const readable = async (...how: Parameters<typeof collect>) => Object.fromEntries((await collect(...how)).readable);

test('a row of a CSV whose columns are all there shows what it has', async () => {
  const content = `alertMessage,userId,wdsOrigin\nhello,,${ORIGIN}\n,user-1,\n\0,user-2,\n`;
  expect(await readable(content)).toEqual({
    2: { userId: '', alertMessage: 'hello', origin: ORIGIN },
    3: { userId: 'user-1', alertMessage: '', origin: undefined },
    4: { userId: 'user-2', alertMessage: '\0', origin: undefined },
  });
});

test('where columns are missing or too many only a user that comes first is sure, and the origin, known by its form', async () => {
  const content = `userId,alertMessage,x,wdsOrigin\nuser-1,Hello, you,,${ORIGIN}\nuser-2\n`;
  expect(await readable(content)).toEqual({
    2: { userId: 'user-1', alertMessage: undefined, origin: ORIGIN },
    3: { userId: 'user-2', alertMessage: undefined, origin: undefined },
  });
  expect(await readable('alertMessage,userId\nHello, you,user-1\n')).toEqual({
    2: { userId: undefined, alertMessage: undefined, origin: undefined },
  });
});

test('of a row that is not UTF-8 only the columns that are', async () => {
  const content = Buffer.concat([Buffer.from('userId,alertMessage\nuser-1,Gr'), Buffer.from([0xfc, 0x0a])]);
  expect(await readable(content)).toEqual({
    2: { userId: 'user-1', alertMessage: undefined, origin: undefined },
  });
});

test.each(['ndjson', 'json'] as const)('members of %s that are text, and users that are digits', async (format) => {
  const values = [
    { userId: 7, alertMessage: '', wdsOrigin: ORIGIN },
    { userId: { id: 1 }, alertMessage: 'hi' },
    { userId: 'user-1', alertMessage: 5 },
    ['user-1', 'hi'],
  ];
  const content = format === 'json' ? JSON.stringify(values) : values.map((value) => JSON.stringify(value)).join('\n');
  expect(await readable(content, { format })).toEqual({
    1: { userId: '7', alertMessage: '', origin: ORIGIN },
    2: { userId: undefined, alertMessage: 'hi', origin: undefined },
    3: { userId: 'user-1', alertMessage: undefined, origin: undefined },
    4: {},
  });
});
