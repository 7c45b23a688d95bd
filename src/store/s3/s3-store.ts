/**
 * The store in a bucket: any number of hosts share it, and need nothing else in common. Whole objects only; what is to be there once is written
 * on condition that it is absent, and a writer that did not hear how that ended finds out by looking whose object is there.
 */
import { randomUUID } from 'node:crypto';
import { Fault } from '../../domain/failure.ts';
import type { ObjectStore, ObjectVersion } from '../chunk-object.ts';
import type { Store } from '../store.ts';
import type { Bucket, Pieces } from './bucket.ts';

/** What is smaller is kept in memory until its key is known: one request instead of four. */
const SMALL_BYTES = 8 * 1024 * 1024;
const INCOMING = 'incoming';
const MOST_TRIES = 5;

export class S3Store implements Store {
  readonly lasting = true;
  readonly #bucket: Bucket;

  constructor(bucket: Bucket) {
    this.#bucket = bucket;
  }

  get keepsVersions(): boolean {
    return this.#bucket.keepsVersions;
  }

  async put(key: string, data: Uint8Array | string): Promise<void> {
    await this.#bucket.put(key, data);
  }

  putStream(key: string, source: Pieces): Promise<void> {
    return this.#bucket.upload(key, source);
  }

  async putHashed(source: AsyncIterable<Uint8Array>, keyOf: () => Promise<string | undefined>): Promise<void> {
    const pieces = source[Symbol.asyncIterator]();
    const first: Uint8Array[] = [];
    let bytes = 0;
    while (bytes < SMALL_BYTES) {
      const { done, value } = await pieces.next();
      if (done) {
        const key = await keyOf();
        if (key !== undefined) await this.put(key, Buffer.concat(first));
        return;
      }
      first.push(value);
      bytes += value.length;
    }
    const all = async function* (): AsyncGenerator<Uint8Array> {
      for (let piece = first.shift(); piece !== undefined; piece = first.shift()) yield piece;
      for (let next = await pieces.next(); !next.done; next = await pieces.next()) yield next.value;
    };
    const incoming = `${INCOMING}/${randomUUID()}`;
    await this.putStream(incoming, all());
    try {
      const key = await keyOf();
      if (key !== undefined) await this.#bucket.copy(incoming, key);
    } finally {
      await this.#bucket.delete(incoming).catch(() => undefined);
    }
  }

  async get(key: string): Promise<Buffer | undefined> {
    return (await this.#bucket.get(key))?.bytes;
  }

  async readRange(key: string, start: number, end: number): Promise<Buffer> {
    const bytes = await this.#bucket.getRange(key, start, end);
    if (bytes?.length === end - start) return bytes;
    const what = bytes === undefined ? 'is not there' : 'is shorter than its index says';
    throw new Fault('store', `${this.#bucket.place}/${key} ${what}`, 'Restore the object from a copy.');
  }

  readFrom(key: string, start: number): AsyncIterable<Buffer> {
    return this.#bucket.stream(key, start);
  }

  async exists(key: string): Promise<boolean> {
    return (await this.#bucket.head(key)) !== undefined;
  }

  async size(key: string): Promise<number | undefined> {
    return (await this.#bucket.head(key))?.sizeBytes;
  }

  list(prefix: string): Promise<string[]> {
    return this.#bucket.list(prefix);
  }

  /** Nothing is an object and has others below it. Of what is not there a bucket with versions would keep the word that it was deleted. */
  async delete(key: string): Promise<void> {
    if (!(await this.#bucket.deleteBelow(key))) await this.#bucket.delete(key);
  }

  async create(key: string, data: string): Promise<boolean> {
    const writer = randomUUID();
    for (let tries = 1; ; tries++) {
      let trouble: unknown;
      try {
        if ((await this.#bucket.put(key, data, { only: 'absent', writer })) !== 'conflict') return true;
      } catch (error) {
        trouble = error;
      }
      // Also after a conflict: something on the way may have sent again what had succeeded.
      const there = await this.#bucket.head(key);
      if (there !== undefined) return there.writer === writer;
      if (tries === MOST_TRIES) throw trouble ?? new Fault('store', `${key} cannot be created`, 'It is tried again.');
    }
  }
}

/** What the ledger asks (chunk-object.ts). */
export class BucketObjects implements ObjectStore {
  readonly #bucket: Bucket;

  constructor(bucket: Bucket) {
    this.#bucket = bucket;
  }

  async read(key: string): Promise<ObjectVersion | undefined> {
    const object = await this.#bucket.get(key);
    return object && { text: object.bytes.toString('utf8'), etag: object.etag };
  }

  replace(key: string, text: string, etag: string | undefined): Promise<string | 'conflict'> {
    return this.#bucket.put(key, text, { only: etag === undefined ? 'absent' : { etag } });
  }

  async write(key: string, text: string): Promise<void> {
    await this.#bucket.put(key, text);
  }
}
