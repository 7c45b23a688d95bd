/**
 * A bucket behind the AWS SDK: Amazon S3, or a service that is compatible with it. What is safe to repeat is repeated; a conditional write is sent
 * once, and whoever asked for it finds out what became of it.
 */
import { Readable } from 'node:stream';
import type { GetObjectCommandOutput, S3Client } from '@aws-sdk/client-s3';
import { Fault } from '../../domain/failure.ts';
import type { Bucket, ListedObject, ObjectHead, Pieces, PutOptions, StoredObject } from './bucket.ts';
import { bucketFault, codeOf, statusOf } from './bucket-fault.ts';
import type { S3Place, Sdk } from './s3-client.ts';
import { clientsOf, loadSdk } from './s3-client.ts';
import { copyInParts, LARGE_MS, LARGEST_COPY_BYTES } from './s3-copy.ts';

const PART_BYTES = 8 * 1024 * 1024;
const TRIES = 4;
const WRITER = 'wds-writer';

/** Throws Fault `config` where the SDK is not installed. Nothing is asked of the service yet. */
export async function openBucket(place: S3Place): Promise<Bucket> {
  return new S3Bucket(await loadSdk(), place);
}

class S3Bucket implements Bucket {
  readonly place: string;
  keepsVersions = false;
  readonly #sdk: Sdk;
  readonly #bucket: string;
  readonly #prefix: string;
  readonly #client: S3Client;
  /** Repeats nothing. */
  readonly #once: S3Client;

  constructor(sdk: Sdk, place: S3Place) {
    const { bucket, prefix } = place;
    this.#sdk = sdk;
    this.#bucket = bucket;
    this.#prefix = prefix === '' ? '' : `${prefix}/`;
    this.place = `s3://${bucket}${prefix === '' ? '' : `/${prefix}`}`;
    const { repeating, once } = clientsOf(sdk, place);
    this.#client = repeating;
    this.#once = once;
  }

  #at(key: string): { Bucket: string; Key: string } {
    return { Bucket: this.#bucket, Key: this.#prefix + key };
  }

