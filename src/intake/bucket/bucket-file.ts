/** One version of an object in an inbox, from its first listing until it is moved: what is known of it, and when its next try is due. */
import type { FilePriority } from '../../domain/contracts.ts';
import type { DetectedFormat } from '../../formats/detect.ts';
import type { ListedObject } from '../../store/s3/bucket.ts';
import { pauseAfter } from '../dropped-file.ts';
import type { QueuedFile } from '../submission-queue.ts';

const SOON_MS = 1_000;

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
  #dueMs = 0;
  #failures = 0;

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
    return this.#dueMs;
  }

  stepFailed(nowMs: number): void {
    this.#dueMs = nowMs + pauseAfter(this.#failures);
    this.#failures += 1;
  }

  stepDone(): void {
    this.#failures = 0;
  }

  retrySoon(nowMs: number): void {
    this.#dueMs = Math.min(this.#dueMs, nowMs + SOON_MS);
  }
}
