import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { createWriteReport } from '../../activities/write-report.ts';
import { systemClock } from '../../src/clock.ts';
import { FAILURE } from '../../src/domain/names.ts';
import { FolderLedgers } from '../../src/store/folder-ledger.ts';
import { FolderStore } from '../../src/store/folder-store.ts';
import type { StagedAlerts } from '../support/delivery-fixture.ts';
import { failureOf, stageAlerts } from '../support/delivery-fixture.ts';

let staged: StagedAlerts;
afterEach(() => staged.remove());

function run(reportsRoot: string, store: FolderStore = staged.store) {
  let beats = 0;
  const scope = () => ({ attempt: 3, heartbeat: () => void beats++ });
  const { sha256, parse } = staged;
  const of = { sha256, endpoint: 'test', parse, fileName: 'a.csv', workflowId: 'w', round: 1 };
  const ledgers = new FolderLedgers({ store, clock: systemClock, boot: 'this run' });
  const writeReport = createWriteReport({
    ...{ store, ledgers, reportsRoot, scope },
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