  async #asking<T>(doing: string, key: string, ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      throw bucketFault(doing, `${this.place}/${key}`, error);
    }
  }

  async get(key: string): Promise<StoredObject | undefined> {
    return this.#read(key, undefined);
  }

  async getRange(key: string, start: number, end: number): Promise<Buffer | undefined> {
    if (end <= start) return (await this.head(key)) && Buffer.alloc(0);
    return (await this.#read(key, `bytes=${start}-${end - 1}`))?.bytes;
  }

  /** The SDK repeats a request that fails before its answer begins; one that breaks off later is repeated here. */
  #read(key: string, range: string | undefined): Promise<StoredObject | undefined> {
    return this.#asking('read', key, async () => {
      for (let tries = 1; ; tries++) {
        const answer = await this.#open(key, range);
        if (answer === undefined) return undefined;
        if (answer === 'beyond') return { bytes: Buffer.alloc(0), etag: '' };
        try {
          const bytes = Buffer.from((await answer.Body?.transformToByteArray()) ?? []);
          return { bytes, etag: answer.ETag ?? '' };
        } catch (error) {
          if (tries === TRIES) throw error;
        }
      }
    });
  }

  /** `beyond`: the range lies beyond the end. */
  async #open(key: string, range?: string, etag?: string): Promise<GetObjectCommandOutput | undefined | 'beyond'> {
    const only = { ...(range === undefined ? {} : { Range: range }), ...(etag === undefined ? {} : { IfMatch: etag }) };
    try {
      return await this.#client.send(new this.#sdk.GetObjectCommand({ ...this.#at(key), ...only }));
    } catch (error) {
      if (codeOf(error) === 'NoSuchKey' || codeOf(error) === 'NotFound') return undefined;
      if (statusOf(error) === 416) return 'beyond';
      throw error;
    }
  }

  async *stream(key: string, start: number): AsyncGenerator<Buffer> {
    let at = start;
    let etag: string | undefined;
    for (let tries = 1; ; tries++) {
      try {
        const answer = await this.#open(key, at === 0 ? undefined : `bytes=${at}-`, etag);
        if (answer === undefined) throw new Fault('store', `${this.place}/${key} is not there`, 'Restore it.');
        if (answer === 'beyond') return;
        etag = answer.ETag;
        for await (const piece of answer.Body as AsyncIterable<Buffer>) {
          at += piece.length;
          tries = 0;
          yield piece;
        }
        return;
      } catch (error) {
        if (tries >= TRIES || statusOf(error) !== undefined) throw bucketFault('read', `${this.place}/${key}`, error);
      }
    }
  }

  head(key: string): Promise<ObjectHead | undefined> {
    return this.#asking('look for', key, async () => {
      try {
        const found = await this.#client.send(new this.#sdk.HeadObjectCommand(this.#at(key)));
        return { sizeBytes: found.ContentLength ?? 0, writer: found.Metadata?.[WRITER] };
      } catch (error) {
        if (statusOf(error) === 404) return undefined;
        throw error;
      }
    });
  }

  put(key: string, body: string | Uint8Array, { only, writer }: PutOptions = {}): Promise<string | 'conflict'> {
    return this.#asking('write', key, async () => {
      const condition = only === undefined ? {} : only === 'absent' ? { IfNoneMatch: '*' } : { IfMatch: only.etag };
      const named = writer === undefined ? {} : { Metadata: { [WRITER]: writer } };
      const Body = typeof body === 'string' ? Buffer.from(body) : body;
      const client = only === undefined ? this.#client : this.#once;
      const command = new this.#sdk.PutObjectCommand({
        ...this.#at(key),
        Body,
        ContentLength: Body.length,
        ...condition,
        ...named,
      });
      try {
        return (await client.send(command)).ETag ?? '';
      } catch (error) {
        const status = statusOf(error);
        // 404: what was to be replaced is not there; 409: somebody else writes at this very moment.
        const isConflict = status === 412 || status === 409 || (status === 404 && codeOf(error) === 'NoSuchKey');
        if (only !== undefined && isConflict) return 'conflict';
        throw error;
      }
    });
  }

  async upload(key: string, source: Pieces): Promise<void> {
    // What the source throws is its own, and no fault of the service.
    const thrown: unknown[] = [];
    const pieces = async function* (): AsyncGenerator<Buffer> {
      try {
        for await (const piece of source) yield typeof piece === 'string' ? Buffer.from(piece) : asBuffer(piece);
      } catch (error) {
        thrown.push(error);
        throw error;
      }
    };
    const params = { ...this.#at(key), Body: Readable.from(pieces(), { objectMode: false }) };
    const upload = new this.#sdk.Upload({ client: this.#client, params, queueSize: 2, partSize: PART_BYTES });
    await upload.done().catch((error: unknown) => {
      throw thrown[0] ?? bucketFault('write', `${this.place}/${key}`, error);
    });
  }

  async copy(from: string, to: string): Promise<void> {
    const head = await this.head(from);
    if (head === undefined) throw new Fault('store', `${this.place}/${from} is not there`, 'It is written again.');
    const source = `${this.#bucket}/${this.#prefix}${from}`.split('/').map(encodeURIComponent).join('/');
    await this.#asking('copy to', to, async () => {
      if (head.sizeBytes > LARGEST_COPY_BYTES) {
        return copyInParts({
          sdk: this.#sdk,
          client: this.#client,
          source,
          to: this.#at(to),
          sizeBytes: head.sizeBytes,
        });
      }
      const command = new this.#sdk.CopyObjectCommand({ ...this.#at(to), CopySource: source });
      await this.#client.send(command, { requestTimeout: LARGE_MS });
    });
  }

  list(prefix: string): Promise<string[]> {
    const below = `${this.#prefix}${prefix}${prefix === '' ? '' : '/'}`;
    return this.#asking('list', prefix, async () => {
      const names = new Set<string>();
      for await (const page of this.#pages(below, '/')) {
        for (const { Key = '' } of page.Contents ?? []) names.add(Key.slice(below.length));
        for (const { Prefix = '' } of page.CommonPrefixes ?? []) names.add(Prefix.slice(below.length, -1));
      }
      names.delete('');
      return [...names].sort();
    });
  }

  async *objects(start: string): AsyncGenerator<ListedObject> {
    try {
      for await (const { Contents = [] } of this.#pages(this.#prefix + start)) {
        for (const { Key = '', Size = 0, LastModified } of Contents) {
          // What does not say when it was written is never old.
          const changedMs = LastModified?.getTime() ?? Number.POSITIVE_INFINITY;
          yield { key: Key.slice(this.#prefix.length), bytes: Size, changedMs };
        }
      }
    } catch (error) {
      throw bucketFault('list', `${this.place}/${start}`, error);
    }
  }

  #pages(below: string, delimiter?: string) {
    const { paginateListObjectsV2 } = this.#sdk;
    const request = {
      Bucket: this.#bucket,
      Prefix: below,
      ...(delimiter === undefined ? {} : { Delimiter: delimiter }),
    };
    return paginateListObjectsV2({ client: this.#client }, request);
  }

  delete(key: string): Promise<void> {
    return this.#asking('delete', key, async () => {
      const { VersionId = 'null' } = await this.#client.send(new this.#sdk.DeleteObjectCommand(this.#at(key)));
      this.keepsVersions ||= VersionId !== 'null';
    });
  }

  deleteBelow(prefix: string): Promise<boolean> {
    return this.#asking('delete', prefix, async () => {
      let found = false;
      for await (const { Contents = [] } of this.#pages(`${this.#prefix}${prefix}/`)) {
        if (Contents.length === 0) continue;
        found = true;
        const Objects = Contents.map(({ Key }) => ({ Key }));
        const command = new this.#sdk.DeleteObjectsCommand({ Bucket: this.#bucket, Delete: { Objects, Quiet: true } });
        const { Errors = [] } = await this.#client.send(command);
        if (Errors[0] !== undefined) throw Object.assign(new Error(Errors[0].Message), { name: Errors[0].Code });
      }
      return found;
    });
  }
}
const asBuffer = (piece: Uint8Array): Buffer =>
  Buffer.isBuffer(piece) ? piece : Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
