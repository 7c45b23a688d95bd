import fc from 'fast-check';
import { expect, test } from 'vitest';
import { withPlainWholeNumbers } from '../../src/posts/whole-numbers.ts';

test.each([
  ['3466.0', '3466'],
  ['[1.5e3,12300e-2]', '[1500,123]'],
  ['[-0,-0.0,0.000,0e5]', '[0,0,0,0]'],
  ['{"a":-7.00}', '{"a":-7}'],
  // Not whole, or not to be known exactly.
  ['1.00000000000000000001', '1.00000000000000000001'],
  ['[3466.5,1e-1]', '[3466.5,1e-1]'],
  ['9007199254740993.0', '9007199254740993.0'],
  ['1e400', '1e400'],
  // Text is no number.
  ['{"3.0":"4.0 \\" 5.0","b":6.0}', '{"3.0":"4.0 \\" 5.0","b":6}'],
])('%s is %s', (given, expected) => {
  expect(withPlainWholeNumbers(given)).toBe(expected);
});

test('the value stays what it is, however it is written', () => {
  fc.assert(
    fc.property(fc.jsonValue({ depthSize: 'small' }), (value) => {
      const text = JSON.stringify(value);
      expect(JSON.parse(withPlainWholeNumbers(text))).toEqual(JSON.parse(text));
    }),
  );
});
