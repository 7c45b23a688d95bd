/** A home with one delivered file, as `prune`, `verify` and `forget` find it; nothing runs but what the test says. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { House } from '../../../src/app/keeping/house.ts';
import { FolderOriginals } from '../../../src/app/keeping/originals.ts';
import { systemClock } from '../../../src/clock.ts';
import type { ResultKind } from '../../../src/domain/ledger/journal.ts';
import { linesScope } from '../../../src/domain/ledger/journal.ts';
import { parseKey } from '../../../src/domain/parse-options.ts';
import { readDeliveryRecord } from '../../../src/store/delivery-record.ts';
import { rememberName } from '../../../src/store/file-names.ts';
import { FolderLedgers } from '../../../src/store/folder-ledger.ts';
import { FolderParts } from '../../../src/store/folder-parts.ts';
import { contentKey } from '../../../src/store/layout.ts';
import { ObjectLedgers } from '../../../src/store/object-ledger.ts';
import { writeReportFiles } from '../../../src/store/report.ts';
import { FolderReports } from '../../../src/store/report-files.ts';
import { S3Parts } from '../../../src/store/s3/s3-parts.ts';
import { S3Reports } from '../../../src/store/s3/s3-reports.ts';
import { BucketObjects, S3Store } from '../../../src/store/s3/s3-store.ts';
import { S3Users } from '../../../src/store/s3/s3-users.ts';
import { FolderUsers } from '../../../src/store/scan-users.ts';
import type { StagedAlerts } from '../../support/delivery-fixture.ts';
import { stageAlerts, stageContent } from '../../support/delivery-fixture.ts';
import type { MemoryBucket } from '../../support/memory-bucket.ts';

export const OF = { endpoint: 'test', fileName: 'alerts.csv' };

export class TestHouse {
  readonly staged: StagedAlerts;
  /** Where the store is; undefined: in a folder. */
  readonly #bucket: MemoryBucket | undefined;
  /** By workflow ID. */
  readonly runs = new Map<string, 'running' | 'completed' | 'ended'>();

  private constructor(staged: StagedAlerts, bucket?: MemoryBucket) {
    this.staged = staged;
    this.#bucket = bucket;
  }

  /** Ten alerts on the lines 2 to 11, four in a chunk, and a row without a user. */
  static async make(extraRows = ',nobody\n'): Promise<TestHouse> {
    const house = new TestHouse(await stageAlerts(10, { chunkSize: 4, extraRows }));
    await rememberName(house.staged.store, OF.fileName, { sha256: house.staged.sha256, endpoint: OF.endpoint });
    return house;
  }

  /** The same in a bucket; the inbox stays a folder. */
  static async inBucket(bucket: MemoryBucket, extraRows?: string): Promise<TestHouse> {
    const { staged } = await TestHouse.make(extraRows);
    const content = (await staged.store.get(contentKey(staged.sha256)))!;
    await rm(staged.storeFolder, { recursive: true });
    const house = new TestHouse(staged, bucket);
    await stageContent(house.house.store, staged.parse, content.toString());
    await rememberName(house.house.store, OF.fileName, { sha256: staged.sha256, endpoint: OF.endpoint });
    return house;
  }

  #parts(): Pick<House, 'store' | 'ledgers' | 'users' | 'reports' | 'parts'> {
    const { root, store: folderStore, storeFolder } = this.staged;
    if (this.#bucket === undefined) {
      const store = folderStore;
      const ledgers = new FolderLedgers({ store, clock: systemClock, boot: 'this run' });
      const reports = new FolderReports(join(root, 'reports'));
      const parts = new FolderParts({ store, folder: storeFolder, reports: reports.place });
      return { store, ledgers, users: new FolderUsers(storeFolder), reports, parts };
    }
    const bucket = this.#bucket;
    const store = new S3Store(bucket);
    const ledgers = new ObjectLedgers({ objects: new BucketObjects(bucket), clock: systemClock });
    const reports = new S3Reports({ bucket, store, drafts: join(root, 'drafts') });
    return { store, ledgers, users: new S3Users(store), reports, parts: new S3Parts({ bucket, store, reports }) };
  }

  get house(): House {
    const { runs } = this;
    return {
      ...this.#parts(),
      inboxes: [new FolderOriginals(join(this.staged.root, 'inbox'))],
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
    const { sha256 } = this.staged;
    const record = (await readDeliveryRecord(this.house.store, { sha256, endpoint: OF.endpoint }))!;
    return (await writeReportFiles(this.house, this.house.reports, record, () => undefined)).reportDir;
  }

  /** A file that was dropped, as it lies in `processed`. */
  async drop(
    content: Buffer | string,
    name = '20300101T000000.000Z-alerts.csv',
    folder = 'processed',
  ): Promise<string> {
    const inbox = join(this.staged.root, 'inbox');
    const path = join(inbox, folder, name);
    await mkdir(join(inbox, folder), { recursive: true });
    await writeFile(path, content);
    return path;
  }

  remove(): Promise<void> {
    return this.staged.remove();
  }
}
