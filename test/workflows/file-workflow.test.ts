/** The workflow of a file by itself: its phases, its lanes, and what it does when it is paused, cancelled or long. */

import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { beforeAll, describe, expect, it } from 'vitest';
import type { CarriedState, ReadChunksInput, SendAlertsInput } from '../../src/domain/contracts.ts';
import type { FileSummary } from '../../src/domain/counts.ts';
import { FAILURE } from '../../src/domain/names.ts';
import { parseKey } from '../../src/domain/parse-options.ts';
import { batchResult, CHUNK, MockedFile, pause, progressOf, untilCancelled } from './mocked-file.ts';
import { buildWorkflows } from './replaying.ts';
import type { WorkflowRun } from './workflow-run.ts';

beforeAll(buildWorkflows);

const batchesOf = (run: WorkflowRun): SendAlertsInput[] => run.callsOf<SendAlertsInput>('sendAlerts');

describe('a file', () => {
  it('is read, sent chunk by chunk, and reported', async () => {
    const file = new MockedFile(3);
    const { end, runs } = await file.deliver();
    expect(end).toMatchObject({ kind: 'completed', result: { delivered: 30, pending: 0 } });
    const [run] = runs;
    expect(batchesOf(run!).map(({ chunk, from, to }) => [chunk, from, to])).toEqual([
      [1, 0, CHUNK],
      [2, 0, CHUNK],
      [3, 0, CHUNK],
    ]);
    const names = run!.calls.map(({ name }) => name);
    expect([names[0], names.at(-1)]).toEqual(['readChunks', 'writeReport']);
  });

  it('that is refused when it is read fails before anything is sent', async () => {
    const file = new MockedFile(1);
    file.readChunks = () => {
      throw ApplicationFailure.create({ type: FAILURE.fileRefused, message: 'no header' });
    };
    const { end, runs } = await file.deliver();
    expect(end).toMatchObject({ kind: 'failed', failure: { type: FAILURE.fileRefused } });
    expect(runs[0]!.calls.map(({ name }) => name)).toEqual(['readChunks']);
  });

  it('with alerts that were not delivered fails, with its counts', async () => {
    const file = new MockedFile(1);
    file.sent = { delivered: 7, rejected: 2, undelivered: 0, unconfirmed: 1 };
    file.sendAlerts = () => batchResult({ delivered: 7, rejected: 2, unconfirmed: 1 });
    const { end } = await file.deliver();
    const failure = (end as { failure: ApplicationFailure }).failure;
    expect(failure).toMatchObject({ type: FAILURE.undeliveredAlerts, nonRetryable: true });
    expect(failure.details?.[0]).toMatchObject({ rejected: 2, unconfirmed: 1 } satisfies Partial<FileSummary>);
  });
});

describe('the work of a file', () => {
  /** By kind of activity: the queue that it was on, and whose it was said to be. */
  async function workOf(installation: string | undefined): Promise<Record<string, unknown[]>> {
    const file = new MockedFile(1);
    file.installation = installation;
    const { readChunks } = file;
    file.readChunks = (input) => ({ ...readChunks(input), origins: 1 });
    file.sendAlerts = () => batchResult({ delivered: CHUNK - 1, stubborn: [7] });
    const { end, runs } = await file.deliver();
    expect(end.kind).toBe('completed');
    return Object.fromEntries(
      runs[0]!.calls.map(({ name, taskQueue, input }) => {
        return [name, [taskQueue, (input as { installation?: string }).installation]];
      }),
    );
  }

  it('is given to workers of its installation, and says whose it is', async () => {
    const own = 'aaaaaaaaaaaa';
    const [reading, sending] = [`wds-files-${own}`, `wds-alerts-crm-${own}`].map((queue) => [queue, own]);
    expect(await workOf(own)).toEqual({
      ...{ readChunks: reading, beginRound: reading, takeOverOrigins: reading, settleOrigins: reading },
      ...{ writeReport: reading, sendAlerts: sending, sendAlert: sending },
    });
  });

  it('stays on the queues of the version that began it', async () => {
    const queues = Object.entries(await workOf(undefined)).map(([, [queue, whose]]) => [queue, whose]);
    expect(new Set(queues.map(([queue]) => queue))).toEqual(new Set(['wds-files', 'wds-alerts-crm']));
    expect(queues.every(([, whose]) => whose === undefined)).toBe(true);
  });
});

