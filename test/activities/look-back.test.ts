// @slow: deliveries to a receiver
/** Once a message: files that say to some users what earlier files say, whatever has become of those. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createLookBack } from '../../activities/look-back.ts';
import { createReadChunks } from '../../activities/read-chunks.ts';
import { createSettleOrigins } from '../../activities/settle-origins.ts';
import { createTakeOverOrigins } from '../../activities/take-over-origins.ts';
import { createWriteReport } from '../../activities/write-report.ts';
import { systemClock } from '../../src/clock.ts';
import type { SendAlertsInput, SendAlertsResult } from '../../src/domain/contracts.ts';
import type { AmbiguousPolicy } from '../../src/domain/endpoint.ts';
import { rangeScope } from '../../src/domain/ledger/journal.ts';
import { FAILURE, fileWorkflowId } from '../../src/domain/names.ts';
import { parseKey } from '../../src/domain/parse-options.ts';
import { OnceIndex } from '../../src/store/once/once-index.ts';
import { rowPiecesOf } from '../../src/store/once/row-pieces.ts';
import { FolderReports } from '../../src/store/report-files.ts';
import { beginRound } from '../../src/store/rounds.ts';
import type { StagedAlerts, TestWorker } from '../support/delivery-fixture.ts';
import {
  batchInput,
  csvRecords,
  failureOf,
  MovableClock,
  nextRound,
  ScriptedReceiver,
  stageAlerts,
  stageContent,
} from '../support/delivery-fixture.ts';
import { killedAfterEach } from '../support/started-workers.ts';

const DAY_MS = 24 * 3_600_000;
const WITHIN_MS = 30 * DAY_MS;

let receiver: ScriptedReceiver;
let home: StagedAlerts;
let clock: MovableClock;
let running: Set<string>;
beforeEach(async () => {
  receiver = await ScriptedReceiver.start();
  clock = new MovableClock();
  running = new Set();
  home = await stageAlerts(1, { user: () => 'nobody-else', chunkSize: 3 });
});
afterEach(async () => {
  await receiver.close();
  await home.remove();
});

const start = killedAfterEach();
function startWorker(ambiguous: AmbiguousPolicy = 'resend'): TestWorker {
  return start({ url: receiver.url, store: home.store, clock, endpoint: { ambiguous } });
}

/** A file of these rows, `user message`, and what its workflow does with it. */
async function file(rows: readonly string[], origins: readonly string[] = []) {
  const { store, parse } = home;
  const withOrigins = origins.length > 0;
  const cells = rows.map((row, at) => `${row.replace(' ', ',')}${withOrigins ? `,${origins[at] ?? ''}` : ''}\n`);
  const content = `userId,alertMessage${withOrigins ? ',wdsOrigin' : ''}\n${cells.join('')}`;
  const { sha256, window } = await stageContent(store, parse, content);
  const wanted = {
    runId: randomUUID(),
    begunAt: new Date(clock.wallMs()).toISOString(),
    once: { withinMs: WITHIN_MS },
  };
  await beginRound(store, { sha256, endpoint: 'test' }, wanted);
  const { ledgers } = startWorker().dependencies;
  const { readChunks } = createReadChunks({ store, heartbeat: () => undefined, cancellation: () => undefined });
  const parts = {
    ...{ store, ledgers, clock, requestTimeoutMs: 5_000, readChunks },
    isRunning: async (workflowId: string) => running.has(workflowId),
    scope: () => ({ attempt: 1, heartbeat: () => undefined }),
  };
  const round = async (): Promise<number> => (await store.list(`${sha256}/test/rounds`)).length;
  const input = async () => ({ sha256, endpoint: 'test', parseKey: parseKey(parse), round: await round(), windows: 1 });
  const lookBack = async (waiting: boolean, withinMs: number | null = WITHIN_MS): Promise<void> =>
    createLookBack(parts)({ ...(await input()), once: { withinMs }, waiting });
  const send = async (changes: Partial<SendAlertsInput> = {}, ambiguous: AmbiguousPolicy = 'resend') => {
    const sum = { delivered: 0, rejected: 0, undelivered: 0, unconfirmed: 0, unsettled: 0, duplicates: 0 };
    for (let chunk = 1; chunk <= window.chunks; chunk++) {
      const to = chunk < window.chunks ? parse.chunkSize : window.lastChunkAlerts;
      const place = { sha256, chunk, to, round: await round(), ...changes };
      const result: SendAlertsResult = await startWorker(ambiguous).sendAlerts(batchInput(home, place));
      for (const key of Object.keys(sum) as (keyof typeof sum)[]) sum[key] += result[key] ?? 0;
    }
    return sum;
  };
  return {
    ...{ sha256, send },
    workflowId: fileWorkflowId(sha256, 'test'),
    lookBack: (withinMs?: number | null) => lookBack(false, withinMs),
    lookAgain: () => lookBack(true),
    takeOverOrigins: async () => createTakeOverOrigins(parts)(await input()),
    settle: async () => createSettleOrigins(parts)({ ...(await input()), once: { withinMs: WITHIN_MS } }),
    retry: () => nextRound(store, sha256),
    ledgers,
    report: async () => {
      const of = {
        store,
        ledgers,
        clock: systemClock,
        reports: new FolderReports(join(home.root, 'reports')),
        scope: parts.scope,
      };
      const writeReport = createWriteReport({ ...of, onReport: () => undefined });
      const about = { sha256, endpoint: 'test', parse, fileName: `${sha256.slice(0, 6)}.csv`, workflowId: 'w' };
      return writeReport({ ...about, round: await round() });
    },
  };
}

