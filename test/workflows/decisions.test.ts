/** Files that wait for somebody's decision: after their first alerts, or since too many have failed. */
import { describe, expect, it } from 'vitest';
import type { CarriedState, FileWorkflowInput, SendAlertsInput } from '../../src/domain/contracts.ts';
import { approve, batchResult, CHUNK, MockedFile, pause, progressOf } from './mocked-file.ts';
import type { WorkflowRun } from './workflow-run.ts';

const batchesOf = (run: WorkflowRun): string[] =>
  run.callsOf('sendAlerts').map((input) => {
    const { chunk, from, to } = input as SendAlertsInput;
    return `${chunk}: ${from}-${to}`;
  });
/** Until nothing more happens by itself. */
async function settled(run: WorkflowRun): Promise<void> {
  await run.drain();
}

describe('with delivery.first', () => {
  it('so many alerts are sent, and all others once it is approved, each once', async () => {
    const run = await new MockedFile(4, { first: 13 }).start();
    await settled(run);
    expect(batchesOf(run)).toEqual(['1: 0-10', '2: 0-3']);
    expect(await progressOf(run)).toMatchObject({
      phase: 'paused',
      counts: { delivered: 13 },
      decision: 'the first 13 of 40 alerts were sent (13 delivered); wds approve sends the rest, wds cancel ends it',
    });
    approve(run);
    expect(await run.ended()).toMatchObject({ kind: 'completed' });
    expect(batchesOf(run).slice(2).sort()).toEqual(['2: 3-10', '3: 0-10', '4: 0-10']);
  });

  it('it is no resume that approves of it, and a cancel ends it', async () => {
    const run = await new MockedFile(4, { first: 5 }).start();
    await settled(run);
    pause(run, true);
    pause(run, false);
    await settled(run);
    expect(batchesOf(run)).toEqual(['1: 0-5']);
    run.cancel();
    expect((await run.ended()).kind).toBe('cancelled');
    expect(batchesOf(run)).toEqual(['1: 0-5']);
  });

  it('a file that has no more than these asks nobody', async () => {
    const run = await new MockedFile(2, { first: 20 }).start();
    expect((await run.ended()).kind).toBe('completed');
  });

  it('a run that is continued as new while it waits goes on waiting', async () => {
    const file = new MockedFile(3, { first: 4 });
    const run = await file.start();
    await settled(run);
    run.historyLength = file.delivery.maxHistoryEvents;
    pause(run, true);
    pause(run, false);
    const end = await run.ended();
    const input = (end as { readonly input: FileWorkflowInput }).input;
    expect(input.carried as CarriedState).toMatchObject({ asked: 'first', mayBegin: 0 });
    const next = await file.start(input);
    await settled(next);
    expect(batchesOf(next)).toEqual([]);
    expect((await progressOf(next)).decision).toContain('wds approve');
    approve(next);
    expect((await next.ended()).kind).toBe('completed');
    expect(batchesOf(next)[0]).toBe('1: 4-10');
  });
});

describe('with delivery.stopAtFailures', () => {
  const failing = (every: number) => {
    const file = new MockedFile(30, { stopAtFailures: 0.05, parallelChunks: 1 });
    file.sendAlerts = ({ from, to, chunk }) => {
      const rejected = chunk % every === 0 ? 1 : 0;
      const counts = { delivered: to - from - rejected, rejected };
      file.count(counts);
      return batchResult(counts);
    };
    return file;
  };

  it('a file of which too many fail is held after its first 100, and goes on when that is accepted', async () => {
    const run = await failing(1).start();
    await settled(run);
    expect(batchesOf(run)).toHaveLength(10);
    expect(await progressOf(run)).toMatchObject({
      phase: 'paused',
      decision: expect.stringMatching(
        /^10 of 100 alerts failed \(10%\), more than delivery\.stopAtFailures \(5%\); wds approve/,
      ),
    });
    approve(run);
    expect((await run.ended()).kind).toBe('failed');
    expect(batchesOf(run)).toHaveLength(30);
  });

  it('one of which few fail goes on by itself', async () => {
    const run = await failing(5).start();
    expect((await run.ended()).kind).toBe('failed');
    expect(batchesOf(run)).toHaveLength(30);
  });

  it('one that begins to fail later is held then; whoever resumes it accepts that, too', async () => {
    const file = failing(1_000);
    const well = file.sendAlerts;
    file.sendAlerts = (input, call) => {
      if (input.chunk <= 15) return well(input, call);
      file.count({ rejected: CHUNK });
      return batchResult({ rejected: CHUNK });
    };
    const run = await file.start();
    await settled(run);
    expect(batchesOf(run)).toHaveLength(16);
    expect((await progressOf(run)).phase).toBe('paused');
    pause(run, false);
    expect((await run.ended()).kind).toBe('failed');
    expect(batchesOf(run)).toHaveLength(30);
  });
});

it('an approval of a file that waits for none changes nothing', async () => {
  const file = new MockedFile(2);
  const run = await file.start();
  approve(run);
  expect((await run.ended()).kind).toBe('completed');
  expect(batchesOf(run)).toHaveLength(2);
});