describe('its lanes', () => {
  it('send so many chunks side by side, and the batches of a chunk one after another', async () => {
    const file = new MockedFile(4, { parallelChunks: 2, batchSize: 5 });
    const open = new Map<number, number>();
    let most = 0;
    file.sendAlerts = async ({ chunk, from, to }) => {
      expect(open.has(chunk)).toBe(false);
      open.set(chunk, from);
      most = Math.max(most, open.size);
      await run.sleep(1_000);
      open.delete(chunk);
      return batchResult({ delivered: to - from });
    };
    const run = await file.start();
    const startedMs = run.nowMs;
    expect((await run.ended()).kind).toBe('completed');
    expect([most, run.nowMs - startedMs]).toEqual([2, 4_000]);
  });

  it('schedule a batch again that has only turned over, without counting it twice', async () => {
    const file = new MockedFile(2, { parallelChunks: 1 });
    const turns = [batchResult({ delivered: 4, turnOver: true }), batchResult({ delivered: 10 })];
    file.sendAlerts = async () => turns.shift() ?? run.sleep(1_000).then(() => batchResult({ delivered: 10 }));
    const run = await file.start();
    await run.until(() => batchesOf(run).length === 3);
    expect(batchesOf(run).map(({ chunk, from, to }) => [chunk, from, to])).toEqual([
      [1, 0, 10],
      [1, 0, 10],
      [2, 0, 10],
    ]);
    expect((await progressOf(run)).counts.delivered).toBe(10);
  });

  it('visit again at the end what is better settled late', async () => {
    const file = new MockedFile(2);
    file.sendAlerts = ({ chunk, closing, from, to }) =>
      chunk === 1 && !closing ? batchResult({ delivered: 8, unsettled: 2 }) : batchResult({ delivered: to - from });
    const run = await file.start();
    expect((await run.ended()).kind).toBe('completed');
    expect(batchesOf(run).map(({ chunk, closing }) => [chunk, closing])).toEqual([
      [1, false],
      [2, false],
      [1, true],
    ]);
  });

  it('give a batch to another worker at once when the one that had it stands by', async () => {
    const file = new MockedFile(1);
    let refusals = 3;
    file.sendAlerts = ({ from, to }) => {
      if (refusals-- > 0) throw ApplicationFailure.nonRetryable('no rate', FAILURE.standingBy);
      return batchResult({ delivered: to - from });
    };
    const run = await file.start();
    const startedMs = run.nowMs;
    expect((await run.ended()).kind).toBe('completed');
    expect([batchesOf(run).length, run.nowMs - startedMs]).toEqual([4, 0]);
  });
});

describe('stubborn alerts', () => {
  it('go on as activities of their own beside the batches, and are awaited', async () => {
    const file = new MockedFile(2);
    file.sendAlerts = ({ chunk, from, to }) =>
      chunk === 1 ? batchResult({ delivered: to - from - 1, stubborn: [7] }) : batchResult({ delivered: to - from });
    file.sendAlert = async () => {
      await run.sleep(60_000);
      return { outcome: 'delivered' };
    };
    const run = await file.start();
    await run.until(() => batchesOf(run).length === 2);
    expect((await progressOf(run)).openStubborn).toBe(1);
    const startedMs = run.nowMs;
    expect((await run.ended()).kind).toBe('completed');
    expect(run.nowMs - startedMs).toBe(60_000);
    expect(run.callsOf('sendAlert')).toMatchObject([{ chunk: 1, line: 7 }]);
  });

  it('are bounded: batches wait while too many are open', async () => {
    const file = new MockedFile(6, { parallelChunks: 1, maxStubborn: 4 });
    let open = 0;
    let most = 0;
    file.sendAlerts = ({ chunk, maxHandover }) => {
      const stubborn = Array.from({ length: maxHandover }, (_, at) => chunk * 100 + at);
      return batchResult({ delivered: CHUNK - stubborn.length, stubborn });
    };
    file.sendAlert = async () => {
      open += 1;
      most = Math.max(most, open);
      await run.sleep(10_000);
      open -= 1;
      return { outcome: 'delivered' };
    };
    const run = await file.start();
    expect((await run.ended()).kind).toBe('completed');
    expect(most).toBe(4);
    expect(run.callsOf('sendAlert').length).toBe(12);
  });
});

