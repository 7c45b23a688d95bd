import { describe, expect, test } from 'vitest';
import { bodyExcerpt } from '../../src/endpoint/excerpt.ts';

const excerpt = (body: string | Buffer, more: Partial<Parameters<typeof bodyExcerpt>[1]> = {}) =>
  bodyExcerpt(Buffer.from(body as string), { secrets: [], cut: false, ...more });

describe('the excerpt of an answer', () => {
  test('is its first 200 characters, on one line', () => {
    expect(excerpt('{"error":\r\n\t"unknown user"}\u0000\u001b[2J')).toBe('{"error": "unknown user"} [2J');
    expect(excerpt('x'.repeat(300))).toBe(`${'x'.repeat(199)}…`);
    expect(excerpt('')).toBe('');
  });

  test('shows no secret, as it is or as JSON and URLs write it', () => {
    const secrets = ['whsec_MfKQ9r8', 'pass"word/ä', 'short'];
    const body = 'short whsec_MfKQ9r8, {"p":"pass\\"word/ä"}, ?p=pass%22word%2F%C3%A4';
    expect(excerpt(body, { secrets })).toBe('short ***, {"p":"***"}, ?p=***');
  });

  test('shows no beginning of a secret where the body was cut, and no half character', () => {
    const secrets = ['token-0123456789'];
    expect(excerpt(`no:${' '.repeat(4_000)}token-0123`, { secrets, cut: true })).toBe('no:');
    expect(excerpt('the tok', { secrets, cut: false })).toBe('the tok');
    expect(excerpt(Buffer.from('nö').subarray(0, 2), { cut: true })).toBe('n');
  });

  test('is read in the charset that is stated, and in UTF-8 where that is none', () => {
    const body = Buffer.from('ungültig', 'latin1');
    expect(excerpt(body, { contentType: 'text/plain; charset=ISO-8859-1' })).toBe('ungültig');
    expect(excerpt('ungültig', { contentType: 'text/plain; charset=klingon' })).toBe('ungültig');
  });

  test('of a compressed body is none', () => {
    expect(excerpt(Buffer.from([0x1f, 0x8b, 8, 0]), { contentEncoding: 'gzip' })).toBe('');
  });
});
