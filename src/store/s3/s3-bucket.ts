/**
 * A bucket behind the AWS SDK: Amazon S3, or a service that is compatible with it. What is safe to repeat is repeated; a conditional write is sent
 * once, and whoever asked for it finds out what became of it.
 */
import { randomUUID } from 'node:crypto';
import type { GetObjectCommandOutput, S3Client } from '@aws-sdk/client-s3';
import { Fault } from '../../domain/failure.ts';
import type { Bucket, ListedObject, Listing, ObjectHead, Pieces, PutOptions, StoredObject, Version } from './bucket.ts';
import { VersionGone } from './bucket.ts';
import { bucketFault, codeOf, isGone, statusOf } from './bucket-fault.ts';
import { NO_VERSION } from './conditions.ts';
import { copyObject } from './copy-object.ts';
import { deleteBelow, deleteVersion } from './delete-objects.ts';
import { listDirectlyBelow, pagesOf } from './list-objects.ts';
import type { S3Place, Sdk } from './s3-client.ts';
import { clientsOf, loadSdk } from './s3-client.ts';
import { uploadObject } from './upload-object.ts';

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

  async *stream(key: string, start: number, version?: string): AsyncGenerator<Buffer> {
    let at = start;
    let etag = version;
    for (let tries = 1; ; tries++) {
      try {
        const answer = await this.#open(key, at === 0 ? undefined : `bytes=${at}-`, etag);
        if (answer === undefined && version !== undefined) throw new VersionGone(key);
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
        if (version !== undefined && (isGone(error) || error instanceof VersionGone)) throw new VersionGone(key);
        if (tries >= TRIES || statusOf(error) !== undefined) throw bucketFault('read', `${this.place}/${key}`, error);
      }
    }
  }

  head(key: string): Promise<ObjectHead | undefined> {
    return this.#asking('look for', key, async () => {
      try {
        const found = await this.#client.send(new this.#sdk.HeadObjectCommand(this.#at(key)));
        return { sizeBytes: found.ContentLength ?? 0, etag: found.ETag ?? '', writer: found.Metadata?.[WRITER] };
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

  upload(key: string, source: Pieces): Promise<void> {
    return uploadObject(this.#sdk, this.#client, this.#at(key), source, (error) =>
      bucketFault('write', `${this.place}/${key}`, error),
    );
  }

  async copy(from: string, to: string): Promise<void> {
    const head = await this.head(from);
    if (head === undefined) throw new Fault('store', `${this.place}/${from} is not there`, 'It is written again.');
    await this.#asking('copy to', to, () => this.#copies(from, to, head.sizeBytes));
  }

  async copyVersion(from: string, to: string, version: Version): Promise<string | undefined> {
    return this.#asking('copy to', to, async () => {
      try {
        return await this.#copies(from, to, version.sizeBytes, version.etag);
      } catch (error) {
        if (isGone(error)) return undefined;
        throw error;
      }
    });
  }

  #copies(from: string, to: string, sizeBytes: number, etag?: string): Promise<string> {
    return copyObject(this.#sdk, this.#client, { from: this.#at(from), to: this.#at(to), sizeBytes, etag });
  }

  #below(prefix: string): { Bucket: string; Prefix: string } {
    return { Bucket: this.#bucket, Prefix: `${this.#prefix}${prefix}${prefix === '' ? '' : '/'}` };
  }

  listObjects(prefix: string, most: number): Promise<Listing> {
    return this.#asking('list', prefix, async () => {
      const found = await listDirectlyBelow(this.#sdk, this.#client, this.#below(prefix), most);
      return { ...found, objects: found.objects.map((object) => this.#own(object)) };
    });
  }

  #own(object: ListedObject): ListedObject {
    return { ...object, key: object.key.slice(this.#prefix.length) };
  }

  async list(prefix: string): Promise<string[]> {
    const { objects, folders } = await this.listObjects(prefix, Number.POSITIVE_INFINITY);
    const below = prefix === '' ? 0 : prefix.length + 1;
    return [...new Set([...objects.map(({ key }) => key.slice(below)), ...folders])].sort();
  }

  async *objects(start: string): AsyncGenerator<ListedObject> {
    const below = { Bucket: this.#bucket, Prefix: this.#prefix + start };
    try {
      for await (const { objects } of pagesOf(this.#sdk, this.#client, below))
        for (const object of objects) yield this.#own(object);
    } catch (error) {
      throw bucketFault('list', `${this.place}/${start}`, error);
    }
  }

  async deleteVersion(key: string, etag: string): Promise<boolean> {
    const head = await this.head(key);
    if (head === undefined || head.etag !== etag) return head === undefined;
    return this.#asking('delete', key, () => deleteVersion(this.#sdk, this.#client, this.#at(key), etag));
  }

  askToDelete(): Promise<void> {
    return this.#asking('delete', '', async () => {
      await deleteVersion(this.#sdk, this.#client, this.#at(`.wds/${randomUUID()}`), NO_VERSION);
    });
  }

  delete(key: string): Promise<void> {
    return this.#asking('delete', key, async () => {
      const { VersionId = 'null' } = await this.#client.send(new this.#sdk.DeleteObjectCommand(this.#at(key)));
      this.keepsVersions ||= VersionId !== 'null';
    });
  }

  deleteBelow(prefix: string): Promise<boolean> {
    return this.#asking('delete', prefix, () => deleteBelow(this.#sdk, this.#client, this.#below(prefix)));
  }
}