describe('a paused file', () => {
  it('sends nothing, and begins what was cut short again when it is resumed', async () => {
    const file = new MockedFile(2, { parallelChunks: 1 });
    let hung = true;
    file.sendAlerts = ({ from, to }, call) => (hung ? untilCancelled(call) : batchResult({ delivered: to - from }));
    const run = await file.start();
    await run.until(() => batchesOf(run).length === 1);
    pause(run, true);
    await run.drain();
    expect(run.openActivities).toBe(0);
    expect((await progressOf(run)).phase).toBe('paused');
    hung = false;
    expect(batchesOf(run).length).toBe(1);
    pause(run, false);
    expect((await run.ended()).kind).toBe('completed');
    expect(batchesOf(run).map(({ chunk }) => chunk)).toEqual([1, 1, 2]);
  });

  it('takes its stubborn alerts up again, too, when it is resumed', async () => {
    const file = new MockedFile(1);
    file.sendAlerts = () => batchResult({ delivered: 9, stubborn: [3] });
    let hung = true;
    file.sendAlert = (_, call) => (hung ? untilCancelled(call) : { outcome: 'delivered' });
    const run = await file.start();
    await run.until(() => run.callsOf('sendAlert').length === 1);
    pause(run, true);
    await run.drain();
    expect(run.openActivities).toBe(0);
    hung = false;
    pause(run, false);
    expect((await run.ended()).kind).toBe('completed');
    expect(run.callsOf('sendAlert').length).toBe(2);
  });
});

describe('a cancelled file', () => {
  it('awaits the answers to what is open, is reported, and ends cancelled', async () => {
    const file = new MockedFile(3, { parallelChunks: 2 });
    let recorded = 0;
    file.sendAlerts = async (_, call) => {
      await untilCancelled(call).catch(() => undefined);
      await run.sleep(500);
      recorded += 1;
      throw new CancelledFailure('cancelled');
    };
    const run = await file.start();
    await run.until(() => batchesOf(run).length === 2);
    run.cancel();
    expect((await run.ended()).kind).toBe('cancelled');
    expect([recorded, batchesOf(run).length, run.callsOf('writeReport').length]).toEqual([2, 2, 1]);
  });
});

describe('another version of the workers becomes the current one', () => {
  const startOnVersion = async (file: MockedFile): Promise<WorkflowRun> => {
    const run = await file.start();
    run.version = { deploymentName: 'wds', buildId: '1' };
    return run;
  };

  it('while the file is sent: its run ends soon, and the next one begins there, with what was sent', async () => {
    const file = new MockedFile(20, { parallelChunks: 1 });
    file.sendAlerts = ({ from, to }) => {
      run.versionChanged = batchesOf(run).length >= 3;
      return batchResult({ delivered: to - from });
    };
    const run = await startOnVersion(file);
    const end = await run.ended();
    expect(end).toMatchObject({ kind: 'continued', upgrades: true });
    const { carried } = (end as { input: { carried: CarriedState } }).input;
    expect(batchesOf(run).length).toBeLessThan(6);
    expect(carried.sent.delivered).toBe(batchesOf(run).length * 10);
  });

  it('while it is read: it is read to the end first', async () => {
    const run = await startOnVersion(new MockedFile(20, { parallelChunks: 1 }));
    run.versionChanged = true;
    expect(await run.ended()).toMatchObject({ kind: 'continued', upgrades: true });
    expect([run.callsOf('readChunks').length, batchesOf(run).length]).toEqual([1, 0]);
  });

  it('where workers have no version, a long file says nothing of any', async () => {
    const run = await new MockedFile(20, { maxHistoryEvents: 60 }).start();
    expect(await run.ended()).toMatchObject({ kind: 'continued', upgrades: false });
    // The server takes no task that does, and says so to nobody.
    expect(run.behavior).toBeUndefined();
  });
});

