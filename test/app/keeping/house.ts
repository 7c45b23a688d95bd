/** A home with one delivered file, as `prune`, `verify` and `forget` find it; nothing runs but what the test says. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { House } from '../../../src/app/keeping/house.ts';
import { systemClock } from '../../../src/clock.ts';
import type { ResultKind } from '../../../src/domain/ledger/journal.ts';
import { linesScope } from '../../../src/domain/ledger/journal.ts';
import { parseKey } from '../../../src/domain/parse-options.ts';
import { readDeliveryRecord } from '../../../src/store/delivery-record.ts';
import { rememberName } from '../../../src/store/file-names.ts';
import { FolderLedgers } from '../../../src/store/folder-ledger.ts';
import { writeReportFiles } from '../../../src/store/report.ts';
import { FolderReports } from '../../../src/store/report-files.ts';
import { FolderUsers } from '../../../src/store/scan-users.ts';
import type { StagedAlerts } from '../../support/delivery-fixture.ts';
import { stageAlerts } from '../../support/delivery-fixture.ts';

export const OF = { endpoint: 'test', fileName: 'alerts.csv' };

export class TestHouse {
  readonly staged: StagedAlerts;
  /** By workflow ID. */
  readonly runs = new Map<string, 'running' | 'completed' | 'ended'>();

  private constructor(staged: StagedAlerts) {
    this.staged = staged;
  }

  /** Ten alerts on the lines 2 to 11, four in a chunk, and a row without a user. */
  static async make(extraRows = ',nobody\n'): Promise<TestHouse> {
    const house = new TestHouse(await stageAlerts(10, { chunkSize: 4, extraRows }));
    await rememberName(house.staged.store, OF.fileName, { sha256: house.staged.sha256, endpoint: OF.endpoint });
    return house;
  }

  get house(): House {
    const { root, store, storeFolder } = this.staged;
    const { runs } = this;
    const ledgers = new FolderLedgers({ store, clock: systemClock, boot: 'this run' });
    return {
      ...{
        store,
        ledgers,
        users: new FolderUsers(storeFolder),
        folder: storeFolder,
        reportsRoot: join(root, 'reports'),
        inboxes: [join(root, 'inbox')],
      },
      runOf: async (workflowId) => runs.get(workflowId),
      async *underWay() {
        for (const [workflowId, run] of runs) if (run === 'running') yield workflowId;
      },
    };
  }

  /** Answers for these lines. */
  async settle(kind: ResultKind, lines: readonly number[], sha256 = this.staged.sha256): Promise<void> {
    for (const line of lines) {
      const chunk = Math.floor((line - 2) / 4) + 1;
      const attempt = {
        round: 1,
        scope: linesScope('batch', [line]),
        parseKey: parseKey(this.staged.parse),
        durable: false,
      };
      const ledger = await this.house.ledgers.open({ sha256, endpoint: OF.endpoint, chunk }, attempt);
      await ledger.announce([line]);
      ledger.record(kind, line, kind === 'd' ? 200 : 422, 1, kind === 'd' ? '' : 'HTTP 422');
      await ledger.close();
    }
  }

  /** All of it delivered, but for these lines. */
  async deliver(...but: readonly number[]): Promise<void> {
    await this.settle(
      'd',
      this.staged.lines.filter((line) => !but.includes(line)),
    );
  }

  async report(): Promise<string> {
    const { store, sha256 } = this.staged;
    const record = (await readDeliveryRecord(store, { sha256, endpoint: OF.endpoint }))!;
    return (await writeReportFiles(this.house, new FolderReports(this.house.reportsRoot), record, () => undefined))
      .reportDir;
  }

  /** A file that was dropped, as it lies in `processed`. */
  async drop(
    content: Buffer | string,
    name = '20300101T000000.000Z-alerts.csv',
    folder = 'processed',
  ): Promise<string> {
    const path = join(this.house.inboxes[0]!, folder, name);
    await mkdir(join(this.house.inboxes[0]!, folder), { recursive: true });
    await writeFile(path, content);
    return path;
  }

  remove(): Promise<void> {
    return this.staged.remove();
  }
}
