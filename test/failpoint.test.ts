import { expect, test } from 'vitest';
import { FAILPOINTS, failpoint, parseFailpoint } from '../src/failpoint.ts';

test('crash points are inert unless the environment names one', () => {
  for (const name of FAILPOINTS) expect(() => failpoint(name)).not.toThrow();
});

test('the setting is name:n, n being 1 where it is left out', () => {
  expect(parseFailpoint(undefined)).toBeUndefined();
  expect(parseFailpoint('')).toBeUndefined();
  expect(parseFailpoint('arrival.staged')).toEqual({ name: 'arrival.staged', passesLeft: 1 });
  expect(parseFailpoint('arrival.staged:12')).toEqual({ name: 'arrival.staged', passesLeft: 12 });
});

test.each(['arrival.stagged', 'arrival.staged:0', 'arrival.staged:x', ':1'])(
  '%s is refused, not ignored',
  (setting) => {
    expect(() => parseFailpoint(setting)).toThrow(/is not a crash point/);
  },
);