describe('a long history', () => {
  it('is continued as new, and every chunk is begun once', async () => {
    const file = new MockedFile(20, { maxHistoryEvents: 60 });
    const { end, runs } = await file.deliver();
    expect(end).toMatchObject({ kind: 'completed', result: { delivered: 200 } });
    expect(runs.length).toBeGreaterThan(2);
    const chunks = runs.flatMap((run) => batchesOf(run).map(({ chunk }) => chunk));
    expect(chunks).toEqual(Array.from({ length: 20 }, (_, at) => at + 1));
    expect(runs.flatMap((run) => run.callsOf('readChunks')).length).toBe(1);
  });

  it('takes its stubborn alerts and its pause along', async () => {
    const file = new MockedFile(2, { parallelChunks: 1 });
    file.sendAlerts = ({ from, to }) => batchResult({ delivered: to - from - 1, stubborn: [5] });
    file.sendAlert = (_, call) => untilCancelled(call);
    const run = await file.start();
    await run.until(() => run.callsOf('sendAlert').length === 1);
    pause(run, true);
    run.historyLength = file.delivery.maxHistoryEvents;
    await run.drain();
    pause(run, true);
    const end = await run.ended();
    expect(end).toMatchObject({ kind: 'continued', input: { carried: { paused: true } } });
    const { carried } = (end as { input: { carried: { stubborn: unknown[] } } }).input;
    expect(carried.stubborn).toMatchObject([{ line: 5 }]);
  });
});

describe('receipts that are missing at the end', () => {
  it('are looked for again, three times at most', async () => {
    const failing = () => batchResult({ delivered: 8, undelivered: 2 });
    const file = new MockedFile(1);
    file.sendAlerts = failing;
    file.pendingAtReport.push(2, 2);
    const { end, runs } = await file.deliver();
    expect(end.kind).toBe('completed');
    expect(batchesOf(runs[0]!).length).toBe(3);
    const lost = new MockedFile(1);
    lost.sendAlerts = failing;
    lost.pendingAtReport.push(2, 2, 2, 2);
    expect((await lost.deliver()).end).toMatchObject({ kind: 'failed', failure: { type: FAILURE.undeliveredAlerts } });
  });
});

describe('its round', () => {
  it('is begun after reading and before sending, and kept through all runs', async () => {
    const file = new MockedFile(20, { maxHistoryEvents: 60 });
    const { runs } = await file.deliver();
    expect(runs.length).toBeGreaterThan(2);
    expect(runs[0]!.calls.slice(0, 2).map(({ name }) => name)).toEqual(['readChunks', 'beginRound']);
    expect(file.rounds).toBe(1);
    expect(new Set(runs.flatMap((run) => batchesOf(run).map(({ round }) => round)))).toEqual(new Set([1]));
  });

  it('is followed by one of its own when another run has begun a newer one: all is looked at again', async () => {
    const file = new MockedFile(2, { parallelChunks: 1 });
    file.sendAlerts = ({ chunk, round, from, to }) => {
      if (chunk === 2 && round === 1)
        throw ApplicationFailure.nonRetryable('a newer round has begun', FAILURE.staleRound);
      return batchResult({ delivered: to - from });
    };
    const { end, runs } = await file.deliver();
    expect(end.kind).toBe('completed');
    expect(batchesOf(runs[0]!).map(({ round, chunk }) => [round, chunk])).toEqual([
      [1, 1],
      [1, 2],
      [2, 1],
      [2, 2],
    ]);
  });

  it('is sent as its receipts say that the file is read: where that is another way, it is read again', async () => {
    const file = new MockedFile(1);
    file.settled = { ...file.input.parse, header: false };
    const { runs } = await file.deliver();
    const readings = runs[0]!.callsOf<ReadChunksInput>('readChunks');
    expect(readings.map(({ parse }) => parse.header)).toEqual([true, false]);
    expect(batchesOf(runs[0]!).map(({ parseKey: key }) => key)).toEqual([parseKey(file.settled)]);
  });
});
