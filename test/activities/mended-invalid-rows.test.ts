// @slow: hundreds of deliveries to a receiver
/** Rows of `invalid.csv`, mended and dropped: each is delivered once, whoever mends it, and however often; nobody of the original twice. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AmbiguousPolicy } from '../../src/domain/endpoint.ts';
import { FAILURE } from '../../src/domain/names.ts';
import { parseKey } from '../../src/domain/parse-options.ts';
import type { Reject } from '../../src/store/chunks.ts';
import { readRejects } from '../../src/store/chunks.ts';
import { settleDeliveryRecord } from '../../src/store/delivery-record.ts';
import { readRefusal } from '../../src/store/refusals.ts';
import type { StagedAlerts, TestWorker } from '../support/delivery-fixture.ts';
import {
  batchInput,
  failureOf,
  MovableClock,
  nextRound,
  ScriptedReceiver,
  stageAlerts,
} from '../support/delivery-fixture.ts';
import type { MendedFile } from '../support/mended-file.ts';
import { mendedFile } from '../support/mended-file.ts';
import { killedAfterEach } from '../support/started-workers.ts';

const HEADER = 'userId,alertMessage,line,reason,row,wdsOrigin\n';
/** Lines 2 and 3 are alerts; 4 names nobody, 5 and 6 have no message for anna and bert, 7 none for user-2, and 8 none for anna again. */
const UNUSABLE = ',hello\nanna,\nbert,\nuser-2,\nanna,\n';

let receiver: ScriptedReceiver;
let original: StagedAlerts;
beforeEach(async () => {
  receiver = await ScriptedReceiver.start();
  original = await stageAlerts(2, { extraRows: UNUSABLE });
});
afterEach(async () => {
  await receiver.close();
  await original.remove();
});

const start = killedAfterEach();
function startWorker(ambiguous: AmbiguousPolicy = 'resend'): TestWorker {
  const options = { url: receiver.url, store: original.store, clock: new MovableClock(), endpoint: { ambiguous } };
  return start(options);
}

const row = (userId: string, alertMessage: string, line: number, sha256 = original.sha256) =>
  `${userId},${alertMessage},${line},missing_message,"",${sha256}:${line}\n`;
const mend = (...rows: string[]): Promise<MendedFile> => mendedFile(original, HEADER + rows.join(''), startWorker);
const sendOriginal = async () => {
  const round = await nextRound(original.store, original.sha256);
  return startWorker().sendAlerts(batchInput(original, { round, closing: true }));
};
async function duplicatesOf({ sha256 }: MendedFile): Promise<Reject[]> {
  const rejects: Reject[] = [];
  const ref = { sha256, parseKey: parseKey(original.parse), window: 1 };
  for await (const reject of readRejects(original.store, ref)) rejects.push(reject);
  return rejects;
}

test('whoever had an alert in the original is a duplicate of that line, the others are delivered', async () => {
  await sendOriginal();
  const mended = await mend(row('anna', 'one', 5), row('user-2', 'two', 7), row('carl', 'three', 4));
  expect(mended.window).toMatchObject({ rows: 3, alerts: 2, duplicates: 1 });
  expect(await duplicatesOf(mended)).toEqual([
    { kind: 'duplicate', line: 3, firstLine: 2, firstFile: original.sha256, userId: 'user-2' },
  ]);
  expect(await mended.deliver()).toMatchObject({ delivered: 2 });
  expect(receiver.alerted).toEqual(['user-2', 'user-3', 'anna', 'carl']);
});

test('also where that alert was refused: it is mended in failed.csv, and only once', async () => {
  receiver.script = () => 422;
  await sendOriginal();
  receiver.script = () => 200;
  const mended = await mend(row('user-2', 'two', 7), row('user-2', 'mended', 2));
  expect(mended.window).toMatchObject({ alerts: 1, duplicates: 1 });
  expect(await mended.deliver()).toMatchObject({ delivered: 1 });
  await sendOriginal();
  // user-3 has been refused, and is tried again.
  expect(receiver.alerted.toSorted()).toEqual(['user-2', 'user-3']);
});

test('a file of nothing but duplicates has valid rows, and sends nothing', async () => {
  const mended = await mend(row('user-2', 'two', 7));
  expect(mended.window).toMatchObject({ rows: 1, alerts: 0, duplicates: 1, invalid: 0 });
});

test('two files of the same invalid.csv: the second has nothing to send', async () => {
  expect(await (await mend(row('anna', 'one', 5), row('carl', 'three', 4))).deliver()).toMatchObject({ delivered: 2 });
  const second = await mend(row('carl', 'other text', 4), row('anna', 'one', 5));
  expect(await second.deliver()).toMatchObject({ delivered: 2, deliveredBefore: 2 });
  expect(receiver.alerted).toEqual(['anna', 'carl']);
});

test.each([1, 2, 3, 4, 5, 6, 7, 8])('three at the same moment: each row belongs to one of them (%i)', async () => {
  const files = await Promise.all(['x', 'y', 'z'].map((text) => mend(row('anna', text, 5), row('carl', text, 4))));
  await Promise.all(files.map((file) => file.deliver()));
  expect(receiver.alerted.toSorted()).toEqual(['anna', 'carl']);
});

