/** One version of an object in an inbox, from its first listing until it is moved: what is known of it, and when its next try is due. */
import type { FilePriority } from '../../domain/contracts.ts';
import type { DetectedFormat } from '../../formats/detect.ts';
import type { ListedObject } from '../../store/s3/bucket.ts';
import { NextTry } from '../next-try.ts';
import type { QueuedFile } from '../submission-queue.ts';

export class BucketFile implements QueuedFile {
  /** Without `urgent/`. */
  readonly name: string;
  /** Below the prefix of the inbox. */
  readonly key: string;
  readonly etag: string;
  readonly sizeBytes: number;
  /** When it was uploaded, by the service's clock. */
  readonly changedMs: number;
  readonly priority: FilePriority;
  readonly kind: DetectedFormat;
  readonly #next = new NextTry();

  constructor(
    { key, etag, bytes, changedMs }: ListedObject,
    { name, priority, kind }: Pick<BucketFile, 'name' | 'priority' | 'kind'>,
  ) {
    this.name = name;
    this.etag = etag;
    this.sizeBytes = bytes;
    this.changedMs = changedMs;
    this.key = key;
    this.priority = priority;
    this.kind = kind;
  }

  get sample(): Pick<BucketFile, 'sizeBytes'> {
    return this;
  }

  get dueMs(): number {
    return this.#next.dueMs;
  }

  stepFailed(nowMs: number): void {
    this.#next.failed(nowMs);
  }

  stepDone(): void {
    this.#next.done();
  }

  retrySoon(nowMs: number): void {
    this.#next.soon(nowMs);
  }
}
