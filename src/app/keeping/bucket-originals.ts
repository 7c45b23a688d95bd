/** What an inbox in a bucket keeps. The names in `processed/` tell which files it can be, so that hardly anything is read. */
import { PROCESSED_FOLDER, REJECTED_FOLDER } from '../../intake/inbox-names.ts';
import type { Bucket, ListedObject } from '../../store/s3/bucket.ts';
import { VersionGone } from '../../store/s3/bucket.ts';
import type { InboxFile, Originals } from './originals.ts';
import { hashOf, REASON } from './originals.ts';

/** `20250131T235959.000Z-1f0c9a2b-a.csv` (src/intake/bucket/bucket-shelf.ts). */
const PROCESSED = /^\d{8}T\d{6}\.\d{3}Z-([0-9a-f]{8})-(.+)$/s;

export class BucketOriginals implements Originals {
  readonly #open: () => Promise<Bucket>;
  #bucket: Bucket | undefined;

  /** Opened when it is first asked for. */
  constructor(open: () => Promise<Bucket>) {
    this.#open = open;
  }

  get keepsVersions(): boolean {
    return this.#bucket?.keepsVersions === true;
  }

  async *files(): AsyncGenerator<InboxFile> {
    this.#bucket ??= await this.#open();
    const bucket = this.#bucket;
    for (const folder of [PROCESSED_FOLDER, REJECTED_FOLDER])
      for await (const object of bucket.objects(`${folder}/`)) yield fileOf(bucket, folder, object);
  }
}

function fileOf(bucket: Bucket, folder: string, { key, bytes, etag, changedMs }: ListedObject): InboxFile {
  const name = key.slice(folder.length + 1);
  const refused = folder === REJECTED_FOLDER;
  const [, start, file = name] = (refused ? null : PROCESSED.exec(name)) ?? [];
  return {
    ...{ name, file, refused },
    original: { part: 'original', bytes, changedMs, remove: () => bucket.delete(key) },
    async hash(wanted) {
      const may = start === undefined || wanted === undefined || [...wanted].some((one) => one.startsWith(start));
      return may ? hashOf(bucket.stream(key, 0, etag)).catch(undefinedIfGone) : undefined;
    },
    removeReason: () => bucket.delete(`${key}${REASON}`),
  };
}

function undefinedIfGone(error: unknown): undefined {
  if (!(error instanceof VersionGone)) throw error;
}
