import { describe, expect, test } from 'vitest';
import { isAnsweredBy, isThisHost } from '../../src/temporal/press.ts';

const press = { startedMs: 10_000, sameClock: true, reopenUnconfirmed: false };
const round = (beganMs: number, reopens = false) => ({ beganMs, reopens });

describe('a press', () => {
  test('is answered by a round that began after it, and by no earlier one', () => {
    expect(isAnsweredBy(press, round(10_001))).toBe(true);
    expect(isAnsweredBy(press, round(10_000))).toBe(false);
    expect(isAnsweredBy(press, round(9_000))).toBe(false);
  });

  test('rather gets a round of its own where the clocks are two', () => {
    const elsewhere = { ...press, sameClock: false };
    expect(isAnsweredBy(elsewhere, round(10_900))).toBe(false);
    expect(isAnsweredBy(elsewhere, round(11_001))).toBe(true);
  });

  test('for unconfirmed alerts is answered only by a round that opened them', () => {
    const unconfirmed = { ...press, reopenUnconfirmed: true };
    expect(isAnsweredBy(unconfirmed, round(10_001))).toBe(false);
    expect(isAnsweredBy(unconfirmed, round(10_001, true))).toBe(true);
    expect(isAnsweredBy(press, round(10_001, true))).toBe(true);
  });
});

test.each([
  ['127.0.0.1:7233', true],
  ['localhost:7233', true],
  ['[::1]:7233', true],
  ['temporal.example.com:7233', false],
  ['localhost.example.com:7233', false],
  ['10.0.0.1:7233', false],
])('%s is this host: %s', (address, expected) => {
  expect(isThisHost(address)).toBe(expected);
});
