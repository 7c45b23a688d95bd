/** Users on a suppression list: never sent to, an end of their own, and nobody is told that he was not alerted who may have been. */
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SuppressionListFault } from '../../src/domain/failure.ts';
import { FAILURE } from '../../src/domain/names.ts';
import { writeReportFiles } from '../../src/store/report.ts';
import { FolderReports } from '../../src/store/report-files.ts';
import type { StagedAlerts, TestWorker } from '../support/delivery-fixture.ts';
import {
  alertInput,
  batchInput,
  csvRecords,
  failureOf,
  MovableClock,
  nextRound,
  ScriptedReceiver,
  stageAlerts,
} from '../support/delivery-fixture.ts';
import { mendedFile } from '../support/mended-file.ts';
import { killedAfterEach } from '../support/started-workers.ts';

let receiver: ScriptedReceiver;
let staged: StagedAlerts;
let clock: MovableClock;
/** Lines whose users are on the list now. */
const listed = new Set<number>();
beforeEach(async () => {
  receiver = await ScriptedReceiver.start();
  clock = new MovableClock();
  staged = await stageAlerts(6);
  listed.clear();
});
afterEach(async () => {
  await receiver.close();
  await staged.remove();
});

const start = killedAfterEach();
function startWorker(): TestWorker {
  const worker = start({ url: receiver.url, store: staged.store, clock });
  worker.suppressed = async () => (userId) => listed.has(Number(userId.slice('user-'.length)));
  return worker;
}

function report(round?: number) {
  const { store, sha256, parse, root } = staged;
  const request = { sha256, parse, endpoint: 'test', fileName: 'alerts.csv', workflowId: 'w' };
  const { ledgers } = startWorker().dependencies;
  const asked = round === undefined ? request : { ...request, round };
  return writeReportFiles({ store, ledgers }, new FolderReports(join(root, 'reports')), asked, () => undefined);
}

describe('users on a suppression list', () => {
  test('are not sent to, end suppressed, and are counted and listed', async () => {
    listed.add(3).add(7);
    const result = await startWorker().sendAlerts(batchInput(staged));
    expect(result).toMatchObject({ delivered: 4, suppressed: 2, unsettled: 0 });
    expect([...receiver.accepted.keys()].sort()).toEqual([2, 4, 5, 6]);
    const summary = await report(1);
    expect(summary).toMatchObject({ alerts: 6, delivered: 4, suppressed: 2, pending: 0 });
    const rows = await csvRecords(join(summary.reportDir, 'suppressed.csv'));
    expect(rows.map(({ userId, outcome, reason }) => [userId, outcome, reason])).toEqual([
      ['user-3', 'suppressed', 'on the suppression list'],
      ['user-7', 'suppressed', 'on the suppression list'],
    ]);
    expect(await csvRecords(join(summary.reportDir, 'failed.csv'))).toEqual([]);
  });

  test('are those of the list as it is when a batch begins', async () => {
    listed.add(2);
    expect(await startWorker().sendAlerts(batchInput(staged, { to: 3 }))).toMatchObject({
      delivered: 2,
      suppressed: 1,
    });
    listed.add(6);
    expect(await startWorker().sendAlerts(batchInput(staged, { from: 3 }))).toMatchObject({
      delivered: 2,
      suppressed: 1,
    });
    expect([...receiver.accepted.keys()].sort()).toEqual([3, 4, 5, 7]);
  });

  test('who were delivered before stay delivered, in this round and in a later one', async () => {
    await startWorker().sendAlerts(batchInput(staged));
    listed.add(3);
    expect(await startWorker().sendAlerts(batchInput(staged))).toMatchObject({ delivered: 6 });
    const round = await nextRound(staged.store, staged.sha256);
    expect(await startWorker().sendAlerts(batchInput(staged, { round }))).toMatchObject({ delivered: 6 });
    expect(receiver.log).toHaveLength(6);
  });

  test('are looked at again in a later round: who is off the list is sent to, who has come onto it is not', async () => {
    listed.add(3);
    receiver.script = (line) => (line === 5 ? 422 : 200);
    expect(await startWorker().sendAlerts(batchInput(staged))).toMatchObject({
      delivered: 4,
      suppressed: 1,
      rejected: 1,
    });
    receiver.script = () => 200;
    listed.delete(3);
    listed.add(5);
    const round = await nextRound(staged.store, staged.sha256);
    expect(await startWorker().sendAlerts(batchInput(staged, { round }))).toMatchObject({
      delivered: 5,
      suppressed: 1,
    });
    expect(receiver.requestsOf(5)).toBe(1);
    expect(receiver.requestsOf(3)).toBe(1);
  });

  test('who may have been alerted end unconfirmed, and are sent nothing more', async () => {
    receiver.script = (line) => (line === 4 ? 'accepted, reset' : 200);
    await failureOf(startWorker().sendAlerts(batchInput(staged)));
    receiver.script = () => 200;
    listed.add(4);
    clock.advance(60_000);
    const result = await startWorker().sendAlerts(batchInput(staged, { closing: true }));
    expect(result).toMatchObject({ delivered: 5, unconfirmed: 1 });
    expect(result.suppressed).toBeUndefined();
    expect(receiver.requestsOf(4)).toBe(1);
    const round = await nextRound(staged.store, staged.sha256);
    const reopened = batchInput(staged, { round, reopenUnconfirmed: true, closing: true });
    expect(await startWorker().sendAlerts(reopened)).toMatchObject({ delivered: 5, unconfirmed: 1 });
    expect(receiver.requestsOf(4)).toBe(1);
  });

  test('who come onto it while their alert is retried by itself are sent nothing more', async () => {
    receiver.script = (line) => (line === 4 ? 500 : 200);
    const worker = startWorker();
    for (let attempt = 1; attempt <= 2; attempt++) {
      await failureOf(worker.sendAlerts(batchInput(staged)));
      clock.advance(10_000);
    }
    expect(await worker.sendAlerts(batchInput(staged))).toMatchObject({ delivered: 5, stubborn: [4] });
    listed.add(4);
    expect(await worker.sendAlert(alertInput(staged, 4))).toEqual({ outcome: 'suppressed' });
    expect(await worker.sendAlert(alertInput(staged, 4))).toEqual({ outcome: 'suppressed' });
    expect(receiver.requestsOf(4)).toBe(3);
    expect(await report(1)).toMatchObject({ delivered: 5, suppressed: 1, pending: 0 });
  });

  test('of the file’s own list are asked for by its path', async () => {
    const worker = startWorker();
    const asked: (string | undefined)[] = [];
    worker.suppressed = async (file) => {
      asked.push(file);
      return () => true;
    };
    await worker.sendAlerts(batchInput(staged, { suppressFile: '/lists/own.txt' }));
    expect(asked).toEqual(['/lists/own.txt']);
    expect(receiver.log).toEqual([]);
  });
});

