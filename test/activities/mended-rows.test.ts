// @slow: deliveries to a receiver
/** Rows of `failed.csv`, mended and dropped again: once, twice, by two at the same time, and while the first file is being sent. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { AmbiguousPolicy } from '../../src/domain/endpoint.ts';
import { linesScope, rangeScope } from '../../src/domain/ledger/journal.ts';
import { rowName } from '../../src/domain/ledger/row-names.ts';
import { FAILURE } from '../../src/domain/names.ts';
import { parseKey } from '../../src/domain/parse-options.ts';
import type { StagedAlerts, TestWorker } from '../support/delivery-fixture.ts';
import {
  batchInput,
  failureOf,
  MovableClock,
  nextRound,
  ScriptedReceiver,
  stageAlerts,
} from '../support/delivery-fixture.ts';
import { mendedFile } from '../support/mended-file.ts';
import { killedAfterEach } from '../support/started-workers.ts';

const ROWS = 4;
let receiver: ScriptedReceiver;
let original: StagedAlerts;
let clock: MovableClock;
beforeEach(async () => {
  receiver = await ScriptedReceiver.start();
  clock = new MovableClock();
  original = await stageAlerts(ROWS);
});
afterEach(async () => {
  await receiver.close();
  await original.remove();
});

const start = killedAfterEach();
function startWorker(ambiguous: AmbiguousPolicy = 'resend', boot?: string): TestWorker {
  const options = { url: receiver.url, store: original.store, clock, endpoint: { ambiguous } };
  return start(boot === undefined ? options : { ...options, boot });
}

/** A file that mends all rows of the original; `user`: of a row, by the line that it mends. */
async function mend(mark: string, user = (line: number) => `user-${line}`) {
  const rows = original.lines.map((line) => `${user(line)},mended ${mark},${original.sha256}:${line}\n`);
  return mendedFile(original, `userId,alertMessage,wdsOrigin\n${rows.join('')}`, startWorker);
}

async function rejectOriginal(): Promise<void> {
  receiver.script = () => 422;
  expect(await startWorker().sendAlerts(batchInput(original))).toMatchObject({ rejected: ROWS });
  receiver.script = () => 200;
}
const sendOriginal = async (ambiguous: AmbiguousPolicy = 'resend') => {
  const round = await nextRound(original.store, original.sha256);
  return startWorker(ambiguous).sendAlerts(batchInput(original, { round, closing: true }));
};

test('are sent as the new file’s, and not by a retry of the first, which learns that they were delivered', async () => {
  await rejectOriginal();
  const mended = await mend('1');
  await mended.takeOver();
  expect(await sendOriginal()).toMatchObject({ delivered: 0 });
  expect(await mended.send()).toMatchObject({ delivered: ROWS });
  await mended.settle();
  expect(await sendOriginal()).toMatchObject({ delivered: ROWS });
  expect(receiver.log.filter(({ accepted }) => accepted)).toHaveLength(ROWS);
});

test('twice go on to the newest file, wherever they have got to', async () => {
  await rejectOriginal();
  const first = await mend('1');
  await first.takeOver();
  receiver.script = (line) => (line === 2 ? 200 : 503);
  await failureOf(first.send());
  receiver.script = () => 200;
  const second = await mend('2');
  await second.takeOver();
  clock.advance(60_000);
  // Of the four the first was delivered already, and is not sent again.
  expect(await second.send()).toMatchObject({ delivered: ROWS });
  expect(await first.send()).toMatchObject({ delivered: 1, undelivered: 3 });
  expect(receiver.log.filter(({ accepted }) => accepted)).toHaveLength(ROWS);
});

