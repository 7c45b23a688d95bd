import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AnswerFigures } from '../../../src/domain/ledger/answer-figures.ts';
import { parseEvent } from '../../../src/domain/ledger/journal.ts';

const answered = (...latencies: number[]): AnswerFigures => {
  const figures = new AnswerFigures();
  for (const latencyMs of latencies) figures.answered(latencyMs);
  return figures;
};

test('tell how long answers took, within a tenth', () => {
  fc.assert(
    fc.property(fc.double({ min: 1, max: 60_000, noNaN: true }), (latencyMs) => {
      const told = answered(latencyMs).latencyMs(1)!;
      expect(Math.abs(told - latencyMs) / latencyMs).toBeLessThan(0.11);
    }),
  );
  const many = answered(...Array.from({ length: 1_000 }, (_, at) => at + 1));
  for (const share of [0.5, 0.9, 0.99]) {
    expect(Math.abs(many.latencyMs(share)! / (share * 1_000) - 1)).toBeLessThan(0.11);
  }
  expect(answered(0.2, 0).latencyMs(1)).toBe(0.5);
  expect(answered().latencyMs(0.5)).toBeUndefined();
});

test('are a line of a journal that tells nothing about a row, and come back from it', () => {
  const figures = answered(0.3, 12, 13, 4_000);
  figures.throttled(1_764_000_000_123);
  figures.throttled(1_764_000_000_999);
  const line = figures.line();
  expect(line).toMatch(/^l \S+ 1764000000:2\n$/);
  expect(parseEvent(line.trimEnd())).toBeUndefined();
  const again = AnswerFigures.parse(line);
  expect(again?.line()).toBe(line);
  again?.add(figures);
  expect([again?.answers, again?.throttledAt]).toEqual([8, [[1_764_000_000_000, 4]]]);
  expect(answered().line()).toBe('');
});

test('of another line are none, and what is damaged counts for nothing', () => {
  for (const line of ['', 'z', 'i 1764000000000 2,3', 'd 2 200 1 1764000000031', 'l 3']) {
    expect(AnswerFigures.parse(line)).toBeUndefined();
  }
  expect(AnswerFigures.parse('l 3:x,4:2,:: -')?.answers).toBe(2);
});

test('of a day of refusals stay a short line, and lose none', () => {
  const figures = new AnswerFigures();
  for (let second = 0; second < 86_400; second++) figures.throttled(1_764_000_000_000 + second * 1_000);
  const line = figures.line();
  expect(line.length).toBeLessThan(3_000);
  expect(AnswerFigures.parse(line)?.throttledAt.reduce((sum, [, times]) => sum + times, 0)).toBe(86_400);
});
