/** A bucket in memory as an inbox, a store in a folder, and watchers of it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { BucketWatchOptions } from '../../../src/intake/bucket/bucket-watcher.ts';
import { watchBucket } from '../../../src/intake/bucket/bucket-watcher.ts';
import type { Submission, Taker } from '../../../src/intake/takers.ts';
import type { Watcher } from '../../../src/intake/watch-options.ts';
import { FolderStore } from '../../../src/store/folder-store.ts';
import { MemoryBucket } from '../../support/memory-bucket.ts';
import { rememberingLogger, until } from '../support.ts';

export class BucketScene {
  readonly bucket = new MemoryBucket();
  readonly log = rememberingLogger();
  readonly submissions: Submission[] = [];
  readonly store: FolderStore;
  /** Before a submission is taken. */
  onSubmit: (submission: Submission) => Promise<void> = async () => undefined;
  readonly taker: Taker = {
    submit: async (submission) => {
      await this.onSubmit(submission);
      this.submissions.push(submission);
      return 'started';
    },
  };

  constructor() {
    const root = mkdtempSync(join(tmpdir(), 'wds-bucket-'));
    this.store = new FolderStore(join(root, 'store'));
    onTestFinished(() => rmSync(root, { recursive: true }));
  }

  /** Closed at the end of the test. */
  watch(change: Partial<BucketWatchOptions> = {}): Watcher {
    const { bucket, store, log } = this;
    const limits = { maxExpandedBytes: 1 << 20, scanIntervalMs: 30 };
    const watcher = watchBucket({ bucket, store, log, ...limits, ...change }, [this.taker]);
    onTestFinished(() => watcher.close());
    return watcher;
  }

  /** Names of the files, in the order of their submission. */
  get submitted(): string[] {
    return this.submissions.map(({ fileName }) => fileName);
  }

  events(event: string): string[] {
    return this.log.lines.filter((line) => line.event === event).map(({ message }) => message);
  }

  async until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
    await until(
      async () => holds(),
      () => `${what}: ${JSON.stringify(this.log.lines)}`,
    );
  }

  /** Objects below a folder of the inbox. */
  in(folder: string): Promise<string[]> {
    return this.bucket.list(folder);
  }
}
