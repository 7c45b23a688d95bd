import { ApplicationFailure } from '@temporalio/common';
import { expect, test } from 'vitest';
import { FAILURE } from '../../src/domain/names.ts';
import { FaultLog } from '../../src/temporal/fault-log.ts';

interface Step {
  readonly sha256: string;
  readonly chunk?: number;
}

function faults() {
  const lines: string[] = [];
  const write = (fields: { event: string; reason?: string }): void => {
    lines.push(`${fields.event} ${fields.reason ?? ''}`.trim());
  };
  const log = new FaultLog({ info: write, warn: write } as never);
  let fails: Error | undefined;
  const read = log.telling((activity) => activity)(async (_step: Step) => {
    if (fails !== undefined) throw fails;
  });
  const tries = (step: Step, error?: Error): Promise<void> => {
    fails = error;
    return read(step).catch((thrown: unknown) => {
      expect(thrown).toBe(error);
    });
  };
  return { lines, tries };
}

const full = ApplicationFailure.retryable('no space left on device', FAILURE.store);

test('a full disk is told once, and its end when no step meets it any more', async () => {
  const { lines, tries } = faults();
  for (let again = 0; again < 3; again++) {
    await tries({ sha256: 'a' }, full);
    await tries({ sha256: 'b' }, full);
  }
  expect(lines).toEqual(['store_fault no space left on device']);
  await tries({ sha256: 'c' });
  await tries({ sha256: 'a' });
  expect(lines).toHaveLength(1);
  await tries({ sha256: 'b' });
  expect(lines).toEqual(['store_fault no space left on device', 'store_recovered']);
  await tries({ sha256: 'b' }, full);
  expect(lines).toHaveLength(3);
});

test('a step that fails for something else has got over it', async () => {
  const { lines, tries } = faults();
  await tries({ sha256: 'a' }, ApplicationFailure.retryable('too many open files', FAILURE.localFault));
  await tries({ sha256: 'a' }, ApplicationFailure.retryable('HTTP 429', FAILURE.throttled));
  expect(lines).toEqual(['local_fault too many open files', 'local_recovered']);
});
