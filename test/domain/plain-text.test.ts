import { expect, test } from 'vitest';
import { clipped, excerptOf, plainText } from '../../src/domain/plain-text.ts';

test('what cannot be seen, or moves other text, is shown as an escape', () => {
  expect(plainText('a\u200b\u00ad\u2066b\ud800c\ue000\u{e0001}')).toBe(
    'a\\u200b\\u00ad\\u2066b\\ud800c\\ue000\\u{e0001}',
  );
});

test('letters, emojis and what joins them stay', () => {
  expect(plainText('Müller می\u200cخواهم 👩\u200d🚀')).toBe('Müller می\u200cخواهم 👩\u200d🚀');
});

test('an excerpt is one short line', () => {
  expect(excerptOf('  a\r\n\u202eb\t c ', 10)).toBe('a b c');
  expect(excerptOf('abcdefghijk', 10)).toBe('abcdefghi…');
});

test('a cut leaves no half of a character', () => {
  expect(clipped('ab😀cd', 3)).toBe('ab…');
});