/** One that was sent. */
async function sent(rows: readonly string[]) {
  const first = await file(rows);
  await first.lookBack();
  await first.send();
  return first;
}

const accepted = (): number => receiver.log.filter((request) => request.accepted).length;
const ALL = ['ann hello', 'ben hello', 'cat hello', 'dan hello'];
const counts = (changes: object) => ({
  ...{ delivered: 0, rejected: 0, undelivered: 0, unconfirmed: 0, unsettled: 0, duplicates: 0 },
  ...changes,
});

describe('what an earlier file has delivered', () => {
  test('is not sent again, and is listed as a duplicate with that file and line; the rest is sent', async () => {
    const first = await sent(ALL);
    const second = await file(['eve hello', 'dan hello', 'ann another', 'ben hello']);
    await second.lookBack();
    expect(await second.send()).toEqual(counts({ delivered: 2, duplicates: 2 }));
    expect(accepted()).toBe(6);
    await second.settle();
    const summary = await second.report();
    expect(summary).toMatchObject({ rows: 4, alerts: 2, delivered: 2, duplicates: 2, ofEarlierFiles: 2, pending: 0 });
    const listed = await csvRecords(join(summary.reportDir, 'duplicates.csv'));
    const of = { firstFile: first.sha256, firstFileName: 'alerts.csv' };
    expect(listed).toEqual([
      { line: '3', firstLine: '5', userId: 'dan', ...of },
      { line: '5', firstLine: '3', userId: 'ben', ...of },
    ]);
    expect((await csvRecords(join(summary.reportDir, 'receipts.csv'))).map(({ line }) => line)).toEqual(['2', '4']);
  });

  test('counts for so long, and no longer', async () => {
    await sent(ALL);
    clock.advance(20 * DAY_MS);
    const within = await file([...ALL, 'eve hello']);
    await within.lookBack();
    expect(await within.send()).toEqual(counts({ delivered: 1, duplicates: 4 }));
    clock.advance(20 * DAY_MS);
    const later = await file([...ALL, 'eve hello', 'fay hello']);
    await later.lookBack();
    expect(await later.send()).toEqual(counts({ delivered: 5, duplicates: 1 }));
  });

  test('counts also where it was sent before anything was sent once a message, or is sent once a file since', async () => {
    const before = await file(['ann hello']);
    await before.send();
    await sent(['ben hello']);
    const asAFile = await file(['ben hello', 'cat hello']);
    await asAFile.lookBack(null);
    expect(await asAFile.send()).toEqual(counts({ delivered: 2 }));
    const last = await file(ALL);
    await last.lookBack();
    expect(await last.send()).toEqual(counts({ delivered: 1, duplicates: 3 }));
  });

  test('counts also where its rows were deleted since: they are read again', async () => {
    const first = await sent(ALL);
    await home.store.delete(`${first.sha256}/chunks-${parseKey(home.parse)}`);
    const second = await file(['ann hello', 'eve hello']);
    await second.lookBack();
    expect(await second.send()).toEqual(counts({ delivered: 1, duplicates: 1 }));
  });

  test('is told from another row that only has the same hash', async () => {
    const [first, second] = [await file(['ann hello', 'ben hello']), await file(['cat hello', 'dan hello'])];
    const index = new OnceIndex(home.store, 'test', clock);
    await index.begin();
    await index.complete();
    // Lines of the first file under the hashes of the second.
    const of = { sha256: second.sha256, endpoint: 'test', parseKey: parseKey(home.parse), windows: 1 };
    for await (const { words } of rowPiecesOf(home.store, of)) {
      await first.lookBack();
      await home.store.put(`once/test/rows/${first.sha256}.1`, Buffer.from(words.buffer));
    }
    await first.send();
    await second.lookBack();
    expect(await second.send()).toEqual(counts({ delivered: 2 }));
  });
});

