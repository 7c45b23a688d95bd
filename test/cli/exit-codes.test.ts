import { describe, expect, test } from 'vitest';
import { EXIT, exitCodeOfError, worstExitCode } from '../../src/cli/exit-codes.ts';
import { FAULT_EXIT_CODES, Fault, FileRefusal } from '../../src/domain/failure.ts';

describe('the exit code of several files', () => {
  test('is that of the worst, in this order', () => {
    const worstFirst = [130, 1, 2, 69, 65, 5, 6, 4, 3, 75, 0];
    for (const [at, worse] of worstFirst.entries()) {
      for (const better of worstFirst.slice(at)) {
        expect(worstExitCode([better, worse])).toBe(worse);
        expect(worstExitCode([worse, better, 0])).toBe(worse);
      }
    }
  });

  test('orders every code that wds exits with', () => {
    const codes = new Set<number>([...Object.values(EXIT), ...Object.values(FAULT_EXIT_CODES)]);
    for (const code of codes) expect(worstExitCode([0, code])).toBe(code);
  });

  test('is 0 for no files, and never hides an unknown code', () => {
    expect(worstExitCode([])).toBe(0);
    expect(worstExitCode([0, 99])).toBe(99);
  });
});

test('a Fault has the exit code of its code, a refusal 65, anything else 1', () => {
  expect(exitCodeOfError(new Fault('deadline', ''))).toBe(75);
  expect(exitCodeOfError(new FileRefusal('utf16', ''))).toBe(65);
  expect(exitCodeOfError(new Error(''))).toBe(1);
  expect(exitCodeOfError('text')).toBe(1);
});
