/** Files that are sent at certain times only: the workflow waits until whoever sends says that it is time. */
import { ApplicationFailure } from '@temporalio/common';
import { expect, it } from 'vitest';
import type { SendAlertsInput } from '../../src/domain/contracts.ts';
import { FAILURE } from '../../src/domain/names.ts';
import { batchResult, CHUNK, MockedFile, pause, progressOf } from './mocked-file.ts';
import type { WorkflowRun } from './workflow-run.ts';

const schedule = { window: { from: 480, to: 1_200, zone: 'UTC' } };
const closed = (opensMs: number): ApplicationFailure =>
  ApplicationFailure.create({
    type: FAILURE.closed,
    message: 'its window is closed',
    nonRetryable: true,
    details: [{ opensMs, text: 'its window is closed (08:00-20:00 UTC)' }],
  });
const sends = (run: WorkflowRun): number => run.callsOf('sendAlerts').length;

it('waits, says until when, and sends each alert once when it is time', async () => {
  const file = new MockedFile(3, { schedule });
  let opensMs = 0;
  const seen: SendAlertsInput[] = [];
  file.sendAlerts = (input, call) => {
    if (opensMs === 0) opensMs = run.nowMs + 3_600_000;
    if (run.nowMs < opensMs) throw closed(opensMs);
    seen.push(input);
    void call;
    return batchResult({ delivered: input.to - input.from });
  };
  const run = await file.start();
  await run.drain();
  expect(await progressOf(run)).toMatchObject({ phase: 'sending', closed: { opensMs } });
  expect(sends(run)).toBe(2);
  expect(await run.ended()).toMatchObject({ kind: 'completed', result: { delivered: 30 } });
  expect(seen.map(({ chunk }) => chunk).sort()).toEqual([1, 2, 3]);
  expect(seen[0]).toMatchObject({ schedule });
});

it('a window that closes in mid-file keeps what was counted', async () => {
  const file = new MockedFile(1, { schedule, parallelChunks: 1 });
  let calls = 0;
  file.sendAlerts = () => {
    calls++;
    if (calls === 1) return batchResult({ delivered: 4, turnOver: true });
    if (calls === 2) throw closed(run.nowMs + 60_000);
    return batchResult({ delivered: CHUNK });
  };
  const run = await file.start();
  await run.drain();
  expect((await progressOf(run)).counts).toMatchObject({ delivered: 4, pending: 6 });
  expect(await run.ended()).toMatchObject({ kind: 'completed', result: { delivered: CHUNK } });
});

it('can be paused, resumed and cancelled while it waits', async () => {
  const file = new MockedFile(1, { schedule });
  let isOpen = false;
  file.sendAlerts = () => {
    if (!isOpen) throw closed(run.nowMs + 3_600_000);
    return batchResult({ delivered: CHUNK });
  };
  const run = await file.start();
  await run.drain();
  pause(run, true);
  await run.drain();
  const paused = await progressOf(run);
  expect(paused).toMatchObject({ phase: 'paused' });
  expect(paused.closed).toBeUndefined();
  pause(run, false);
  await run.drain();
  expect(sends(run)).toBe(2);
  expect((await progressOf(run)).closed).toBeDefined();
  isOpen = true;
  run.cancel();
  expect((await run.ended()).kind).toBe('cancelled');
});

it('an alert that is retried by itself waits, too', async () => {
  const file = new MockedFile(1, { schedule });
  file.sendAlerts = () => batchResult({ delivered: CHUNK - 1, stubborn: [7] });
  let tries = 0;
  file.sendAlert = () => {
    if (++tries === 1) throw closed(run.nowMs + 3_600_000);
    return { outcome: 'delivered' };
  };
  const run = await file.start();
  expect(await run.ended()).toMatchObject({ kind: 'completed' });
  expect(tries).toBe(2);
});