describe('what an earlier file has open', () => {
  test('is waited for; what it delivers is a duplicate, what it fails with is taken over, and never sent by both', async () => {
    const first = await file(ALL);
    await first.lookBack();
    running.add(first.workflowId);
    const second = await file([...ALL, 'eve hello'].reverse());
    await second.lookBack();
    expect(await second.send()).toMatchObject({ delivered: 1, unsettled: 4 });
    expect(await failureOf(second.lookAgain())).toMatchObject({ type: FAILURE.earlierFile, nonRetryable: false });
    receiver.script = (line) => (line === 3 ? 422 : 200);
    expect(await first.send()).toMatchObject({ delivered: 3, rejected: 1 });
    await second.lookAgain();
    receiver.script = () => 200;
    expect(await second.send({ closing: true })).toEqual(counts({ delivered: 2, duplicates: 3 }));
    expect(accepted()).toBe(5);
    await first.retry();
    expect(await first.send()).toMatchObject({ delivered: 3 });
    await second.settle();
    expect(await first.send()).toMatchObject({ delivered: 4 });
    expect(accepted()).toBe(5);
  });

  test('is left to the file that came first, though both have come at the same moment', async () => {
    const files = [await file([...ALL, 'one x']), await file([...ALL, 'two x']), await file([...ALL, 'three x'])];
    for (const { workflowId } of files) running.add(workflowId);
    await Promise.all(files.map((one) => one.lookBack()));
    const results = await Promise.all(files.map((one) => one.send()));
    expect(results.map(({ delivered }) => delivered).sort()).toEqual([1, 1, 5]);
    for (const [at, one] of files.entries()) {
      if (results[at]!.delivered === 5) continue;
      await one.lookAgain();
      expect(await one.send({ closing: true })).toEqual(counts({ delivered: 1, duplicates: 4 }));
    }
    expect(accepted()).toBe(7);
  });

  test('and nobody sends any more is taken over, with the requests of which nobody knows the outcome', async () => {
    const first = await file(ALL);
    await first.lookBack();
    const attempt = { round: 1, scope: rangeScope(2, 4), parseKey: parseKey(home.parse), durable: true };
    const lost = await first.ledgers.open({ sha256: first.sha256, endpoint: 'test', chunk: 1 }, attempt);
    await lost.announce([2]);
    const second = await file(ALL.toReversed());
    expect(await failureOf(second.lookBack())).toHaveProperty('type', FAILURE.unsettled);
    clock.advance(60_000);
    await second.lookBack();
    expect(await second.send({ closing: true }, 'hold')).toEqual(counts({ delivered: 3, unconfirmed: 1 }));
    expect(accepted()).toBe(3);
    await first.retry();
    expect(await first.send()).toMatchObject({ delivered: 0 });
    await second.retry();
    await second.lookBack();
    const again = { closing: true, reopenUnconfirmed: true };
    expect(await second.send(again, 'hold')).toEqual(counts({ delivered: 4 }));
    expect(accepted()).toBe(4);
  });

  test('unconfirmed, is unconfirmed in the later file, too', async () => {
    receiver.script = (line) => (line === 2 ? 'accepted, reset' : 200);
    const first = await file(ALL);
    await first.lookBack();
    await first.send({ closing: true }, 'hold');
    receiver.script = () => 200;
    const second = await file(['ann hello', 'eve hello']);
    await second.lookBack();
    expect(await second.send({}, 'hold')).toEqual(counts({ delivered: 1, unconfirmed: 1 }));
  });
});

describe('a mended row', () => {
  test('counts as its origin does: whoever got the mended one is not sent the first one again, nor the mended one', async () => {
    receiver.script = (line) => (line === 2 ? 422 : 200);
    const first = await sent(ALL);
    receiver.script = () => 200;
    const mended = await file(['ann hi'], [`${first.sha256}:2`]);
    await mended.takeOverOrigins();
    await mended.lookBack();
    expect(await mended.send()).toEqual(counts({ delivered: 1 }));
    await mended.settle();
    const whole = await file(['ann hello', 'eve hello']);
    const corrected = await file(['ann hi', 'fay hello']);
    for (const one of [whole, corrected]) {
      await one.lookBack();
      expect(await one.send()).toEqual(counts({ delivered: 1, duplicates: 1 }));
    }
  });

  test('that says the same as its origin is sent once', async () => {
    receiver.script = (line) => (line === 2 ? 422 : 200);
    const first = await sent(ALL);
    receiver.script = () => 200;
    const again = await file(['ann hello', 'ben hello'], [`${first.sha256}:2`]);
    await again.takeOverOrigins();
    await again.lookBack();
    expect(await again.send()).toEqual(counts({ delivered: 1, duplicates: 1 }));
    expect(accepted()).toBe(4);
  });
});

test('A later look changes nothing: what is decided is decided, and a file goes on where it was', async () => {
  await sent(ALL);
  const second = await file([...ALL, 'eve hello']);
  await second.lookBack();
  await second.lookBack();
  receiver.script = () => 422;
  expect(await second.send()).toEqual(counts({ rejected: 1, duplicates: 4 }));
  receiver.script = () => 200;
  await second.retry();
  await second.lookBack();
  expect(await second.send()).toEqual(counts({ delivered: 1, duplicates: 4 }));
  const third = await file(['eve hello']);
  await third.lookBack();
  expect(await third.send()).toEqual(counts({ duplicates: 1 }));
});
