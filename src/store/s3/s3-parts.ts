/** The parts of files whose store is a bucket. One listing of all of it tells which files have something old; only those are asked for. */
import { isFileHash } from '../file-names.ts';
import { contentKey } from '../layout.ts';
import { reportFolderName } from '../report-shelf.ts';
import type { FileGlance, PartSize, StoredPart, StoredParts } from '../stored-parts.ts';
import { removeChunks, together } from '../stored-parts.ts';
import type { Bucket, ListedObject } from './bucket.ts';
import type { S3Reports } from './s3-reports.ts';
import type { S3Store } from './s3-store.ts';

const CHUNKS = 'chunks-';

export interface S3PartsOptions {
  readonly bucket: Bucket;
  readonly store: S3Store;
  readonly reports: S3Reports;
}

export class S3Parts implements StoredParts {
  /** Files, and chunks of each. */
  readonly atOnce = 8;
  readonly #options: S3PartsOptions;

  constructor(options: S3PartsOptions) {
    this.#options = options;
  }

  /** A file whose objects are not listed one after another comes more than once. */
  async *files(): AsyncGenerator<FileGlance> {
    const { bucket, reports } = this.#options;
    const reportsOf = await reports.sizesByHash();
    let own: { readonly sha256: string; readonly objects: Map<PartSize['part'], ListedObject[]> } | undefined;
    const glance = (): FileGlance[] => {
      if (own === undefined) return [];
      const inStore = [...own.objects].map(([part, objects]) => together(part, objects));
      const parts = [...inStore, ...(reportsOf.get(own.sha256.slice(0, 8)) ?? [])];
      return [{ sha256: own.sha256, parts: parts.filter((part) => part !== undefined) }];
    };
    for await (const object of bucket.objects('')) {
      const [sha256 = '', name = ''] = object.key.split('/', 2);
      if (!isFileHash(sha256)) continue;
      if (own?.sha256 !== sha256) {
        yield* glance();
        own = { sha256, objects: new Map() };
      }
      const part = name.startsWith(CHUNKS) ? 'chunks' : object.key === contentKey(sha256) ? 'content' : undefined;
      if (part !== undefined) addTo(own.objects, part, object);
    }
    yield* glance();
  }

  async of(
    sha256: string,
    deliveries: readonly { readonly fileName: string; readonly endpoint: string }[],
  ): Promise<StoredPart[]> {
    const { bucket, store, reports } = this.#options;
    const found: StoredPart[] = [];
    const add = (size: PartSize | undefined, remove: () => Promise<void>): void => {
      if (size !== undefined) found.push({ ...size, remove });
    };
    const key = contentKey(sha256);
    const content = (await all(bucket.objects(key))).filter((object) => object.key === key);
    add(together('content', content), () => store.delete(key));
    const readings = new Map<string, ListedObject[]>();
    for (const object of await all(bucket.objects(`${sha256}/${CHUNKS}`))) {
      addTo(readings, object.key.split('/', 2).join('/'), object);
    }
    for (const [prefix, objects] of readings) add(together('chunks', objects), () => removeChunks(store, prefix));
    for (const { fileName, endpoint } of deliveries) {
      const folder = reportFolderName(fileName, sha256, endpoint);
      add(await reports.size(folder), () => reports.remove(folder));
    }
    return found;
  }
}

function addTo<Key, Item>(lists: Map<Key, Item[]>, key: Key, item: Item): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [item]);
  else list.push(item);
}

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const found: Item[] = [];
  for await (const item of items) found.push(item);
  return found;
}