test('a list that cannot be read holds the alerts, and says so', async () => {
  const worker = startWorker();
  worker.suppressed = () => Promise.reject(new SuppressionListFault('/lists/own.txt', 'is not there', 'Put it back.'));
  for (const attempt of [worker.sendAlerts(batchInput(staged)), worker.sendAlert(alertInput(staged, 4))]) {
    const failure = await failureOf(attempt);
    expect(failure).toMatchObject({ type: FAILURE.suppressionList, nonRetryable: false });
    expect(failure.message).toBe(
      'the suppression list /lists/own.txt is not there. Put it back. Nothing is sent until it can be read.',
    );
  }
  expect(receiver.log).toEqual([]);
});

test('a mended row whose user is on the list settles the row that it mends: nobody sends either', async () => {
  receiver.script = () => 422;
  await startWorker().sendAlerts(batchInput(staged));
  receiver.script = () => 200;
  const rows = staged.lines.map((line) => `user-${line},mended,${staged.sha256}:${line}\n`);
  const content = `userId,alertMessage,wdsOrigin\n${rows.join('')}`;
  const mended = await mendedFile(staged, content, startWorker);
  listed.add(3);
  expect(await mended.deliver()).toMatchObject({ delivered: 5, suppressed: 1 });
  // The first file has nothing left that has failed, also when the user is off the list again: the row is the other file's.
  listed.clear();
  const round = await nextRound(staged.store, staged.sha256);
  const again = await startWorker().sendAlerts(batchInput(staged, { round, closing: true }));
  expect(again).toMatchObject({ delivered: 5, suppressed: 1, rejected: 0, undelivered: 0 });
  expect(receiver.alerted.filter((user) => user === 'user-3')).toEqual([]);
  await nextRound(staged.store, mended.sha256);
  expect(await mended.deliver()).toMatchObject({ delivered: 6 });
  expect(receiver.alerted.filter((user) => user === 'user-3')).toEqual(['user-3']);
});
