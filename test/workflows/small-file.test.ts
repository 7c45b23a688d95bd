/** A small file: what is done besides sending is done by local activities, unless that does not succeed at once. */
import { ApplicationFailure } from '@temporalio/common';
import { beforeAll, describe, expect, it } from 'vitest';
import { FAILURE } from '../../src/domain/names.ts';
import { MockedFile } from './mocked-file.ts';
import { buildWorkflows } from './replaying.ts';

beforeAll(buildWorkflows);

const QUEUE = 'wds-files';
/** A local activity is on no queue. */
const LOCAL = '';

function smallFile(): MockedFile {
  const file = new MockedFile(1);
  file.small = true;
  return file;
}

/** Name and queue of each call that a files worker has got. */
async function steps(file: MockedFile): Promise<{ kind: string; calls: [string, string][] }> {
  const { end, runs } = await file.deliver();
  const calls = runs.flatMap((run) => run.calls).filter(({ name }) => name !== 'sendAlerts');
  return { kind: end.kind, calls: calls.map(({ name, taskQueue }) => [name, taskQueue]) };
}

describe('a small file', () => {
  it('is read, gets its round and is reported on within the workflow’s own tasks', async () => {
    expect(await steps(smallFile())).toEqual({
      kind: 'completed',
      calls: [
        ['readChunks', LOCAL],
        ['beginRound', LOCAL],
        ['writeReport', LOCAL],
      ],
    });
  });

  it('goes on by an activity that can be seen and is tried again, where the first try fails for a passing reason', async () => {
    const file = smallFile();
    let failures = 2;
    file.onReport = () => {
      if (failures-- > 0) throw ApplicationFailure.create({ type: FAILURE.store, message: 'the disk is full' });
    };
    expect(await steps(file)).toEqual({
      kind: 'completed',
      calls: [
        ['readChunks', LOCAL],
        ['beginRound', LOCAL],
        ['writeReport', LOCAL],
        ['writeReport', QUEUE],
        ['writeReport', QUEUE],
      ],
    });
  });

  it('that is refused is not read twice', async () => {
    const file = smallFile();
    file.readChunks = () => {
      throw ApplicationFailure.nonRetryable('no header', FAILURE.fileRefused);
    };
    expect(await steps(file)).toEqual({ kind: 'failed', calls: [['readChunks', LOCAL]] });
  });

  it('that is read again in another way begins its round once', async () => {
    const file = smallFile();
    file.settled = { ...file.input.parse, header: false };
    const { calls } = await steps(file);
    expect(calls.map(([name]) => name)).toEqual(['readChunks', 'beginRound', 'readChunks', 'writeReport']);
    expect(file.rounds).toBe(1);
  });
});
