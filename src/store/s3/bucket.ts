/**
 * What wds asks of an object store: whole objects with versions (ETags), writes that hold only if the object is still a certain version, and
 * listing by prefix. Strongly consistent, as S3 is. Keys are relative to the prefix that the store lies under. Every method throws
 * Fault('store') where the service fails; what is safe to repeat was repeated by then.
 */

export interface StoredObject {
  readonly bytes: Buffer;
  readonly etag: string;
}

export interface ObjectHead {
  readonly sizeBytes: number;
  readonly etag: string;
  /** Who wrote it, where the writer gave a name (`PutOptions`). */
  readonly writer: string | undefined;
}

/** One version of an object. */
export type Version = Pick<ObjectHead, 'etag' | 'sizeBytes'>;

/** As a listing shows it; what is there now may be another version. */
export interface ListedObject {
  readonly key: string;
  readonly bytes: number;
  readonly etag: string;
  /** When it was last written, as time of day. */
  readonly changedMs: number;
}

export interface Listing {
  readonly objects: readonly ListedObject[];
  /** Names that other objects lie below. */
  readonly folders: ReadonlySet<string>;
}

/** Thrown where the version that was asked for is not there any more: replaced, or deleted. */
export class VersionGone extends Error {
  constructor(key: string) {
    super(`${key} is not the version any more that was asked for`);
    this.name = 'VersionGone';
  }
}

export interface PutOptions {
  /** Only if the object is still this version; `absent`: only if there is none. Such a write is sent once and never repeated. */
  readonly only?: { readonly etag: string } | 'absent';
  /** Kept with the object: by it a writer that did not hear how its write ended finds out whether it was done. */
  readonly writer?: string;
}

export type Pieces = AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>;

export interface Bucket {
  /** `s3://bucket/prefix`, for people. */
  readonly place: string;
  /** What was deleted or replaced may still be there as an older version: the bucket keeps them, as the answer to a deletion has told. */
  readonly keepsVersions: boolean;
  /** undefined: there is no such object. */
  get(key: string): Promise<StoredObject | undefined>;
  /** Bytes start … end (exclusive); fewer where the object is shorter. undefined: there is no such object. */
  getRange(key: string, start: number, end: number): Promise<Buffer | undefined>;
  /** From byte `start` to the end. Throws where there is no such object, or it is replaced meanwhile; VersionGone where it is not the one of `etag`. */
  stream(key: string, start: number, etag?: string): AsyncIterable<Buffer>;
  head(key: string): Promise<ObjectHead | undefined>;
  /** The ETag of the new version; `conflict`: the condition does not hold, and nothing was written. */
  put(key: string, body: string | Uint8Array, options?: PutOptions): Promise<string | 'conflict'>;
  /** An object of any size. Nothing is visible until the source has ended; a throw leaves nothing. */
  upload(key: string, source: Pieces): Promise<void>;
  /** Within the service, whatever the size. */
  copy(from: string, to: string): Promise<void>;
  /** The same of one version: the ETag of the copy. undefined: it is not there any more, and nothing was copied. */
  copyVersion(from: string, to: string, version: Version): Promise<string | undefined>;
  /** Objects directly below a prefix, in the order of their keys; about `most` of them. */
  listObjects(prefix: string, most: number): Promise<Listing>;
  /** Names directly below a prefix, sorted, also those that others lie below. */
  list(prefix: string): Promise<string[]>;
  /** All objects whose keys begin with `start`, a thousand a request; mostly in the order of their keys. */
  objects(start: string): AsyncIterable<ListedObject>;
  delete(key: string): Promise<void>;
  /**
   * One object, if it is that version still. False: another one is there, and stays. A service that knows no conditional deletes is asked right
   * before, and then has the moment in between.
   */
  deleteVersion(key: string, etag: string): Promise<boolean>;
  /** Whether objects may be deleted: throws Fault `store` where not. Deletes nothing. */
  askToDelete(): Promise<void>;
  /** All objects below a prefix; whether there were any. */
  deleteBelow(prefix: string): Promise<boolean>;
}
