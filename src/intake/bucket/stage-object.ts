/** Brings an object into the store: the version that was listed is read once, from the bucket straight into the store. */
import type { Bucket } from '../../store/s3/bucket.ts';
import { VersionGone } from '../../store/s3/bucket.ts';
import type { StagedFile } from '../../store/staged-file.ts';
import type { Store } from '../../store/store.ts';
import type { NextBlock } from '../hashing-reader.ts';
import { BLOCK_BYTES } from '../hashing-reader.ts';
import type { StagerOptions } from '../stage.ts';
import { FileChanged, stageBytes } from '../stage.ts';
import type { BucketFile } from './bucket-file.ts';

export interface StageObjectOptions extends StagerOptions {
  readonly bucket: Bucket;
  readonly store: Store;
}

/** Throws FileChanged where that version is not there any more, and what stageBytes throws. */
export async function stageObject(file: BucketFile, options: StageObjectOptions): Promise<StagedFile> {
  const { bucket, store, maxExpandedBytes, maxFileBytes, now } = options;
  const { key, etag, name, kind, sizeBytes } = file;
  const pieces = bucket.stream(key, 0, etag)[Symbol.asyncIterator]();
  const limits = { ...kind, name, maxExpandedBytes, now, ...(maxFileBytes === undefined ? {} : { maxFileBytes }) };
  try {
    return await stageBytes(store, { sizeBytes, next: blocksOf(pieces), unchanged: async () => true }, limits);
  } catch (error) {
    if (error instanceof VersionGone) throw new FileChanged(name);
    throw error;
  } finally {
    // What was not read to its end is not read on.
    await pieces.return?.();
  }
}

/** Gathers the pieces of a connection. */
const blocksOf =
  (pieces: AsyncIterator<Buffer>): NextBlock =>
  async () => {
    const block: Buffer[] = [];
    for (let bytes = 0; bytes < BLOCK_BYTES; ) {
      const { done, value } = await pieces.next();
      if (done) break;
      block.push(value);
      bytes += value.length;
    }
    return Buffer.concat(block);
  };
