import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RateHeaders } from '../../src/domain/rate-hints.ts';
import { parseRateHint, RATE_HEADER_NAMES } from '../../src/domain/rate-hints.ts';

const NOW = Date.UTC(2026, 0, 1);
const HOUR_MS = 3_600_000;
const hint = (headers: RateHeaders, maxResetMs = 1_000 * HOUR_MS) => parseRateHint(headers, NOW, maxResetMs);

describe('parseRateHint', () => {
  it('reads RateLimit', () => {
    expect(hint({ ratelimit: '"default";r=50;t=30' })).toEqual({ remaining: 50, resetMs: 30_000 });
    expect(hint({ ratelimit: '"default"; r=0;t=1' })).toEqual({ remaining: 0, resetMs: 1_000 });
    expect(hint({ ratelimit: 'default;r=7' })).toEqual({ remaining: 7 });
    expect(hint({ ratelimit: '"default";r=50;pk=:cHVwcGV0:;t=30' })).toEqual({ remaining: 50, resetMs: 30_000 });
  });

  it('reads the newest form, available and window', () => {
    expect(hint({ ratelimit: '"default";a=50;w=30' })).toEqual({ remaining: 50, resetMs: 30_000 });
    expect(hint({ ratelimit: 'burst;a=0;w=5;pk="u";c=2, day;a=9;w=3600' })).toEqual({ remaining: 0, resetMs: 5_000 });
  });

  it('reads what is left, of how many, and for how long, in other spellings', () => {
    const said = { limit: 10, remaining: 3, resetMs: 1_500 };
    const older = { 'x-ratelimit-limit': '10', 'x-ratelimit-remaining': '3' };
    expect(hint({ ...older, 'x-ratelimit-reset': '1.5' })).toEqual(said);
    expect(hint({ ...older, 'x-ratelimit-reset': String(NOW / 1_000 + 1.5) })).toEqual(said);
    // Both are sent by some: the one that needs no clock is believed.
    expect(hint({ ...older, 'x-ratelimit-reset': '9', 'x-ratelimit-reset-after': '1.5' })).toEqual(said);
    expect(hint({ ...older, 'x-ratelimit-reset': '1s500ms' })).toEqual(said);
    expect(hint({ 'x-rate-limit-limit': '10', 'x-rate-limit-remaining': '3', 'x-rate-limit-reset': '1.5' })).toEqual(
      said,
    );
    expect(hint({ ...older, 'x-ratelimit-reset': '6m0s' }).resetMs).toBe(360_000);
    expect(hint({ ...older, 'x-ratelimit-reset': 'soon' }).resetMs).toBeUndefined();
  });

  it('reads a limit for a period as a ceiling', () => {
    expect(hint({ 'x-ratelimit-limit-minute': '600', 'x-ratelimit-limit-hour': '7200' })).toEqual({
      ceilingPerSecond: 2,
      ceilingWindowMs: 60_000,
    });
  });

  it('reads what was used, of how many', () => {
    expect(hint({ usage: '32/40' })).toEqual({ remaining: 8, limit: 40 });
    expect(hint({ usage: ' 41 / 40' })).toEqual({ remaining: 0, limit: 40 });
    for (const usage of ['', '/', '3/', '3/0', '-1/5', 'a/b', '1/2/3']) expect(hint({ usage })).toEqual({});
  });

  it('believes no reset for longer than it is told to', () => {
    const longest = (headers: RateHeaders) => hint(headers, HOUR_MS).resetMs;
    expect(longest({ ratelimit: '"default";r=0;t=86400' })).toBe(HOUR_MS);
    expect(longest({ ratelimit: '"default";r=0;t=999999999' })).toBe(HOUR_MS);
    expect(longest({ ratelimit: 'limit=1, remaining=0, reset=99999' })).toBe(HOUR_MS);
    expect(longest({ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '31536000' })).toBe(HOUR_MS);
    expect(longest({ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': `${NOW / 1_000 + 999_999}` })).toBe(HOUR_MS);
    expect(longest({ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': `${NOW + 999_999_999}` })).toBe(HOUR_MS);
    expect(longest({ ratelimit: '"default";r=0;t=30' })).toBe(30_000);
  });

  it('takes the quota that is used up first of several, and the later renewal of two', () => {
    expect(hint({ ratelimit: '"day";r=900;t=3600, "burst";r=5;t=1' })).toEqual({ remaining: 5, resetMs: 1_000 });
    expect(hint({ ratelimit: '"a";r=0;t=1 , "b";r=0;t=60' })).toEqual({ remaining: 0, resetMs: 60_000 });
  });

  it('reads the earlier dictionary form', () => {
    const said = { limit: 100, resetMs: 30_000 };
    expect(hint({ ratelimit: 'limit=100, remaining=50, reset=30' })).toEqual({ ...said, remaining: 50 });
    expect(hint({ ratelimit: 'limit=100,reset=30,remaining=0' })).toEqual({ ...said, remaining: 0 });
  });

  it('reads RateLimit-Policy as a ceiling, the lowest of several, in the shortest of their windows', () => {
    const ceiling = (perSecond: number, seconds: number) => ({
      ceilingPerSecond: perSecond,
      ceilingWindowMs: 1_000 * seconds,
    });
    expect(hint({ 'ratelimit-policy': '"burst";q=100;w=60' })).toEqual(ceiling(100 / 60, 60));
    expect(hint({ 'ratelimit-policy': '"burst";q=100;w=5,"day";q=3600;w=3600' })).toEqual(ceiling(1, 5));
    expect(hint({ 'ratelimit-policy': '100;w=50;comment="a, b;c=\\"1\\""' })).toEqual(ceiling(2, 50));
    expect(hint({ 'ratelimit-limit': '10, 10;w=1, 50;w=60' })).toEqual(ceiling(50 / 60, 1));
  });

  it('passes over policies that count no requests, and those without a window', () => {
    expect(hint({ 'ratelimit-policy': '"b";q=1000;w=1;qu="content-bytes", "r";q=5;w=1;qu="request"' })).toEqual({
      ceilingPerSecond: 5,
      ceilingWindowMs: 1_000,
    });
    expect(hint({ 'ratelimit-policy': '"d";q=100' })).toEqual({});
    expect(hint({ 'ratelimit-policy': '"d";q=100;w=0, "e";q=0;w=60' })).toEqual({});
  });

  it('reads the separate headers, those without X- first', () => {
    expect(hint({ 'ratelimit-remaining': '3', 'ratelimit-reset': '9', 'x-ratelimit-remaining': '99' })).toEqual({
      remaining: 3,
      resetMs: 9_000,
    });
    expect(hint({ 'x-ratelimit-remaining': '4' })).toEqual({ remaining: 4 });
  });

  it('prefers RateLimit to the separate headers, unless it is malformed', () => {
    const older = { 'ratelimit-remaining': '3', 'ratelimit-reset': '9' };
    expect(hint({ ...older, ratelimit: '"d";r=1;t=2' })).toEqual({ remaining: 1, resetMs: 2_000 });
    expect(hint({ ...older, ratelimit: '"d;r=1;t=2' })).toEqual({ remaining: 3, resetMs: 9_000 });
  });

  it('reads a reset as seconds from now, as epoch seconds, and as epoch milliseconds', () => {
    const reset = (text: string) => hint({ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': text }).resetMs;
    expect(reset('90')).toBe(90_000);
    expect(reset('0.25')).toBe(250);
    expect(reset(String(NOW / 1000 + 90))).toBe(90_000);
    expect(reset(String(NOW + 90_000))).toBe(90_000);
    expect(reset(String(NOW / 1000 - 5))).toBe(0);
    expect(reset('999999999')).toBe(1_000 * HOUR_MS);
  });

  it.each([
    '',
    ' ',
    '-1',
    'abc',
    '0x10',
    '1e9',
    'NaN',
    '5;',
    '"d";r',
    '"d";r=-1;t=5',
    '"d";r=1.5',
    'r=5',
    '(1 2);r=5',
    '"d";r=5,',
  ])('takes %j for no hint in any header', (text) => {
    for (const name of RATE_HEADER_NAMES) {
      const headers: RateHeaders = name.endsWith('reset')
        ? { [name]: text }
        : { [name]: text, 'x-ratelimit-reset': '5' };
      expect(hint(headers)).toEqual({});
    }
  });

  it('never throws, and never yields a negative or infinite number, whatever the headers hold', () => {
    const piece = fc.constantFrom(
      '"',
      'd',
      ';',
      'r=',
      't=',
      'q=',
      'w=',
      '0',
      '7',
      '-',
      '.',
      ',',
      ' ',
      '=',
      ':',
      '?1',
      'remaining=',
      '\\',
      'é',
      '\t',
    );
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(piece).map((pieces) => pieces.join('')),
      fc.bigInt().map(String),
    );
    const headers = fc.dictionary(fc.constantFrom(...RATE_HEADER_NAMES), text);
    fc.assert(
      fc.property(headers, fc.integer({ min: 0, max: 1e13 }), (value, nowMs) => {
        for (const number of Object.values(parseRateHint(value, nowMs, HOUR_MS))) {
          expect(Number.isFinite(number)).toBe(true);
          expect(number).toBeGreaterThanOrEqual(0);
        }
        expect(parseRateHint(value, nowMs, HOUR_MS).resetMs ?? 0).toBeLessThanOrEqual(HOUR_MS);
      }),
      { numRuns: 2_000 },
    );
  });
});
