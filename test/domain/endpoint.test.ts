import { expect, test } from 'vitest';
import { rateOf, rateText } from '../../src/domain/endpoint.ts';

test.each<[string, ReturnType<typeof rateOf>]>([
  ['100', 100],
  ['0.5', 0.5],
  ['100/s', 100],
  ['100 / s', 100],
  [' 100/sec ', 100],
  ['100/second', 100],
  ['100 per second', 100],
  ['100 per minute', 100 / 60],
  ['6000/min', 100],
  ['6000/m', 100],
  ['360000/h', 100],
  ['86400/day', 1],
  ['100/10s', 10],
  ['30/15min', 30 / 900],
  ['auto', 'auto'],
  ['unlimited', 'unlimited'],
  ['1000000/s', 1_000_000],
])('the rate %j is %s', (text, rate) => expect(rateOf(text)).toBe(rate));

test.each([
  '',
  'fast',
  '-1',
  '0',
  '0/s',
  '100/',
  '/s',
  '100/0s',
  '100/week',
  '1e9',
  '1000001',
  '0.0001',
  '100s',
  '1,5/s',
])('%j is no rate', (text) => expect(rateOf(text)).toBeUndefined());

test('a rate is shown by the second, without the digits of a division', () => {
  expect([100, 1000 / 60, 0.001, 'auto'].map((rate) => rateText(rate as number))).toEqual([
    '100/s',
    '16.667/s',
    '0.001/s',
    'auto',
  ]);
});