test('by two files at the same moment belong to one of them', async () => {
  await rejectOriginal();
  const files = await Promise.all(['1', '2', '3'].map((mark) => mend(mark)));
  await Promise.all(
    files.map(async (file) => {
      for (let tries = 0; tries < 20; tries++) {
        try {
          await file.takeOver();
          return;
        } catch (error) {
          expect(error).toMatchObject({ type: FAILURE.superseded, nonRetryable: false });
        }
      }
      throw new Error('it never gets them');
    }),
  );
  await Promise.all(files.map((file) => file.send()));
  expect(receiver.log.filter(({ accepted }) => accepted)).toHaveLength(ROWS);
});

test('that may have reached their users bring that along: not sent under hold, and counted under resend', async () => {
  const { ledgers } = startWorker().dependencies;
  const attempt = { round: 1, scope: rangeScope(2, 5), parseKey: parseKey(original.parse), durable: true };
  const lost = await ledgers.open({ sha256: original.sha256, endpoint: 'test', chunk: 1 }, attempt);
  await lost.announce([2, 3]);
  for (const line of [4, 5]) lost.record('r', line, 422, 1);
  await lost.close();
  const mended = await mend('1');
  expect(await failureOf(mended.takeOver())).toHaveProperty('type', FAILURE.unsettled);
  clock.advance(60_000);
  await mended.takeOver();
  expect(await mended.send('hold')).toMatchObject({ delivered: 2, unconfirmed: 2 });
  expect(receiver.log).toHaveLength(2);
});

test('bring that along from the original, too, if the file that took them over was stopped before it knew', async () => {
  const { ledgers } = startWorker().dependencies;
  const chunk = { sha256: original.sha256, endpoint: 'test', chunk: 1 };
  const attempt = { round: 1, parseKey: parseKey(original.parse), durable: true };
  const lost = await ledgers.open(chunk, { ...attempt, scope: rangeScope(2, 5) });
  await lost.announce([2, 3]);
  for (const line of [4, 5]) lost.record('r', line, 422, 1);
  await lost.close();
  clock.advance(60_000);
  const stopped = await mend('1');
  const taking = await ledgers.open(chunk, { ...attempt, scope: linesScope('takeover', original.lines) });
  for (const line of original.lines) taking.record('m', line, undefined, 0, rowName(stopped, line));
  await taking.close();
  const mended = await mend('2');
  await mended.takeOver();
  expect(await mended.send('hold')).toMatchObject({ delivered: 2, unconfirmed: 2 });
  expect(receiver.log).toHaveLength(2);
});

test('that were rejected, and sent again in a round of which the power took every word, may have reached their users', async () => {
  await rejectOriginal();
  const round = await nextRound(original.store, original.sha256);
  const { ledgers } = startWorker('resend', 'the run before').dependencies;
  const chunk = { sha256: original.sha256, endpoint: 'test', chunk: 1 };
  const scope = rangeScope(2, 3);
  await ledgers.open(chunk, { round, parseKey: parseKey(original.parse), durable: false, scope });
  const mended = await mend('1');
  await mended.takeOver();
  expect(await mended.send('hold')).toMatchObject({ delivered: 2, unconfirmed: 2 });
});

test('that name another user than their origin are alerts of their own, and leave the origin alone', async () => {
  await rejectOriginal();
  const mended = await mend('1', (line) => `other-${line}`);
  await mended.takeOver();
  expect(await mended.send()).toMatchObject({ delivered: ROWS });
  await mended.settle();
  expect(await sendOriginal()).toMatchObject({ delivered: ROWS });
  expect(receiver.log.filter(({ accepted }) => accepted)).toHaveLength(2 * ROWS);
});

test('stop whoever is sending them from the first file', async () => {
  const sender = startWorker();
  receiver.script = () => 503;
  await failureOf(sender.sendAlerts(batchInput(original)));
  receiver.script = () => 200;
  clock.advance(10_000);
  const mended = await mend('1');
  await mended.takeOver();
  expect(await sender.sendAlerts(batchInput(original))).toMatchObject({ delivered: 0, undelivered: ROWS });
  expect(await mended.send()).toMatchObject({ delivered: ROWS });
  expect(receiver.accepted.size).toBe(ROWS);
});
