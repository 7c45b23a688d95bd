/**
 * The object that holds the receipts of a chunk, as one attempt writes it: each version names its writer and a number, so no two are equal, and a
 * writer that did not hear how its write ended finds out by reading. Nothing retries a conditional write but this file.
 */
import { randomUUID } from 'node:crypto';
import { Fault } from '../domain/failure.ts';
import type { ChunkOf } from './layout.ts';
import { ledgerPrefix } from './layout.ts';

export interface ObjectVersion {
  readonly text: string;
  readonly etag: string;
}

/** What the ledger asks of an object store. A method throws where it is not known what became of the request. */
export interface ObjectStore {
  /** undefined: there is no such object. */
  read(key: string): Promise<ObjectVersion | undefined>;
  /** Writes if the object is still the version `etag` (undefined: if there is none); the new version, or `conflict`. */
  replace(key: string, text: string, etag: string | undefined): Promise<string | 'conflict'>;
  /** Writes, whatever is there. */
  write(key: string, text: string): Promise<void>;
  /** Names directly below a prefix. */
  list(prefix: string): Promise<string[]>;
}

/** The object. */
export interface Content {
  readonly writer: string;
  readonly sequence: number;
  /** The highest that was given out. */
  readonly epoch: number;
  readonly round: number;
  readonly parseKey: string;
  /** What closed journals came to. */
  readonly base: string;
  readonly journals: readonly { readonly epoch: number; readonly text: string }[];
}

interface Version {
  readonly content: Content;
  readonly etag: string;
}

const MOST_TRIES = 100;
export const ledgerKey = (of: ChunkOf): string => `${ledgerPrefix(of)}/ledger`;

export async function readContent(objects: ObjectStore, key: string): Promise<Version | undefined> {
  const version = await objects.read(key);
  return version && { etag: version.etag, content: JSON.parse(version.text) as Content };
}

/** The object of a chunk as one attempt writes it. */
export class ChunkObject {
  readonly of: ChunkOf;
  readonly objects: ObjectStore;
  readonly #writer = randomUUID();
  #sequence = 0;
  /** As this attempt last saw it; undefined: not yet, or it does not know. */
  #known: Version | undefined;

  constructor(objects: ObjectStore, of: ChunkOf) {
    this.objects = objects;
    this.of = of;
  }

  /**
   * Replaces the object by what `next` makes of it, however often others come between. `next` may throw to give up. Resolves when the write is
   * known to have been done.
   */
  async change(
    next: (
      before: Content | undefined,
    ) => Promise<Omit<Content, 'writer' | 'sequence'>> | Omit<Content, 'writer' | 'sequence'>,
  ): Promise<void> {
    const key = ledgerKey(this.of);
    let trouble: unknown;
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const before = this.#known ?? (await readContent(this.objects, key));
      const mark = { writer: this.#writer, sequence: ++this.#sequence };
      const content: Content = { ...(await next(before?.content)), ...mark };
      this.#known = undefined;
      try {
        const etag = await this.objects.replace(key, JSON.stringify(content), before?.etag);
        if (etag !== 'conflict') {
          this.#known = { content, etag };
          return;
        }
      } catch (error) {
        trouble = error;
      }
      // Also after a conflict: the store may have retried on its way what had succeeded.
      const now = await readContent(this.objects, key);
      this.#known = now;
      if (now?.content.writer === mark.writer && now.content.sequence === mark.sequence) return;
    }
    throw new Fault('store', `${key} cannot be written: others are always faster, or it fails`, 'It is tried again.', {
      cause: trouble,
    });
  }
}
