import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createWriteReport } from '../../activities/write-report.ts';
import { systemClock } from '../../src/clock.ts';
import type { FileCounts } from '../../src/domain/counts.ts';
import { NO_COUNTS } from '../../src/domain/counts.ts';
import { FAILURE } from '../../src/domain/names.ts';
import type { ParseOptions } from '../../src/domain/parse-options.ts';
import { FolderLedgers } from '../../src/store/folder-ledger.ts';
import { FolderStore } from '../../src/store/folder-store.ts';
import { FolderReports } from '../../src/store/report-files.ts';
import type { StagedAlerts } from '../support/delivery-fixture.ts';
import { failureOf, stageAlerts } from '../support/delivery-fixture.ts';

let staged: StagedAlerts;
afterEach(() => staged.remove());

function run(
  reportsRoot: string,
  store: FolderStore = staged.store,
  more: { attempt?: number; seen?: FileCounts; parse?: ParseOptions } = {},
) {
  let beats = 0;
  const { attempt = 3, ...changes } = more;
  const scope = () => ({ attempt, heartbeat: () => void beats++ });
  const { sha256, parse } = staged;
  const of = { sha256, endpoint: 'test', parse, fileName: 'a.csv', workflowId: 'w', round: 1, ...changes };
  const ledgers = new FolderLedgers({ store, clock: systemClock, boot: 'this run' });
  const writeReport = createWriteReport({
    ...{ store, ledgers, reports: new FolderReports(reportsRoot), scope },
    clock: systemClock,
    onReport: () => undefined,
  });
  return { done: writeReport(of), beats: () => beats };
}

test('returns the counts and heartbeats once a chunk', async () => {
  staged = await stageAlerts(20, { chunkSize: 5 });
  const { done, beats } = run(join(staged.root, 'reports'));
  const summary = await done;
  expect(summary).toMatchObject({ rows: 20, alerts: 20, pending: 20, delivered: 0 });
  expect(beats()).toBe(4);
  expect(await readFile(join(summary.reportDir, 'receipts.csv'), 'utf8')).toContain('user-2,2,pending');
});

test('heartbeats while a single chunk takes long', async () => {
  staged = await stageAlerts(2);
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  let goOn: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  class SlowStore extends FolderStore {
    override async readRange(key: string, start: number, end: number): Promise<Buffer> {
      await held;
      return super.readRange(key, start, end);
    }
  }
  const { done, beats } = run(join(staged.root, 'reports'), new SlowStore(staged.storeFolder));
  await vi.waitFor(() => {
    vi.advanceTimersByTime(30_000);
    expect(beats()).toBeGreaterThanOrEqual(15);
  });
  vi.useRealTimers();
  goOn();
  expect(await done).toMatchObject({ rows: 2 });
});

test('a fault of the store is retried until it is lifted', async () => {
  staged = await stageAlerts(2);
  await staged.store.put('reports', 'a file in the way');
  const failure = await failureOf(run(join(staged.storeFolder, 'reports')).done);
  expect(failure).toMatchObject({ type: FAILURE.store, nonRetryable: false, nextRetryDelay: 4_000 });
  await staged.store.delete('reports');
  expect(await run(join(staged.storeFolder, 'reports')).done).toMatchObject({ rows: 2 });
});

describe('a store that does not hold what the workflow has seen', () => {
  const counts = { ...NO_COUNTS, rows: 20, alerts: 20, pending: 20 };
  const reports = () => join(staged.root, 'reports');

  test.each<[string, Partial<FileCounts>]>([
    ['rows', { rows: 21 }],
    ['alerts', { alerts: 19 }],
    ['invalid', { invalid: 1 }],
    ['duplicates', { duplicates: 1 }],
    ['deliveries', { delivered: 1 }],
  ])('other %s: a fault that waits, and the earlier report stays', async (_, other) => {
    staged = await stageAlerts(20);
    const { reportDir } = await run(reports(), staged.store, { seen: counts }).done;
    const before = await readFile(join(reportDir, 'report.json'), 'utf8');
    const failure = await failureOf(run(reports(), staged.store, { seen: { ...counts, ...other } }).done);
    expect(failure).toMatchObject({ type: FAILURE.store, nonRetryable: false, nextRetryDelay: 4_000 });
    expect(failure.message).toContain('mounted?');
    expect(await readFile(join(reportDir, 'report.json'), 'utf8')).toBe(before);
  });

  test('for a day fails for good', async () => {
    staged = await stageAlerts(20);
    const more = { attempt: 2_880, seen: { ...counts, delivered: 1 } };
    const failure = await failureOf(run(reports(), staged.store, more).done);
    expect(failure).toMatchObject({ type: FAILURE.receiptsMissing, nonRetryable: true });
    expect(failure.message).toContain('0 alerts delivered where 1 were');
  });

  test('more deliveries than the workflow has seen are late answers', async () => {
    staged = await stageAlerts(20);
    expect(await run(reports(), staged.store, { seen: { ...counts, pending: 21 } }).done).toMatchObject({ rows: 20 });
  });
});