test('a user with several invalid rows is alerted once, whichever of them is mended in which file', async () => {
  await (await mend(row('anna', 'the later one', 8))).deliver();
  expect(await (await mend(row('anna', 'the first one', 5))).deliver()).toMatchObject({ deliveredBefore: 1 });
  expect(receiver.alerted).toEqual(['anna']);
});

test('who is named for a row that named nobody may differ from file to file: each is an alert', async () => {
  await (await mend(row('carl', 'three', 4))).deliver();
  await (await mend(row('dora', 'three', 4))).deliver();
  expect(receiver.alerted).toEqual(['carl', 'dora']);
});

describe('mended again', () => {
  test('after it was refused: the newest file sends it, and whoever mends the first one again learns of that', async () => {
    receiver.script = () => 422;
    const first = await mend(row('anna', 'one', 5));
    expect(await first.deliver()).toMatchObject({ rejected: 1 });
    receiver.script = () => 200;
    const second = await mend(row('anna', 'better', 2, first.sha256));
    expect(await second.deliver()).toMatchObject({ delivered: 1 });
    const third = await mend(row('anna', 'once more', 5));
    expect(await third.deliver()).toMatchObject({ delivered: 1, deliveredBefore: 1 });
    await nextRound(original.store, first.sha256);
    expect(await first.deliver()).toMatchObject({ delivered: 1 });
    expect(receiver.alerted).toEqual(['anna']);
  });

  test('while it was invalid again: it stands for the row of the first file all the same', async () => {
    const first = await mend(row('anna', '', 5), row('user-3', '', 7), row('bert', 'two', 6));
    await first.deliver();
    const second = await mend(row('anna', 'now', 2, first.sha256), row('user-3', 'now', 3, first.sha256));
    expect(second.window).toMatchObject({ alerts: 1, duplicates: 1 });
    await second.deliver();
    await (await mend(row('anna', 'from the first', 5))).deliver();
    expect(receiver.alerted).toEqual(['bert', 'anna']);
  });

  test('with another user, who had an alert in the very first file: a duplicate of that', async () => {
    receiver.script = () => 422;
    const first = await mend(row('anna', 'one', 5));
    await first.deliver();
    const second = await mend(row('user-2', 'one', 2, first.sha256));
    expect(second.window).toMatchObject({ alerts: 0, duplicates: 1 });
  });
});

test('an original whose rows were deleted from the store is read again', async () => {
  await original.store.delete(`${original.sha256}/chunks-${parseKey(original.parse)}`);
  const mended = await mend(row('user-2', 'two', 7), row('anna', 'one', 5));
  expect(mended.window).toMatchObject({ alerts: 1, duplicates: 1 });
  expect(await mended.deliver()).toMatchObject({ delivered: 1 });
});

describe('an origin that is none here refuses the file, and none of its rows is taken over', () => {
  const refusal = async (mended: MendedFile): Promise<string> => {
    const failure = await failureOf(mended.takeOver());
    expect(failure).toMatchObject({ type: FAILURE.fileRefused, nonRetryable: true });
    const stored = await readRefusal(original.store, mended.sha256, parseKey(original.parse));
    expect(stored).toMatchObject({ code: 'unknown_origin', line: 3 });
    return failure.message;
  };

  test.each([
    ['a file that this store does not know', 'f'.repeat(64), 5, 'does not know'],
    ['a line that is no row', undefined, 99, 'neither an alert nor an invalid row'],
    ['the header', undefined, 1, 'neither an alert nor an invalid row'],
  ])('%s', async (_name, sha256, line, said) => {
    receiver.script = () => 422;
    await sendOriginal();
    receiver.script = () => 200;
    const mended = await mend(row('user-3', 'mended', 3), row('carl', 'lost', line, sha256));
    expect(await refusal(mended)).toContain(said);
    expect(await sendOriginal()).toMatchObject({ delivered: 2 });
    expect(receiver.alerted.toSorted()).toEqual(['user-2', 'user-3']);
  });

  test('a file of another endpoint', async () => {
    const { store, parse } = original;
    const other = await stageAlerts(1, { user: () => 'somebody' });
    const sha256 = 'e'.repeat(64);
    const record = { sha256, endpoint: 'other', fileName: 'a.csv', workflowId: 'w', parse, firstSubmittedAt: '' };
    for (const [name, bytes] of await copyOf(other)) await store.put(name.replace(other.sha256, sha256), bytes);
    await settleDeliveryRecord(store, record);
    const mended = await mend(row('anna', 'one', 5), row('carl', 'lost', 2, sha256));
    expect(await refusal(mended)).toContain('delivered to endpoint other and not to test');
    await other.remove();
  });

  test('a text that wds has not written', async () => {
    const staging = mend(row('anna', 'one', 5), 'carl,lost,4,r,"",4.91E+11\n');
    expect(await failureOf(staging)).toMatchObject({ type: FAILURE.fileRefused, details: [{ line: 3 }] });
  });
});

/** The objects of a staged file and its only window. */
async function copyOf({ store, sha256, parse }: StagedAlerts): Promise<[string, Buffer][]> {
  const chunks = `${sha256}/chunks-${parseKey(parse)}`;
  const names = [
    ...(await store.list(chunks)).map((name) => `${chunks}/${name}`),
    `${sha256}/content`,
    `${sha256}/file.json`,
  ];
  return Promise.all(names.map(async (name): Promise<[string, Buffer]> => [name, (await store.get(name))!]));
}
