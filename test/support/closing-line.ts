/**
 * The last line of a test run, alone and always of one form: `N passed, N failed` (and `, N skipped` when there are any). A file
 * that could not be loaded, and an error outside of any test, count as a failure each. Before it: which tests were skipped, and why. Printed at
 * exit, so that nothing comes after.
 */
import { writeSync } from 'node:fs';
import type { Reporter, SerializedError, TestModule } from 'vitest/node';

export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const count = (state: string) => tests.filter((test) => test.result().state === state).length;
    const broken = modules.filter(
      (module) => module.state() === 'failed' && ![...module.children.allTests('failed')].length,
    );
    const failed = count('failed') + broken.length + unhandled.length;
    const skipped = count('skipped') + count('pending');
    const line = `${count('passed')} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
    const reasons = tests.flatMap((test) => {
      const result = test.result();
      return result.state === 'skipped'
        ? [`skipped: ${test.fullName}: ${result.note ?? 'by its own condition'}\n`]
        : [];
    });
    process.once('exit', () => writeSync(1, `${reasons.join('')}${line}\n`));
  }
}
