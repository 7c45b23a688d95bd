/** What only a file's workflow can tell whoever is to be notified. */
import { ApplicationFailure } from '@temporalio/common';
import { expect, it } from 'vitest';
import { FAILURE } from '../../src/domain/names.ts';
import type { Notice } from '../../src/domain/notices/notice.ts';
import { approve, MockedFile } from './mocked-file.ts';
import type { WorkflowRun } from './workflow-run.ts';

const told = (run: WorkflowRun): string[] =>
  run.callsOf('tellNotice').map((notice) => `${(notice as Notice).type} ${(notice as Notice).text}`);

it('tells once that a decision is waiting; where it cannot be told, the file goes on all the same', async () => {
  const run = await new MockedFile(4, { first: 13 }).start();
  await run.drain();
  const [first, ...others] = told(run);
  expect(first).toMatch(/^decision\.waiting a\.csv: waiting for a decision: the first 13 of 40 alerts were sent/);
  approve(run);
  expect((await run.ended()).kind).toBe('completed');
  // Nobody takes it here: it is tried three times, and no more.
  expect(new Set([first, ...others]).size).toBe(1);
  expect(told(run).length).toBeLessThanOrEqual(3);
});

it.each([
  ['its content is gone', FAILURE.contentMissing, ['file.failed a.csv: gone']],
  ['it is refused, which its reader has told', FAILURE.fileRefused, []],
])('a file that fails because %s', async (_why, type, expected) => {
  const file = new MockedFile(1);
  file.readChunks = () => {
    throw ApplicationFailure.nonRetryable('gone', type);
  };
  const run = await file.start();
  expect((await run.ended()).kind).toBe('failed');
  expect([...new Set(told(run))]).toEqual(expected);
});

it('a file that is delivered costs no step more', async () => {
  const run = await new MockedFile(1).start();
  expect((await run.ended()).kind).toBe('completed');
  expect(told(run)).toEqual([]);
});

it('a file that goes on in another run has not failed', async () => {
  const run = await new MockedFile(20, { maxHistoryEvents: 60 }).start();
  expect((await run.ended()).kind).toBe('continued');
  expect(told(run)).toEqual([]);
});
