/**
 * The last line of a test run, alone and always of one form: `N passed, N failed` (and `, N skipped` when there are any). A file
 * that could not be loaded, and an error outside of any test, count as a failure each. Printed at exit, so that nothing comes after.
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
    process.once('exit', () => writeSync(1, `${line}\n`));
  }
}
