/**
 * What wds asks of the place where files, chunks and receipts live: whole objects (put = PutObject, create = conditional put, readRange =
 * ranged get). Receipts have a port of their own, ledger.ts. Keys are relative, `/`-separated paths made by layout.ts.
 */

/** An append-only object that one writer created and only that writer appends to. */
export interface Journal {
  /** Appends in the order of the calls; when it returns, a crash of this process loses nothing of it. Throws Fault('store'). */
  append(text: string): void;
  /** When it resolves, what was appended before survives a power loss. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

export interface Store {
  /** What was written once stays as long as it is not deleted: nothing is mounted over it. Absent: that is not sure. */
  readonly lasting?: true;
  /** What was deleted was kept as an older version, by the place itself: to be asked after a deletion. Absent: no. */
  readonly keepsVersions?: boolean;
  /** Writes a whole object so that readers see all of it or nothing, also after a power loss. Replaces an earlier one. */
  put(key: string, data: Uint8Array | string): Promise<void>;
  /** The same for data that comes piece by piece. Nothing is visible until the source has ended; a throw leaves nothing. */
  putStream(key: string, source: AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>): Promise<void>;
  /**
   * putStream for a key that is known only when the source has ended, such as a hash of the content. `keyOf` is asked then; undefined:
   * nothing is kept. On S3: an upload to a temporary key, then CopyObject and DeleteObject (a lifecycle rule removes what a crash leaves).
   */
  putHashed(source: AsyncIterable<Uint8Array>, keyOf: () => Promise<string | undefined>): Promise<void>;
  /** undefined: no such object. */
  get(key: string): Promise<Buffer | undefined>;
  /** Bytes start … end (exclusive). Throws Fault('store') where there is no such object or it is shorter. */
  readRange(key: string, start: number, end: number): Promise<Buffer>;
  /** Streams from byte `start` to the end. */
  readFrom(key: string, start: number): AsyncIterable<Buffer>;
  exists(key: string): Promise<boolean>;
  /** Size in bytes; undefined: no such object. */
  size(key: string): Promise<number | undefined>;
  /** Names (last segments) directly below a prefix, sorted; empty where there is none. */
  list(prefix: string): Promise<string[]>;
  delete(key: string): Promise<void>;
  /** Writes a whole object as `put` does, if and only if the key is free. false: somebody has it, and nothing was written. */
  create(key: string, data: string): Promise<boolean>;
}

/** What the ledger in a folder needs besides: files that grow, and a look at a folder that is true at this instant. */
export interface JournalStore extends Store {
  /** Creates a journal if and only if the key is free; undefined: somebody has it. */
  createJournal(key: string): Promise<Journal | undefined>;
  /** Whether there is such a key, now; far cheaper than `namesNow`. Throws as that does. */
  existsNow(key: string): boolean;
  /** Makes what others have written into a journal survive a power loss. */
  syncJournal(key: string): Promise<void>;
  /** Names directly below a prefix, now. Cheap enough for every wave. Throws Fault('store') where that cannot be known. */
  namesNow(prefix: string): string[];
}
