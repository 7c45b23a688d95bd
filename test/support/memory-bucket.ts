/**
 * A bucket in memory with the semantics of S3: whole objects, versions by ETag, conditional writes, strong consistency. A test may have requests
 * fail before they do anything, or after they did it.
 */
import { createHash } from 'node:crypto';
import type {
  Bucket,
  ListedObject,
  Listing,
  ObjectHead,
  Pieces,
  PutOptions,
  StoredObject,
  Version,
} from '../../src/store/s3/bucket.ts';
import { VersionGone } from '../../src/store/s3/bucket.ts';

/** `before`: refused (503 SlowDown, connection cut on the way there). `after`: done, and the answer is lost (time-out, 500). */
export type RequestFault = 'before' | 'after' | undefined;
type Kind = 'get' | 'head' | 'put' | 'copy' | 'list' | 'delete';

interface Stored {
  readonly bytes: Buffer;
  readonly writer: string | undefined;
  readonly changedMs: number;
}

export class MemoryBucket implements Bucket {
  readonly place = 's3://memory';
  readonly keepsVersions = false;
  readonly #objects = new Map<string, Stored>();
  /** Asked once a request. */
  fault: (request: Kind, key: string) => RequestFault = () => undefined;
  /** Bytes that were written twice, version after version, under one key: ETags could not tell them apart. */
  readonly equalVersions: string[] = [];
  requests = 0;

  get(key: string): Promise<StoredObject | undefined> {
    return this.#request('get', key, () => {
      const stored = this.#objects.get(key);
      return stored && { bytes: stored.bytes, etag: etagOf(stored) };
    });
  }

  async getRange(key: string, start: number, end: number): Promise<Buffer | undefined> {
    return (await this.get(key))?.bytes.subarray(start, end);
  }

  async *stream(key: string, start: number, etag?: string): AsyncGenerator<Buffer> {
    const object = await this.get(key);
    if (etag !== undefined && object?.etag !== etag) throw new VersionGone(key);
    if (object === undefined) throw new Error(`${key} is not there`);
    for (let at = start; at < object.bytes.length; at += 1_000) yield object.bytes.subarray(at, at + 1_000);
  }

  head(key: string): Promise<ObjectHead | undefined> {
    return this.#request('head', key, () => {
      const stored = this.#objects.get(key);
      return stored && { sizeBytes: stored.bytes.length, etag: etagOf(stored), writer: stored.writer };
    });
  }

  put(key: string, body: string | Uint8Array, { only, writer }: PutOptions = {}): Promise<string | 'conflict'> {
    return this.#request('put', key, () => {
      const before = this.#objects.get(key);
      const wanted = only === 'absent' ? undefined : only?.etag;
      if (only !== undefined && (before && etagOf(before)) !== wanted) return 'conflict';
      const bytes = Buffer.from(body);
      if (only !== undefined && before?.bytes.equals(bytes)) this.equalVersions.push(key);
      this.#objects.set(key, { bytes, writer, changedMs: Date.now() });
      return etagOf({ bytes });
    });
  }

  async upload(key: string, source: Pieces): Promise<void> {
    const pieces: Buffer[] = [];
    for await (const piece of source) pieces.push(Buffer.from(piece));
    await this.put(key, Buffer.concat(pieces));
  }

  async copy(from: string, to: string): Promise<void> {
    const stored = this.#objects.get(from);
    if (stored === undefined) throw new Error(`${from} is not there`);
    await this.put(to, stored.bytes);
  }

  copyVersion(from: string, to: string, { etag }: Version): Promise<string | undefined> {
    return this.#request('copy', from, () => {
      const stored = this.#objects.get(from);
      if (stored === undefined || etagOf(stored) !== etag) return undefined;
      this.#objects.set(to, { ...stored, changedMs: Date.now() });
      return etag;
    });
  }

  listObjects(prefix: string): Promise<Listing> {
    const below = prefix === '' ? '' : `${prefix}/`;
    return this.#request('list', prefix, () => {
      const found = [...this.#objects].filter(([key]) => key.startsWith(below));
      const isBelow = (key: string): boolean => key.includes('/', below.length);
      const objects = found.filter(([key]) => !isBelow(key)).map(([key, stored]) => listed(key, stored));
      const folders = found.filter(([key]) => isBelow(key)).map(([key]) => key.slice(below.length).split('/', 1)[0]!);
      return { objects, folders: new Set(folders) };
    });
  }

  list(prefix: string): Promise<string[]> {
    const below = prefix === '' ? '' : `${prefix}/`;
    return this.#request('list', prefix, () => {
      const keys = [...this.#objects.keys()].filter((key) => key.startsWith(below));
      return [...new Set(keys.map((key) => key.slice(below.length).split('/', 1)[0]!))].sort();
    });
  }

  /** A page of two, so that what happens between pages does. */
  async *objects(start: string): AsyncGenerator<ListedObject> {
    const keys = [...this.#objects.keys()].filter((key) => key.startsWith(start)).sort();
    for (let from = 0; from < keys.length; from += 2) {
      const page = await this.#request('list', start, () => keys.slice(from, from + 2));
      for (const key of page) {
        const stored = this.#objects.get(key);
        if (stored !== undefined) yield listed(key, stored);
      }
    }
  }

  /** All keys, and what is in them as text. */
  texts(): ReadonlyMap<string, string> {
    return new Map([...this.#objects].map(([key, { bytes }]) => [key, bytes.toString('latin1')]));
  }

  delete(key: string): Promise<void> {
    return this.#request('delete', key, () => {
      this.#objects.delete(key);
    });
  }

  deleteVersion(key: string, etag: string): Promise<boolean> {
    return this.#request('delete', key, () => {
      const stored = this.#objects.get(key);
      if (stored !== undefined && etagOf(stored) !== etag) return false;
      this.#objects.delete(key);
      return true;
    });
  }

  askToDelete(): Promise<void> {
    return this.#request('delete', '', () => undefined);
  }

  async deleteBelow(prefix: string): Promise<boolean> {
    const keys = await this.#request('list', prefix, () =>
      [...this.#objects.keys()].filter((key) => key.startsWith(`${prefix}/`)),
    );
    if (keys.length > 0) {
      await this.#request('delete', prefix, () => {
        for (const key of keys) this.#objects.delete(key);
      });
    }
    return keys.length > 0;
  }

  async #request<T>(kind: Kind, key: string, act: () => T): Promise<T> {
    this.requests++;
    const fault = this.fault(kind, key);
    await Promise.resolve();
    if (fault === 'before') throw new Error('503 SlowDown');
    const result = act();
    if (fault === 'after') throw new Error('the answer was lost');
    return result;
  }
}

const etagOf = ({ bytes }: Pick<Stored, 'bytes'>): string => createHash('md5').update(bytes).digest('hex');

const listed = (key: string, stored: Stored): ListedObject => ({
  ...{ key, bytes: stored.bytes.length },
  ...{ etag: etagOf(stored), changedMs: stored.changedMs },
});
